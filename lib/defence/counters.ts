import type { Awaitable } from '../awaitable.js';
import { ExpiringMap } from './expiring-map.js';
import type { MemoryStoreOptions } from './one-time.js';

/** A counter as it stands: how far it is, and the milliseconds until its window ends. */
export interface Count {
  count: number;
  endsIn: number;
}

/**
 * Counters in fixed windows, shared by all nodes. The first increment of a counter opens its window, and with
 * the window's end the counter is gone.
 */
export interface CounterStore {
  /** Adds one, atomically, and answers the new count. `window` is in seconds. */
  increment(key: string, window: number): Awaitable<Count>;
  /** Takes one back, atomically; never below zero, and nothing happens when the window has ended. */
  decrement(key: string): Awaitable<void>;
  /** The counter, or `null` when its window has ended or never opened. */
  get(key: string): Awaitable<Count | null>;
  /** Removes the counter. */
  clear(key: string): Awaitable<void>;
}

/**
 * A {@link CounterStore} for one process. At `maxEntries` live counters it throws rather than forget one, since a
 * forgotten counter is a fresh set of guesses.
 */
export function memoryCounterStore({
  clock = Date.now,
  maxEntries = 1_000_000,
}: MemoryStoreOptions = {}): CounterStore {
  const counters = new ExpiringMap<{ count: number }>(clock, maxEntries);
  return {
    increment(key, window) {
      const counter = counters.get(key) ?? { count: 0 };
      if (counter.count === 0) counters.set(key, counter, clock() + window * 1000);
      counter.count += 1;
      return { count: counter.count, endsIn: counters.endsIn(key) };
    },
    decrement(key) {
      const counter = counters.get(key);
      if (counter === undefined) return;
      counter.count -= 1;
      if (counter.count === 0) counters.delete(key);
    },
    get(key) {
      const counter = counters.get(key);
      return counter === undefined ? null : { count: counter.count, endsIn: counters.endsIn(key) };
    },
    clear(key) {
      counters.delete(key);
    },
  };
}
