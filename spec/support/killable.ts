import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { MemoryRepositories } from '../../lib/index.js';
import type { KilledOptions, OutsideCall } from './killed-host.js';
import type { Shared } from './shared.js';

/** At which of its calls to a store or a repository a request is stopped: before that is done, or before its answer comes. */
export interface Stop {
  at: number;
  how: 'before' | 'after';
}

/** What hosts in other processes keep here, so that it is there when they are not. */
export class Outside {
  private readonly objects: Record<string, object>;
  private readonly stops = new Map<string, Stop & { stopped: () => void }>();
  private readonly made = new Map<string, string[]>();

  constructor({ store, stores }: Shared, repositories: MemoryRepositories) {
    this.objects = { ...stores, ...repositories, store };
  }

  /** Stops a request at one of its calls; resolves when it is there. */
  stop(request: string, stop: Stop): Promise<void> {
    return new Promise((stopped) => this.stops.set(request, { ...stop, stopped }));
  }

  /** The calls of a request, in their order. */
  calls(request: string): readonly string[] {
    return this.made.get(request) ?? [];
  }

  /** Starts a host. */
  async start(secret: string, ahead: number): Promise<Killable> {
    const operations = Object.entries(this.objects).map(([name, object]) => [
      name,
      Object.keys(object).filter((key) => typeof Reflect.get(object, key) === 'function'),
    ]);
    const options: KilledOptions = { secret, ahead, operations: Object.fromEntries(operations) };
    const script = fileURLToPath(new URL('./killed-host.ts', import.meta.url));
    const child = fork(script, [JSON.stringify(options)], {
      ...{ execArgv: ['--import', 'tsx'], serialization: 'advanced', silent: true },
    });
    child.on('message', (call: OutsideCall) => void this.answer(child, call));
    let said = '';
    const port = await new Promise<string>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr])
        stream?.on('data', (chunk) => {
          said += chunk;
          const found = /listening on (\d+)/.exec(said)?.[1];
          if (found !== undefined) resolve(found);
        });
      child.once('exit', (code) => reject(new Error(`ended with ${code}; it said:\n${said}`)));
    });
    return new Killable(child, `http://127.0.0.1:${port}`);
  }

  private async answer(child: ChildProcess, { id, request, name, parameters }: OutsideCall): Promise<void> {
    const made = this.made.get(request) ?? [];
    this.made.set(request, made);
    const at = made.push(name);
    const stop = this.stops.get(request);
    // What the request does beside that call is not done either.
    if (stop !== undefined && at > stop.at) return;
    const isLast = at === stop?.at;
    const value = isLast && stop?.how === 'before' ? undefined : await this.perform(name, parameters);
    if (isLast) stop?.stopped();
    else if (child.connected) child.send({ id, value });
  }

  private perform(call: string, parameters: unknown[]): Promise<unknown> {
    const [name = '', operation = ''] = call.split('.');
    const object = this.objects[name] ?? {};
    const method = Reflect.get(object, operation) as (...given: unknown[]) => unknown;
    if (name !== 'store') return Promise.resolve(Reflect.apply(method, object, parameters));
    return new Promise((resolve, reject) => {
      const done = (error: unknown, row: unknown) => (error ? reject(error) : resolve(row));
      Reflect.apply(method, object, [...parameters, done]);
    });
  }
}

/** A host in a process that can be killed. */
export class Killable {
  constructor(
    private readonly child: ChildProcess,
    private readonly base: string,
  ) {}

  /** Sends a request; `null` when there is no answer. */
  async send(
    method: string,
    path: string,
    { headers = {}, body }: { headers?: Record<string, string>; body?: unknown } = {},
  ) {
    const json = { 'Content-Type': 'application/json' };
    try {
      const answer = await fetch(this.base + path, {
        ...{ method, headers: { ...headers, ...(body === undefined ? {} : json) } },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      const cookie = answer.headers.getSetCookie()[0]?.split(';')[0];
      return { status: answer.status, body: text === '' ? {} : JSON.parse(text), cookie };
    } catch {
      return null;
    }
  }

  /** Kills it, as a machine that loses its power does. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }
}
