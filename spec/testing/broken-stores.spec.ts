import {
  type CounterStore,
  memoryCounterStore,
  memoryOneTimeStore,
  type OneTimeStore,
} from '../../lib/index.js';
import { type ContractCase, counterStoreContract, oneTimeStoreContract } from '../../lib/testing/index.js';
import { type TestClock, testClock } from '../support/clock.js';
import { describeFaults, later } from './faults.js';

/** The suite over the good store with some of its operations changed. */
function oneTime(change: (good: OneTimeStore) => Partial<OneTimeStore>): ContractCase[] {
  const clock = testClock();
  const create = () => {
    const good = memoryOneTimeStore({ clock });
    return { ...good, ...change(good) };
  };
  return oneTimeStoreContract(create, { sleep: async (seconds) => clock.advance(seconds) });
}

describeFaults('oneTimeStoreContract', {
  'claims that look, wait, and then write': {
    cases: oneTime((good) => ({
      async claim(key, owner, ttl) {
        const free = (await good.get(key)) === null;
        await later();
        if (free) await good.put(key, owner, ttl);
        return free;
      },
    })),
    foundBy: [
      'lets exactly one of 50 parallel claims win',
      'lets a key be claimed again after its release, exactly once',
    ],
  },
  'a claim that its owner may make twice': {
    cases: oneTime((good) => ({
      claim: async (key, owner, ttl) =>
        (await good.claim(key, owner, ttl)) || (await good.get(key)) === owner,
    })),
    foundBy: ['lets a key be claimed once, by the same owner too'],
  },
  'a release that asks for no owner': {
    cases: oneTime((good) => ({ release: async (key) => good.release(key, (await good.get(key)) ?? '') })),
    foundBy: [
      'takes a claim back from its owner alone',
      'lets a key be claimed again after its release, exactly once',
    ],
  },
  'a release that does nothing': {
    cases: oneTime(() => ({ release: async () => {} })),
    foundBy: ['lets a key be claimed again after its release, exactly once'],
  },
  'keys that are cut short': {
    cases: oneTime((good) => ({
      claim: (key, owner, ttl) => good.claim(key.slice(0, 5), owner, ttl),
      release: (key, owner) => good.release(key.slice(0, 5), owner),
      get: (key) => good.get(key.slice(0, 5)),
    })),
    foundBy: ['lets 50 parallel claims of different keys all win'],
  },
  'a get that answers undefined': {
    cases: oneTime((good) => ({ get: async (key) => (await good.get(key)) ?? (undefined as never) })),
    foundBy: ['answers null for a key that nobody holds'],
  },
  'several answers in the order of the rows': {
    cases: oneTime((good) => ({
      getAll: async (keys) => Promise.all([...keys].sort().map((key) => good.get(key))),
    })),
    foundBy: ['answers several keys in their order, if it can do that at all'],
  },
  'several answers without those that are none': {
    cases: oneTime((good) => ({
      getAll: async (keys) =>
        (await Promise.all(keys.map((key) => good.get(key)))).filter((value) => value !== null),
    })),
    foundBy: ['answers several keys in their order, if it can do that at all'],
  },
  'a put that respects claims': {
    cases: oneTime((good) => ({
      async put(key, value, ttl) {
        await good.claim(key, value, ttl);
      },
    })),
    foundBy: [
      'puts a value, whoever held the key',
      'lets the last value decide about the time, and a refused claim not at all',
    ],
  },
  'entries that stay for ever': {
    cases: oneTime((good) => ({
      claim: (key, owner) => good.claim(key, owner, 1e6),
      put: (key, value) => good.put(key, value, 1e6),
    })),
    foundBy: ['ends claims and values after their time, and no earlier'],
  },
  'times that are taken for milliseconds': {
    cases: oneTime((good) => ({
      claim: (key, owner, ttl) => good.claim(key, owner, ttl / 1000),
      put: (key, value, ttl) => good.put(key, value, ttl / 1000),
    })),
    foundBy: ['ends claims and values after their time, and no earlier'],
  },
  'refused claims that prolong the one that holds': {
    cases: oneTime((good) => ({
      async claim(key, owner, ttl) {
        const holder = await good.get(key);
        await good.put(key, holder ?? owner, ttl);
        return holder === null;
      },
    })),
    foundBy: ['lets the last value decide about the time, and a refused claim not at all'],
  },
  'keys that are properties of an object': {
    cases: oneTime(() => inObject()),
    foundBy: ['takes any text for a key'],
  },
});

/** Claims in a plain object, whose prototype is in the way. */
function inObject(): Partial<OneTimeStore> {
  const entries: Record<string, unknown> = {};
  return {
    async claim(key, owner) {
      if (entries[key] !== undefined) return false;
      entries[key] = owner;
      return true;
    },
    get: async (key) => (entries[key] === undefined ? null : String(entries[key])),
  };
}

/** The suite over the good store with some of its operations changed. */
function counters(change: (good: CounterStore, clock: TestClock) => Partial<CounterStore>): ContractCase[] {
  const clock = testClock();
  const create = () => {
    const good = memoryCounterStore({ clock });
    return { ...good, ...change(good, clock) };
  };
  return counterStoreContract(create, { sleep: async (seconds) => clock.advance(seconds) });
}

describeFaults('counterStoreContract', {
  'increments that look, wait, and then write': {
    cases: counters((_, clock) => inMap(clock, { waits: true })),
    foundBy: ['gives 100 parallel increments 100 counts'],
  },
  'decrements that look, wait, and then write': {
    cases: counters((_, clock) => inMap(clock, { waits: true })),
    foundBy: ['loses none of 30 parallel decrements'],
  },
  'one counter for all keys': {
    cases: counters((good) => ({
      increment: (_, window) => good.increment('', window),
      get: () => good.get(''),
    })),
    foundBy: ['counts from one, each key for itself', 'takes any text for a key'],
  },
  'a look that opens a counter': {
    cases: counters((good) => ({
      get: async (key) =>
        (await good.get(key)) ?? { count: (await good.increment(key, 60)).count - 1, endsIn: 0 },
    })),
    foundBy: ['answers null for a counter that was never opened, and opens none by a look'],
  },
  'a window that is told in seconds': {
    cases: counters((good) => ({
      async increment(key, window) {
        const { count, endsIn } = await good.increment(key, window);
        return { count, endsIn: endsIn / 1000 };
      },
    })),
    foundBy: [
      'says in milliseconds when the window ends',
      'takes nothing from a counter that was never opened, and opens none',
    ],
  },
  'a window that slides': {
    cases: counters((_, clock) => inMap(clock, { slides: true })),
    foundBy: ['opens a window with the first increment, and does not slide it'],
  },
  'counters below zero': {
    cases: counters((_, clock) => inMap(clock, { belowZero: true })),
    foundBy: [
      'takes one back, and never goes below zero',
      'takes nothing from a counter that was never opened, and opens none',
    ],
  },
  'a clear of everything that begins so': {
    cases: counters((good) => ({
      async clear(key) {
        await Promise.all([good.clear(key), good.clear(`${key} 2`)]);
      },
    })),
    foundBy: ['clears a counter, and no other'],
  },
});

/** Counters in a map, wrong in one way or another. */
function inMap(
  clock: TestClock,
  { waits = false, slides = false, belowZero = false },
): Partial<CounterStore> {
  const rows = new Map<string, { count: number; endsAt: number }>();
  const live = (key: string) => {
    const row = rows.get(key);
    return row !== undefined && row.endsAt > clock() ? row : undefined;
  };
  const counted = ({ count, endsAt }: { count: number; endsAt: number }) => ({
    count,
    endsIn: endsAt - clock(),
  });
  return {
    async increment(key, window) {
      const row = live(key) ?? { count: 0, endsAt: clock() + window * 1000 };
      if (waits) await later();
      const next = { count: row.count + 1, endsAt: slides ? clock() + window * 1000 : row.endsAt };
      rows.set(key, next);
      return counted(next);
    },
    async decrement(key) {
      const row = live(key);
      if (waits) await later();
      if (row === undefined && !belowZero) return;
      const count = (row?.count ?? 0) - 1;
      rows.set(key, {
        count: belowZero ? count : Math.max(0, count),
        endsAt: row?.endsAt ?? clock() + 60_000,
      });
    },
    async get(key) {
      const row = live(key);
      return row === undefined ? null : counted(row);
    },
  };
}
