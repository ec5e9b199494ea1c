import { sign } from 'node:crypto';
import type { CreationChange } from './authenticator-change.js';
import { cbor, coseAlgorithm, type SoftwareCredential } from './authenticator-keys.js';

/** The attestation object (WebAuthn L3, section 6.5.4) of a new credential. */
export async function attestationObject(
  authenticatorData: Uint8Array,
  clientDataHash: Uint8Array,
  { privateKey, algorithm }: SoftwareCredential,
  { attestation = 'none', signature }: CreationChange,
): Promise<Uint8Array> {
  const { isoCBOR } = await cbor();
  const signed = () => {
    const bytes = Buffer.concat([authenticatorData, clientDataHash]);
    const own = sign(algorithm === 'EdDSA' ? null : 'sha256', bytes, privateKey);
    return Uint8Array.from(signature === undefined ? own : signature(own));
  };
  const self = () =>
    new Map<string, unknown>([
      ['alg', coseAlgorithm[algorithm]],
      ['sig', signed()],
    ]);
  const statement =
    attestation === 'none'
      ? { fmt: 'none', attStmt: new Map<string, unknown>() }
      : attestation === 'self'
        ? { fmt: 'packed', attStmt: self() }
        : attestation;
  return isoCBOR.encode(
    new Map<string, never>([
      ['fmt', statement.fmt as never],
      ['attStmt', statement.attStmt as never],
      ['authData', Uint8Array.from(authenticatorData) as never],
    ]),
  );
}
