import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './nodes.js';

/** A Redis that things happen to. */
export interface TroubledRedis {
  /** Where the nodes find it: a line to it that can be made slow. */
  readonly url: string;
  /** Where it really is. */
  readonly port: number;
  /** How many milliseconds each command is on its way. */
  delay: number;
  /** Stops it from answering, without closing a connection. */
  pause(): void;
  resume(): void;
  /** Kills it, and starts another one in its place that knows nothing. */
  restartEmpty(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a Redis that keeps nothing on disk.
 *
 * @throws Error where there is no redis-server
 */
export async function troubledRedis(): Promise<TroubledRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'cluster-'));
  const port = await freePort();
  const sockets = new Set<Socket>();
  let child: ChildProcess;
  const start = async () => {
    const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder];
    child = spawn('redis-server', settings, { stdio: ['ignore', 'pipe', 'ignore'] });
    await new Promise<void>((resolve, reject) => {
      const missing = 'There is no redis-server; install it (Debian: apt-get install redis-server).';
      child.once('error', () => reject(new Error(missing)));
      child.once('exit', () => reject(new Error('redis-server ended before it was ready.')));
      child.stdout?.on('data', (said) => {
        if (String(said).includes('Ready to accept connections')) resolve();
      });
    });
  };
  const kill = async () => {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  await start();

  const line = createServer((socket) => {
    const there = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [socket, there],
      [there, socket],
    ] as const) {
      sockets.add(one);
      one
        .on('error', () => other.destroy())
        .on('close', () => {
          sockets.delete(one);
          other.destroy();
        });
    }
    // What comes later waits for what was sent before it, also when the line gets faster meanwhile.
    let before = Promise.resolve();
    socket.on('data', (bytes) => {
      const arrivesAt = performance.now() + redis.delay;
      before = before.then(async () => {
        const wait = arrivesAt - performance.now();
        if (wait > 0) await sleep(wait);
        there.write(bytes);
      });
    });
    there.on('data', (bytes) => socket.write(bytes));
  });
  const linePort = await freePort();
  line.listen(linePort, '127.0.0.1');
  await once(line, 'listening');

  const redis: TroubledRedis = {
    ...{ url: `redis://127.0.0.1:${linePort}`, port, delay: 0 },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async restartEmpty() {
      await kill();
      await start();
    },
    async stop() {
      redis.resume();
      await kill();
      line.close();
      for (const socket of sockets) socket.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return redis;
}
