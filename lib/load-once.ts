/**
 * Loads a library when it is first needed, and keeps it. Node finds it again by itself, in four microseconds; but where the
 * process has a loader, as tsx and tracers bring one, that is asked each time, which took 220.
 */
export function loadOnce<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () => {
    loaded ??= load().catch((error: unknown) => {
      loaded = undefined;
      throw error;
    });
    return loaded;
  };
}
