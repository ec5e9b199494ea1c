import type { OneTimeStore } from '../defence/one-time.js';
import type { Challenge } from '../sessions/record.js';

/** What is done with a challenge that is claimed. */
export interface Claimed<T> {
  work: () => Promise<T>;
  /** The answer for whoever comes second. */
  raced: T;
  /** Whether the challenge is used up by this result. @default it is */
  isGood?: (result: T) => boolean;
}

/** Takes challenges, each once; see {@link challengeClaims}. */
export interface Claims {
  /** Does the work in the name of a challenge, unless somebody else has. Whatever fails gives the challenge back. */
  hold<T>(challenge: Challenge, claimed: Claimed<T>): Promise<T>;
  /** Seconds for which what is known of a challenge must be kept. */
  lifetime(challenge: Challenge): number;
}

/** Seconds that a claim outlives its challenge, for clocks that differ. */
const margin = 60;

/** Makes the claims on challenges, atomic over all nodes by the one-time store; `owner` names each claimant. */
export function challengeClaims(oneTime: OneTimeStore, owner: () => string, clock: () => number): Claims {
  const lifetime = ({ expiresAt }: Challenge) =>
    Math.max(0, Math.ceil((expiresAt - clock()) / 1000)) + margin;
  return {
    lifetime,
    async hold(challenge, { work, raced, isGood = () => true }) {
      const claim = `challenge:${challenge.value}`;
      const claimant = owner();
      // A claim that cannot be given back ends by itself; until then the challenge is used up.
      const giveBack = () => oneTime.release(claim, claimant).catch(() => {});
      try {
        if (!(await oneTime.claim(claim, claimant, lifetime(challenge)))) return raced;
        const result = await work();
        if (!isGood(result)) await giveBack();
        return result;
      } catch (error) {
        await giveBack();
        throw error;
      }
    },
  };
}
