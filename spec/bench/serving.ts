import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import type { Hosted, Sent } from './hosts/host.js';
import { send } from './sending.js';

/** Whether hosts have one core for themselves, and the load another. */
export const isPinned = canPin();

/** Puts this process, which makes the load, on the second core. */
export function pinLoad(): void {
  if (isPinned) execFileSync('taskset', ['-a', '-p', '-c', '1', String(process.pid)], { stdio: 'ignore' });
}

/** A host in a process of its own. */
export interface Serving extends Hosted {
  process: ChildProcess;
}

/** Whatever ends this process ends what it has started, even while that is busy. */
const started: ChildProcess[] = [];
process.once('exit', () => {
  for (const child of started) child.kill();
});

/** Starts a script on the core of the hosts, compiled beforehand, since a loader would be asked at each `import()`. */
export function onHostCore(
  script: string,
  args: readonly string[],
  env: Record<string, string> = {},
): ChildProcess {
  const command = [process.execPath, fileURLToPath(new URL(script, import.meta.url)), ...args];
  const [first = '', ...rest] = isPinned ? ['taskset', '-c', '0', ...command] : command;
  const child = spawn(first, rest, {
    ...{
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      serialization: 'advanced',
      env: { ...process.env, NODE_ENV: 'production', ...env },
    },
  });
  started.push(child);
  return child;
}

/** Starts a host, sends it what it is to hold, and waits until it says where it listens. */
export async function serve(
  name: string,
  { env = {}, seed }: { env?: Record<string, string>; seed?: object } = {},
): Promise<Serving> {
  const child = onHostCore('./hosts/main.js', [name], env);
  if (seed !== undefined) child.send(seed);
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const [line] = await Promise.race([once(lines, 'line'), once(child, 'exit').then(() => [''])]);
  if (line === '') throw new Error(`${name} did not start`);
  return { ...JSON.parse(line), process: child };
}

/** What a load was answered: answers per second, and the median of their milliseconds. */
export interface Measured {
  perSecond: number;
  median: number;
}

/**
 * Sends requests over and over for so many seconds.
 *
 * @throws Error when one was answered otherwise than it must be
 */
export async function load(
  { port, requests }: Hosted,
  work: string,
  { seconds, connections }: { seconds: number; connections: number },
): Promise<Measured> {
  const sent = requests[work];
  if (sent === undefined) throw new Error(`the host has no "${work}"`);
  const asked = sent.map(({ method, path, headers = {}, body }) => ({
    ...{ method, path, headers },
    ...(body === undefined ? {} : { body }),
  }));
  let client = 0;
  const result = await autocannon({
    ...{ url: `http://127.0.0.1:${port}`, duration: seconds, connections, sampleInt: 100 },
    requests: asked.slice(0, 1),
    // Each connection has its own part of them, so that no two ask for the same user or app at once.
    setupClient(each) {
      const own = asked.filter((_, at) => at % connections === client % asked.length);
      each.setRequests(own);
      client += 1;
    },
  });
  const statuses = Object.entries(result.statusCodeStats ?? {});
  const wrong = statuses.filter(([status]) => Number(status) !== sent[0]?.expected);
  if (result.errors > 0 || result.timeouts > 0 || wrong.length > 0 || statuses.length === 0)
    throw new Error(
      `"${work}" was not answered as it must be: ${result.errors} errors, ${JSON.stringify(statuses)}`,
    );
  // A host works on what was in flight at the end, which must not go at the cost of who is measured next.
  await send(port, sent[0] as Sent);
  return { perSecond: result.requests.total / result.duration, median: result.latency.p50 };
}

function canPin(): boolean {
  if (process.platform !== 'linux' || availableParallelism() < 2) return false;
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
