import { setTimeout as sleep } from 'node:timers/promises';
import type { GuardedOneTimeStore } from '../defence/guarded-stores.js';
import { AuthError } from '../errors.js';

/** Seconds after which a lease whose holder died is free again. */
const leaseTime = 30;
/** Milliseconds that one waits for a lease, and between two tries. */
const patience = 3000;
const retryEvery = 15;

/** Lets one writer at a time work on a session, over all nodes; see {@link sessionLeases}. */
export interface SessionLeases {
  /**
   * Waits for the lease of a session, and works under it.
   *
   * @throws AuthError `unavailable` when others hold it for too long
   */
  hold<T>(key: string, work: () => Promise<T>): Promise<T>;
  /** Works under the lease of a session if it is free now; else does nothing and answers `undefined`. */
  holdIfFree<T>(key: string, work: () => Promise<T>): Promise<T | undefined>;
}

/** Makes the leases; `owner` names each holder, so that nobody gives back the lease of another. */
export function sessionLeases(oneTime: GuardedOneTimeStore, owner: () => string): SessionLeases {
  const lease = (key: string) => `lease:${key}`;
  const workAs = async <T>(holder: string, key: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } finally {
      // A lease that cannot be given back ends by itself; what was done under it is done.
      await oneTime.release(lease(key), holder).catch(() => {});
    }
  };
  /** A claim that is reported as failed may have been made; given back, it keeps nobody waiting. */
  const claimed = (key: string, holder: string) =>
    oneTime.claim(lease(key), holder, leaseTime).catch(async (error: unknown) => {
      await oneTime.release(lease(key), holder).catch(() => {});
      throw error;
    });
  return {
    async hold(key, work) {
      const holder = owner();
      const since = performance.now();
      while (!(await claimed(key, holder))) {
        if (performance.now() - since >= patience) throw new AuthError('unavailable');
        await sleep(retryEvery);
      }
      return workAs(holder, key, work);
    },
    async holdIfFree(key, work) {
      const holder = owner();
      return (await claimed(key, holder)) ? workAs(holder, key, work) : undefined;
    },
  };
}
