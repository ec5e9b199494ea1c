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
  /** Notes for which use of a device a challenge is answered; there is one note at a time. */
  note(challenge: Challenge, use: string): Promise<void>;
  /** Whether that is what was noted. */
  isNoted(challenge: Challenge, use: string): Promise<boolean>;
  /** Takes a note back. */
  forget(challenge: Challenge, use: string): Promise<void>;
}

/** Seconds that a claim outlives its challenge, for clocks that differ. */
const margin = 60;
/** Seconds for which a challenge is held while the work is done; whoever dies meanwhile gives it back by that. */
const heldFor = 60;

/** Makes the claims on challenges, atomic over all nodes by the one-time store; `owner` names each claimant. */
export function challengeClaims(oneTime: OneTimeStore, owner: () => string, clock: () => number): Claims {
  const lifetime = ({ expiresAt }: Challenge) =>
    Math.max(0, Math.ceil((expiresAt - clock()) / 1000)) + margin;
  const noteOf = ({ value }: Challenge) => `counted:${value}`;
  return {
    async hold(challenge, { work, raced, isGood = () => true }) {
      const claim = `challenge:${challenge.value}`;
      const claimant = owner();
      // A claim that cannot be given back ends by itself; until then the challenge is used up.
      const giveBack = () => oneTime.release(claim, claimant).catch(() => {});
      try {
        if (!(await oneTime.claim(claim, claimant, heldFor))) return raced;
        const result = await work();
        // What is done is done: a session that is saved, or a device that is added, is not so twice.
        if (isGood(result)) await oneTime.put(claim, claimant, lifetime(challenge)).catch(() => {});
        else await giveBack();
        return result;
      } catch (error) {
        await giveBack();
        throw error;
      }
    },
    note: (challenge, use) => oneTime.put(noteOf(challenge), use, lifetime(challenge)),
    isNoted: async (challenge, use) => (await oneTime.get(noteOf(challenge))) === use,
    forget: (challenge, use) => oneTime.release(noteOf(challenge), use),
  };
}
