import type { GuardedOneTimeStore } from './guarded-stores.js';

/** Something that is good once: its key, and the seconds for which it must be remembered. */
export interface Once {
  key: string;
  seconds: number;
}

/**
 * Uses up what is good once, atomically over all nodes. Answers how to give all of it back, for when what it was used for
 * came to nothing; `null` when somebody else has used any of it.
 */
export type ClaimOnce = (uses: readonly Once[]) => Promise<(() => Promise<void>) | null>;

/** Makes the consumer of what is good once; `owner` names each claimant. */
export function claimOnce(oneTime: GuardedOneTimeStore, owner: () => string): ClaimOnce {
  return async (uses) => {
    const claimant = owner();
    const tried: string[] = [];
    // Compare-and-delete: what somebody else holds stays theirs. What cannot be given back ends by itself.
    const giveBack = async () => {
      await Promise.allSettled(tried.map((key) => oneTime.release(key, claimant)));
    };
    try {
      for (const { key, seconds } of uses) {
        tried.push(key);
        if (await oneTime.claim(key, claimant, seconds)) continue;
        await giveBack();
        return null;
      }
      return giveBack;
    } catch (error) {
      await giveBack();
      throw error;
    }
  };
}
