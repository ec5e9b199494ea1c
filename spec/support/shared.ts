import {
  type CounterStore,
  memoryCounterStore,
  memoryOneTimeStore,
  memorySessionIndex,
  memorySessionStore,
  type OneTimeStore,
  type SessionIndex,
  type SessionStore,
} from '../../lib/index.js';
import type { TestClock } from './clock.js';
import { type Faults, withFaults } from './faults.js';
import { withLatency } from './latency.js';

/** What the nodes of one deployment share, breakable and open to a look. */
export interface Shared {
  store: SessionStore;
  stores: { oneTime: OneTimeStore; counters: CounterStore; index: SessionIndex };
  faults: Record<'store' | 'oneTime' | 'counters' | 'index', Faults>;
  /** The rows that are in the session store now, by their keys there. */
  rows: ReadonlyMap<string, unknown>;
}

/** Stores in memory; with `latency` each call takes 5 to 20 ms, as over a network. */
export function sharedStores(clock: TestClock, { latency = false } = {}): Shared {
  const over = <T extends object>(target: T, callbacks: boolean): T =>
    latency ? withLatency(target, { callbacks }) : target;
  const rows = new Map<string, unknown>();
  const store = withFaults(over(watched(memorySessionStore(), rows), true), { callbacks: true });
  const oneTime = withFaults(over(memoryOneTimeStore({ clock }), false));
  const counters = withFaults(over(memoryCounterStore({ clock }), false));
  const index = withFaults(over(memorySessionIndex({ clock }), false));
  return {
    store: store.wrapped,
    stores: { oneTime: oneTime.wrapped, counters: counters.wrapped, index: index.wrapped },
    faults: { store: store.faults, oneTime: oneTime.faults, counters: counters.faults, index: index.faults },
    rows,
  };
}

function watched(store: SessionStore, rows: Map<string, unknown>): SessionStore {
  return {
    get: (sid, callback) => store.get(sid, callback),
    set(sid, session, callback) {
      store.set(sid, session, (error) => {
        if (!error) rows.set(sid, JSON.parse(JSON.stringify(session)));
        callback?.(error);
      });
    },
    destroy(sid, callback) {
      store.destroy(sid, (error) => {
        if (!error) rows.delete(sid);
        callback?.(error);
      });
    },
  };
}
