import { describe, it } from '@jest/globals';
import session from 'express-session';
import {
  memoryCounterStore,
  memoryOneTimeStore,
  memorySessionIndex,
  memorySessionStore,
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
  memoryOneTimeStore: oneTimeStoreContract(() => memoryOneTimeStore({ clock }), { sleep }),
  memoryCounterStore: counterStoreContract(() => memoryCounterStore({ clock }), { sleep }),
  memorySessionIndex: sessionIndexContract(() => memorySessionIndex({ clock }), { clock, sleep }),
};

describe.each(Object.entries(suites))('%s', (_, cases) => {
  for (const { name, run } of cases) it(name, run);
});
