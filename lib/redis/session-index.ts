import type { SessionIndex } from '../sessions/entity-index.js';
import { type RedisClient, script } from './client.js';

// A sorted set for each entity: the keys of its sessions, by the milliseconds at which they end.

/** Files a session, and takes out those that end soonest where there are too many: never the one that is filed. */
const add = script(`
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
local over = redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[4])
local evicted = {}
if over > 0 then
  for _, key in ipairs(redis.call('ZRANGE', KEYS[1], 0, over)) do
    if key ~= ARGV[1] and #evicted < over then
      redis.call('ZREM', KEYS[1], key)
      table.insert(evicted, key)
    end
  end
end
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('PEXPIRE', KEYS[1], math.max(1, tonumber(last[2]) - tonumber(ARGV[3])))
return evicted`);

const remove = script(`return redis.call('ZREM', KEYS[1], ARGV[1])`);

const list = script(`return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf')`);

/** Makes a {@link SessionIndex} in Redis. `clock` is in milliseconds since the epoch. */
export function redisSessionIndex(client: RedisClient, prefix: string, clock: () => number): SessionIndex {
  const at = (entity: string) => `${prefix}sessions-of:${entity}`;
  return {
    add: async (entity, key, endsAt, limit) =>
      (await add(client, at(entity), key, endsAt, clock(), limit)) as string[],
    async remove(entity, key) {
      await remove(client, at(entity), key);
    },
    list: async (entity) => (await list(client, at(entity), clock())) as string[],
  };
}
