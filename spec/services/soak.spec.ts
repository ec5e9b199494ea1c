import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from '@jest/globals';
import { createClient } from 'redis';
import { balancer } from '../../examples/cluster/balancer.js';
import { Books } from '../../examples/cluster/books.js';
import { clientOf } from '../../examples/cluster/client.js';
import { Visitor } from '../../examples/cluster/load.js';
import { type ClusterNode, startNode } from '../../examples/cluster/nodes.js';
import { population } from '../../examples/cluster/people.js';
import { troubledRedis } from '../../examples/cluster/redis.js';
import { Hostile } from '../support/hostile.js';

/** How long the load goes on, in seconds: five minutes by `npm run soak`. */
const given: unknown = Reflect.get(globalThis, 'soakSeconds');
const seconds = typeof given === 'number' ? given : 16;
const rounds = seconds < 120 ? 2 : 4;

const week = 7 * 86_400_000;
const closing: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

/** What a node holds when there is nothing to do. */
interface Held {
  megabytes: number;
  files: number;
}

async function held({ process: { pid }, process: child }: ClusterNode): Promise<Held> {
  const answered = once(child, 'message');
  child.send('measure');
  const [{ heapUsed, arrayBuffers, external }] = await answered;
  const files = (await readdir(`/proc/${pid}/fd`)).length;
  return { megabytes: (heapUsed + arrayBuffers + external) / 1_048_576, files };
}

describe('a load of good and hostile requests that goes on', () => {
  it(
    `FLT-16: leaves nothing behind after ${seconds} s: memory, sockets and keys are where they were`,
    async () => {
      const redis = await troubledRedis();
      closing.push(() => redis.stop());
      const { persons, robots, table } = await population(12, 6);
      const meter = fileURLToPath(new URL('../support/meter.mjs', import.meta.url));
      const env = {
        ...{ REDIS_URL: redis.url, SESSION_SECRET: randomBytes(32).toString('hex') },
        ...{ TABLE: JSON.stringify(table), NODE_ENV: 'production' },
      };
      const nodes = await Promise.all([0, 1].map(() => startNode(env, ['--expose-gc', '--import', meter])));
      for (const node of nodes) closing.push(() => node.kill());
      const front = await balancer(nodes.map(({ port }) => port));
      closing.push(() => front.close());
      const keys = createClient({ url: `redis://127.0.0.1:${redis.port}` });
      await keys.connect();
      closing.push(() => keys.close());

      const books = new Books();
      let [answers, lastEnded] = [0, undefined as string | undefined];
      const hostile = new Hostile(
        nodes.map(({ port }) => port),
        persons[11]?.email ?? '',
        () => lastEnded,
      );

      /** Lets everybody go on for so long, and ends all sessions that were kept. */
      async function load(milliseconds: number): Promise<void> {
        let isOver = false;
        const at = <T>(list: readonly T[], n: number): T => list[n % list.length] as T;
        const visitors = Array.from({ length: 9 }, (_, n) => {
          const client = clientOf(front.port, `127.0.0.${n + 2}`, () => (answers += 1));
          const visitor = new Visitor(client.ask, books, () => isOver, 20);
          const visit = () => {
            if (n === 8) return visitor.stranger(at(persons, 10), at(persons, 0));
            return n % 3 === 0 ? visitor.machine(at(robots, n)) : visitor.person(at(persons, n));
          };
          const work = (async () => {
            while (!isOver) await visit();
          })();
          return { client, visitor, work };
        });
        const attackers = Array.from({ length: 6 }, async () => {
          while (!isOver) await hostile.attack();
        });
        await sleep(milliseconds);
        isOver = true;
        await Promise.all([...visitors.map(({ work }) => work), ...attackers]);
        for (const { client, visitor } of visitors) {
          for (const session of visitor.kept) {
            await visitor.end(session);
            lastEnded = session.headers.Authorization?.slice('Bearer '.length);
          }
          client.close();
        }
      }
      /** Waits until connections that are kept for later have been given up; what each node holds then. */
      async function rested(): Promise<Held[]> {
        await sleep(7000);
        return Promise.all(nodes.map(held));
      }

      await load(Math.min(20_000, seconds * 250));
      const before = await rested();
      const during: Held[][] = [];
      for (let n = 0; n < rounds; n += 1) {
        await load((seconds * 1000) / rounds);
        during.push(await rested());
      }
      const after = during.at(-1) ?? [];
      const keysThen = await keys.dbSize();

      // No key is without an end, and none lives much longer than the longest session: a week later all are gone.
      const endless: string[] = [];
      for await (const batch of keys.scanIterator({ COUNT: 1000 }))
        await Promise.all(
          batch.map(async (key) => {
            const endsAt = await keys.pExpireTime(key);
            if (endsAt === -1) endless.push(key);
            else await keys.pExpireAt(key, endsAt - week - 3_600_000);
          }),
        );
      const report = {
        seconds,
        answers,
        hostile: Object.fromEntries(hostile.answered),
        memory: [before, ...during].map((all) =>
          all.map(({ megabytes }) => megabytes.toFixed(1)).join(' and '),
        ),
        files: [before, after].map((all) => all.map(({ files }) => files).join(' and ')),
        keys: [keysThen, await keys.dbSize()],
        books: { ...books.violations, proven: books.proven, ended: books.ended },
      };
      process.stderr.write(`${JSON.stringify(report, null, 1)}\n`);

      expect(endless).toEqual([]);
      expect(report.keys[1]).toBe(0);
      expect(hostile.shameful).toEqual([]);
      expect([books.balance, books.found]).toEqual([true, []]);
      expect(Math.min(books.proven, books.ended, hostile.answered.get(401) ?? 0)).toBeGreaterThan(20);
      for (const [n, node] of nodes.entries()) {
        expect(node.process.exitCode).toBeNull();
        const [one, other] = [before[n], after[n]];
        expect(other?.files).toBeLessThanOrEqual((one?.files ?? 0) + 2);
        expect(other?.megabytes).toBeLessThan((one?.megabytes ?? 0) + 2);
      }
    },
    seconds * 1000 + 180_000,
  );
});
