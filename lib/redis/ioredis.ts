import type { RedisClient } from './client.js';

/** What is asked of a client of ioredis. */
export interface Ioredis {
  readonly status: string;
  call(command: string, ...parameters: (string | number)[]): Promise<unknown>;
}

/**
 * Makes a client of ioredis, or of its cluster, one for `redisStores()`.
 *
 * @example redisStores({ client: ioredisClient(new Redis(url, { enableOfflineQueue: false })) })
 */
export function ioredisClient(client: Ioredis): RedisClient {
  return {
    get isReady() {
      return client.status === 'ready';
    },
    get: (key) => client.call('GET', key),
    mGet: (keys) => client.call('MGET', ...keys),
    set: (key, value, { condition, expiration } = {}) =>
      client.call(
        'SET',
        key,
        value,
        ...(expiration ? [expiration.type, expiration.value] : []),
        ...(condition ? [condition] : []),
      ),
    del: (keys) => client.call('DEL', ...(typeof keys === 'string' ? [keys] : keys)),
    expire: (key, seconds) => client.call('EXPIRE', key, seconds),
    eval: (script, given) =>
      client.call('EVAL', script, given.keys.length, ...given.keys, ...given.arguments),
    evalSha: (sha, given) =>
      client.call('EVALSHA', sha, given.keys.length, ...given.keys, ...given.arguments),
  };
}
