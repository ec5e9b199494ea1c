import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.js';

const run = promisify(execFile);
const versions = '/usr/lib/postgresql';

/** A PostgreSQL server of the specs. */
export interface PostgresServer {
  readonly url: string;
  /** Starts it again on the same port, with what it had confirmed. */
  start(): Promise<void>;
  /** Ends it at once, connections and all, as a crash does. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts Debian's PostgreSQL on a free port, with an empty database. */
export async function postgresServer(): Promise<PostgresServer> {
  const [version] = (await readdir(versions).catch(() => [])).sort(
    (one, other) => Number(other) - Number(one),
  );
  if (version === undefined)
    throw new Error("These specs keep their rows in PostgreSQL: install Debian's postgresql.");
  const program = (name: string) => join(versions, version, 'bin', name);
  const folder = await mkdtemp(join(tmpdir(), 'postgres-'));
  const data = join(folder, 'data');
  const as = await unprivileged();
  if (as !== undefined) await chown(folder, as.uid, as.gid);
  const inFolder = { cwd: folder, ...as };
  const cluster = ['--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'];
  await run(program('initdb'), ['-D', data, ...cluster], inFolder);

  const port = await freePort();
  const settings = { listen_addresses: '127.0.0.1', port, unix_socket_directories: '', fsync: 'off' };
  const given = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  let child: ChildProcess | undefined;
  const server: PostgresServer = {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    async start() {
      const started = spawn(program('postgres'), ['-D', data, ...given], {
        ...inFolder,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      child = started;
      let said = '';
      await new Promise<void>((resolve, reject) => {
        started.stderr.on('data', (chunk) => {
          said += chunk;
          if (said.includes('ready to accept connections')) resolve();
        });
        started.once('error', reject);
        started.once('exit', () => reject(new Error(`PostgreSQL does not start; it said:\n${said}`)));
      });
    },
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGQUIT');
      await ended;
    },
    async stop() {
      await server.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}

/** Whom PostgreSQL runs as where the specs run as root, whom it refuses. */
async function unprivileged(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = async (kind: string) => Number((await run('id', [kind, 'postgres'])).stdout);
  return { uid: await idOf('-u'), gid: await idOf('-g') };
}
