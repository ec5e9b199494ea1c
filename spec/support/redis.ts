import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { freePort } from './free-port.js';

/** A Redis server of the specs, which keeps nothing on disk. */
export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** Starts it again on the same port, empty. */
  start(): Promise<void>;
  /** Kills it, as a machine that dies does. */
  kill(): Promise<void>;
  /** Stops it from answering, and lets it go on. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

/** Starts Debian's Redis on a free port. */
export async function redisServer(...settings: string[]): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'redis-'));
  const port = await freePort();
  let child: ChildProcess | undefined;
  const server: RedisServer = {
    port,
    url: `redis://127.0.0.1:${port}`,
    async start() {
      const given = [
        '--port',
        String(port),
        '--bind',
        '127.0.0.1',
        '--save',
        '',
        '--appendonly',
        'no',
        '--dir',
        folder,
      ];
      child = spawn('redis-server', [...given, ...settings], { stdio: ['ignore', 'pipe', 'pipe'] });
      const missing = new Promise<never>((_, reject) => {
        child?.once('error', () =>
          reject(new Error("These specs share a Redis: install Debian's redis-server.")),
        );
      });
      const ready = new Promise<void>((resolve) => {
        let said = '';
        child?.stdout?.on('data', (chunk) => {
          said += chunk;
          if (said.includes('Ready to accept connections')) resolve();
        });
      });
      await Promise.race([ready, missing]);
    },
    async kill() {
      if (child === undefined || child.exitCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async stop() {
      server.resume();
      await server.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}

/** A client of node-redis that is connected, and says nothing of what goes wrong. */
export async function nodeRedis(url: string) {
  const client = createClient({ url, disableOfflineQueue: true, socket: { reconnectStrategy: 50 } });
  client.on('error', () => {});
  await client.connect();
  return client;
}
