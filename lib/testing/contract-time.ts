import { setTimeout as wait } from 'node:timers/promises';

/**
 * How a suite lets time pass.
 *
 * @example oneTimeStoreContract(() => memoryOneTimeStore({ clock }), { sleep: async (seconds) => clock.advance(seconds) })
 */
export interface ContractTime {
  /** Resolves when so many seconds have passed for the store. @default waits for them */
  sleep?: (seconds: number) => Promise<void>;
}

/**
 * Waits, in real time.
 *
 * @example await realTime(1.2);
 */
export async function realTime(seconds: number): Promise<void> {
  await wait(seconds * 1000);
}
