import { createHash, type KeyObject } from 'node:crypto';
import type { SoftwareAlgorithm, SoftwareCredential } from './authenticator-keys.js';

/** Changes bytes on their way. */
export type ByteChange = (bytes: Buffer) => Uint8Array;

/** What a ceremony of a software authenticator does differently. What is built from it follows: a change is signed. */
export interface AuthenticatorChange {
  /** Signs with this credential, whatever the options allow. */
  credential?: SoftwareCredential;
  /** Changes the client data before it becomes text. */
  clientData?: (data: Record<string, unknown>) => unknown;
  /** Changes the bytes of the client data. */
  clientDataJSON?: ByteChange;
  /** Stands in for the SHA-256 of the relying party's id. */
  rpIdHash?: Uint8Array;
  /** Changes the flags byte. */
  flags?: (flags: number) => number;
  /** Stands in for the signature counter. */
  counter?: number;
  /** CBOR of extension outputs; sets the ED flag. */
  extensions?: Uint8Array;
  /** Changes the authenticator data as a whole. */
  authenticatorData?: ByteChange;
  /** Changes what is signed, and nothing else. */
  signed?: ByteChange;
  /** Changes the signature. */
  signature?: ByteChange;
  /** Changes the answer as a whole. */
  json?: (answer: unknown) => unknown;
}

/** Who made an authenticator: the key that it signs attestations by, and the certificates for that, in DER. */
export interface AttestedBy {
  privateKey: KeyObject;
  x5c: readonly Uint8Array[];
  /** @default 'packed' */
  format?: 'packed' | 'fido-u2f';
}

/** What making a credential does differently. */
export interface CreationChange extends AuthenticatorChange {
  algorithm?: SoftwareAlgorithm;
  /** The bytes of the credential id. */
  credentialId?: Uint8Array;
  aaguid?: Uint8Array;
  /** Changes the bytes of the COSE public key. */
  publicKey?: ByteChange;
  /** The attestation: none, a signature by the key itself, or whatever is given. @default 'none' */
  attestation?: 'none' | 'self' | { fmt: string; attStmt: ReadonlyMap<string, unknown> } | AttestedBy;
  /** Changes the bytes of the attestation object. */
  attestationObject?: ByteChange;
}

/** Applies a change of bytes, if there is one. */
export function changed(bytes: Uint8Array, change: ByteChange | undefined): Buffer {
  const own = Buffer.from(bytes);
  return change === undefined ? own : Buffer.from(change(own));
}

/** SHA-256. */
export function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** A number in two bytes, the high one first. */
export function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

/** A number in four bytes, the high one first. Counters wrap around, as they do in hardware. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}
