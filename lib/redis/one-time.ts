import type { OneTimeStore } from '../defence/one-time.js';
import { now, type RedisClient, script } from './client.js';

const releaseIfOwn = script(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`);

/** Makes a {@link OneTimeStore} in Redis: SET NX, and a compare-and-delete. */
export function redisOneTimeStore(client: RedisClient, prefix: string): OneTimeStore {
  const at = (key: string) => `${prefix}once:${key}`;
  const lifetime = (seconds: number) => ({
    type: 'PX' as const,
    value: Math.max(1, Math.ceil(seconds * 1000)),
  });
  return {
    claim: (key, owner, ttl) =>
      now(client, async () => {
        const answer = await client.set(at(key), owner, { condition: 'NX', expiration: lifetime(ttl) });
        return answer === 'OK';
      }),
    async release(key, owner) {
      await releaseIfOwn(client, at(key), owner);
    },
    async put(key, value, ttl) {
      await now(client, () => client.set(at(key), value, { expiration: lifetime(ttl) }));
    },
    getAll: (keys) => now(client, async () => (await client.mGet(keys.map(at))) as (string | null)[]),
    get: (key) => now(client, async () => (await client.get(at(key))) as string | null),
  };
}
