import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

/** A node in a process of its own, always at the same port. */
export interface ClusterNode {
  readonly port: number;
  /** Its process now. */
  readonly process: ChildProcess;
  /** Kills it, as a machine that dies does. */
  kill(): Promise<void>;
  /** Asks it to end, and waits until it has answered whoever was waiting. */
  end(): Promise<void>;
  /** Starts it again. */
  start(): Promise<void>;
}

/** Starts a node. `env` is what it needs to know. */
export async function startNode(env: Record<string, string>, execArgv: string[] = []): Promise<ClusterNode> {
  const port = await freePort();
  let child: ChildProcess;
  const gone = async (signal: NodeJS.Signals) => {
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  };
  const node = {
    port,
    get process() {
      return child;
    },
    kill: () => gone('SIGKILL'),
    end: () => gone('SIGTERM'),
    async start() {
      child = spawn(
        process.execPath,
        [...execArgv, '--import', 'tsx', fileURLToPath(new URL('./node.ts', import.meta.url))],
        { env: { ...process.env, ...env, PORT: String(port) }, stdio: ['ignore', 'pipe', 'inherit', 'ipc'] },
      );
      const [first] = await Promise.race([
        once(child.stdout as NodeJS.ReadableStream, 'data'),
        once(child, 'exit').then(() => ['']),
      ]);
      if (!String(first).startsWith('listening')) throw new Error('a node did not start');
    },
  };
  await node.start();
  return node;
}

/** A port of this machine that nobody listens at. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
