/**
 * What is good once: claims, leases and tombstones, shared by all nodes. Entries end after their `ttl` (seconds)
 * and never earlier: a store that is full rejects, it does not evict.
 */
export interface OneTimeStore {
  /** Takes the key if nobody holds it, atomically: of any number of parallel calls exactly one is `true`. */
  claim(key: string, owner: string, ttl: number): Promise<boolean>;
  /** Gives a claim back, if it still is this owner's (compare-and-delete). */
  release(key: string, owner: string): Promise<void>;
  /** Sets the key to a value, whoever held it. */
  put(key: string, value: string, ttl: number): Promise<void>;
  /** The owner or the value; `null` when there is none or it has ended. */
  get(key: string): Promise<string | null>;
}

/** Settings of {@link memoryOneTimeStore}. */
export interface MemoryStoreOptions {
  /** Milliseconds since the epoch. @default Date.now */
  clock?: () => number;
  /** Entries that are kept at most. @default 1_000_000 */
  maxEntries?: number;
}

/** A {@link OneTimeStore} for one process. */
export function memoryOneTimeStore({
  clock = Date.now,
  maxEntries = 1_000_000,
}: MemoryStoreOptions = {}): OneTimeStore {
  const entries = new Map<string, { value: string; endsAt: number }>();
  const live = (key: string) => {
    const entry = entries.get(key);
    return entry !== undefined && entry.endsAt > clock() ? entry : undefined;
  };
  const set = (key: string, value: string, ttl: number) => {
    if (!entries.has(key) && entries.size >= maxEntries) removeEnded(entries, clock());
    if (!entries.has(key) && entries.size >= maxEntries) throw new Error('the one-time store is full');
    entries.set(key, { value, endsAt: clock() + ttl * 1000 });
  };

  return {
    async claim(key, owner, ttl) {
      if (live(key)) return false;
      set(key, owner, ttl);
      return true;
    },
    async release(key, owner) {
      if (live(key)?.value === owner) entries.delete(key);
    },
    async put(key, value, ttl) {
      set(key, value, ttl);
    },
    async get(key) {
      return live(key)?.value ?? null;
    },
  };
}

/** Drops what has ended from a table of entries with an end (milliseconds since the epoch). */
export function removeEnded(entries: Map<string, { endsAt: number }>, now: number): void {
  for (const [key, entry] of entries) if (entry.endsAt <= now) entries.delete(key);
}
