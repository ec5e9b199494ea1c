import type { Awaitable } from '../awaitable.js';
import { AuthError } from '../errors.js';
import type { Audit, DependencyFailure } from './audit.js';
import { type Circuit, circuit as circuitBreaker } from './circuit.js';
import { Deadline } from './deadline.js';

/**
 * Calls something that is not ours: a repository, a store. `accept` reads its answer and returns `undefined` for
 * one that makes no sense. Throwing, not answering in time, answering nonsense and not being asked, because nothing
 * was answered of late, are one thing to the caller: AuthError `unavailable`, and an audit event says which it was.
 */
export interface Dependency {
  <T>(operation: string, call: () => unknown, accept: Accept<T>): Promise<T>;
  /** The same, and what is answered at once is there at once. A failure is a rejected promise all the same: it never throws. */
  atOnce<T>(operation: string, call: () => unknown, accept: Accept<T>): Awaitable<T>;
}

/** Reads an answer; `undefined` for one that makes no sense. */
type Accept<T> = (answer: unknown) => T | undefined;

/** A call that was made; `since` is in milliseconds on a clock that never goes back. */
interface Asked {
  operation: string;
  circuit: Circuit;
  since: number;
}

/** What part of its deadline a call may take that fails, before that is a kind of silence: drivers have deadlines of their own. */
const slowFailure = 0.25;

/**
 * Makes the one guard that every call out of this package goes through; `seconds` is the deadline of each. A store has one
 * circuit breaker for all its operations, and each lookup of a repository its own: one query may hang, and the next not.
 */
export function dependencyGuard(seconds: number, audit: Audit): Dependency {
  const deadline = new Deadline(seconds * 1000);
  const circuits = new Map<string, Circuit>();
  const circuitOf = (operation: string): Circuit => {
    const known = circuits.get(operation);
    if (known !== undefined) return known;
    const store = /^(?:session\.store|stores\.\w+)(?=\.)/.exec(operation)?.[0];
    const own = store === undefined ? circuitBreaker(seconds * 1000) : circuitOf(store);
    circuits.set(operation, own);
    return own;
  };
  const fail = (operation: string, kind: DependencyFailure, error: unknown = null): Promise<never> => {
    audit({ type: 'dependency_failed', operation, kind, error: nameOf(error) });
    return Promise.reject(new AuthError('unavailable'));
  };

  const failed = ({ operation, circuit, since }: Asked, error: unknown) => {
    if (performance.now() - since > seconds * 1000 * slowFailure) circuit.silent(since);
    else circuit.answered();
    return fail(operation, error instanceof DeadlineError ? 'timed_out' : 'threw', error);
  };
  const answered = <T>(asked: Asked, accept: Accept<T>, answer: unknown) => {
    let accepted: T | undefined;
    try {
      accepted = accept(answer);
    } catch (error) {
      return failed(asked, error);
    }
    asked.circuit.answered();
    return accepted === undefined ? fail(asked.operation, 'impossible_answer') : accepted;
  };

  const atOnce: Dependency['atOnce'] = (operation, call, accept) => {
    const asked: Asked = { operation, circuit: circuitOf(operation), since: performance.now() };
    if (!asked.circuit.admits()) return fail(operation, 'circuit_open');
    try {
      const answer = call();
      return isThenable(answer) ? inTime(asked, accept, answer) : answered(asked, accept, answer);
    } catch (error) {
      return failed(asked, error);
    }
  };
  const inTime = <T>(asked: Asked, accept: Accept<T>, thenable: PromiseLike<unknown>) => {
    const pending = Promise.resolve(thenable);
    return new Promise<T>((resolve) => {
      const watched = deadline.watch(() => resolve(failed(asked, new DeadlineError('no answer in time'))));
      pending.then(
        (answer) => {
          if (deadline.forget(watched)) resolve(answered(asked, accept, answer));
          else asked.circuit.answered();
        },
        (error: unknown) => {
          if (deadline.forget(watched)) resolve(failed(asked, error));
        },
      );
    });
  };
  const dependency = <T>(operation: string, call: () => unknown, accept: Accept<T>) =>
    Promise.resolve(atOnce(operation, call, accept));
  return Object.assign(dependency, { atOnce });
}

/** Accepts yes and no. */
export function boolean(answer: unknown): boolean | undefined {
  return typeof answer === 'boolean' ? answer : undefined;
}

/** What a function of Node's kind calls back with: there at once, if it has called back when it returns. */
export function fromCallback(
  call: (done: (error?: unknown, value?: unknown) => void) => unknown,
): Awaitable<unknown> {
  let calledBack: { error: unknown; value: unknown } | undefined;
  let settle = () => {};
  const done = (error?: unknown, value?: unknown) => {
    calledBack ??= { error, value };
    settle();
  };
  const outcome = () => {
    if (calledBack?.error) throw calledBack.error;
    return calledBack?.value;
  };
  const returned = call(done);
  // Many stores are async functions that call back: what such a one throws comes as a rejection.
  if (isThenable(returned))
    returned.then(undefined, (error: unknown) => done(error || new TypeError('rejected')));
  if (calledBack !== undefined) return outcome();
  return new Promise<void>((resolve) => {
    settle = resolve;
  }).then(outcome);
}

class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function nameOf(error: unknown): string | null {
  if (!(error instanceof Error)) return error === null ? null : typeof error;
  const name = typeof error.name === 'string' ? error.name : 'Error';
  const code = 'code' in error && typeof error.code === 'string' ? ` ${error.code}` : '';
  return `${name}${code}`.slice(0, 80);
}
