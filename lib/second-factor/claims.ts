import type { GuardedOneTimeStore } from '../defence/guarded-stores.js';
import type { Challenge } from '../sessions/record.js';

/** What is good once: its name, and the seconds for which it is remembered when it was used. */
export interface OneTimeClaim {
  name: string;
  seconds: number;
}

/** What is done in the name of what is claimed. */
export interface Claimed<T> {
  /**
   * @param keep holds the claim for so many seconds, though whoever made it dies meanwhile; the note, without spaces, says
   *   what is to come of it
   */
  work: (keep: (seconds: number, note: string) => Promise<void>) => Promise<T>;
  /**
   * Whether what was noted has come of a claim, or may have. If not, a claim that was kept and is not given back is free
   * again after a while. @default it may have
   */
  cameOf?: (note: string) => Promise<boolean>;
  /** The answer for whoever comes second. */
  raced: T;
  /** Whether it is used up by this result. @default it is */
  isGood?: (result: T) => boolean;
}

/** Nobody knows what came of a claim that was kept: it is not given back, and the cause is thrown. */
export class UncertainError extends Error {
  override readonly name = 'UncertainError';
  constructor(override readonly cause: unknown) {
    super('what came of a claim is not known');
  }
}

/** Takes what is good once; see {@link oneTimeClaims}. */
export interface Claims {
  /** Does the work in the name of a claim, unless somebody else has. Whatever fails gives it back, but an {@link UncertainError}. */
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
export function oneTimeClaims(
  oneTime: GuardedOneTimeStore,
  owner: () => string,
  clock: () => number,
): Claims {
  const lifetime = ({ expiresAt }: Challenge) =>
    Math.max(0, Math.ceil((expiresAt - clock()) / 1000)) + margin;
  const noteOf = ({ value }: Challenge) => `counted:${value}`;
  /** Frees a claim that was kept, if nothing came of it and whoever made it has had the time to say so. */
  const isAbandoned = async (name: string, cameOf: (note: string) => Promise<boolean>) => {
    const kept = (await oneTime.get(name)) ?? '';
    const [, until, note] = kept.split(' ');
    if (note === undefined || clock() < Number(until) || (await cameOf(note))) return false;
    await oneTime.release(name, kept);
    return true;
  };
  return {
    ofChallenge: (challenge) => ({
      name: `challenge:${challenge.value}`,
      seconds: lifetime(challenge),
    }),
    async hold({ name, seconds }, { work, raced, isGood = () => true, cameOf = async () => true }) {
      const claimant = owner();
      const held = [claimant];
      // A claim that cannot be given back ends by itself; until then it is used up.
      const giveBack = () => Promise.allSettled(held.map((value) => oneTime.release(name, value)));
      const keep = async (lasting: number, note: string) => {
        const kept = `${claimant} ${clock() + heldFor * 1000} ${note}`;
        held.push(kept);
        await oneTime.put(name, kept, lasting);
      };
      const claim = () => oneTime.claim(name, claimant, heldFor);
      try {
        if (!(await claim()) && !((await isAbandoned(name, cameOf)) && (await claim()))) return raced;
        const result = await work(keep);
        // What is done is done: a session that is saved, or a device that is added, is not so twice.
        if (isGood(result)) await oneTime.put(name, claimant, seconds).catch(() => {});
        else await giveBack();
        return result;
      } catch (error) {
        if (error instanceof UncertainError) throw error.cause;
        await giveBack();
        throw error;
      }
    },
    note: (challenge, use) => oneTime.put(noteOf(challenge), use, lifetime(challenge)),
    isNoted: async (challenge, use) => (await oneTime.get(noteOf(challenge))) === use,
    forget: (challenge, use) => oneTime.release(noteOf(challenge), use),
  };
}
