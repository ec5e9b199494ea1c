import type { FactorFailure } from '../defence/audit.js';
import type { MfaDevice } from '../repositories/index.js';
import type { Challenge } from '../sessions/record.js';
import { canonicalBase64url } from '../wire/base64url.js';
import { type Assertion, isForAppId } from '../wire/webauthn.js';
import { type Fido2Settings, isU2f, userHandleOf } from './challenges.js';
import { isTopLevel } from './client-data.js';
import { coseOfU2f, isDerSignature, isWellFormedKey, longestKey } from './public-key.js';
import { loadWebAuthn, type WebAuthn } from './webauthn.js';

/** A device that has signed a challenge, with the counter and the backup state that it signed; or why it has not. */
export type AssertionVerdict =
  | { device: MfaDevice; counter: number; backedUp: boolean }
  | { reason: FactorFailure };

/** What is known when an assertion arrives. */
export interface AssertionContext {
  challenge: Challenge;
  userId: string;
  /** The devices of this user, as they are now. */
  devices: readonly MfaDevice[];
}

/** Bits of the flags byte of authenticator data (WebAuthn L3, section 6.1). */
const flag = { backupEligible: 0x08, attestedCredentialData: 0x40 } as const;

/**
 * Verifies an assertion by W3C WebAuthn L3, section 7.2, steps 5 to 21: those that the library leaves out here, the rest
 * there. Step 22, the signature counter, is {@link isAdvanced}: it is looked at when the signature is known to be
 * good, so that nobody without the key learns anything of the counter. Whatever goes wrong is a refusal.
 */
export async function verifyAssertion(
  settings: Fido2Settings,
  { challenge, userId, devices }: AssertionContext,
  assertion: Assertion,
): Promise<AssertionVerdict> {
  const { id, response } = assertion;
  // Step 5: the credential is one of those that the challenge named.
  if (!challenge.credentialIds.includes(id)) return { reason: 'credential_not_offered' };
  // Step 6: it is this user's, now, and the authenticator has made it for this user.
  const device = devices.find((each) => each.credentialId === id);
  if (device === undefined) return { reason: 'credential_gone' };
  const { userHandle } = response;
  const isTheirs =
    userHandle === undefined ||
    userHandle === null ||
    canonicalBase64url(userHandle) === userHandleOf(userId);
  if (!isTheirs) return { reason: 'other_user_handle' };

  const library = await loadWebAuthn();
  try {
    return await verifySigned(library, settings, challenge, device, assertion);
  } catch {
    // The library throws at whatever is not as it should be, garbage among it.
    return { reason: 'not_verified' };
  }
}

async function verifySigned(
  { server, helpers }: WebAuthn,
  { relyingParty }: Fido2Settings,
  challenge: Challenge,
  device: MfaDevice,
  assertion: Assertion,
): Promise<AssertionVerdict> {
  const { id, type, response } = assertion;
  const refused = { reason: 'not_verified' } as const;
  // Section 10.1.1: a key that was registered through U2F has signed for the AppID, and no other key has.
  const party = isU2f(device) && isForAppId(assertion) ? relyingParty.appId : relyingParty.id;
  const publicKey = isU2f(device) ? coseOfU2f(device.publicKey) : Uint8Array.from(device.publicKey);
  if (publicKey === null || party === null) return refused;
  if (!isTopLevel(response.clientDataJSON)) return refused;
  if (publicKey.length > longestKey) return refused;
  const key = helpers.decodeCredentialPublicKey(publicKey);
  // Whether its point is on the curve is looked at where the signature is verified, which imports it.
  if (!isWellFormedKey(key)) return refused;

  const { clientDataJSON, authenticatorData, signature } = response;
  // Section 6.5.5: an ECDSA signature is DER, of which there is one spelling; the library reads others too.
  if (key.get(3) === -7 && !isDerSignature(Buffer.from(signature, 'base64url'))) return refused;
  const { verified, authenticationInfo } = await server.verifyAuthenticationResponse({
    response: {
      ...{ id, rawId: id, type, clientExtensionResults: {} },
      response: { clientDataJSON, authenticatorData, signature },
    },
    expectedChallenge: challenge.value,
    expectedOrigin: [...relyingParty.origins],
    expectedRPID: party,
    // The counter is none of the library's business: it would look at it before the signature.
    credential: { id, publicKey, counter: 0 },
    requireUserVerification: challenge.userVerification === 'required',
  });
  // Step 21: a signature that is wrong is told, not thrown.
  if (!verified) return refused;

  const flags = Buffer.from(authenticatorData, 'base64url')[32] ?? 0;
  // An assertion attests no credential (section 6.1), and step 19: what may be backed up stays so.
  if ((flags & flag.attestedCredentialData) !== 0) return refused;
  if (((flags & flag.backupEligible) !== 0) !== device.backupEligible)
    return { reason: 'backup_eligibility_changed' };
  return {
    device,
    counter: authenticationInfo.newCounter,
    backedUp: authenticationInfo.credentialBackedUp,
  };
}

/** Step 22: a counter must have grown since it was seen last, unless this authenticator does not count at all. */
export function isAdvanced(counter: number, last: number): boolean {
  return counter > last || (counter === 0 && last === 0);
}
