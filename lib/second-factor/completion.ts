import type { GuardedDevices } from '../defence/guarded-devices.js';
import type { OneTimeStore } from '../defence/one-time.js';
import type { MfaDevice } from '../repositories/index.js';
import type { Challenge } from '../sessions/record.js';
import type { StoredSession } from '../sessions/session-types.js';
import type { Sessions } from '../sessions/sessions.js';
import type { Assertion } from '../wire/webauthn.js';
import { type AssertionVerdict, isAdvanced, verifyAssertion } from './assertion.js';
import type { FactorAttempts, FactorOutcome } from './attempts.js';
import type { Challenges, Fido2Settings } from './challenges.js';
import type { Claims } from './claims.js';

/** What completing a sign-in is made from. `clock` is in milliseconds since the epoch. */
export interface CompletionDependencies {
  settings: Fido2Settings;
  challenges: Challenges;
  devices: GuardedDevices;
  sessions: Sessions;
  attempts: FactorAttempts;
  claims: Claims;
  oneTime: OneTimeStore;
  clock: () => number;
}

/** Completes a pending session by an assertion; see {@link fido2Completion}. */
export type Fido2Completion = (
  session: StoredSession,
  assertion: Assertion,
  address: string,
) => Promise<StoredSession & { token?: string }>;

/** How often a counter that others move meanwhile is tried. */
const tries = 4;

/**
 * Makes the completion of a sign-in by FIDO2. In this order: verify the assertion, claim the challenge for the whole
 * fleet, set the counter if it still is what it was, save the session. Whatever fails gives the claim back, and the
 * same assertion is good again. It throws what {@link FactorAttempts} does, and AuthError `unavailable`.
 */
export function fido2Completion({
  settings,
  challenges,
  devices,
  sessions,
  attempts,
  claims,
  oneTime,
  clock,
}: CompletionDependencies): Fido2Completion {
  const complete = async (session: StoredSession, assertion: Assertion): Promise<FactorOutcome> => {
    const { entityId } = session.record;
    const challenge = challenges.live(session.record.challenge, 'sign-in');
    if (challenge === null) return { kind: 'refused', reason: 'no_challenge' };
    const theirs = await devices.listByUser(entityId);
    const verdict = await verifyAssertion(
      settings,
      { challenge, userId: entityId, devices: theirs },
      assertion,
    );
    if ('reason' in verdict) return { kind: 'refused', reason: verdict.reason };
    return claims.hold<FactorOutcome>(challenge, {
      async work() {
        if (!(await isFresh(challenge, verdict))) return { kind: 'refused', reason: 'counter_regressed' };
        if (!(await count(entityId, challenge, verdict))) return { kind: 'raced' };
        return { kind: 'completed', session: await sessions.complete(session) };
      },
      raced: { kind: 'raced' },
      isGood: ({ kind }) => kind === 'completed',
    });
  };

  /** Whether the counter has grown, or is the one that this very assertion was counted with when a save failed. */
  const isFresh = async (challenge: Challenge, verdict: Signed): Promise<boolean> => {
    const { counter, device } = verdict;
    if (isAdvanced(counter, device.counter)) return true;
    return counter === device.counter && (await oneTime.get(counted(challenge))) === used(verdict);
  };

  /**
   * Sets the counter. Where another session has moved it meanwhile, it is looked at again. What it is set for is noted
   * before that: whatever fails after it, this assertion, and no other, may come again with the same counter.
   */
  const count = async (userId: string, challenge: Challenge, verdict: Signed): Promise<boolean> => {
    const { device, counter, backedUp } = verdict;
    if (counter > 0) await oneTime.put(counted(challenge), used(verdict), claims.lifetime(challenge));
    let current: MfaDevice | undefined = device;
    for (let left = tries; left > 0 && current !== undefined; left -= 1) {
      const use = { from: current.counter, to: counter, backedUp, at: clock() };
      if (await devices.recordUse(userId, device.credentialId, use)) return true;
      const theirs = await devices.listByUser(userId);
      current = theirs.find(
        (each) => each.credentialId === device.credentialId && isAdvanced(counter, each.counter),
      );
    }
    return false;
  };

  return (session, assertion, address) =>
    attempts.at(session, { factor: 'fido2', address }, () => complete(session, assertion));
}

type Signed = Exclude<AssertionVerdict, { reason: unknown }>;

/** Where it is noted which use of a device is counted for a challenge. */
function counted({ value }: Challenge): string {
  return `counted:${value}`;
}

function used({ device, counter }: Signed): string {
  return `${device.credentialId} ${counter}`;
}
