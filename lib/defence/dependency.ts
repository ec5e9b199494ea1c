import { AuthError } from '../errors.js';
import type { Audit, DependencyFailure } from './audit.js';
import { type Circuit, circuit } from './circuit.js';

/**
 * Calls something that is not ours: a repository, a store. `accept` reads its answer and returns `undefined` for
 * one that makes no sense. Throwing, not answering in time, answering nonsense and not being asked, because nothing
 * was answered of late, are one thing to the caller: AuthError `unavailable`, and an audit event says which it was.
 */
export type Dependency = <T>(
  operation: string,
  call: () => unknown,
  accept: (answer: unknown) => T | undefined,
) => Promise<T>;

/** What part of its deadline a call may take that fails, before that is a kind of silence: drivers have deadlines of their own. */
const slowFailure = 0.25;

/**
 * Makes the one guard that every call out of this package goes through; `seconds` is the deadline of each. A store has one
 * circuit breaker for all its operations, and each lookup of a repository its own: one query may hang, and the next not.
 */
export function dependencyGuard(seconds: number, audit: Audit): Dependency {
  const circuits = new Map<string, Circuit>();
  const circuitOf = (operation: string): Circuit => {
    const name = /^(?:session\.store|stores\.\w+)(?=\.)/.exec(operation)?.[0] ?? operation;
    const known = circuits.get(name) ?? circuit(seconds * 1000);
    circuits.set(name, known);
    return known;
  };
  const fail = (operation: string, kind: DependencyFailure, error: unknown = null): never => {
    audit({ type: 'dependency_failed', operation, kind, error: nameOf(error) });
    throw new AuthError('unavailable');
  };

  return async (operation, call, accept) => {
    const own = circuitOf(operation);
    if (!own.admits()) return fail(operation, 'circuit_open');
    const since = performance.now();
    let accepted: ReturnType<typeof accept>;
    try {
      const pending = call();
      accepted = accept(isThenable(pending) ? await before(seconds, pending, own.answered) : pending);
    } catch (error) {
      if (performance.now() - since > seconds * 1000 * slowFailure) own.silent(since);
      else own.answered();
      return fail(operation, error instanceof DeadlineError ? 'timed_out' : 'threw', error);
    }
    own.answered();
    return accepted === undefined ? fail(operation, 'impossible_answer') : accepted;
  };
}

/** Accepts yes and no. */
export function boolean(answer: unknown): boolean | undefined {
  return typeof answer === 'boolean' ? answer : undefined;
}

/** Turns a callback of Node's kind into a promise. */
export function fromCallback(
  call: (done: (error?: unknown, value?: unknown) => void) => unknown,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const returned = call((error, value) => (error ? reject(error) : resolve(value)));
    // Many stores are async functions that call back: what such a one throws comes as a rejection.
    if (isThenable(returned)) returned.then(undefined, reject);
  });
}

class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/** Rejects with a DeadlineError when the call has not settled after so many seconds; `late` is told of an answer after that. */
async function before(seconds: number, call: PromiseLike<unknown>, late: () => void): Promise<unknown> {
  const pending = Promise.resolve(call);
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new DeadlineError('no answer in time'));
      pending.then(late, () => {});
    }, seconds * 1000);
  });
  try {
    return await Promise.race([pending, deadline]);
  } finally {
    clearTimeout(timer);
  }
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
