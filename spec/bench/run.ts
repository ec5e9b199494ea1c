import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort } from '../support/free-port.js';
import { isPinned, pinLoad, serve } from './serving.js';
import { type Hosts, type Work, works } from './works.js';

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } },
});
const [rounds, seconds] = values.quick ? [3, 1] : [7, 3];
const chosen = works.filter(({ name }) => values.only === undefined || name.includes(values.only));
const say = (text: string) => process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);

pinLoad();
say(
  isPinned
    ? 'hosts on the first core, the load on the second'
    : 'no core of their own for hosts and load: numbers vary more',
);
const redisPort = await freePort();
const redis = spawn('redis-server', ['--port', String(redisPort), '--bind', '127.0.0.1', '--save', ''], {
  stdio: 'ignore',
});
redis.once('error', () => {
  console.error('There is no redis-server; install it (Debian: apt-get install redis-server).');
  process.exit(1);
});
await new Promise((resolve) => setTimeout(resolve, 1000));
const env = { REDIS_URL: `redis://127.0.0.1:${redisPort}` };
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
for (const name of names) hosts[name] = await serve(name, env);

const results: Awaited<ReturnType<typeof measure>>[] = [];
try {
  for (const work of chosen) results.push(await measure(work));
} finally {
  for (const host of Object.values(hosts)) host.process.kill();
  redis.kill();
  await once(redis, 'exit');
}

const machine = `${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node.js ${process.versions.node}`;
const file = join(await mkdtemp(join(tmpdir(), 'bench-')), 'bench-results.json');
await writeFile(file, JSON.stringify({ machine, isPinned, rounds, seconds, results }, null, 2));
console.log(`\n${machine}; ${rounds} rounds of ${seconds} s, medians\n`);
console.log('| work | | | of the first |\n|---|---|---|---|');
for (const { name, unit, medians, ratios } of results)
  for (const [subject, value] of Object.entries(medians)) {
    const digits = value < 100 ? 2 : 0;
    console.log(
      `| ${name} | ${subject} | ${value.toFixed(digits)} ${unit} | ${ratios[subject]?.toFixed(2)} |`,
    );
  }
console.log('\n| target | wanted | measured | |\n|---|---|---|---|');
for (const { targets } of results)
  for (const { what, wanted, measured, isMet } of targets)
    console.log(`| ${what} | ${wanted} | ${measured.toFixed(2)} | ${isMet ? 'met' : '**missed**'} |`);
console.log(`\n${file}`);

/** Measures all subjects of a work in turn, round after round. */
async function measure({ name, unit, subjects, targets }: Work) {
  const values: Record<string, number[]> = Object.fromEntries(subjects.map((subject) => [subject.name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    say(`${name}: ${round === 0 ? 'getting warm' : `round ${round} of ${rounds}`}`);
    // The first round is thrown away, in which everything is compiled.
    for (const subject of subjects) {
      const value = await subject.measure(hosts, round === 0 ? 1 : seconds);
      if (round > 0) values[subject.name]?.push(value);
    }
  }
  const ratio = (of: string, against?: string) =>
    median((values[of] ?? []).map((value, round) => value / (values[against ?? '']?.[round] ?? 1)));
  const first = subjects[0]?.name ?? '';
  return {
    ...{ name, unit, values },
    medians: Object.fromEntries(Object.entries(values).map(([subject, all]) => [subject, median(all)])),
    ratios: Object.fromEntries(subjects.map((subject) => [subject.name, ratio(subject.name, first)])),
    targets: targets.map(({ of, against, least, most }) => {
      const measured = ratio(of, against);
      const isMet = measured >= (least ?? 0) && measured <= (most ?? Number.POSITIVE_INFINITY);
      const wanted = least === undefined ? `at most ${most}` : `at least ${least}`;
      return {
        what: `${name}: ${of}${against === undefined ? '' : ` against ${against}`}`,
        wanted,
        measured,
        isMet,
      };
    }),
  };
}

function median(all: readonly number[]): number {
  const sorted = [...all].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
