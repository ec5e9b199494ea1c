import { describe, expect, it } from '@jest/globals';
import { isDerSignature, isUsableKey } from '../../lib/second-factor/public-key.js';

/** A coordinate of the base point of P-256, which is a point of the curve (SEC 2, section 2.4.2). */
const coordinate = (hex: string) => Buffer.from(hex, 'hex');
const x = coordinate('6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296');
const y = coordinate('4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5');
const modulus = (size: number) => Buffer.alloc(size, 0xc5);
const exponent = Buffer.of(1, 0, 1);
const es256 = { 1: 2, 3: -7, [-1]: 1, [-2]: x, [-3]: y };
const eddsa = { 1: 1, 3: -8, [-1]: 6, [-2]: x };
const rs256 = { 1: 3, 3: -257, [-1]: modulus(256), [-2]: exponent };

/** A number in 256 bytes, with zeros before it. */
const padded = (bytes: Buffer) => Buffer.concat([Buffer.alloc(256 - bytes.length), bytes]);

/** A key of these labels; `undefined` leaves one out. */
function keyOf(labels: Record<number, unknown>): Map<unknown, unknown> {
  const entries = Object.entries(labels).filter(([, value]) => value !== undefined);
  return new Map(entries.map(([label, value]) => [Number(label), value]));
}

describe('a key that may be used', () => {
  it.each<[string, Record<number, unknown>]>([
    ['ES256 on P-256', es256],
    ['EdDSA on Ed25519', eddsa],
    ['RS256 with 2,048 bits', rs256],
    ['RS256 with 3,072 bits', { ...rs256, [-1]: modulus(384) }],
    ['RS256 with 4,096 bits', { ...rs256, [-1]: modulus(512) }],
    ['ES256 with labels that nobody asked for', { ...es256, 2: Buffer.of(1), 4: [2], [-70_000]: 'text' }],
    ['ES256 whose parts are plain arrays of bytes', { ...es256, [-2]: Uint8Array.from(x) }],
  ])('is %s', (_, labels) => expect(isUsableKey(keyOf(labels))).toBe(true));

  it('may have an x that is near to one of small order', () => {
    const near = Buffer.concat([Buffer.of(2), Buffer.alloc(31)]);
    expect(isUsableKey(keyOf({ ...eddsa, [-2]: near }))).toBe(true);
  });
});

describe('a key that may not be used', () => {
  it.each<[string, Record<number, unknown>]>([
    ['without an algorithm', { ...es256, 3: undefined }],
    ['whose algorithm is text', { ...es256, 3: '-7' }],
    ['whose algorithm is a big integer', { ...es256, 3: -7n }],
    ['of no algorithm that was asked for: ES384', { ...es256, 3: -35 }],
    ['of no algorithm that was asked for: ES512', { ...es256, 3: -36 }],
    ['of no algorithm that was asked for: ES256K', { ...es256, 3: -47, [-1]: 8 }],
    ['of no algorithm that was asked for: ESP256', { ...es256, 3: -9 }],
    ['of no algorithm that was asked for: Ed25519', { ...eddsa, 3: -19 }],
    ['of no algorithm that was asked for: PS256', { ...rs256, 3: -37 }],
    ['of no algorithm that was asked for: RS512', { ...rs256, 3: -259 }],
    ['of no algorithm that was asked for: RS1', { ...rs256, 3: -65535 }],
    ['of no algorithm that was asked for: ML-DSA', { 1: 7, 3: -48, [-1]: modulus(1312) }],
    ['of another type: ES256 that is OKP', { ...es256, 1: 1 }],
    ['of another type: ES256 that is text', { ...es256, 1: 'EC2' }],
    ['of another type: EdDSA that is EC2', { ...eddsa, 1: 2 }],
    ['of another type: EdDSA as an old Firefox names it', { ...eddsa, 1: 'OKP', [-1]: 'Ed25519' }],
    ['of another type: RS256 that is EC2', { ...rs256, 1: 2 }],
    ['without a type', { ...rs256, 1: undefined }],
    ['on another curve: P-384', { ...es256, [-1]: 2 }],
    ['on another curve: secp256k1', { ...es256, [-1]: 8 }],
    ['on another curve: X25519', { ...eddsa, [-1]: 4 }],
    ['on another curve: Ed448', { ...eddsa, [-1]: 7, [-2]: modulus(57) }],
    ['on no curve', { ...es256, [-1]: undefined }],
    ['whose point is compressed', { ...es256, [-3]: true }],
    ['whose point has no x', { ...es256, [-2]: undefined }],
    ['whose point has no y', { ...es256, [-3]: undefined }],
    ['whose x is short', { ...es256, [-2]: x.subarray(1) }],
    ['whose x is long', { ...es256, [-2]: modulus(33) }],
    ['whose y is long', { ...es256, [-3]: modulus(48) }],
    ['whose x is text', { ...es256, [-2]: 'x'.repeat(32) }],
    ['whose x is a list', { ...es256, [-2]: Array(32).fill(1) }],
    ['whose Ed25519 point is short', { ...eddsa, [-2]: x.subarray(1) }],
    ['whose Ed25519 point is missing', { ...eddsa, [-2]: undefined }],
    ['whose Ed25519 point is of order one, as text', { ...eddsa, [-2]: `\u0001${'\0'.repeat(31)}` }],
    ['of RSA with 1,024 bits', { ...rs256, [-1]: modulus(128) }],
    ['of RSA with 2,040 bits', { ...rs256, [-1]: modulus(255) }],
    ['of RSA with 4,104 bits', { ...rs256, [-1]: modulus(513) }],
    ['of RSA with 16,384 bits', { ...rs256, [-1]: modulus(2048) }],
    ['of RSA without a modulus', { ...rs256, [-1]: undefined }],
    ['of RSA with the exponent 1', { ...rs256, [-2]: Buffer.of(1) }],
    ['of RSA with the exponent 3', { ...rs256, [-2]: Buffer.of(3) }],
    ['of RSA with the exponent 1, that looks longer', { ...rs256, [-2]: Buffer.of(0, 0, 1) }],
    ['of RSA with the exponent 1, in four bytes', { ...rs256, [-2]: Buffer.of(0, 0, 0, 1) }],
    ['of RSA with an even exponent', { ...rs256, [-2]: Buffer.of(1, 0, 0) }],
    ['of RSA with an exponent of four bytes', { ...rs256, [-2]: Buffer.of(1, 0, 0, 1) }],
    ['of RSA with 512 bits, that looks longer', { ...rs256, [-1]: padded(modulus(64)) }],
    ['of RSA with 1,024 bits, that looks longer', { ...rs256, [-1]: padded(modulus(128)) }],
    ['of RSA with 2,047 bits', { ...rs256, [-1]: Buffer.concat([Buffer.of(0x7f), modulus(255)]) }],
    ['of RSA with the modulus 0', { ...rs256, [-1]: Buffer.alloc(256) }],
    ['of RSA with an even modulus', { ...rs256, [-1]: Buffer.alloc(256, 0xc4) }],
    ['whose point is not on the curve', { ...es256, [-3]: Buffer.alloc(32, 9) }],
    ['whose point is at infinity', { ...es256, [-2]: Buffer.alloc(32), [-3]: Buffer.alloc(32) }],
    ['of RSA with a number for its exponent', { ...rs256, [-2]: 65_537 }],
    ['of RSA with a great exponent', { ...rs256, [-2]: modulus(5) }],
    ['of RSA without an exponent', { ...rs256, [-2]: undefined }],
    ['without anything', {}],
  ])('is one %s', (_, labels) => expect(isUsableKey(keyOf(labels))).toBe(false));

  const p = (2n ** 255n - 19n).toString(16);
  const littleEndian = (hex: string) => Buffer.from(hex.padStart(64, '0'), 'hex').reverse();
  const plus = (n: bigint) => littleEndian((BigInt(`0x${p}`) + n).toString(16));
  const order8 = 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a';
  it.each<[string, Buffer]>([
    ['order 1: y = 1', littleEndian('01')],
    ['order 1: y = p + 1', plus(1n)],
    ['order 2: y = p - 1', plus(-1n)],
    ['order 4: y = 0', littleEndian('00')],
    ['order 4: y = p', plus(0n)],
    ['order 8', Buffer.from(order8, 'hex')],
    [
      'order 8, the other y',
      littleEndian((BigInt(`0x${p}`) - BigInt(`0x${littleEndian(order8).toString('hex')}`)).toString(16)),
    ],
  ])('is one of Ed25519 by which anybody could sign: %s', (_, point) => {
    const signed = Buffer.from(point);
    signed[31] = (signed[31] ?? 0) | 0x80;
    expect([point, signed].map((each) => isUsableKey(keyOf({ ...eddsa, [-2]: each })))).toEqual([
      false,
      false,
    ]);
  });

  it.each([[undefined], [null], [7], ['key'], [es256], [[]], [Object.entries(es256)], [new Set([7])]])(
    'is no map: %j',
    (key) => expect(isUsableKey(key)).toBe(false),
  );

  it('is not mended by looking at it: the bytes stay as they were', () => {
    const point = Buffer.alloc(32, 0xff);
    isUsableKey(keyOf({ ...eddsa, [-2]: point }));
    expect(point).toEqual(Buffer.alloc(32, 0xff));
  });
});

describe('an ECDSA signature in DER', () => {
  const bytes = (...parts: (number | Buffer)[]) =>
    Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : part)));
  const integer = (number: Buffer) => bytes(0x02, number.length, number);
  const sequence = (...parts: Buffer[]) => bytes(0x30, Buffer.concat(parts).length, ...parts);
  const short = Buffer.alloc(32, 0x7f);
  const long = bytes(0, Buffer.alloc(32, 0x80));

  it.each<[string, Buffer]>([
    ['two numbers of 32 bytes', sequence(integer(short), integer(short))],
    ['numbers whose first bit is set', sequence(integer(long), integer(long))],
    ['small numbers', sequence(integer(Buffer.of(1)), integer(Buffer.of(2)))],
  ])('is %s', (_, signature) => expect(isDerSignature(signature)).toBe(true));

  it.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['bytes after it', bytes(sequence(integer(short), integer(short)), 0)],
    ['a number more', sequence(integer(short), integer(short), integer(short))],
    ['one number', sequence(integer(short))],
    ['a length in the long form', bytes(0x30, 0x81, 68, integer(short), integer(short))],
    ['no definite length', bytes(0x30, 0x80, integer(short), integer(short), 0, 0)],
    ['a negative number', sequence(integer(Buffer.alloc(32, 0x80)), integer(short))],
    ['a zero too many', sequence(integer(bytes(0, short)), integer(short))],
    ['the number 0', sequence(integer(Buffer.of(0)), integer(short))],
    ['an empty number', sequence(integer(Buffer.alloc(0)), integer(short))],
    ['a number that is too long', bytes(0x30, 36, 0x02, 40, short, 0x02, 0)],
    ['a set', bytes(0x31, 68, integer(short), integer(short))],
    ['text in the place of a number', sequence(bytes(0x04, 32, short), integer(short))],
  ])('is not: %s', (_, signature) => expect(isDerSignature(signature)).toBe(false));
});
