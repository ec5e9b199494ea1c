import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The folder of the repository, with a slash at its end. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** An example that is running, and what it has said so far. */
export interface Example {
  child: ChildProcess;
  said: () => string;
}

const children: ChildProcess[] = [];

/** Starts an example as its README does, in a process group of its own. */
export function start(path: string, port: number, env: Record<string, string> = {}): Example {
  const child = spawn('node_modules/.bin/tsx', [path], {
    cwd: root,
    env: { ...process.env, ...env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  children.push(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (text += chunk));
  return { child, said: () => text };
}

/** Waits for something that an example promises, and fails with what it said when that does not come. */
export async function until<T>(
  { child, said }: Example,
  look: () => Promise<T | undefined>,
  seconds = 20,
): Promise<T> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end && child.exitCode === null; ) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the example did not come up; it said:\n${said()}`);
}

/** Starts the console on a free port, and waits until it says that it is ready and where. */
export async function startConsole(): Promise<Example & { origin: string }> {
  const example = start('examples/console/server.ts', 0);
  const origin = await until(example, async () =>
    example.said().includes('Ctrl-C')
      ? /^ {2}(http:\/\/localhost:\d+)$/m.exec(example.said())?.[1]
      : undefined,
  );
  return { ...example, origin };
}

/** Ends every example that a spec started. */
export async function stopAll(): Promise<void> {
  for (const child of children.splice(0)) {
    if (child.pid === undefined || child.exitCode !== null) continue;
    process.kill(-child.pid, 'SIGTERM');
    await once(child, 'exit');
  }
}
