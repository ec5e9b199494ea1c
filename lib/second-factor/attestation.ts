import type { FactorFailure } from '../defence/audit.js';
import type { NewMfaDevice } from '../repositories/index.js';
import type { Challenge } from '../sessions/record.js';
import type { Attestation } from '../wire/webauthn.js';
import { isTopLevel } from './ceremony.js';
import type { Fido2Settings } from './challenges.js';
import { algorithms, isUsableKey } from './public-key.js';
import { loadWebAuthn, type WebAuthn } from './webauthn.js';

/** A credential that an authenticator has made, or why it is not taken. */
export type AttestationVerdict =
  | { device: Omit<NewMfaDevice, 'name' | 'createdAt'> }
  | { reason: FactorFailure };

/** WebAuthn L3, section 7.1, step 25. */
const longestId = 1023;

/**
 * Verifies an attestation by W3C WebAuthn L3, section 7.1, steps 5 to 25: those that the library leaves out here, the
 * rest there. Whatever goes wrong is a refusal.
 */
export async function verifyAttestation(
  settings: Fido2Settings,
  challenge: Challenge,
  attestation: Attestation,
): Promise<AttestationVerdict> {
  const library = await loadWebAuthn();
  try {
    return await verifyMade(library, settings, challenge, attestation);
  } catch {
    // The library throws at whatever is not as it should be, garbage among it.
    return { reason: 'not_verified' };
  }
}

async function verifyMade(
  { server, helpers }: WebAuthn,
  { relyingParty }: Fido2Settings,
  challenge: Challenge,
  { id, type, response }: Attestation,
): Promise<AttestationVerdict> {
  const refused = { reason: 'not_verified' } as const;
  const { clientDataJSON, attestationObject } = response;
  if (!isTopLevel(clientDataJSON)) return refused;
  if (!isUnattested(helpers.decodeAttestationObject(Buffer.from(attestationObject, 'base64url'))))
    return { reason: 'attestation_not_asked' };

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
  if (!isUsableKey(helpers.decodeCredentialPublicKey(credential.publicKey))) return refused;
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

/**
 * Whether an attestation object is what a browser sends where no attestation was asked for (WebAuthn L3, section
 * 5.1.3): none at all, or a signature by the new key itself. A certificate that nobody asked for is not looked at, so
 * its lists of revoked ones are not fetched either.
 */
function isUnattested(object: ReturnType<WebAuthn['helpers']['decodeAttestationObject']>): boolean {
  const format = object.get('fmt');
  return format === 'none' || (format === 'packed' && object.get('attStmt').get('x5c') === undefined);
}
