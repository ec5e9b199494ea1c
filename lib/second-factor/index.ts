import type { Audit } from '../defence/audit.js';
import type { CounterStore } from '../defence/counters.js';
import type { FailureLimit } from '../defence/failure-window.js';
import type { GuardedDevices } from '../defence/guarded-devices.js';
import type { OneTimeStore } from '../defence/one-time.js';
import type { StoredSession } from '../sessions/session-types.js';
import type { Sessions } from '../sessions/sessions.js';
import type { Assertion } from '../wire/webauthn.js';
import { factorAttempts } from './attempts.js';
import { type Challenges, challenges, type Fido2Settings } from './challenges.js';
import { challengeClaims } from './claims.js';
import { type Enrolment, enrolment } from './enrolment.js';
import { deviceProof } from './proof.js';

/** What the second factor is made from. `clock` is in milliseconds since the epoch. */
export interface SecondFactorParts {
  settings: Fido2Settings;
  devices: GuardedDevices;
  sessions: Sessions;
  oneTime: OneTimeStore;
  counters: CounterStore;
  /** Failures of one user, in all sessions and by all factors; `null`: any number. */
  perUser: FailureLimit | null;
  clock: () => number;
  randomBytes: (size: number) => Buffer;
  /** Names whoever claims a challenge: different at each call. */
  owner: () => string;
  audit: Audit;
}

/** The second factor: giving challenges, completing sign-ins, enrolling devices. */
export interface SecondFactor {
  devices: GuardedDevices;
  challenges: Challenges;
  enrolment: Enrolment;
  /**
   * Completes a pending session by an assertion over its challenge.
   *
   * @throws AuthError as {@link FactorAttempts} does, and `unavailable`; then the same assertion is good again
   */
  complete: (
    session: StoredSession,
    assertion: Assertion,
    address: string,
  ) => Promise<StoredSession & { token?: string }>;
  /** Unlocks the configuration in an active session by an assertion; it throws as `complete` does. */
  unlock: (session: StoredSession, assertion: Assertion, address: string) => Promise<void>;
}

/** Puts the second factor together. */
export function secondFactor(parts: SecondFactorParts): SecondFactor {
  const { settings, clock, oneTime, sessions, devices } = parts;
  const shared = {
    ...parts,
    challenges: challenges(settings, clock, parts.randomBytes),
    claims: challengeClaims(oneTime, parts.owner, clock),
  };
  const attempts = factorAttempts({ ...parts, pendingTimeout: settings.timeout });
  const prove = deviceProof(shared);
  const enrol = enrolment(shared);
  return {
    devices,
    challenges: shared.challenges,
    enrolment: enrol,
    complete: (session, assertion, address) =>
      attempts.at(session, { factor: 'fido2', address }, () =>
        prove(session, { purpose: 'sign-in', assertion }, () => sessions.complete(session)),
      ),
    unlock: (session, assertion, address) =>
      attempts.at(session, { factor: 'fido2', address }, () =>
        prove(session, { purpose: 'configuration', assertion }, () => enrol.unlock(session)),
      ),
  };
}
