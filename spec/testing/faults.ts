import { AssertionError } from 'node:assert';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { AuthError } from '../../lib/index.js';
import type { ContractCase } from '../../lib/testing/index.js';

/** The cases of a suite over an implementation that is broken in one way, and those of them that find it. */
export interface Fault {
  cases: readonly ContractCase[];
  foundBy: readonly string[];
}

/** Specs that a suite finds each of these faults, and that it has no case that finds none of them. */
export function describeFaults(suite: string, faults: Record<string, Fault>): void {
  describe(suite, () => {
    const failed = new Map<string, Promise<string[]>>();
    beforeAll(async () => {
      for (const [fault, { cases }] of Object.entries(faults)) failed.set(fault, failedBy(cases));
      await Promise.allSettled(failed.values());
    });

    it.each(Object.entries(faults))('finds %s', async (fault, { foundBy }) => {
      expect(await failed.get(fault)).toEqual(expect.arrayContaining([...foundBy]));
    });

    it('has no case that cannot fail', () => {
      const all = new Set(Object.values(faults).flatMap(({ cases }) => cases.map(({ name }) => name)));
      const found = new Set(Object.values(faults).flatMap(({ foundBy }) => foundBy));
      expect([...found].sort()).toEqual([...all].sort());
    });
  });
}

/** Lets others run, as every call over a network does. */
export const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The names of the cases that an implementation fails, each by an assertion or by a refusal, and not by accident. */
async function failedBy(cases: readonly ContractCase[]): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run } of cases) {
    try {
      await run();
    } catch (error) {
      if (!(error instanceof AssertionError) && !(error instanceof AuthError)) throw error;
      failed.push(name);
    }
  }
  return failed;
}
