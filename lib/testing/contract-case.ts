/**
 * One thing that an implementation must do. The suites are lists of these, so any test runner can run them.
 *
 * @example for (const { name, run } of oneTimeStoreContract(() => myStore())) it(name, run);
 */
export interface ContractCase {
  name: string;
  /** Rejects, with an AssertionError, when the implementation does something else. */
  run(): Promise<void>;
}

/** Makes something anew for each case. */
export type Fresh<T> = () => T | Promise<T>;

/** Turns a table of names and bodies into cases, each with an implementation of its own. */
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

/** Runs the same thing many times at once, and answers how many of them were `true`. */
export async function winnersOf(
  times: number,
  attempt: (index: number) => Promise<boolean>,
): Promise<number> {
  const outcomes = await Promise.all(Array.from({ length: times }, (_, index) => attempt(index)));
  return outcomes.filter((outcome) => outcome).length;
}
