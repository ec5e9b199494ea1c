import { Agent, request } from 'node:http';
import type { Sent } from './hosts/host.js';

/** What was answered: the text, and the cookie that was set. */
export interface Received {
  body: string;
  cookie: string;
}

const inFlight = 32;
const agent = new Agent({ keepAlive: true, maxSockets: inFlight });

/**
 * Sends a request, over a connection that is kept.
 *
 * @throws Error when it is answered otherwise than it must be
 */
export function send(port: number, { method, path, headers = {}, body, expected }: Sent): Promise<Received> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path, headers, agent }, (answered) => {
      let text = '';
      answered.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      answered.once('error', reject).once('end', () => {
        const [cookie = ''] = answered.headers['set-cookie'] ?? [];
        if (answered.statusCode === expected) resolve({ body: text, cookie: cookie.split(';')[0] ?? '' });
        else reject(new Error(`${method} ${path} was answered ${answered.statusCode}: ${text}`));
      });
    });
    sent.once('error', reject).end(body);
  });
}

/** Works on all of a list, on 32 at once; what came of it, in the order in which it was done. */
export async function inLanes<T, R>(all: readonly T[], work: (each: T) => Promise<R>): Promise<R[]> {
  const [waiting, done]: [Iterable<T>, R[]] = [all.values(), []];
  const lane = async () => {
    for (const each of waiting) done.push(await work(each));
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return done;
}

/** Sends each request once, 32 in flight; how many were answered in a second. */
export async function sendEach(port: number, all: readonly Sent[]): Promise<number> {
  const since = performance.now();
  await inLanes(all, (each) => send(port, each));
  return (all.length * 1000) / (performance.now() - since);
}
