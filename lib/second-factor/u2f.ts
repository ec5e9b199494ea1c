import { createHash, verify } from 'node:crypto';
import { decodeUtf8 } from '../wire/utf8.js';
import type { U2fAnswer } from '../wire/webauthn.js';
import type { AssertionContext, AssertionVerdict } from './assertion.js';
import { type Fido2Settings, isU2f } from './challenges.js';
import { isDerSignature, keyOfU2f } from './public-key.js';

/** Bytes before the signature: whether somebody was there, and the counter. */
const headLength = 5;
const userPresent = 0x01;

/**
 * Verifies the answer of a key by U2F itself, as FIDO U2F Raw Message Formats 1.2 (section 5.4) and the JavaScript API 1.2 have it.
 * It is for keys that were registered through U2F, and where the user need not be verified: U2F cannot tell that. The counter
 * is looked at elsewhere, as it is for assertions. Whatever goes wrong is a refusal.
 */
export function verifyU2f(
  { relyingParty: { appId, origins } }: Fido2Settings,
  { challenge, devices }: AssertionContext,
  { keyHandle, signatureData, clientData }: U2fAnswer,
): AssertionVerdict {
  const refused = { reason: 'not_verified' } as const;
  if (!challenge.credentialIds.includes(keyHandle)) return { reason: 'credential_not_offered' };
  const device = devices.find((each) => isU2f(each) && each.credentialId === keyHandle);
  if (device === undefined) return { reason: 'credential_gone' };
  if (appId === null || challenge.userVerification === 'required') return refused;

  const said = Buffer.from(clientData, 'base64url');
  if (!isOfPage(said, challenge.value, origins)) return refused;
  const answer = Buffer.from(signatureData, 'base64url');
  const [head, signature] = [answer.subarray(0, headLength), answer.subarray(headLength)];
  // Bits beside the one for presence are reserved.
  if (head.length < headLength || head[0] !== userPresent || !isDerSignature(signature)) return refused;
  const key = keyOfU2f(device.publicKey);
  const signed = Buffer.concat([sha256(appId), head, sha256(said)]);
  if (key === null || !verify('sha256', signed, key, signature)) return refused;
  return { device, counter: head.readUInt32BE(1), backedUp: device.backedUp };
}

/** Whether client data is that of a sign request of this challenge, from a page of this service. */
function isOfPage(clientData: Buffer, challenge: string, origins: readonly string[]): boolean {
  const text = decodeUtf8(clientData);
  try {
    const data: unknown = JSON.parse(text ?? '');
    if (typeof data !== 'object' || data === null) return false;
    const { typ, challenge: given, origin, cid_pubkey: channel }: Record<string, unknown> = { ...data };
    const isHere = typeof origin === 'string' && origins.includes(origin);
    // A client that had a channel id would have it compared, and nobody can here.
    const isPlain = channel === undefined || channel === '' || channel === 'unused';
    return typ === 'navigator.id.getAssertion' && given === challenge && isHere && isPlain;
  } catch {
    return false;
  }
}

function sha256(data: string | Buffer): Buffer {
  return createHash('sha256').update(data).digest();
}
