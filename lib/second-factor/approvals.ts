import { createHash } from 'node:crypto';
import type { Audit, Client } from '../defence/audit.js';
import type { GuardedDevices } from '../defence/guarded-devices.js';
import { AuthError } from '../errors.js';
import type { MfaDevice } from '../repositories/index.js';
import type { StoredSession } from '../sessions/session-types.js';
import type { Sessions } from '../sessions/sessions.js';
import type { Assertion, RequestOptions } from '../wire/webauthn.js';
import type { FactorAttempts } from './attempts.js';
import { type Challenges, challengeToken } from './challenges.js';
import type { DeviceProof, Verify } from './proof.js';

/** A device as its owner knows it. */
export type DeviceName = Pick<MfaDevice, 'name' | 'type' | 'origin'>;

/** What somebody is to answer who shall approve an operation. It can be sent to the browser as it is. */
export interface ApprovalChallenge {
  /** For `navigator.credentials.get()`, by `PublicKeyCredential.parseRequestOptionsFromJSON()`. */
  challenge: RequestOptions;
  /** Names the challenge, in standard base64: it is to come back with the answer, and opens nothing. */
  challenge_token: string;
  /** The devices that can answer. */
  mfa_devices: DeviceName[];
}

/** Has the user of an active session approve an operation by a device; see {@link approvals}. */
export interface Approvals {
  /**
   * Gives a challenge, in the place of the session's last. What is approved may be said, as a text; then the answer is good for
   * nothing else.
   *
   * @throws AuthError `no_device`
   */
  challenge(session: StoredSession, operation: string | undefined): Promise<ApprovalChallenge>;
  /**
   * Verifies the answer, which is good once. The session stays as it is.
   *
   * @throws AuthError `invalid_credentials`, `locked`
   */
  verify(
    session: StoredSession,
    given: { assertion: Assertion; token: string; operation: string | undefined; client: Client },
  ): Promise<DeviceName>;
}

/** What approvals are made from. */
export interface ApprovalDependencies {
  challenges: Challenges;
  devices: GuardedDevices;
  sessions: Sessions;
  attempts: FactorAttempts;
  prove: DeviceProof;
  /** Verifies an assertion. */
  verifyBy: (assertion: Assertion) => Verify;
  audit: Audit;
}

/** Makes the approvals of operations. */
export function approvals({
  challenges,
  devices,
  sessions,
  attempts,
  prove,
  verifyBy,
  audit,
}: ApprovalDependencies): Approvals {
  return {
    async challenge({ key, record }, operation) {
      const theirs = challenges.answering(await devices.listByUser(record.entityId));
      if (theirs.length === 0) throw new AuthError('no_device');
      const challenge = { ...challenges.issue('approval', theirs), ...named(operation) };
      await sessions.change(key, () => ({ challenge }));
      return {
        challenge: challenges.requestOptions(challenge, theirs),
        challenge_token: challengeToken(challenge),
        mfa_devices: theirs.map(nameOf),
      };
    },
    verify(session, { assertion, token, operation, client }) {
      const { key, record } = session;
      return attempts.at(session, { factor: 'fido2', purpose: 'approval', client }, async () => {
        const challenge = challenges.live(record.challenge, 'approval');
        const isMeant =
          challenge !== null &&
          challengeToken(challenge) === token &&
          challenge.operation === named(operation).operation;
        if (!isMeant) return { kind: 'raced', reason: 'no_challenge' };
        return prove(session, { purpose: 'approval', verify: verifyBy(assertion) }, async (device) => {
          await sessions.change(key, (now) =>
            now.challenge?.value === challenge.value ? { challenge: null } : {},
          );
          audit({
            type: 'operation_approved',
            credentialId: device.credentialId,
            session: key,
            entityId: record.entityId,
            ...client,
          });
          return nameOf(device);
        });
      });
    },
  };
}

/** What is approved, as it is kept with its challenge. */
function named(operation: string | undefined): { operation?: string } {
  if (operation === undefined) return {};
  return { operation: createHash('sha256').update(operation).digest('base64url') };
}

function nameOf({ name, type, origin }: MfaDevice): DeviceName {
  return { name, type, origin };
}
