import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster } from 'ioredis';
import { createCluster } from 'redis';
import { ioredisClient, type RedisClient } from '../../lib/redis/index.js';
import { type RedisServer, redisServer } from '../support/redis.js';
import { freshStores, meetContracts } from '../support/redis-contracts.js';

const run = promisify(execFile);
let servers: RedisServer[] = [];
const clients: { node?: RedisClient & { destroy(): void }; io?: Cluster } = {};

beforeAll(async () => {
  servers = await Promise.all([0, 1, 2].map(() => redisServer('--cluster-enabled', 'yes')));
  const addresses = servers.map(({ port }) => `127.0.0.1:${port}`);
  await run('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes']);
  const isWhole = async () => {
    const told = servers.map(({ port }) => run('redis-cli', ['-p', String(port), 'cluster', 'info']));
    return (await Promise.all(told)).every(({ stdout }) => stdout.includes('cluster_state:ok'));
  };
  for (let n = 0; n < 100 && !(await isWhole()); n += 1) await sleep(100);

  const node = createCluster({ rootNodes: servers.map(({ url }) => ({ url })) });
  node.on('error', () => {});
  await node.connect();
  clients.node = node as unknown as RedisClient & { destroy(): void };
  clients.io = new Cluster(servers.map(({ port }) => ({ host: '127.0.0.1', port })));
  clients.io.on('error', () => {});
  for (let n = 0; n < 100 && clients.io.status !== 'ready'; n += 1) await sleep(100);
}, 60_000);
afterAll(async () => {
  clients.node?.destroy();
  clients.io?.disconnect();
  await Promise.all(servers.map((server) => server.stop()));
});

const kinds: Record<string, () => RedisClient> = {
  'node-redis': () => clients.node as RedisClient,
  ioredis: () => ioredisClient(clients.io as Cluster),
};

describe.each(Object.entries(kinds))('the stores in a cluster of Redis, by %s', (_, client) => {
  meetContracts(client);

  it('spreads its keys over all servers', async () => {
    const { prefix, stores } = freshStores(client());
    for (let n = 0; n < 60; n += 1) await stores.oneTime.claim(`${n}`, 'a', 60);
    const kept = await Promise.all(
      servers.map(async ({ port }) => {
        const { stdout } = await run('redis-cli', ['-p', String(port), '--scan', '--pattern', `${prefix}*`]);
        return stdout.split('\n').filter(Boolean).length;
      }),
    );
    expect(kept.filter((count) => count > 5)).toHaveLength(3);
  });
});
