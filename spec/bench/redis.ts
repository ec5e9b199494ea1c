import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../support/free-port.js';

/** Starts a Redis that keeps nothing, and ends with this process, however that ends; its URL. */
export async function startRedis(): Promise<string> {
  const port = await freePort();
  const redis = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', ''], {
    stdio: 'ignore',
  });
  redis.once('error', () => {
    console.error('There is no redis-server; install it (Debian: apt-get install redis-server).');
    process.exit(1);
  });
  process.once('exit', () => redis.kill());
  redis.unref();
  while (!(await isListening(port))) await sleep(50);
  return `redis://127.0.0.1:${port}`;
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const isThere = once(socket, 'connect').then(
    () => true,
    () => false,
  );
  return isThere.finally(() => socket.destroy());
}
