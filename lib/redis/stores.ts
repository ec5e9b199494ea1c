import { RedisStore } from 'connect-redis';
import type { CounterStore } from '../defence/counters.js';
import type { OneTimeStore } from '../defence/one-time.js';
import type { SessionIndex } from '../sessions/entity-index.js';
import type { SessionStore } from '../sessions/rows.js';
import { now, type RedisClient } from './client.js';
import { redisCounterStore } from './counters.js';
import { redisOneTimeStore } from './one-time.js';
import { redisSessionIndex } from './session-index.js';

/** Where the stores are. */
export interface RedisStoresOptions {
  /** A client of node-redis 5 or later, single or cluster, that is connected; one of ioredis by `ioredisClient()`. */
  client: RedisClient;
  /** What all keys begin with. Each deployment on one Redis needs its own. @default 'passport-control:' */
  prefix?: string | undefined;
  /** Milliseconds since the epoch, as the control has it. @default Date.now */
  clock?: (() => number) | undefined;
}

/** All that the nodes of a deployment share. */
export interface RedisStores {
  /** For `session.store`. */
  store: SessionStore;
  /** For `stores`. */
  stores: { oneTime: OneTimeStore; counters: CounterStore; index: SessionIndex };
}

/**
 * Makes the stores that the nodes of a deployment share, in Redis. Every key has an end. Each command and each script
 * is about one key, so a cluster may keep them wherever it likes.
 *
 * @example
 * const { store, stores } = redisStores({ client: await createClient({ url }).connect() });
 * passportControl({ …, session: { store }, stores });
 */
export function redisStores({
  client,
  prefix = 'passport-control:',
  clock = Date.now,
}: RedisStoresOptions): RedisStores {
  const rows = new RedisStore({ client: atOnce(client) as never, prefix: `${prefix}session:` });
  return {
    store: rows as SessionStore,
    stores: {
      oneTime: redisOneTimeStore(client, prefix),
      counters: redisCounterStore(client, prefix),
      index: redisSessionIndex(client, prefix, clock),
    },
  };
}

/** The same client for the rows: it waits for no connection. */
function atOnce(client: RedisClient): Pick<RedisClient, 'get' | 'set' | 'del' | 'expire'> {
  return {
    get: (key) => now(client, () => client.get(key)),
    set: (key, value, options) => now(client, () => client.set(key, value, options)),
    del: (keys) => now(client, () => client.del(keys)),
    expire: (key, seconds) => now(client, () => client.expire(key, seconds)),
  };
}
