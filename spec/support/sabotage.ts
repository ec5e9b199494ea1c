import type { TestAppOptions } from './app.js';
import type { Target } from './attack.js';
import type { TestClock } from './clock.js';
import { type Shared, sharedStores } from './shared.js';

/** How a call fails: before anything is done, or when all of it is done and only the answer is missing. */
export type Sabotage = 'throw' | 'reject' | 'hang' | 'done, then reject' | 'done, then hang';

/** What fails, and how: calls of this name with a parameter in which this text is, or whatever else answers in its place. */
export interface Hit {
  call: string;
  about: string;
  how: Sabotage | { answers: unknown };
}

/** Dependencies of which one call, counted over all of them, can be made to fail. */
export interface Saboteur {
  /** What the nodes under attack are to be built with. */
  options: Pick<TestAppOptions, 'stores' | 'session' | 'repositories' | 'dependencyTimeout'>;
  /** The stores behind, without latency and without faults. */
  shared: Shared;
  /** Lets the nodes work; to be called first. */
  attach(target: Target): void;
  /** From now on calls are counted anew, and those that are picked fail. */
  arm(how: Sabotage, isPicked: (call: string, at: number) => boolean): void;
  /** From now on these calls fail, whatever else does; what lets them through again. */
  hit(hit: Hit): () => void;
  /** Lets all calls through; the calls since the last {@link arm}, in their order. */
  disarm(): string[];
}

/** Makes the dependencies of an attack by faults. */
export function saboteur(dependencyTimeout = 0.25, { latency = false } = {}): Saboteur {
  let target: Target | undefined;
  let plan: { how: Sabotage; isPicked(call: string, at: number): boolean } | undefined;
  let calls: string[] = [];
  const hits = new Set<Hit>();

  const attached = () => {
    if (target === undefined) throw new Error('not attached');
    return target;
  };
  const clock: TestClock = Object.assign(() => attached().clock(), {
    advance: (seconds: number) => attached().clock.advance(seconds),
  });
  const shared = sharedStores(clock, { latency });

  const sabotaged = <T extends object>(name: string, get: () => T, callbacks = false): T =>
    new Proxy({} as T, {
      get(_, operation) {
        if (typeof operation !== 'string' || operation === 'then') return undefined;
        // A store may leave it out, as those in memory do.
        if (operation === 'getAll') return undefined;
        return (...parameters: unknown[]) => {
          const method = Reflect.get(get(), operation) as (...given: unknown[]) => unknown;
          const call = `${name}.${operation}`;
          const at = calls.push(call) - 1;
          const hit = [...hits].find((each) => each.call === call && isAbout(parameters, each.about));
          const how = hit?.how ?? (plan?.isPicked(call, at) ? plan.how : null);
          const run = (given = parameters) => Reflect.apply(method, get(), given);
          if (how === null) return run();
          if (typeof how === 'object') return answered(how.answers, parameters, callbacks);
          if (how === 'throw') throw new Error('secret-of-the-driver');
          return callbacks ? failWithCallback(how, run, parameters) : failAsPromise(how, run);
        };
      },
    });

  const repository = <K extends 'users' | 'apps' | 'accounts' | 'devices' | 'identityProviders'>(name: K) =>
    sabotaged(name, () => attached().nodes[0].repositories[name]);
  const { stores } = shared;
  return {
    shared,
    options: {
      dependencyTimeout,
      session: { store: sabotaged('store', () => shared.store, true) },
      stores: {
        oneTime: sabotaged('oneTime', () => stores.oneTime),
        counters: sabotaged('counters', () => stores.counters),
        index: sabotaged('index', () => stores.index),
      },
      repositories: {
        users: repository('users'),
        apps: repository('apps'),
        accounts: repository('accounts'),
        devices: repository('devices'),
        identityProviders: repository('identityProviders'),
      },
    },
    attach(given) {
      target = given;
    },
    arm(how, isPicked) {
      calls = [];
      plan = { how, isPicked };
    },
    hit(hit) {
      hits.add(hit);
      return () => void hits.delete(hit);
    },
    disarm() {
      plan = undefined;
      return [...calls];
    },
  };
}

function isAbout(parameters: readonly unknown[], text: string): boolean {
  return parameters.some((each) => (JSON.stringify(each) ?? '').includes(text));
}

function answered(value: unknown, parameters: readonly unknown[], callbacks: boolean): unknown {
  if (!callbacks) return Promise.resolve(value);
  return (parameters.at(-1) as (error: unknown, value: unknown) => void)(null, value);
}

type Late = Exclude<Sabotage, 'throw'>;
type Run = (parameters?: unknown[]) => unknown;

async function failAsPromise(how: Late, run: Run): Promise<unknown> {
  if (how.startsWith('done')) await run();
  if (how.endsWith('hang')) return new Promise(() => {});
  throw new Error('secret-of-the-driver');
}

function failWithCallback(how: Late, run: Run, parameters: unknown[]): void {
  const callback = parameters.at(-1) as (error?: unknown) => void;
  const fail = () => {
    if (how.endsWith('reject')) callback(new Error('secret-of-the-driver'));
  };
  if (how.startsWith('done')) run([...parameters.slice(0, -1), fail]);
  else fail();
}
