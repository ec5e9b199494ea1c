import type { OneTimeStore } from '../defence/one-time.js';
import type { Challenge } from '../sessions/record.js';

/** What is good once: its name, and the seconds for which it is remembered when it was used. */
export interface OneTimeClaim {
  name: string;
  seconds: number;
}

/** What is done in the name of what is claimed. */
export interface Claimed<T> {
  /** @param keep holds the claim for so many seconds, though whoever made it dies meanwhile */
  work: (keep: (seconds: number) => Promise<void>) => Promise<T>;
  /** The answer for whoever comes second. */
  raced: T;
  /** Whether it is used up by this result. @default it is */
  isGood?: (result: T) => boolean;
}

/** Takes what is good once; see {@link oneTimeClaims}. */
export interface Claims {
  /** Does the work in the name of a claim, unless somebody else has. Whatever fails gives it back. */
  hold<T>(claim: OneTimeClaim, claimed: Claimed<T>): Promise<T>;
  /** The claim on a challenge. */
  ofChallenge(challenge: Challenge): OneTimeClaim;
  /** Notes for which use of a device a challenge is answered; there is one note at a time. */
  note(challenge: Challenge, use: string): Promise<void>;
  /** Whether that is what was noted. */
  isNoted(challenge: Challenge, use: string): Promise<boolean>;
  /** Takes a note back. */
  forget(challenge: Challenge, use: string): Promise<void>;
}

/** Seconds that a claim outlives its challenge, for clocks that differ. */
const margin = 60;
/** Seconds for which a claim is held while the work is done; whoever dies meanwhile gives it back by that, unless it is kept. */
const heldFor = 60;

/** Makes the claims, atomic over all nodes by the one-time store; `owner` names each claimant. */
export function oneTimeClaims(oneTime: OneTimeStore, owner: () => string, clock: () => number): Claims {
  const lifetime = ({ expiresAt }: Challenge) =>
    Math.max(0, Math.ceil((expiresAt - clock()) / 1000)) + margin;
  const noteOf = ({ value }: Challenge) => `counted:${value}`;
  return {
    ofChallenge: (challenge) => ({
      name: `challenge:${challenge.value}`,
      seconds: lifetime(challenge),
    }),
    async hold({ name, seconds }, { work, raced, isGood = () => true }) {
      const claimant = owner();
      // A claim that cannot be given back ends by itself; until then it is used up.
      const giveBack = () => oneTime.release(name, claimant).catch(() => {});
      try {
        if (!(await oneTime.claim(name, claimant, heldFor))) return raced;
        const result = await work((lasting) => oneTime.put(name, claimant, lasting));
        // What is done is done: a session that is saved, or a device that is added, is not so twice.
        if (isGood(result)) await oneTime.put(name, claimant, seconds).catch(() => {});
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
