import type { GuardedDevices } from '../defence/guarded-devices.js';
import type { MfaDevice } from '../repositories/index.js';
import type { Challenge, ChallengePurpose } from '../sessions/record.js';
import type { StoredSession } from '../sessions/session-types.js';
import { type AssertionContext, type AssertionVerdict, isAdvanced } from './assertion.js';
import type { FactorOutcome } from './attempts.js';
import type { Challenges } from './challenges.js';
import type { Claims } from './claims.js';

/** What proving a device is made from. `clock` is in milliseconds since the epoch. */
export interface ProofDependencies {
  challenges: Challenges;
  devices: GuardedDevices;
  claims: Claims;
  clock: () => number;
}

/** Verifies an answer, of whatever kind it is. */
export type Verify = (context: AssertionContext) => AssertionVerdict | Promise<AssertionVerdict>;

/**
 * Proves a device by an answer to the challenge that a session has out for this purpose, and does what follows from
 * that; see {@link deviceProof}.
 */
export type DeviceProof = <T>(
  session: StoredSession,
  given: { purpose: ChallengePurpose; verify: Verify },
  follow: (device: MfaDevice) => Promise<T>,
) => Promise<FactorOutcome<T>>;

type Signed = Exclude<AssertionVerdict, { reason: unknown }>;

/** How often a counter that others move meanwhile is tried. */
const tries = 4;

/**
 * Makes the proof of a device. In this order: verify the answer, claim the challenge for the whole fleet, set the
 * counter if it still is what it was, and save what follows. Whatever fails gives the claim back, and the same
 * assertion is good again.
 */
export function deviceProof({ challenges, devices, claims, clock }: ProofDependencies): DeviceProof {
  /** Whether the counter has grown, or is the one that this very assertion was counted with when a save failed. */
  const isFresh = async (challenge: Challenge, { counter, device }: Signed): Promise<boolean> => {
    if (isAdvanced(counter, device.counter)) return true;
    return counter === device.counter && (await claims.isNoted(challenge, useOf(device, counter)));
  };

  /**
   * Sets the counter. Where another session has moved it meanwhile, it is looked at again. What it is set for is noted
   * before that: whatever fails after it, this assertion, and no other, may come again with the same counter. When the
   * counter was lost to another, the note goes: who signed with it is not known.
   */
  const count = async (userId: string, challenge: Challenge, verdict: Signed): Promise<boolean> => {
    const { device, counter, backedUp } = verdict;
    const use = useOf(device, counter);
    if (counter > 0) await claims.note(challenge, use);
    let current: MfaDevice | undefined = device;
    for (let left = tries; left > 0 && current !== undefined; left -= 1) {
      const step = { from: current.counter, to: counter, backedUp, at: clock() };
      if (await devices.recordUse(userId, device.credentialId, step)) return true;
      const theirs = await devices.listByUser(userId);
      current = theirs.find(
        (each) => each.credentialId === device.credentialId && isAdvanced(counter, each.counter),
      );
    }
    await claims.forget(challenge, use);
    return false;
  };

  return async <T>(
    { record: { entityId, challenge: out } }: StoredSession,
    { purpose, verify }: { purpose: ChallengePurpose; verify: Verify },
    follow: (device: MfaDevice) => Promise<T>,
  ): Promise<FactorOutcome<T>> => {
    const challenge = challenges.live(out, purpose);
    // Another has taken its place, or answered it: nothing was guessed.
    if (challenge === null) return { kind: 'raced', reason: 'no_challenge' };
    const theirs = await devices.listByUser(entityId);
    const verdict = await verify({ challenge, userId: entityId, devices: theirs });
    if ('reason' in verdict) return { kind: 'refused', reason: verdict.reason };
    return claims.hold<FactorOutcome<T>>(claims.ofChallenge(challenge), {
      async work() {
        if (!(await isFresh(challenge, verdict))) return { kind: 'refused', reason: 'counter_regressed' };
        if (!(await count(entityId, challenge, verdict))) return { kind: 'raced' };
        return { kind: 'completed', result: await follow(verdict.device) };
      },
      raced: { kind: 'raced' },
      isGood: ({ kind }) => kind === 'completed',
    });
  };
}

/** Names one use of a device. */
function useOf({ credentialId }: MfaDevice, counter: number): string {
  return `${credentialId} ${counter}`;
}
