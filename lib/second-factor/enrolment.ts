import type { Audit, ConfigurationChange } from '../defence/audit.js';
import type { GuardedDevices } from '../defence/guarded-devices.js';
import { AuthError } from '../errors.js';
import type { MfaDevice, NewMfaDevice, User } from '../repositories/index.js';
import type { StoredSession } from '../sessions/session-types.js';
import type { Sessions } from '../sessions/sessions.js';
import type { Attestation, CreationOptions, RequestOptions } from '../wire/webauthn.js';
import { verifyAttestation } from './attestation.js';
import { type Challenges, type Fido2Settings, isFido2 } from './challenges.js';
import type { Claims } from './claims.js';
import type { Configuration } from './configuration.js';

/** Devices that a user may enrol: each sign-in names all of them. */
const mostDevices = 50;

/** What enrolling devices is made from. `clock` is in milliseconds since the epoch. */
export interface EnrolmentDependencies {
  settings: Fido2Settings;
  challenges: Challenges;
  claims: Claims;
  configuration: Configuration;
  devices: GuardedDevices;
  sessions: Sessions;
  clock: () => number;
  audit: Audit;
}

/** Adds second factors, in a session whose configuration is unlocked; see {@link enrolment}. */
export interface Enrolment {
  /**
   * A new challenge in the place of the session's last: to make a credential while the configuration is unlocked, to
   * prove one while it is locked.
   *
   * @throws AuthError `configuration_locked` when it is locked and there is nothing to prove, `too_many_devices`
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
  configuration,
  devices,
  sessions,
  clock,
  audit,
}: EnrolmentDependencies): Enrolment {
  /** Adds the device. One that was added before, by a call whose answer was lost, counts as added now. */
  const addOnce = async (session: StoredSession, device: NewMfaDevice): Promise<MfaDevice> => {
    const { key, record } = session;
    const { entityId } = record;
    // WebAuthn L3, section 7.1, step 26; of two at once `add` takes one.
    const known = await devices.findByCredentialId(device.credentialId);
    const theirs = await devices.listByUser(entityId);
    const same = theirs.find((each) => isSame(each, device));
    if (same === undefined) refuseTaken(known, theirs, device);
    return configuration.change(session, async () => {
      if (same !== undefined) return same;
      if (await devices.add(entityId, device)) {
        // Whoever has ended the session or locked it while this was being added has not seen this device.
        await configuration.check(key).catch(async (error: unknown) => {
          await devices.remove(entityId, device.name);
          throw error;
        });
        return { ...device, lastUsedAt: null };
      }
      const now = await devices.listByUser(entityId);
      const added = now.find((each) => isSame(each, device));
      if (added !== undefined) return added;
      refuseTaken(null, now, device);
      throw new AuthError('credential_taken');
    });
  };

  return {
    async challenge({ key, record }, user) {
      const theirs = await devices.listByUser(user.id);
      const unlocked = configuration.isUnlocked(record);
      if (!unlocked && !theirs.some(isFido2)) throw new AuthError('configuration_locked');
      if (unlocked && theirs.length >= mostDevices) throw new AuthError('too_many_devices');
      const challenge = challenges.issue(unlocked ? 'enrolment' : 'configuration', theirs);
      await sessions.change(key, () => ({ challenge }));
      return unlocked
        ? challenges.creationOptions(challenge, user, theirs)
        : challenges.requestOptions(challenge, theirs);
    },
    async add(session, { name, attestation, address }) {
      const { key, record } = session;
      const { entityId } = record;
      await configuration.check(key);
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
      const added = await claims.hold(claims.ofChallenge(challenge), {
        work: () => addOnce(session, device),
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

/** Refuses a device whose name or credential is another's. */
function refuseTaken(known: MfaDevice | null, theirs: readonly MfaDevice[], device: NewMfaDevice): void {
  const isTheirs = theirs.some(({ credentialId }) => credentialId === device.credentialId);
  if (known !== null || isTheirs) throw new AuthError('credential_taken');
  if (theirs.some(({ name }) => name === device.name)) throw new AuthError('name_taken');
}

/** Whether a device of the user's is this one: of the same name, by the same key. */
function isSame(device: MfaDevice, { name, credentialId, publicKey }: NewMfaDevice): boolean {
  return (
    device.name === name &&
    device.credentialId === credentialId &&
    Buffer.from(device.publicKey).equals(publicKey)
  );
}
