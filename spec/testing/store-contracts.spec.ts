import { describe, expect, it } from '@jest/globals';
import session from 'express-session';
import {
  memoryCounterStore,
  memoryOneTimeStore,
  memorySessionIndex,
  memorySessionStore,
  type OneTimeStore,
  type SessionStore,
} from '../../lib/index.js';
import {
  type ContractCase,
  counterStoreContract,
  oneTimeStoreContract,
  sessionIndexContract,
  sessionRaceContract,
  sessionStoreContract,
} from '../../lib/testing/index.js';
import { testClock } from '../support/clock.js';
import { withLatency } from '../support/latency.js';

const clock = testClock();
const pass = async (seconds: number) => clock.advance(seconds);

const inMemory = () => ({
  store: memorySessionStore(),
  oneTime: memoryOneTimeStore(),
  index: memorySessionIndex(),
});

const suites: Record<string, ContractCase[]> = {
  memorySessionStore: sessionStoreContract(() => memorySessionStore()),
  'the MemoryStore of express-session': sessionStoreContract(() => new session.MemoryStore()),
  memoryOneTimeStore: oneTimeStoreContract(() => memoryOneTimeStore({ clock }), { pass }),
  memoryCounterStore: counterStoreContract(() => memoryCounterStore({ clock }), { pass }),
  memorySessionIndex: sessionIndexContract(() => memorySessionIndex({ clock }), { clock, pass }),
  'sessions on the memory stores': sessionRaceContract(inMemory),
  'sessions on slow stores': sessionRaceContract(() => {
    const { store, oneTime, index } = inMemory();
    const quick = { least: 0, most: 8 };
    return {
      store: withLatency(store, { callbacks: true, ...quick }),
      oneTime: withLatency(oneTime, quick),
      index: withLatency(index, quick),
    };
  }),
};

describe.each(Object.entries(suites))('%s', (_, cases) => {
  it.each(cases)('$name', ({ run }) => run());
});

/** The names of the cases that an implementation fails. */
async function failedBy(cases: ContractCase[]): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run } of cases) await run().catch(() => failed.push(name));
  return failed;
}

const later = () => new Promise((resolve) => setImmediate(resolve));

describe('the store contracts', () => {
  it('find claims that look, wait, and then write', async () => {
    const racing = oneTimeStoreContract(
      () => {
        const good = memoryOneTimeStore({ clock });
        const claim: OneTimeStore['claim'] = async (key, owner, ttl) => {
          const free = (await good.get(key)) === null;
          await later();
          if (free) await good.put(key, owner, ttl);
          return free;
        };
        return { ...good, claim };
      },
      { pass },
    );
    expect(await failedBy(racing)).toEqual(['lets exactly one of fifty parallel claims win']);
  });

  it('find a release that asks for no owner', async () => {
    const open = oneTimeStoreContract(
      () => {
        const good = memoryOneTimeStore({ clock });
        return { ...good, release: async (key) => good.release(key, (await good.get(key)) ?? '') };
      },
      { pass },
    );
    expect(await failedBy(open)).toEqual(['takes a claim back from its owner alone']);
  });

  it('find counters that lose increments, and windows that slide', async () => {
    const losing = counterStoreContract(
      () => {
        const counts = new Map<string, number>();
        return {
          ...memoryCounterStore({ clock }),
          async increment(key, window) {
            const count = (counts.get(key) ?? 0) + 1;
            await later();
            counts.set(key, count);
            return { count, endsIn: window * 1000 };
          },
        };
      },
      { pass },
    );
    const failed = await failedBy(losing);
    expect(failed).toContain('gives a hundred parallel increments a hundred counts');
    expect(failed).toContain('opens a window with the first increment, and does not slide it');
  });

  it('find an index that forgets the limit', async () => {
    const endless = sessionIndexContract(
      () => {
        const good = memorySessionIndex({ clock });
        return {
          ...good,
          add: (entity, key, endsAt) => good.add(entity, key, endsAt, Number.MAX_SAFE_INTEGER),
        };
      },
      { clock, pass },
    );
    expect(await failedBy(endless)).toHaveLength(2);
  });

  it('find a store that shares its objects and keeps rows for ever', async () => {
    const sharing = sessionStoreContract(() => {
      const rows = new Map<string, unknown>();
      const store: SessionStore = {
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
      return store;
    });
    expect(await failedBy(sharing)).toEqual([
      'shares no object with whoever sets or gets a row',
      'ends a row with its cookie',
    ]);
  });

  it('find a one-time store that forgets tombstones', async () => {
    const forgetful = sessionRaceContract(() => ({
      ...inMemory(),
      oneTime: { ...memoryOneTimeStore(), claim: async () => true, get: async () => null },
    }));
    const failed = await failedBy(forgetful);
    expect(failed).toContain('lets exactly one of ten parallel replacements of a session win');
    expect(failed).toContain('does not believe a row of before a change that is written after it');
  });
});
