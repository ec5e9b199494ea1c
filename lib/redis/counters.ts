import type { Count, CounterStore } from '../defence/counters.js';
import { now, type RedisClient, script } from './client.js';

const incrementInWindow = script(`
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return { count, redis.call('PTTL', KEYS[1]) }`);

const decrementAboveZero = script(`
local count = tonumber(redis.call('GET', KEYS[1]) or '0')
if count > 1 then return redis.call('DECR', KEYS[1]) end
redis.call('DEL', KEYS[1])
return 0`);

const read = script(`
local count = redis.call('GET', KEYS[1])
if not count then return false end
return { tonumber(count), redis.call('PTTL', KEYS[1]) }`);

/** Makes a {@link CounterStore} in Redis, of windows that end by themselves. */
export function redisCounterStore(client: RedisClient, prefix: string): CounterStore {
  const at = (key: string) => `${prefix}count:${key}`;
  const countOf = (answer: unknown): Count => {
    const [count, endsIn] = answer as [number, number];
    return { count: Number(count), endsIn: Math.max(0, Number(endsIn)) };
  };
  return {
    increment: async (key, window) =>
      countOf(await incrementInWindow(client, at(key), Math.max(1, Math.ceil(window * 1000)))),
    async decrement(key) {
      await decrementAboveZero(client, at(key));
    },
    async get(key) {
      const answer = await read(client, at(key));
      return answer === null ? null : countOf(answer);
    },
    async clear(key) {
      await now(client, () => client.del(at(key)));
    },
  };
}
