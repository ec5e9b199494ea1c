import type { FactorFailure } from '../defence/audit.js';
import type { NewMfaDevice } from '../repositories/index.js';
import type { Challenge } from '../sessions/record.js';
import type { Attestation } from '../wire/webauthn.js';
import type { Fido2Settings } from './challenges.js';
import { isTopLevel } from './client-data.js';
import { algorithms, isUsableKey, longestKey } from './public-key.js';
import { leadsToTrust } from './trust.js';
import { loadWebAuthn, type WebAuthn } from './webauthn.js';

/** A credential that an authenticator has made, or why it is not taken. */
export type AttestationVerdict =
  | { device: Omit<NewMfaDevice, 'name' | 'createdAt'> }
  | { reason: FactorFailure };

/** What is known when an attestation arrives. */
export interface AttestationContext {
  challenge: Challenge;
  /** Milliseconds since the epoch. */
  now: number;
}

/** WebAuthn L3, section 7.1, step 25. */
const longestId = 1023;

/**
 * Verifies an attestation by W3C WebAuthn L3, section 7.1, steps 5 to 25: those that the library leaves out here, the
 * rest there. Whatever goes wrong is a refusal.
 */
export async function verifyAttestation(
  settings: Fido2Settings,
  { challenge, now }: AttestationContext,
  attestation: Attestation,
): Promise<AttestationVerdict> {
  const library = await loadWebAuthn();
  try {
    return await verifyMade(library, settings, { challenge, now }, attestation);
  } catch {
    // The library throws at whatever is not as it should be, garbage among it.
    return { reason: 'not_verified' };
  }
}

async function verifyMade(
  { server, helpers, x509 }: WebAuthn,
  { relyingParty, trustAnchors }: Fido2Settings,
  { challenge, now }: AttestationContext,
  { id, type, response }: Attestation,
): Promise<AttestationVerdict> {
  const refused = { reason: 'not_verified' } as const;
  const { clientDataJSON, attestationObject } = response;
  if (!isTopLevel(clientDataJSON)) return refused;
  const object = statementOf(helpers, Uint8Array.from(Buffer.from(attestationObject, 'base64url')));
  if (object === null || (object.x5c !== null && trustAnchors === null))
    return { reason: 'attestation_not_asked' };
  // Looked at before the library reads them: nobody is asked about certificates that nobody trusts.
  if (trustAnchors !== null && !leadsToTrust(x509, object.x5c ?? [], trustAnchors, now))
    return { reason: 'attestation_not_trusted' };

  const { verified, registrationInfo } = await server.verifyRegistrationResponse({
    response: {
      ...{ id, rawId: id, type, clientExtensionResults: {} },
      response: { clientDataJSON, attestationObject },
    },
    expectedChallenge: challenge.value,
    expectedOrigin: [...relyingParty.origins],
    expectedRPID: relyingParty.id,
    requireUserVerification: challenge.userVerification === 'required',
    supportedAlgorithmIDs: [...algorithms],
  });
  if (!verified || registrationInfo === undefined) return refused;

  const { credential, credentialDeviceType, credentialBackedUp, origin } = registrationInfo;
  // The id beside the attestation is unsigned: it must be the one within.
  if (credential.id !== id || Buffer.from(id, 'base64url').length > longestId) return refused;
  if (credential.publicKey.length > longestKey) return refused;
  const key = helpers.decodeCredentialPublicKey(credential.publicKey);
  // Section 8.2: a key that signs for itself does so by its own algorithm.
  if (!isUsableKey(key) || (object.alg !== null && object.alg !== key.get(3))) return refused;
  return {
    device: {
      type: 'Fido2',
      credentialId: id,
      publicKey: Uint8Array.from(credential.publicKey),
      counter: credential.counter,
      transports: [...new Set(response.transports ?? response.getTransports ?? [])],
      backupEligible: credentialDeviceType === 'multiDevice',
      backedUp: credentialBackedUp,
      origin,
    },
  };
}

/** What an attestation says beside the credential. */
interface Statement {
  /** By which algorithm the new key has signed for itself; `null` where it has not. */
  alg: unknown;
  /** The certificates of whoever made the authenticator, its own first; `null` for none. */
  x5c: readonly Uint8Array[] | null;
}

/**
 * Reads an attestation object and nothing beside it: one without an attestation or with a signature by the new key itself, as
 * browsers send it where none was asked for (WebAuthn L3, section 5.1.3), or one with certificates in the formats of security
 * keys, `packed` and `fido-u2f` (sections 8.2 and 8.6). `null` for any other.
 */
function statementOf(
  { isoCBOR, decodeAttestationObject }: WebAuthn['helpers'],
  bytes: Uint8Array<ArrayBuffer>,
): Statement | null {
  const object: unknown = decodeAttestationObject(bytes);
  if (!hasExactly(object, ['fmt', 'attStmt', 'authData'])) return null;
  if (isoCBOR.encode(object as Parameters<typeof isoCBOR.encode>[0]).length !== bytes.length) return null;
  const [format, statement] = [object.get('fmt'), object.get('attStmt')];
  if (format === 'none' && hasExactly(statement, [])) return { alg: null, x5c: null };
  if (format === 'packed' && hasExactly(statement, ['alg', 'sig']))
    return { alg: statement.get('alg'), x5c: null };
  const names = { packed: ['alg', 'sig', 'x5c'], 'fido-u2f': ['sig', 'x5c'] } as const;
  if (format !== 'packed' && format !== 'fido-u2f') return null;
  if (!hasExactly(statement, names[format])) return null;
  const x5c: unknown = statement.get('x5c');
  const isList = Array.isArray(x5c) && x5c.every((each) => each instanceof Uint8Array);
  return isList ? { alg: null, x5c } : null;
}

function hasExactly(value: unknown, names: readonly string[]): value is Map<string, unknown> {
  return value instanceof Map && value.size === names.length && names.every((name) => value.has(name));
}
