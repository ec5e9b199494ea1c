import type { Audit, Client, ConfigurationChange } from '../defence/audit.js';
import type { GuardedDevices } from '../defence/guarded-devices.js';
import { AuthError } from '../errors.js';
import type { MfaDevice, NewMfaDevice, User } from '../repositories/index.js';
import type { StoredSession } from '../sessions/session-types.js';
import type { Sessions } from '../sessions/sessions.js';
import type { Attestation, CreationOptions, RequestOptions } from '../wire/webauthn.js';
import { verifyAttestation } from './attestation.js';
import type { Challenges, Fido2Settings } from './challenges.js';
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
   * A new challenge in the place of the session's last: to make a credential while the configuration is open, to prove
   * one while it is locked.
   *
   * @throws AuthError `configuration_locked` when it is locked and there is nothing to prove, `too_many_devices`, and
   * `invalid_session` for a session that was to enrol the first device, where there is one now
   */
  challenge(session: StoredSession, user: User): Promise<CreationOptions | RequestOptions>;
  /**
   * Adds the device whose authenticator has answered the challenge. A name that is taken costs nothing: the same
   * answer is good with another. A session that was to enrol it is pending then, and owes it.
   *
   * @throws AuthError `configuration_locked`, `invalid_credentials`, `name_taken` or `credential_taken`, and
   * `invalid_session` as {@link challenge} does
   */
  add(
    session: StoredSession,
    given: { name: string; attestation: Attestation; client: Client },
  ): Promise<Added>;
}

/** A device that was added, and what a session that was to enrol it has to answer now. */
export interface Added {
  device: MfaDevice;
  owed: RequestOptions | null;
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
  /**
   * A session that was to enrol the first device may not enrol a second: whoever it is has shown a password and nothing
   * else, and now there is a device to show.
   */
  const first = async ({ key, record }: StoredSession, others: readonly MfaDevice[]): Promise<void> => {
    if (record.state !== 'enrolling' || others.length === 0) return;
    await sessions.end({ key, record }, 'second_factor_changed');
    throw new AuthError('invalid_session');
  };

  /** Adds the device. One that was added before, by a call whose answer was lost, counts as added now. */
  const addOnce = async (
    session: StoredSession,
    device: NewMfaDevice,
    tell: () => void,
  ): Promise<MfaDevice> => {
    const { key, record } = session;
    const { entityId } = record;
    // WebAuthn L3, section 7.1, step 26; of two at once `add` takes one.
    const known = await devices.findByCredentialId(device.credentialId);
    const theirs = await devices.listByUser(entityId);
    const same = theirs.find((each) => isSame(each, device));
    await first(session, without(theirs, device));
    if (same === undefined) refuseTaken(known, theirs, device);
    return configuration.change(session, async () => {
      if (same !== undefined) return same;
      if (await devices.add(entityId, device)) {
        // Whoever has ended the session, locked it or enrolled another one while this was being added has not seen it.
        const isWanted = async () => {
          await configuration.check(key);
          if (record.state !== 'enrolling') return;
          await first(session, without(await devices.listByUser(entityId), device));
        };
        await isWanted().catch(async (error: unknown) => {
          // One that cannot be taken back is there, and its owner is to hear of it.
          await devices.remove(entityId, device.name).catch(tell);
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

  /** What a session owes that was to enrol this device. */
  const owe = async ({ key, record }: StoredSession, device: MfaDevice): Promise<RequestOptions | null> => {
    if (record.state !== 'enrolling') return null;
    const challenge = challenges.issue('sign-in', [device]);
    await sessions.owe(key, challenge);
    return challenges.requestOptions(challenge, [device]);
  };

  return {
    async challenge(session, user) {
      const { key, record } = session;
      const theirs = await devices.listByUser(user.id);
      await first(session, theirs);
      const isOpen = configuration.isOpen(record);
      if (!isOpen && challenges.answering(theirs).length === 0) throw new AuthError('configuration_locked');
      if (isOpen && theirs.length >= mostDevices) throw new AuthError('too_many_devices');
      const challenge = challenges.issue(isOpen ? 'enrolment' : 'configuration', theirs);
      await sessions.change(key, () => ({ challenge }));
      return isOpen
        ? challenges.creationOptions(challenge, user, theirs)
        : challenges.requestOptions(challenge, theirs);
    },
    async add(session, { name, attestation, client }) {
      const { key, record } = session;
      const { entityId } = record;
      await configuration.check(key);
      const told: ConfigurationChange = { session: key, entityId, ...client };

      const challenge = challenges.live(record.challenge, 'enrolment');
      const verdict =
        challenge === null
          ? { reason: 'no_challenge' as const }
          : await verifyAttestation(settings, { challenge, now: clock() }, attestation);
      if (challenge === null || 'reason' in verdict) {
        const reason = 'reason' in verdict ? verdict.reason : 'no_challenge';
        audit({ type: 'device_refused', reason, ...told });
        throw new AuthError('invalid_credentials');
      }

      const device = { ...verdict.device, name, createdAt: clock() };
      const tell = () => audit({ type: 'device_added', credentialId: device.credentialId, ...told });
      const added = await claims.hold(claims.ofChallenge(challenge), {
        work: async (): Promise<Added> => {
          const added = await addOnce(session, device, tell);
          return { device: added, owed: await owe(session, added) };
        },
        raced: null,
      });
      if (added === null) {
        audit({ type: 'device_refused', reason: 'raced', ...told });
        throw new AuthError('invalid_credentials');
      }
      tell();
      return added;
    },
  };
}

/** The devices that are not this one. */
function without(theirs: readonly MfaDevice[], device: NewMfaDevice): MfaDevice[] {
  return theirs.filter((each) => !isSame(each, device));
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
