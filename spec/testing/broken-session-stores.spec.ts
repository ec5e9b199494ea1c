import {
  memorySessionIndex,
  memorySessionStore,
  type SessionIndex,
  type SessionStore,
} from '../../lib/index.js';
import { type ContractCase, sessionIndexContract, sessionStoreContract } from '../../lib/testing/index.js';
import { type TestClock, testClock } from '../support/clock.js';
import { describeFaults, later } from './faults.js';

/** The suite over the good index with some of its operations changed. */
function index(change: (good: SessionIndex, clock: TestClock) => Partial<SessionIndex>): ContractCase[] {
  const clock = testClock();
  const create = () => {
    const good = memorySessionIndex({ clock });
    return { ...good, ...change(good, clock) };
  };
  return sessionIndexContract(create, { clock, sleep: async (seconds) => clock.advance(seconds) });
}

describeFaults('sessionIndexContract', {
  'a limit that is forgotten': {
    cases: index((good) => ({ add: (entity, key, endsAt) => good.add(entity, key, endsAt, 1e9) })),
    foundBy: [
      'keeps entities apart, whatever they are called',
      'evicts those that end soonest beyond the limit, and answers their keys',
      'leaves exactly the limit after 20 parallel additions, and answers each that it evicted once',
    ],
  },
  'the order of arrival': {
    cases: index((_, clock) => inLists(clock, {})),
    foundBy: [
      'lists the sessions of an entity, those that end soonest first',
      'evicts those that end soonest beyond the limit, and answers their keys',
    ],
  },
  'a session that is filed twice': {
    cases: index((_, clock) => inLists(clock, { sorts: true })),
    foundBy: ['files a session anew with a later end, and evicts none for that'],
  },
  'a removal that empties the entity': {
    cases: index((good) => ({
      async remove(entity) {
        for (const key of await good.list(entity)) await good.remove(entity, key);
      },
    })),
    foundBy: ['takes a session out, and does not mind when there is none'],
  },
  'what has ended, listed and counted': {
    cases: index(() => memorySessionIndex({ clock: () => 0 })),
    foundBy: [
      'does not list what has ended, and lists what was filed anew',
      'does not count what has ended against the limit',
    ],
  },
  'a limit that may take the one that was added': {
    cases: index((good) => ({
      async add(entity, key, endsAt, limit) {
        await good.add(entity, key, endsAt, 1e9);
        const keys = await good.list(entity);
        const evicted = keys.slice(0, Math.max(0, keys.length - limit));
        for (const each of evicted) await good.remove(entity, each);
        return evicted;
      },
    })),
    foundBy: ['never evicts the one that was added, even when it ends soonest'],
  },
  'a limit that is looked at before it is kept': {
    cases: index((good) => ({
      async add(entity, key, endsAt, limit) {
        await good.add(entity, key, endsAt, 1e9);
        const keys = (await good.list(entity)).filter((each) => each !== key);
        await later();
        const evicted = keys.slice(0, Math.max(0, keys.length + 1 - limit));
        for (const each of evicted) await good.remove(entity, each);
        return evicted;
      },
    })),
    foundBy: ['leaves exactly the limit after 20 parallel additions, and answers each that it evicted once'],
  },
});

/** Sessions in one list for each entity, in which a session may stand twice. */
function inLists(clock: TestClock, { sorts = false }): SessionIndex {
  const lists = new Map<string, { key: string; endsAt: number }[]>();
  const live = (entity: string) => {
    const rows = (lists.get(entity) ?? []).filter(({ endsAt }) => endsAt > clock());
    return sorts ? rows.sort((one, other) => one.endsAt - other.endsAt) : rows;
  };
  return {
    async add(entity, key, endsAt, limit) {
      const before = live(entity);
      const evicted = before.slice(0, Math.max(0, before.length + 1 - limit)).map((row) => row.key);
      lists.set(entity, [...before.filter((row) => !evicted.includes(row.key)), { key, endsAt }]);
      return evicted;
    },
    async remove(entity, key) {
      lists.set(
        entity,
        live(entity).filter((row) => row.key !== key),
      );
    },
    list: async (entity) => live(entity).map(({ key }) => key),
  };
}

/** The suite over the good store with some of its operations changed. */
const sessions = (change: (good: SessionStore) => Partial<SessionStore>) =>
  sessionStoreContract(() => {
    const good = memorySessionStore();
    return { ...good, ...change(good) };
  });

describeFaults('sessionStoreContract', {
  'objects that are shared, and rows that stay for ever': {
    cases: sessions(() => {
      const rows = new Map<string, unknown>();
      return {
        get: (sid, callback) => callback(null, rows.get(sid)),
        set: (sid, row, callback) => {
          rows.set(sid, row);
          callback?.();
        },
        destroy: (sid, callback) => {
          rows.delete(sid);
          callback?.();
        },
      };
    }),
    foundBy: [
      'shares no object with whoever sets a row',
      'shares no object with whoever gets a row',
      'ends a row with the cookie that was set last, and no earlier',
    ],
  },
  'rows that are merged': {
    cases: sessions((good) => ({
      set: (sid, row, callback) =>
        good.get(sid, (_, before) => good.set(sid, Object.assign({}, before, row), callback)),
    })),
    foundBy: ['replaces a row as a whole'],
  },
  'only strings in a row': {
    cases: sessions((good) => ({
      get: (sid, callback) =>
        good.get(sid, (error, row) => {
          const texts = Object.entries(Object(row)).map(([name, value]) => [name, String(value)]);
          callback(error, row === undefined ? undefined : Object.fromEntries(texts));
        }),
    })),
    foundBy: ['gives a row back as it was set', 'keeps 100 rows that are set in parallel'],
  },
  'an empty row for an unknown key': {
    cases: sessions((good) => ({
      get: (sid, callback) => good.get(sid, (error, row) => callback(error, row ?? {})),
    })),
    foundBy: ['gives nothing for an unknown key, without an error'],
  },
  'a destroy of everything that begins so': {
    cases: sessions((good) => ({
      destroy: (sid, callback) => good.destroy(sid, () => good.destroy(`${sid} 2`, callback)),
    })),
    foundBy: ['destroys a row and no other, and does not mind when there is none'],
  },
  'a key that is good for one row only': {
    cases: sessions((good) => {
      const destroyed = new Set<string>();
      return {
        set: (sid, row, callback) => (destroyed.has(sid) ? callback?.() : good.set(sid, row, callback)),
        destroy: (sid, callback) => {
          destroyed.add(sid);
          good.destroy(sid, callback);
        },
      };
    }),
    foundBy: ['takes a row for a key that was destroyed'],
  },
  'keys without regard to case': {
    cases: sessions((good) => ({
      get: (sid, callback) => good.get(sid.toLowerCase(), callback),
      set: (sid, row, callback) => good.set(sid.toLowerCase(), row, callback),
    })),
    foundBy: ['takes the keys that this package makes, and any other text'],
  },
});
