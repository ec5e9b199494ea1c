import type { Audit, ConfigurationChange } from '../defence/audit.js';
import type { GuardedDevices } from '../defence/guarded-devices.js';
import { AuthError } from '../errors.js';
import type { MfaDevice, NewMfaDevice, User } from '../repositories/index.js';
import type { SessionRecord } from '../sessions/record.js';
import type { StoredSession } from '../sessions/session-types.js';
import type { Sessions } from '../sessions/sessions.js';
import type { Attestation, CreationOptions, RequestOptions } from '../wire/webauthn.js';
import { verifyAttestation } from './attestation.js';
import { type Challenges, type Fido2Settings, isFido2 } from './challenges.js';
import type { Claims } from './claims.js';

/** Seconds for which the configuration of the second factor stays unlocked. */
const unlockedFor = 600;

/** What enrolling devices is made from. `clock` is in milliseconds since the epoch. */
export interface EnrolmentDependencies {
  settings: Fido2Settings;
  challenges: Challenges;
  claims: Claims;
  devices: GuardedDevices;
  sessions: Sessions;
  clock: () => number;
  audit: Audit;
}

/** Changes what second factors a user has, in a session whose configuration is unlocked; see {@link enrolment}. */
export interface Enrolment {
  /** Unlocks the configuration for ten minutes. */
  unlock(session: StoredSession): Promise<void>;
  /** Locks it again and drops its challenge; nothing happens when it is locked. */
  lock(session: StoredSession): Promise<void>;
  /**
   * A new challenge in the place of the session's last: to make a credential while the configuration is unlocked, to
   * prove one while it is locked.
   *
   * @throws AuthError `configuration_locked` when it is locked and there is nothing to prove
   */
  challenge(session: StoredSession, user: User): Promise<CreationOptions | RequestOptions>;
  /**
   * Adds the device whose authenticator has answered the challenge. A name that is taken costs nothing: the same
   * answer is good with another.
   *
   * @throws AuthError `configuration_locked`, `invalid_credentials`, `name_taken` or `credential_taken`
   */
  add(
    session: StoredSession,
    given: { name: string; attestation: Attestation; address: string },
  ): Promise<MfaDevice>;
}

/** Makes the enrolment of devices. */
export function enrolment({
  settings,
  challenges,
  claims,
  devices,
  sessions,
  clock,
  audit,
}: EnrolmentDependencies): Enrolment {
  const isUnlocked = ({ unlockedUntil }: SessionRecord) => unlockedUntil !== null && clock() < unlockedUntil;

  /** Adds the device in the name of its challenge, which is used up by that. */
  const addOnce = async (userId: string, device: NewMfaDevice): Promise<MfaDevice> => {
    // WebAuthn L3, section 7.1, step 26; of two at once `add` takes one.
    if ((await devices.findByCredentialId(device.credentialId)) !== null)
      throw new AuthError('credential_taken');
    if (await devices.add(userId, device)) return { ...device, lastUsedAt: null };
    const theirs = await devices.listByUser(userId);
    throw new AuthError(theirs.some(({ name }) => name === device.name) ? 'name_taken' : 'credential_taken');
  };

  return {
    async unlock({ key }) {
      await sessions.change(key, () => ({ unlockedUntil: clock() + unlockedFor * 1000 }));
    },
    async lock({ key, record }) {
      if (record.unlockedUntil === null && record.challenge === null) return;
      await sessions.change(key, () => ({ unlockedUntil: null, challenge: null }));
    },
    async challenge({ key, record }, user) {
      const theirs = await devices.listByUser(user.id);
      const unlocked = isUnlocked(record);
      if (!unlocked && !theirs.some(isFido2)) throw new AuthError('configuration_locked');
      const challenge = challenges.issue(unlocked ? 'enrolment' : 'configuration', theirs);
      await sessions.change(key, () => ({ challenge }));
      return unlocked
        ? challenges.creationOptions(challenge, user, theirs)
        : challenges.requestOptions(challenge, theirs);
    },
    async add({ key, record }, { name, attestation, address }) {
      if (!isUnlocked(record)) throw new AuthError('configuration_locked');
      const { entityId } = record;
      const told: ConfigurationChange = { session: key, entityId, address };

      const challenge = challenges.live(record.challenge, 'enrolment');
      const verdict =
        challenge === null
          ? { reason: 'no_challenge' as const }
          : await verifyAttestation(settings, challenge, attestation);
      if (challenge === null || 'reason' in verdict) {
        const reason = 'reason' in verdict ? verdict.reason : 'no_challenge';
        audit({ type: 'device_refused', reason, ...told });
        throw new AuthError('invalid_credentials');
      }

      const device = { ...verdict.device, name, createdAt: clock() };
      const added = await claims.hold(challenge, {
        work: () => addOnce(entityId, device),
        raced: null,
      });
      if (added === null) {
        audit({ type: 'device_refused', reason: 'raced', ...told });
        throw new AuthError('invalid_credentials');
      }
      audit({ type: 'device_added', credentialId: added.credentialId, ...told });
      return added;
    },
  };
}
