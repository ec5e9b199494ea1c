import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { ioredisClient, type RedisClient } from '../../lib/redis/index.js';
import { nodeRedis, type RedisServer, redisServer } from '../support/redis.js';
import { freshStores, meetContracts } from '../support/redis-contracts.js';

let server: RedisServer;
const clients: { node?: Awaited<ReturnType<typeof nodeRedis>>; io?: Redis } = {};

beforeAll(async () => {
  server = await redisServer();
  clients.node = await nodeRedis(server.url);
  clients.io = new Redis(server.url, { enableOfflineQueue: false, lazyConnect: true });
  clients.io.on('error', () => {});
  await clients.io.connect();
});
afterAll(async () => {
  clients.node?.destroy();
  clients.io?.disconnect();
  await server?.stop();
});

const kinds: Record<string, () => RedisClient> = {
  'node-redis': () => clients.node as RedisClient,
  ioredis: () => ioredisClient(clients.io as Redis),
};

describe.each(Object.entries(kinds))('the stores in Redis, by %s', (_, client) => {
  meetContracts(client);

  it('have an end for every key', async () => {
    const { prefix, store, stores } = freshStores(client());
    await stores.oneTime.claim('a', 'b', 60);
    await stores.oneTime.put('c', 'd', 60);
    await stores.counters.increment('e', 60);
    await stores.index.add('f', 'g', Date.now() + 60_000, 10);
    await new Promise((done) => store.set('h', { cookie: { expires: new Date(Date.now() + 60_000) } }, done));
    const node = clients.node;
    const keys = (await node?.keys(`${prefix}*`)) ?? [];
    expect(keys).toHaveLength(5);
    for (const key of keys) {
      const left = (await node?.pTTL(key)) ?? 0;
      expect([key, left > 50_000 && left <= 61_000]).toEqual([key, true]);
    }
  });
});
