import { createHash } from 'node:crypto';

/** How long a key lives, and whether it is set only where there is none, in the words of node-redis 5. */
export interface SetOptions {
  condition?: 'NX';
  expiration?: { type: 'EX' | 'PX'; value: number };
}

/** What is asked of a client: node-redis 5 and later has it, also for a cluster; see {@link ioredisClient} for the other. */
export interface RedisClient {
  /** Whether it is connected. What is asked of one that is not would wait, and be done when nobody wants it any more. */
  readonly isReady?: boolean;
  get(key: string): Promise<unknown>;
  mGet(keys: string[]): Promise<unknown>;
  set(key: string, value: string, options?: SetOptions): Promise<unknown>;
  del(keys: string | string[]): Promise<unknown>;
  expire(key: string, seconds: number): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  evalSha(sha: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

/** A command that was not sent, since there is no connection. */
export class NotConnectedError extends Error {
  override readonly name = 'NotConnectedError';
  readonly code = 'ENOTCONN';
  constructor() {
    super('passport-control: there is no connection to Redis');
  }
}

/** Runs a command now or not at all. */
export async function now<T>(client: RedisClient, command: () => Promise<T>): Promise<T> {
  if (client.isReady === false) throw new NotConnectedError();
  return command();
}

/** A script that does several things to one key as one. */
export type Script = (
  client: RedisClient,
  key: string,
  ...parameters: (string | number)[]
) => Promise<unknown>;

/** Makes a script: it is sent once to each server, and called by its hash from then on. */
export function script(source: string): Script {
  const sha = createHash('sha1').update(source).digest('hex');
  return (client, key, ...parameters) =>
    now(client, async () => {
      const given = { keys: [key], arguments: parameters.map(String) };
      try {
        return await client.evalSha(sha, given);
      } catch (error) {
        if (!String((error as Error).message).startsWith('NOSCRIPT')) throw error;
        return client.eval(source, given);
      }
    });
}
