import type { generateKeyPairSync, KeyObject } from 'node:crypto';

/** The algorithms that a software authenticator signs by. */
export type SoftwareAlgorithm = 'ES256' | 'EdDSA' | 'RS256';

/** A credential of a software authenticator. */
export interface SoftwareCredential {
  /** Base64url. */
  id: string;
  rpId: string;
  /** Base64url. */
  userHandle: string;
  algorithm: SoftwareAlgorithm;
  privateKey: KeyObject;
  /** The COSE public key. */
  publicKey: Uint8Array;
  /** How often it was used. */
  counter: number;
}

/** The COSE numbers of the algorithms. */
export const coseAlgorithm = { ES256: -7, EdDSA: -8, RS256: -257 } as const;

/** Makes a key pair for each algorithm. */
export const keyPairs: Record<
  SoftwareAlgorithm,
  (generate: typeof generateKeyPairSync) => { publicKey: KeyObject; privateKey: KeyObject }
> = {
  ES256: (generate) => generate('ec', { namedCurve: 'P-256' }),
  EdDSA: (generate) => generate('ed25519'),
  RS256: (generate) => generate('rsa', { modulusLength: 2048 }),
};

/** The COSE form of a public key (RFC 9053, and RFC 8230 for RSA). */
export async function coseKeyOf(algorithm: SoftwareAlgorithm, key: KeyObject): Promise<Uint8Array> {
  const { isoCBOR } = await cbor();
  const jwk = key.export({ format: 'jwk' });
  const part = (name: 'x' | 'y' | 'n' | 'e') => bytesOf(jwk[name]);
  const alg = coseAlgorithm[algorithm];
  const parts: Record<SoftwareAlgorithm, () => [number, number | Uint8Array][]> = {
    ES256: () => [
      [1, 2],
      [3, alg],
      [-1, 1],
      [-2, part('x')],
      [-3, part('y')],
    ],
    EdDSA: () => [
      [1, 1],
      [3, alg],
      [-1, 6],
      [-2, part('x')],
    ],
    RS256: () => [
      [1, 3],
      [3, alg],
      [-1, part('n')],
      [-2, part('e')],
    ],
  };
  return isoCBOR.encode(new Map(parts[algorithm]()));
}

/** A codec for CBOR, loaded when the first key is made. */
export function cbor() {
  return import('@simplewebauthn/server/helpers');
}

function bytesOf(text: string | undefined): Uint8Array {
  return Uint8Array.from(Buffer.from(text ?? '', 'base64url'));
}
