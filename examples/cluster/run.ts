import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { balancer } from './balancer.js';
import { Books } from './books.js';
import { clientOf } from './client.js';
import { Visitor } from './load.js';
import { startNode } from './nodes.js';
import { population } from './people.js';
import { troubledRedis } from './redis.js';
import { Report } from './report.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    nodes: { type: 'string', default: '3' },
    visitors: { type: 'string', default: '24' },
  },
});
const [seconds, count, visitors] = [values.seconds, values.nodes, values.visitors].map(Number) as [
  number,
  number,
  number,
];
if (![seconds, count, visitors].every((value) => Number.isInteger(value) && value > 0) || count < 2) {
  console.error(
    'usage: tsx examples/cluster/run.ts [--seconds 120] [--nodes 3] [--visitors 24]; at least two nodes',
  );
  process.exit(2);
}

const report = new Report();
const books = new Books();
report.say(`${count} nodes behind a balancer, one Redis, ${visitors} visitors, ${seconds} s`);

const redis = await troubledRedis().catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
const { persons, robots, table } = await population(visitors, visitors);
const secret = randomBytes(32).toString('hex');
const env = {
  REDIS_URL: redis.url,
  SESSION_SECRET: secret,
  TABLE: JSON.stringify(table),
  NODE_ENV: 'production',
};
const nodes = await Promise.all(Array.from({ length: count }, () => startNode(env)));
const front = await balancer(nodes.map(({ port }) => port));

let isOver = false;
const at = <T>(list: readonly T[], n: number): T => list[n % list.length] as T;
const crowd = Array.from({ length: visitors }, (_, n) => {
  const client = clientOf(front.port, `127.0.0.${n + 2}`, report.note);
  const visitor = new Visitor(client.ask, books, () => isOver, 40);
  const visit = () => {
    // The last one is a stranger, and the others are people and machines.
    if (n === visitors - 1) return visitor.stranger(at(persons, n), at(persons, 0));
    return n % 3 === 0 ? visitor.machine(at(robots, n)) : visitor.person(at(persons, n));
  };
  const work = (async () => {
    while (!isOver) await visit();
  })();
  return { client, visitor, work };
});

/** What happens while the load goes on, and for how many of twenty parts of the time. */
const part = (seconds * 1000) / 20;
const phases: [string, number, (milliseconds: number) => Promise<void>][] = [
  ['nothing happens', 2, (time) => sleep(time)],
  ['each node is replaced in turn', 3, (time) => replaceAll(time)],
  ['a node is killed, and comes back', 3, (time) => killed(nodes.slice(0, 1), time)],
  ['all nodes but one are killed at once', 3, (time) => killed(nodes.slice(1), time)],
  ['Redis is paused, and goes on', 3, (time) => paused(time)],
  ['Redis takes 200 ms longer', 3, (time) => delayed(time)],
  ['Redis is killed, and comes back empty', 3, (time) => emptied(time)],
];

for (const [name, parts, happen] of phases) {
  report.phase(name);
  await happen(parts * part);
}
report.phase('at the end, every session that was kept is shown to the nodes');
isOver = true;
await Promise.all(crowd.map(({ work }) => work));
for (const { visitor } of crowd) for (const session of visitor.kept) await visitor.look(session);
report.finish(books);

for (const { client } of crowd) client.close();
await front.close();
await Promise.all(nodes.map((node) => node.kill()));
await redis.stop();
process.exitCode = books.balance ? 0 : 1;

/** A release: one node after the other takes no more requests, ends, and is started anew. */
async function replaceAll(time: number): Promise<void> {
  const ends = performance.now() + time;
  for (const node of nodes) {
    front.drain(node.port, true);
    // What the balancer has sent by now arrives first.
    await sleep(50);
    await node.end();
    await node.start();
    front.drain(node.port, false);
  }
  await sleep(Math.max(0, ends - performance.now()));
}

async function killed(victims: typeof nodes, time: number): Promise<void> {
  await Promise.all(victims.map((node) => node.kill()));
  await sleep(time / 2);
  await Promise.all(victims.map((node) => node.start()));
  await sleep(time / 2);
}

async function paused(time: number): Promise<void> {
  redis.pause();
  // So long that the nodes, which wait three seconds for each answer, know that it is silent.
  await sleep(Math.max(7000, time / 2));
  redis.resume();
  await sleep(time / 2);
}

async function delayed(time: number): Promise<void> {
  redis.delay = 200;
  await sleep(time);
  redis.delay = 0;
}

async function emptied(time: number): Promise<void> {
  await sleep(time / 4);
  books.redisLostAll();
  await redis.restartEmpty();
  await sleep((3 * time) / 4);
}
