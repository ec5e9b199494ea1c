import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A server in a process of its own. */
export interface Serving {
  /** What it has said when it was ready. */
  found: string;
  stop(): Promise<void>;
}

/** Starts a server, and waits until it says something by which it is known to be ready. */
export async function serving(
  [command = '', ...options]: readonly string[],
  ready: RegExp,
  env: Record<string, string> = {},
): Promise<Serving> {
  const child: ChildProcess = spawn(command, options, { env: { ...process.env, ...env } });
  let said = '';
  const found = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => {
        said += chunk;
        const match = ready.exec(said);
        if (match !== null) resolve(match[1] ?? match[0]);
      });
    }
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${command} ended with ${code}; it said:\n${said}`)));
  });
  return {
    found,
    async stop() {
      if (child.exitCode !== null) return;
      child.kill();
      await once(child, 'exit');
    },
  };
}
