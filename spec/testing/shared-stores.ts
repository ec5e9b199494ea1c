import { memoryOneTimeStore, memorySessionIndex, memorySessionStore } from '../../lib/index.js';
import type { SharedStores } from '../../lib/testing/index.js';
import { withLatency } from '../support/latency.js';

/** What two nodes share, in memory. `clock` is in milliseconds since the epoch. */
export const inMemory = (clock: () => number = Date.now): SharedStores => ({
  store: memorySessionStore(),
  oneTime: memoryOneTimeStore({ clock }),
  index: memorySessionIndex({ clock }),
});

/** The same stores, a few milliseconds away. */
export function slow({ store, oneTime, index }: SharedStores): SharedStores {
  const quick = { least: 0, most: 8 };
  return {
    store: withLatency(store, { callbacks: true, ...quick }),
    oneTime: withLatency(oneTime, quick),
    index: withLatency(index, quick),
  };
}
