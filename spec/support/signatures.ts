import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { isoCBOR } from '@simplewebauthn/server/helpers';
import type { AuthenticatorChange, SoftwareCredential } from '../../lib/testing/index.js';

/** The order of P-256. */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** Signs by another way: `make` gets the bytes that are to be signed. */
export function signedBy(make: (bytes: Buffer) => Uint8Array): AuthenticatorChange {
  let bytes: Buffer = Buffer.alloc(0);
  return {
    signed(honest) {
      bytes = honest;
      return honest;
    },
    signature: () => make(bytes),
  };
}

/** Changes the two numbers of an ECDSA signature in DER. */
export function withNumbers(change: (r: bigint, s: bigint) => [bigint, bigint]) {
  return (der: Uint8Array): Buffer => {
    const r = Buffer.from(der.subarray(4, 4 + (der[3] ?? 0)));
    const s = Buffer.from(der.subarray(6 + r.length));
    const numbers = [r, s].map((each) => BigInt(`0x${each.toString('hex')}`)) as [bigint, bigint];
    const parts = Buffer.concat(change(...numbers).map(derInteger));
    return Buffer.concat([Buffer.of(0x30, parts.length), parts]);
  };
}

/** Makes the second number of a signature the greater of its two values, which are both good, or the smaller. */
export function withS(which: 'high' | 'low') {
  return withNumbers((r, s) => [r, s > order / 2n === (which === 'high') ? s : order - s]);
}

function derInteger(value: bigint): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  const positive = (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Buffer.of(0), bytes]);
  return Buffer.concat([Buffer.of(0x02, positive.length), positive]);
}

/** What may stand at a label of a COSE key. */
export type CoseValue = number | string | boolean | Uint8Array;

/** A COSE key from its labels. */
export function coseKey(labels: Record<number, CoseValue>): Uint8Array {
  const entries = Object.entries(labels).map(([label, value]): [number, CoseValue] => [
    Number(label),
    value instanceof Uint8Array ? Uint8Array.from(value) : value,
  ]);
  return Uint8Array.from(isoCBOR.encode(new Map(entries)));
}

/** The labels of the public key of a pair, by the names that JWK gives them. */
export function partsOf(publicKey: KeyObject): { x: Buffer; y: Buffer; n: Buffer; e: Buffer } {
  const jwk = publicKey.export({ format: 'jwk' });
  const part = (name: 'x' | 'y' | 'n' | 'e') => Buffer.from(jwk[name] ?? '', 'base64url');
  return { x: part('x'), y: part('y'), n: part('n'), e: part('e') };
}

/** A credential of a kind that nobody may have, with the change by which it signs. */
export interface WeakKey {
  publicKey: Uint8Array;
  privateKey: KeyObject;
  algorithm: SoftwareCredential['algorithm'];
  change?: AuthenticatorChange;
}

const rsa = (bits: number) => generateKeyPairSync('rsa', { modulusLength: bits });
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });

/** Keys that are too weak, or that nobody asked for; each signs in a way that is good by its own rules. */
export const weakKeys: Record<string, () => WeakKey> = {
  'RSA with 1,024 bits'() {
    const { publicKey, privateKey } = rsa(1024);
    const { n, e } = partsOf(publicKey);
    return { publicKey: coseKey({ 1: 3, 3: -257, [-1]: n, [-2]: e }), privateKey, algorithm: 'RS256' };
  },
  'RSA with SHA-1'() {
    const { publicKey, privateKey } = rsa(2048);
    const { n, e } = partsOf(publicKey);
    const cose = coseKey({ 1: 3, 3: -65535, [-1]: n, [-2]: e });
    const change = signedBy((bytes) => sign('sha1', bytes, privateKey));
    return { publicKey: cose, privateKey, algorithm: 'RS256', change };
  },
  'RSA with SHA-512'() {
    const { publicKey, privateKey } = rsa(2048);
    const { n, e } = partsOf(publicKey);
    const cose = coseKey({ 1: 3, 3: -259, [-1]: n, [-2]: e });
    const change = signedBy((bytes) => sign('sha512', bytes, privateKey));
    return { publicKey: cose, privateKey, algorithm: 'RS256', change };
  },
  'ES256 on P-384'() {
    const { publicKey, privateKey } = ec('P-384');
    const { x, y } = partsOf(publicKey);
    const cose = coseKey({ 1: 2, 3: -7, [-1]: 2, [-2]: x, [-3]: y });
    return { publicKey: cose, privateKey, algorithm: 'ES256' };
  },
  ES384() {
    const { publicKey, privateKey } = ec('P-384');
    const { x, y } = partsOf(publicKey);
    const cose = coseKey({ 1: 2, 3: -35, [-1]: 2, [-2]: x, [-3]: y });
    const change = signedBy((bytes) => sign('sha384', bytes, privateKey));
    return { publicKey: cose, privateKey, algorithm: 'ES256', change };
  },
  'ES256 with RSA parts'() {
    const { publicKey, privateKey } = rsa(2048);
    const { n, e } = partsOf(publicKey);
    return { publicKey: coseKey({ 1: 3, 3: -7, [-1]: n, [-2]: e }), privateKey, algorithm: 'RS256' };
  },
  'Ed25519 of order one'() {
    const neutral = Buffer.concat([Buffer.of(1), Buffer.alloc(31)]);
    // This signature is good for every message.
    const change = signedBy(() => Buffer.concat([neutral, Buffer.alloc(32)]));
    const { privateKey } = generateKeyPairSync('ed25519');
    const cose = coseKey({ 1: 1, 3: -8, [-1]: 6, [-2]: neutral });
    return { publicKey: cose, privateKey, algorithm: 'EdDSA', change };
  },
};
