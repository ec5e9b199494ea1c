import { sign } from 'node:crypto';
import type { AttestedBy, CreationChange } from './authenticator-change.js';
import { cbor, coseAlgorithm, type SoftwareCredential } from './authenticator-keys.js';
import { rawKeyOf } from './authenticator-u2f.js';

/** The attestation object (WebAuthn L3, section 6.5.4) of a new credential. */
export async function attestationObject(
  authenticatorData: Uint8Array,
  clientDataHash: Uint8Array,
  credential: SoftwareCredential,
  { attestation = 'none', signature }: CreationChange,
): Promise<Uint8Array> {
  const { isoCBOR } = await cbor();
  const { privateKey, algorithm } = credential;
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
  const certified = ({ privateKey: key, x5c, format: fmt = 'packed' }: AttestedBy) => {
    const rpIdHash = authenticatorData.subarray(0, 32);
    const parts =
      fmt === 'packed'
        ? [authenticatorData, clientDataHash]
        : [
            Buffer.alloc(1),
            rpIdHash,
            clientDataHash,
            Buffer.from(credential.id, 'base64url'),
            rawKeyOf(credential),
          ];
    const own = sign('sha256', Buffer.concat(parts), key);
    const sig = Uint8Array.from(signature === undefined ? own : signature(own));
    const certificates = x5c.map((each) => Uint8Array.from(each));
    const members: [string, unknown][] = [
      ['sig', sig],
      ['x5c', certificates],
    ];
    return { fmt, attStmt: new Map(fmt === 'packed' ? [['alg', -7], ...members] : members) };
  };
  const statementOf = () => {
    if (attestation === 'none') return { fmt: 'none', attStmt: new Map<string, unknown>() };
    if (attestation === 'self') return { fmt: 'packed', attStmt: self() };
    return 'x5c' in attestation ? certified(attestation) : attestation;
  };
  const statement = statementOf();
  return isoCBOR.encode(
    new Map<string, never>([
      ['fmt', statement.fmt as never],
      ['attStmt', statement.attStmt as never],
      ['authData', Uint8Array.from(authenticatorData) as never],
    ]),
  );
}
