import { createPublicKey, type KeyObject } from 'node:crypto';

/** The COSE algorithms that are asked for, the best first: EdDSA, ES256, RS256 (WebAuthn L3, section 5.8.5). */
export const algorithms = [-8, -7, -257] as const;

/** Bytes of a COSE key: RSA with 4,096 bits has 530. */
export const longestKey = 1024;

/** Labels of a COSE key (RFC 9052, section 7.1, and RFC 9053, section 7). */
const label = { kty: 1, alg: 3, crv: -1, x: -2, y: -3, n: -1, e: -2 } as const;

/**
 * Whether a COSE key is one that WebAuthn allows for its algorithm: ES256 on P-256 with an uncompressed point, EdDSA on
 * Ed25519, RS256 with 2,048 to 4,096 bits and the usual exponent. A key by which anybody could sign is none, and
 * neither is one by which nobody could.
 */
export function isUsableKey(key: unknown): boolean {
  return isWellFormedKey(key) && (key.get(label.alg) !== -7 || isPoint(key));
}

/**
 * The same, but for whether the point of an ES256 key is on the curve: who verifies a signature by it imports it, which
 * looks at that anyway.
 */
export function isWellFormedKey(key: unknown): key is ReadonlyMap<unknown, unknown> {
  if (!(key instanceof Map)) return false;
  const [alg, kty, crv] = [key.get(label.alg), key.get(label.kty), key.get(label.crv)];
  switch (alg) {
    case -7:
      return (
        kty === 2 && crv === 1 && isCoordinate(bytesAt(key, label.x)) && isCoordinate(bytesAt(key, label.y))
      );
    case -8:
      return kty === 1 && crv === 6 && isEd25519(bytesAt(key, label.x));
    case -257:
      return (
        kty === 3 && isModulus(bytesAt(key, label.n)) && bytesAt(key, label.e)?.toString('hex') === '010001'
      );
    default:
      return false;
  }
}

/** Head and parts of the COSE key of a point of P-256 for ES256 (RFC 9053): a map of kty, alg, crv, x and y. */
const coseParts = ['a5010203262001215820', '225820'].map((hex) => Buffer.from(hex, 'hex'));

/** The COSE form of a key as U2F has it: an uncompressed point of P-256 in 65 bytes. `null` for what is none. */
export function coseOfU2f(raw: Uint8Array): Uint8Array<ArrayBuffer> | null {
  const [head = Buffer.alloc(0), middle = Buffer.alloc(0)] = coseParts;
  if (raw.length !== 65 || raw[0] !== 0x04) return null;
  return Uint8Array.from(Buffer.concat([head, raw.subarray(1, 33), middle, raw.subarray(33)]));
}

/** The same as a key that signatures are verified by; `null` for what is no point of the curve. */
export function keyOfU2f(raw: Uint8Array): KeyObject | null {
  const point = Buffer.from(raw);
  if (point.length !== 65 || point[0] !== 0x04) return null;
  return pointKey(point.subarray(1, 33), point.subarray(33));
}

function bytesAt(key: ReadonlyMap<unknown, unknown>, at: number): Buffer | null {
  const bytes = key.get(at);
  return bytes instanceof Uint8Array ? Buffer.from(bytes) : null;
}

function isCoordinate(bytes: Buffer | null): boolean {
  return bytes?.length === 32;
}

/** Whether the coordinates are those of a point of P-256: the import refuses others. */
function isPoint(key: ReadonlyMap<unknown, unknown>): boolean {
  const [x, y] = [bytesAt(key, label.x), bytesAt(key, label.y)];
  return x !== null && y !== null && pointKey(x, y) !== null;
}

function pointKey(x: Buffer, y: Buffer): KeyObject | null {
  const jwk = { kty: 'EC', crv: 'P-256', x: x.toString('base64url'), y: y.toString('base64url') };
  try {
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch {
    return null;
  }
}

/** A modulus of as many bits as it has bytes for: leading zeros would make a small one look large. */
function isModulus(n: Buffer | null): boolean {
  if (n === null || n.length < 256 || n.length > 512) return false;
  return (n[0] ?? 0) >= 0x80 && (n.at(-1) ?? 0) % 2 === 1;
}

function isEd25519(x: Buffer | null): boolean {
  return x?.length === 32 && !hasSmallOrder(x);
}

/** The points of Ed25519 whose order divides 8, and their other encodings; the bit for the sign is left out. */
const smallOrder = new Set([
  `00${'00'.repeat(31)}`,
  `01${'00'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
]);

/** A signature by a key of small order says nothing: some signatures are good for every message. */
function hasSmallOrder(x: Buffer): boolean {
  const bytes = Buffer.from(x);
  const last = bytes.length - 1;
  bytes[last] = (bytes[last] ?? 0) & 0x7f;
  return smallOrder.has(bytes.toString('hex'));
}

/** Whether an ECDSA signature is the one DER encoding of its two numbers (X.690, sections 8.3 and 10). */
export function isDerSignature(bytes: Buffer): boolean {
  const [tag, length] = bytes;
  if (tag !== 0x30 || length !== bytes.length - 2 || length > 0x7f) return false;
  const middle = endOfInteger(bytes, 2);
  return middle !== null && endOfInteger(bytes, middle) === bytes.length;
}

/** Where the positive integer ends that begins here; `null` when it is none, or not in its shortest form. */
function endOfInteger(bytes: Buffer, at: number): number | null {
  const [tag, length = 0, first = 0, second = 0] = bytes.subarray(at, at + 4);
  const end = at + 2 + length;
  if (tag !== 0x02 || length === 0 || end > bytes.length || first > 0x7f) return null;
  return first === 0 && second < 0x80 ? null : end;
}
