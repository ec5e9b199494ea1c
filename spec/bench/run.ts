import { mkdtemp, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measure, type Result, type Rounds } from './measure.js';
import { startRedis } from './redis.js';
import { isPinned, pinLoad, serve } from './serving.js';
import type { Hosts } from './subjects.js';
import { printTables } from './table.js';
import { works } from './works.js';

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } },
});
// Many short rounds: the speed of a machine drifts, and what is compared is measured close together.
const plan: Rounds = values.quick
  ? { rounds: 3, seconds: 0.5, warm: 1 }
  : { rounds: 11, seconds: 1, warm: 4 };
const asked = works.filter(({ name }) => values.only === undefined || name.includes(values.only));
const chosen = asked.filter(({ isLong = false }) => !(isLong && values.quick));
const say = (text: string) => process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
// A signal ends this process as anything else does, so that what it has started ends with it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

pinLoad();
say(
  isPinned
    ? 'hosts on the first core, the load on the second'
    : 'no core of their own for hosts and load: numbers vary more',
);
const env = { REDIS_URL: await startRedis() };
const names = [
  'bare',
  'byHand',
  'oursInMemory',
  'oursOnRedis',
  'passportSession',
  'httpBearer',
  'betterAuth',
];
const hosts: Hosts = {};
const results: Result[] = [];
try {
  for (const name of names) hosts[name] = await serve(name, { env });
  for (const work of chosen) results.push(await measure(work, hosts, plan, say));
} finally {
  for (const host of Object.values(hosts)) host.process.kill();
}

const machine = `${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node.js ${process.versions.node}`;
const file = join(await mkdtemp(join(tmpdir(), 'bench-')), 'bench-results.json');
await writeFile(file, JSON.stringify({ machine, isPinned, ...plan, results }, null, 2));
console.log(`\n${machine}; ${plan.rounds} rounds of ${plan.seconds} s, medians\n`);
printTables(results);
for (const { name } of asked.filter((work) => !chosen.includes(work)))
  console.log(`\nleft out of a quick run: ${name}`);
console.log(`\n${file}`);
