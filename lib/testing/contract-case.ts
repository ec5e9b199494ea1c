import assert from 'node:assert/strict';
import type { Awaitable } from '../awaitable.js';

/**
 * One thing that an implementation must do. The suites are lists of these, so any test runner can run them.
 *
 * @example for (const { name, run } of oneTimeStoreContract(() => myStore())) it(name, run);
 */
export interface ContractCase {
  name: string;
  /** Rejects when the implementation does something else: with an AssertionError, or with what it threw itself. */
  run(): Promise<void>;
}

/**
 * Makes something anew for each case.
 *
 * @example const fresh: Fresh<OneTimeStore> = () => memoryOneTimeStore();
 */
export type Fresh<T> = () => T | Promise<T>;

/**
 * Turns a table of names and bodies into cases, each with an implementation of its own.
 *
 * @example casesOf(create, { async 'answers null for an unknown key'(store) { … } })
 */
export function casesOf<T>(
  create: Fresh<T>,
  table: Record<string, (subject: T) => Promise<void>>,
): ContractCase[] {
  return Object.entries(table).map(([name, check]) => ({
    name,
    async run() {
      await check(await create());
    },
  }));
}

/**
 * Runs the same thing many times at once, and answers the indices of those that were `true`. Each must answer a
 * boolean: "something like yes" is how a loser gets in.
 *
 * @example const [winner] = await winnersOf(20, (index) => store.claim('key', `owner ${index}`, 60));
 */
export async function winnersOf(
  times: number,
  attempt: (index: number) => Awaitable<boolean>,
): Promise<number[]> {
  const outcomes = await Promise.all(Array.from({ length: times }, (_, index) => attempt(index)));
  for (const outcome of outcomes) assert.equal(typeof outcome, 'boolean');
  return outcomes.flatMap((outcome, index) => (outcome ? [index] : []));
}

/**
 * Asserts that exactly one of many parallel attempts is `true`, and answers its index.
 *
 * @example await oneWinnerOf(30, () => devices.consumeRecoveryCode(userId, hash));
 */
export async function oneWinnerOf(
  times: number,
  attempt: (index: number) => Awaitable<boolean>,
): Promise<number> {
  const [winner, ...others] = await winnersOf(times, attempt);
  assert.ok(winner !== undefined, `none of ${times} parallel attempts was true`);
  assert.equal(others.length, 0, `${others.length + 1} of ${times} parallel attempts were true`);
  return winner;
}
