import { describe, it } from '@jest/globals';
import session from 'express-session';
import {
  memoryCounterStore,
  memoryOneTimeStore,
  memorySessionIndex,
  memorySessionStore,
  type SessionStore,
} from '../../lib/index.js';
import {
  type ContractCase,
  counterStoreContract,
  oneTimeStoreContract,
  sessionIndexContract,
  sessionStoreContract,
} from '../../lib/testing/index.js';
import { testClock } from '../support/clock.js';

const clock = testClock();
const sleep = async (seconds: number) => clock.advance(seconds);

const suites: Record<string, ContractCase[]> = {
  memorySessionStore: sessionStoreContract(() => memorySessionStore()),
  'the MemoryStore of express-session': sessionStoreContract(() => new session.MemoryStore()),
  'a session store of whole seconds': sessionStoreContract(() => inWholeSeconds()),
  memoryOneTimeStore: oneTimeStoreContract(() => memoryOneTimeStore({ clock }), { sleep }),
  memoryCounterStore: counterStoreContract(() => memoryCounterStore({ clock }), { sleep }),
  memorySessionIndex: sessionIndexContract(() => memorySessionIndex({ clock }), { clock, sleep }),
};

describe.each(Object.entries(suites))('%s', (_, cases) => {
  for (const { name, run } of cases) it(name, run);
});

/** Rows that live to the end of the second in which their cookie ends; a second has just begun. */
function inWholeSeconds(): SessionStore {
  const begin = Date.now() - 1;
  const upwards = (time: number) => begin + Math.ceil((time - begin) / 1000) * 1000;
  const rows = memorySessionStore({ clock: () => upwards(Date.now()) - 1 });
  return {
    ...rows,
    set(sid, row, callback) {
      const expires = new Date(upwards(row.cookie.expires.getTime()));
      rows.set(sid, { ...row, cookie: { expires } }, callback);
    },
  };
}
