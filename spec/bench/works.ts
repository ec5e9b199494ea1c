import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { load, onHostCore, type Serving } from './serving.js';

/** The hosts that run, by name. */
export type Hosts = Record<string, Serving>;

/** One thing that is measured, in a round. */
export interface Subject {
  name: string;
  /** How much of it there is: answers per second, or whatever its work counts by. */
  measure(hosts: Hosts, seconds: number): Promise<number>;
}

/** What subjects are measured by, side by side. */
export interface Work {
  name: string;
  unit: string;
  subjects: readonly Subject[];
  /** What one must be of another, or, without `against`, in itself. */
  targets: readonly { of: string; against?: string; least?: number; most?: number }[];
}

const rate = (name: string, host: string, request: string, connections = 32): Subject => ({
  name,
  measure: async (hosts, seconds) => {
    const { perSecond } = await load(hosts[host] as Serving, request, { seconds, connections });
    return perSecond;
  },
});

/** Answers of a script that measures by itself, on the core of the hosts. */
const alone = (name: string, script: string, ...args: string[]): Subject => ({
  name,
  async measure(_, seconds) {
    const child = onHostCore(script, [...args, String(seconds)]);
    let said = '';
    for await (const chunk of child.stdout ?? []) said += chunk;
    const value = Number(said);
    if (!Number.isFinite(value) || value <= 0) throw new Error(`${script} ${args.join(' ')} said "${said}"`);
    return value;
  },
});

export const works: readonly Work[] = [
  {
    name: 'protected GET',
    unit: 'per second',
    subjects: [
      rate('Express alone', 'bare', 'protected'),
      rate('the same four steps by hand', 'byHand', 'protected'),
      rate('passport-control, Bearer', 'oursInMemory', 'protected'),
      rate('passport-control, Cookie', 'oursInMemory', 'protected by cookie'),
      rate('passport-control, Bearer, Redis', 'oursOnRedis', 'protected'),
      rate('passport-http-bearer, a map', 'httpBearer', 'protected'),
      rate('passport + express-session', 'passportSession', 'protected'),
      rate('better-auth, getSession', 'betterAuth', 'protected'),
    ],
    targets: [
      { of: 'passport-control, Bearer', against: 'Express alone', least: 0.85 },
      { of: 'passport-control, Bearer', against: 'the same four steps by hand', least: 0.97 },
      { of: 'passport-control, Bearer', against: 'passport + express-session', least: 2 },
      { of: 'passport-control, Bearer', against: 'better-auth, getSession', least: 4 },
      { of: 'passport-control, Cookie', against: 'Express alone', least: 0.8 },
      { of: 'passport-control, Bearer, Redis', against: 'Express alone', least: 0.6 },
    ],
  },
  {
    name: 'forged token',
    unit: 'per second',
    subjects: [
      rate('Express alone, 401', 'bare', 'forged'),
      rate('passport-control, 401', 'oursInMemory', 'forged'),
    ],
    targets: [{ of: 'passport-control, 401', against: 'Express alone, 401', least: 0.95 }],
  },
  {
    name: 'app login by API key',
    unit: 'per second',
    subjects: [
      rate('Express alone, POST', 'bare', 'app login'),
      rate('passport-control', 'oursInMemory', 'app login'),
      rate('passport-control, Redis', 'oursOnRedis', 'app login'),
      rate('passport-http + express-session', 'passportSession', 'app login'),
    ],
    targets: [
      { of: 'passport-control', against: 'Express alone, POST', least: 0.5 },
      { of: 'passport-control', against: 'passport-http + express-session', least: 2 },
    ],
  },
  {
    name: 'password login, 32 in flight',
    unit: 'per second',
    subjects: [
      alone('argon2id alone', './alone/argon2.ts'),
      rate('passport-control', 'oursInMemory', 'password login'),
      rate('better-auth', 'betterAuth', 'password login'),
    ],
    targets: [{ of: 'passport-control', against: 'argon2id alone', least: 0.95 }],
  },
  {
    name: 'protected GET, one at a time',
    unit: 'ms, median',
    subjects: [
      { name: 'idle', measure: async (hosts, seconds) => medianWait(hosts.oursInMemory as Serving, seconds) },
      {
        name: '64 password logins in flight',
        async measure(hosts, seconds) {
          const host = hosts.oursInMemory as Serving;
          const logins = load(host, 'password login', { seconds: seconds + 1, connections: 64 });
          await sleep(500);
          const [median] = await Promise.all([medianWait(host, seconds), logins]);
          return median;
        },
      },
    ],
    targets: [{ of: '64 password logins in flight', against: 'idle', most: 4 }],
  },
  {
    name: 'validation, memory store',
    unit: 'per second',
    subjects: [
      alone('1,000 live sessions', './alone/sessions.ts', '1000'),
      alone('1,000,000 live sessions', './alone/sessions.ts', '1000000'),
    ],
    targets: [{ of: '1,000 live sessions', against: '1,000,000 live sessions', most: 1.15 }],
  },
  {
    name: 'memory store, 1,000,000 sessions',
    unit: 'bytes of heap a session',
    subjects: [alone('passport-control', './alone/bytes.ts', '1000000')],
    targets: [{ of: 'passport-control', most: 700 }],
  },
  {
    name: 'start',
    unit: 'ms',
    subjects: [
      alone('import express', './alone/start.mjs', 'express'),
      alone('import and passportControl()', './alone/start.mjs', 'ours'),
    ],
    targets: [{ of: 'import and passportControl()', against: 'import express', most: 2.2 }],
  },
];

/** The median of milliseconds that a protected GET takes, when one is asked after the other. */
async function medianWait({ port, requests }: Serving, seconds: number): Promise<number> {
  const [sent] = requests.protected ?? [];
  if (sent === undefined) throw new Error('the host has no protected route');
  const agent = new Agent({ keepAlive: true });
  const took: number[] = [];
  const { path, headers = {} } = sent;
  for (const ends = performance.now() + seconds * 1000; performance.now() < ends; ) {
    const since = performance.now();
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const asked = get({ host: '127.0.0.1', port, path, headers, agent }, (answered) => {
        answered.resume().once('end', () => resolve(answered.statusCode));
      });
      asked.once('error', reject);
    });
    if (status !== sent.expected) throw new Error(`a protected GET was answered ${status}`);
    took.push(performance.now() - since);
  }
  agent.destroy();
  return took.sort((one, other) => one - other)[Math.floor(took.length / 2)] ?? Number.NaN;
}
