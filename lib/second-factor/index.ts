import type { Audit, Client } from '../defence/audit.js';
import type { CounterStore } from '../defence/counters.js';
import type { FailureLimit } from '../defence/failure-window.js';
import type { GuardedDevices } from '../defence/guarded-devices.js';
import type { GuardedOneTimeStore } from '../defence/guarded-stores.js';
import type { StoredSession } from '../sessions/session-types.js';
import type { Sessions } from '../sessions/sessions.js';
import type { Assertion, U2fAnswer } from '../wire/webauthn.js';
import { type Approvals, approvals } from './approvals.js';
import { verifyAssertion } from './assertion.js';
import { factorAttempts, type Trial } from './attempts.js';
import { type Challenges, challenges, type Fido2Settings } from './challenges.js';
import { oneTimeClaims } from './claims.js';
import { type Configuration, configuration } from './configuration.js';
import { type DeviceChanges, deviceChanges } from './devices.js';
import { type Enrolment, enrolment } from './enrolment.js';
import { deviceProof, type Verify } from './proof.js';
import { type RecoveryCodes, recoveryCodes } from './recovery-codes.js';
import { verifyU2f } from './u2f.js';

/** What the second factor is made from. `clock` is in milliseconds since the epoch. */
export interface SecondFactorParts {
  settings: Fido2Settings;
  devices: GuardedDevices;
  sessions: Sessions;
  oneTime: GuardedOneTimeStore;
  counters: CounterStore;
  /** Failures of one user, in all sessions and by all factors; `null`: any number. */
  perUser: FailureLimit | null;
  /** Seconds that a session of a user lives at most. */
  absoluteTimeout: number;
  /** Whether a change of the configuration ends the user's other sessions. */
  endOtherSessionsOnChange: boolean;
  /** Whether keys that were registered through U2F may answer by U2F itself. */
  legacyU2f: boolean;
  clock: () => number;
  randomBytes: (size: number) => Buffer;
  /** Names whoever claims a challenge: different at each call. */
  owner: () => string;
  audit: Audit;
}

/** The second factor: giving challenges, completing sign-ins, and changing what there is of it. */
export interface SecondFactor {
  devices: GuardedDevices;
  challenges: Challenges;
  configuration: Configuration;
  enrolment: Enrolment;
  changes: DeviceChanges;
  approvals: Approvals;
  /** Makes new recovery codes; see {@link RecoveryCodes}. */
  generateRecoveryCodes: RecoveryCodes['generate'];
  /**
   * Completes a pending session by an assertion over its challenge.
   *
   * @throws AuthError as {@link FactorAttempts} does, and `unavailable`; then the same assertion is good again
   */
  complete: (
    session: StoredSession,
    assertion: Assertion,
    client: Client,
  ) => Promise<StoredSession & { token?: string }>;
  /** Completes one by the answer of a key by U2F itself; `null` where that is not served. */
  completeByU2f:
    | ((
        session: StoredSession,
        answer: U2fAnswer,
        client: Client,
      ) => Promise<StoredSession & { token?: string }>)
    | null;
  /** Completes a pending session by a recovery code; it throws as `complete` does. */
  recover: (
    session: StoredSession,
    code: string,
    client: Client,
  ) => Promise<StoredSession & { token?: string }>;
  /** Unlocks the configuration in an active session by an assertion; it throws as `complete` does. */
  unlock: (session: StoredSession, assertion: Assertion, client: Client) => Promise<void>;
  /** Unlocks it by a recovery code; it throws as `complete` does. */
  unlockByRecoveryCode: (session: StoredSession, code: string, client: Client) => Promise<void>;
}

/** Puts the second factor together. */
export function secondFactor(parts: SecondFactorParts): SecondFactor {
  const { settings, clock, oneTime, sessions, devices, legacyU2f } = parts;
  const shared = {
    ...parts,
    challenges: challenges(settings, clock, parts.randomBytes),
    claims: oneTimeClaims(oneTime, parts.owner, clock),
    configuration: configuration(parts),
  };
  const attempts = factorAttempts({ ...parts, pendingTimeout: settings.timeout });
  const prove = deviceProof(shared);
  const codes = recoveryCodes(shared);
  const verifyBy =
    (assertion: Assertion): Verify =>
    (context) =>
      verifyAssertion(settings, context, assertion);
  const completing = (session: StoredSession, factor: Trial['factor'], client: Client, verify: Verify) =>
    attempts.at(session, { factor, purpose: 'sign-in', client }, () =>
      prove(session, { purpose: 'sign-in', verify }, () => sessions.complete(session)),
    );
  return {
    devices,
    challenges: shared.challenges,
    configuration: shared.configuration,
    enrolment: enrolment(shared),
    changes: deviceChanges(shared),
    approvals: approvals({ ...shared, attempts, prove, verifyBy }),
    generateRecoveryCodes: codes.generate,
    complete: (session, assertion, client) => completing(session, 'fido2', client, verifyBy(assertion)),
    completeByU2f: legacyU2f
      ? (session, answer, client) =>
          completing(session, 'u2f', client, (context) => verifyU2f(settings, context, answer))
      : null,
    recover: (session, code, client) =>
      attempts.at(session, { factor: 'recovery_code', purpose: 'sign-in', client }, () =>
        codes.spend(session, { code, purpose: 'sign-in', client }, () => sessions.complete(session)),
      ),
    unlock: (session, assertion, client) =>
      attempts.at(session, { factor: 'fido2', purpose: 'configuration', client }, () =>
        prove(session, { purpose: 'configuration', verify: verifyBy(assertion) }, () =>
          shared.configuration.unlock(session),
        ),
      ),
    async unlockByRecoveryCode(session, code, client) {
      await attempts.at(session, { factor: 'recovery_code', purpose: 'configuration', client }, () =>
        codes.spend(session, { code, purpose: 'configuration', client }, async () => {
          await shared.configuration.unlock(session);
          return session;
        }),
      );
    },
  };
}
