import { createHash } from 'node:crypto';
import type { MfaDevice, User } from '../repositories/index.js';
import type { Challenge, ChallengePurpose } from '../sessions/record.js';
import type { CreationOptions, RequestOptions, UserVerification } from '../wire/webauthn.js';
import { algorithms } from './public-key.js';

/** Who asks for a second factor, and how. */
export interface Fido2Settings {
  relyingParty: { id: string; name: string; origins: readonly string[] };
  userVerification: UserVerification;
  /** Seconds in which a challenge must be answered. */
  timeout: number;
}

/** Gives challenges, and puts them into the words of WebAuthn; see {@link challenges}. */
export interface Challenges {
  /** A new challenge for this purpose, which these devices may answer. */
  issue(purpose: ChallengePurpose, devices: readonly MfaDevice[]): Challenge;
  /** The challenge if it is for this purpose and has not expired; else `null`. */
  live(challenge: Challenge | null, purpose: ChallengePurpose): Challenge | null;
  /** What `navigator.credentials.get()` is to be asked. */
  requestOptions(challenge: Challenge, devices: readonly MfaDevice[]): RequestOptions;
  /** What `navigator.credentials.create()` is to be asked; `devices` are those that the user has already. */
  creationOptions(challenge: Challenge, user: User, devices: readonly MfaDevice[]): CreationOptions;
}

/** Makes the giver of challenges: 32 random bytes each (WebAuthn L3, section 13.4.3, asks for 16). */
export function challenges(
  { relyingParty, userVerification, timeout }: Fido2Settings,
  clock: () => number,
  randomBytes: (size: number) => Buffer,
): Challenges {
  const milliseconds = Math.floor(timeout * 1000);
  return {
    issue: (purpose, devices) => ({
      value: randomBytes(32).toString('base64url'),
      purpose,
      credentialIds: devices.filter(isFido2).map(({ credentialId }) => credentialId),
      userVerification,
      expiresAt: clock() + milliseconds,
    }),
    live(challenge, purpose) {
      const good = challenge?.purpose === purpose && clock() < challenge.expiresAt;
      return good ? challenge : null;
    },
    requestOptions: ({ value, credentialIds, userVerification }, devices) => ({
      challenge: value,
      timeout: milliseconds,
      rpId: relyingParty.id,
      allowCredentials: devices
        .filter(({ credentialId }) => credentialIds.includes(credentialId))
        .map(descriptor),
      userVerification,
    }),
    creationOptions: ({ value, userVerification }, { id, email }, devices) => ({
      rp: { id: relyingParty.id, name: relyingParty.name },
      user: { id: userHandleOf(id), name: email, displayName: email },
      challenge: value,
      pubKeyCredParams: algorithms.map((alg) => ({ type: 'public-key', alg })),
      timeout: milliseconds,
      excludeCredentials: devices.map(descriptor),
      authenticatorSelection: { residentKey: 'discouraged', requireResidentKey: false, userVerification },
      attestation: 'none',
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

/** Whether a device answers FIDO2 challenges as it is. */
export function isFido2({ type }: Pick<MfaDevice, 'type'>): boolean {
  return type === 'Fido2';
}

function descriptor({ credentialId, transports }: MfaDevice) {
  return {
    type: 'public-key' as const,
    id: credentialId,
    ...(transports.length === 0 ? {} : { transports: [...transports] }),
  };
}
