/**
 * Loads a library when it is first needed, and keeps it: Node would find it again by itself, but looks for it on the disk
 * or asks a loader each time, which costs a sign-in as much as verifying a signature.
 */
export function library<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () => {
    loaded ??= load().catch((error: unknown) => {
      loaded = undefined;
      throw error;
    });
    return loaded;
  };
}
