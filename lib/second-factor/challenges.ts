import { createHash, type X509Certificate } from 'node:crypto';
import type { MfaDevice, User } from '../repositories/index.js';
import type { Challenge, ChallengePurpose } from '../sessions/record.js';
import type { CreationOptions, RequestOptions, U2fChallenge, UserVerification } from '../wire/webauthn.js';
import { algorithms } from './public-key.js';

/** Who asks for a second factor, and how. */
export interface Fido2Settings {
  relyingParty: {
    id: string;
    name: string;
    origins: readonly string[];
    /** What keys were registered for that came through U2F; `null`: none of them can answer. */
    appId: string | null;
  };
  userVerification: UserVerification;
  /** The certificates that authenticators must be attested by; `null`: no attestation is asked for. */
  trustAnchors: readonly X509Certificate[] | null;
  /** Seconds in which a challenge must be answered. */
  timeout: number;
}

/** Gives challenges, and puts them into the words of WebAuthn; see {@link challenges}. */
export interface Challenges {
  /** Those of these devices that can answer a challenge. */
  answering(devices: readonly MfaDevice[]): MfaDevice[];
  /** A new challenge for this purpose, which these devices may answer. */
  issue(purpose: ChallengePurpose, devices: readonly MfaDevice[]): Challenge;
  /** The challenge if it is for this purpose and has not expired; else `null`. */
  live(challenge: Challenge | null, purpose: ChallengePurpose): Challenge | null;
  /** What `navigator.credentials.get()` is to be asked. */
  requestOptions(challenge: Challenge, devices: readonly MfaDevice[]): RequestOptions;
  /** What U2F's JavaScript API is to be asked; `null` where none of these devices came through it. */
  u2fRequest(challenge: Challenge, devices: readonly MfaDevice[]): U2fChallenge | null;
  /** What `navigator.credentials.create()` is to be asked; `devices` are those that the user has already. */
  creationOptions(challenge: Challenge, user: User, devices: readonly MfaDevice[]): CreationOptions;
}

/** Makes the giver of challenges: 32 random bytes each (WebAuthn L3, section 13.4.3, asks for 16). */
export function challenges(
  { relyingParty, userVerification, trustAnchors, timeout }: Fido2Settings,
  clock: () => number,
  randomBytes: (size: number) => Buffer,
): Challenges {
  const milliseconds = Math.floor(timeout * 1000);
  const { appId } = relyingParty;
  const answering = (devices: readonly MfaDevice[]) =>
    devices.filter(({ type }) => type === 'Fido2' || appId !== null);
  const named = ({ credentialIds }: Challenge, devices: readonly MfaDevice[]) =>
    devices.filter(({ credentialId }) => credentialIds.includes(credentialId));
  return {
    answering,
    issue: (purpose, devices) => ({
      value: randomBytes(32).toString('base64url'),
      purpose,
      credentialIds: answering(devices).map(({ credentialId }) => credentialId),
      userVerification,
      expiresAt: clock() + milliseconds,
    }),
    live(challenge, purpose) {
      const good = challenge?.purpose === purpose && clock() < challenge.expiresAt;
      return good ? challenge : null;
    },
    requestOptions(challenge, devices) {
      const allowed = named(challenge, devices);
      return {
        challenge: challenge.value,
        timeout: milliseconds,
        rpId: relyingParty.id,
        allowCredentials: allowed.map(descriptor),
        userVerification: challenge.userVerification,
        ...(appId !== null && allowed.some(isU2f) ? { extensions: { appid: appId } } : {}),
      };
    },
    u2fRequest(challenge, devices) {
      const keys = named(challenge, devices).filter(isU2f);
      if (keys.length === 0) return null;
      return {
        u2f_challenge: challenge.value,
        u2f_keys: keys.map(({ credentialId }) => ({ keyHandle: credentialId, version: 'U2F_V2' })),
      };
    },
    creationOptions: ({ value, userVerification }, { id, email }, devices) => ({
      rp: { id: relyingParty.id, name: relyingParty.name },
      user: { id: userHandleOf(id), name: email, displayName: email },
      challenge: value,
      pubKeyCredParams: algorithms.map((alg) => ({ type: 'public-key', alg })),
      timeout: milliseconds,
      excludeCredentials: devices.map(descriptor),
      authenticatorSelection: { residentKey: 'discouraged', requireResidentKey: false, userVerification },
      attestation: trustAnchors === null ? 'none' : 'direct',
      ...(appId !== null && devices.some(isU2f) ? { extensions: { appidExclude: appId } } : {}),
    }),
  };
}

/** The user handle of a user (WebAuthn L3, section 5.4.3): the 16 bytes of the id, in base64url. */
export function userHandleOf(userId: string): string {
  return Buffer.from(userId.replaceAll('-', ''), 'hex').toString('base64url');
}

/** The name of a challenge, in standard base64: its SHA-256, which answers nothing. */
export function challengeToken({ value }: Challenge): string {
  return createHash('sha256').update(value).digest('base64');
}

/** Whether a device was registered through U2F. */
export function isU2f({ type }: Pick<MfaDevice, 'type'>): boolean {
  return type === 'U2f';
}

function descriptor({ credentialId, transports }: MfaDevice) {
  return {
    type: 'public-key' as const,
    id: credentialId,
    ...(transports.length === 0 ? {} : { transports: [...transports] }),
  };
}
