import type { Awaitable } from '../awaitable.js';
import { ExpiringMap } from './expiring-map.js';

/**
 * What is good once: claims, leases and tombstones, shared by all nodes. Entries end after their `ttl` (seconds)
 * and never earlier: a store that is full rejects, it does not evict.
 */
export interface OneTimeStore {
  /** Takes the key if nobody holds it, atomically: of any number of parallel calls exactly one is `true`. */
  claim(key: string, owner: string, ttl: number): Awaitable<boolean>;
  /** Gives a claim back, if it still is this owner's (compare-and-delete). */
  release(key: string, owner: string): Awaitable<void>;
  /** Sets the key to a value, whoever held it. */
  put(key: string, value: string, ttl: number): Awaitable<void>;
  /** The owner or the value; `null` when there is none or it has ended. */
  get(key: string): Awaitable<string | null>;
  /**
   * Several of those, in the order of the keys, where one question costs less than one for each. All keys hold the same
   * `{hash tag}`, so that one node of a cluster has them.
   * @default `get` is asked for each
   */
  getAll?(keys: readonly string[]): Awaitable<readonly (string | null)[]>;
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
  const entries = new ExpiringMap<string>(clock, maxEntries);
  return {
    claim(key, owner, ttl) {
      if (entries.get(key) !== undefined) return false;
      entries.set(key, owner, clock() + ttl * 1000);
      return true;
    },
    release(key, owner) {
      if (entries.get(key) === owner) entries.delete(key);
    },
    put(key, value, ttl) {
      entries.set(key, value, clock() + ttl * 1000);
    },
    get(key) {
      return entries.get(key) ?? null;
    },
  };
}
