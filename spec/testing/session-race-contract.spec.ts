import { describe, it } from '@jest/globals';
import session from 'express-session';
import { memoryCounterStore } from '../../lib/index.js';
import { type ContractCase, sessionRaceContract } from '../../lib/testing/index.js';
import { testClock } from '../support/clock.js';
import { describeFaults } from './faults.js';
import { inMemory, slow } from './shared-stores.js';

const clock = testClock();
const suites: Record<string, ContractCase[]> = {
  'sessions on the memory stores': sessionRaceContract(() => inMemory()),
  'sessions on slow stores': sessionRaceContract(() => slow(inMemory())),
  'sessions on the MemoryStore of express-session': sessionRaceContract(() =>
    slow({ ...inMemory(), store: new session.MemoryStore() }),
  ),
  'sessions beside counters, by a clock of their own': sessionRaceContract(
    () => ({ ...inMemory(clock), counters: memoryCounterStore() }),
    { clock },
  ),
};

describe.each(Object.entries(suites))('%s', (_, cases) => {
  for (const { name, run } of cases) it(name, run);
});

const deadAgainst = (writer: string) =>
  `leaves an ended session dead and its row absent, against ${writer} on another node`;
const oldRow = 'does not believe a row of before a change that is written after it';
const rowOfDead = 'does not believe a row that is written after its session has ended';
const replacements = [
  'lets exactly one of two parallel replacements of a session win',
  'lets exactly one of ten parallel replacements of a session win',
];
const changes = 'loses none of ten parallel changes of state';
const changeAgainst = (writer: string) => `loses no change of state to ${writer}`;

describeFaults('sessionRaceContract', {
  'a one-time store that claims in two steps': {
    cases: sessionRaceContract(() => {
      const { oneTime, ...stores } = inMemory();
      return slow({
        ...stores,
        oneTime: {
          ...oneTime,
          async claim(key, owner, ttl) {
            const free = (await oneTime.get(key)) === null;
            await new Promise((resolve) => setTimeout(resolve, 5));
            if (free) await oneTime.put(key, owner, ttl);
            return free;
          },
        },
      });
    }),
    foundBy: [...replacements, changes],
  },
  'a one-time store that forgets what has ended': {
    cases: sessionRaceContract(() => {
      const { oneTime, ...stores } = inMemory();
      const get = async (key: string) => (key.startsWith('ended:') ? null : oneTime.get(key));
      return slow({ ...stores, oneTime: { ...oneTime, get } });
    }),
    foundBy: [deadAgainst('a touch'), deadAgainst('a refresh'), deadAgainst('a change of state'), rowOfDead],
  },
  'a one-time store that forgets what was put': {
    cases: sessionRaceContract(() => {
      const { oneTime, ...stores } = inMemory();
      return { ...stores, oneTime: { ...oneTime, put: async () => {} } };
    }),
    foundBy: [oldRow],
  },
  'a one-time store whose claims keep nobody out': {
    cases: sessionRaceContract(() => {
      const { oneTime, ...stores } = inMemory();
      const claim = async (key: string, owner: string, ttl: number) => {
        await oneTime.put(key, owner, ttl);
        return true;
      };
      return slow({ ...stores, oneTime: { ...oneTime, claim } });
    }),
    foundBy: [...replacements, changes, changeAgainst('a touch'), changeAgainst('a refresh')],
  },
  'a session store that destroys nothing': {
    cases: sessionRaceContract(() => {
      const { store, ...stores } = inMemory();
      return {
        ...stores,
        store: {
          get: (sid, callback) => store.get(sid, callback),
          set: (sid, row, callback) => store.set(sid, row, callback),
          destroy: (_, callback) => callback?.(),
        },
      };
    }),
    foundBy: ['a touch', 'a refresh', 'a change of state', 'a replacement'].map(deadAgainst),
  },
});
