import { randomUUID } from 'node:crypto';
import { describe, it } from '@jest/globals';
import { type RedisClient, type RedisStores, redisStores } from '../../lib/redis/index.js';
import {
  counterStoreContract,
  oneTimeStoreContract,
  sessionIndexContract,
  sessionRaceContract,
  sessionStoreContract,
} from '../../lib/testing/index.js';

/** Stores under a prefix of their own. */
export const freshStores = (client: RedisClient): RedisStores & { prefix: string } => {
  const prefix = `${randomUUID()}:`;
  return { prefix, ...redisStores({ client, prefix }) };
};

/** Has the stores of a client do all that stores must do. */
export function meetContracts(client: () => RedisClient): void {
  const fresh = () => freshStores(client());
  const suites = {
    'session store': sessionStoreContract(() => fresh().store),
    'one-time store': oneTimeStoreContract(() => fresh().stores.oneTime),
    counters: counterStoreContract(() => fresh().stores.counters),
    index: sessionIndexContract(() => fresh().stores.index),
    races: sessionRaceContract(() => {
      const { store, stores } = fresh();
      return { store, ...stores };
    }),
  };
  describe.each(Object.entries(suites))('%s', (_, cases) => {
    for (const { name, run } of cases) it(name, run);
  });
}
