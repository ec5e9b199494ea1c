import { describe, it } from '@jest/globals';
import { SoftwareAuthenticator } from '../../../lib/testing/index.js';
import { origin } from '../../support/app.js';
import { der, integers } from '../../support/der.js';
import { altered, expectAccepted, expectRefused, type Forgery, roomy } from '../../support/owing.js';
import { alice } from '../../support/people.js';
import { enrolledKey, rpId } from '../../support/second-factor.js';
import { swiftly } from '../../support/swift.js';

/** The order of P-256 (FIPS 186-4, D.1.2.3). */
const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const half = n / 2n;

const flip = (at: number) => (bytes: Buffer) => {
  const index = at < 0 ? bytes.length + at : at;
  bytes[index] = (bytes[index] ?? 0) ^ 1;
  return bytes;
};
const rs = (make: (r: bigint, s: bigint) => Uint8Array) => ({
  signature: (bytes: Buffer) => make(...integers(bytes)),
});
const signature = (make: (bytes: Buffer) => Uint8Array) => ({ signature: make });

/** A challenge, signed by another key that claims the credential of the first. */
const byAnotherKey: Forgery = async ({ options }, key) => {
  const other = new SoftwareAuthenticator({ origin });
  await other.enrolled(alice, { name: 'other', rpId });
  const [theirs] = other.credentials;
  if (theirs === undefined) throw new Error('no credential');
  const id = key.credentials[0]?.id;
  return other.get(options, {
    credential: theirs,
    json: (answer) => ({ ...(answer as object), id, rawId: id }),
  });
};

describe('attacks on the signature of an assertion (FIDO-02, FIDO-21)', () => {
  it('FIDO-02: what is not signed by this key over these bytes is refused', () =>
    swiftly(roomy, async (target) => {
      const key = await enrolledKey(target.nodes[0], alice, { counts: false });
      await expectRefused(target, key, {
        'another key': byAnotherKey,
        'r and s swapped': rs((r, s) => der(s, r)),
        'first bit of r': signature(flip(6)),
        'last bit of s': signature(flip(-1)),
        'first byte of the sequence': signature(flip(0)),
        'other data': { signed: () => Buffer.from('other data') },
        'nothing signed': { signed: () => Buffer.alloc(0) },
        'the hash left out': { signed: (bytes) => bytes.subarray(0, -32) },
        'the hash twice': { signed: (bytes) => Buffer.concat([bytes, bytes.subarray(-32)]) },
        'one byte': signature(() => Buffer.from([0x30])),
        zeros: signature((bytes) => Buffer.alloc(bytes.length)),
        'the longest': signature(() => Buffer.alloc(1024, 0xff)),
        'authenticator data of zeros': altered(({ response, ...rest }) => ({
          ...rest,
          response: { ...response, authenticatorData: Buffer.alloc(37).toString('base64url') },
        })),
        'client data that says nothing': altered(({ response, ...rest }) => ({
          ...rest,
          response: { ...response, clientDataJSON: Buffer.from('{}').toString('base64url') },
        })),
      });
    }));

  it('FIDO-02: a signature of no bytes is malformed', () =>
    swiftly(roomy, async (target) => {
      const key = await enrolledKey(target.nodes[0], alice, { counts: false });
      const bad = { status: 400, code: 'malformed_request' };
      await expectRefused(target, key, { empty: signature(() => Buffer.alloc(0)) }, bad);
    }));

  it('FIDO-02: numbers that are good for every message are refused', () =>
    swiftly(roomy, async (target) => {
      const key = await enrolledKey(target.nodes[0], alice, { counts: false });
      await expectRefused(target, key, {
        'r = 0 and s = 0': rs(() => der(0n, 0n)),
        'r = 0': rs((_, s) => der(0n, s)),
        's = 0': rs((r) => der(r, 0n)),
        'r = n': rs((_, s) => der(n, s)),
        's = n': rs((r) => der(r, n)),
        'r + n': rs((r, s) => der(r + n, s)),
        's + n': rs((r, s) => der(r, s + n)),
        'r = s = 1': rs(() => der(1n, 1n)),
      });
    }));

  it('FIDO-02: what is no DER of two integers is refused, at once', () =>
    swiftly(roomy, async (target) => {
      const key = await enrolledKey(target.nodes[0], alice, { counts: false });
      await expectRefused(target, key, {
        'r and s as they are': rs((r, s) => Buffer.concat([fixed(r), fixed(s)])),
        'one integer': signature((bytes) =>
          Buffer.concat([Buffer.from([0x30, 3, 2, 1, 1]), bytes.subarray(99)]),
        ),
        'a set': signature((bytes) => Buffer.concat([Buffer.from([0x31]), bytes.subarray(1)])),
        'a length that is too long': signature((bytes) =>
          Buffer.concat([Buffer.from([0x30, 0x7f]), bytes.subarray(2)]),
        ),
        'a length of four gigabytes': signature((bytes) =>
          Buffer.concat([Buffer.from([0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), bytes.subarray(2)]),
        ),
        'an indefinite length': signature((bytes) =>
          Buffer.concat([Buffer.from([0x30, 0x80]), bytes.subarray(2)]),
        ),
        'five hundred sequences deep': signature(() => Buffer.from('3080'.repeat(500), 'hex')),
        'integers of no bytes': signature(() => Buffer.from('300402000200', 'hex')),
      });
    }));

  it('FIDO-21: a signature whose s is high is genuine, and is good once', () =>
    swiftly(roomy, async (target) => {
      const key = await enrolledKey(target.nodes[0], alice, { counts: false });
      await expectAccepted(target, key, {
        'high s': rs((r, s) => der(r, s > half ? s : n - s)),
        'low s': rs((r, s) => der(r, s > half ? n - s : s)),
      });
    }));

  it('FIDO-21: the other form of a signature that was used is no second signature', () =>
    swiftly(roomy, async (target) => {
      const key = await enrolledKey(target.nodes[0]);
      target.expectSessionsOf(alice.id);
      await expectAccepted(target, key, {
        twice: async ({ options }) => key.get(options),
      });
      const used = key.credentials[0]?.counter ?? 0;
      await expectRefused(target, key, {
        'the same counter': { counter: used, ...rs((r, s) => der(r, n - s)) },
      });
    }));

  it.each(['EdDSA', 'RS256'] as const)('FIDO-21: the bytes of a signature by %s are its own', (algorithm) =>
    swiftly(roomy, async (target) => {
      const key = await enrolledKey(target.nodes[0], alice, { algorithm, counts: false });
      const ec = new SoftwareAuthenticator({ origin });
      await ec.enrolled(alice, { name: 'ec', rpId });
      const es256: Forgery = async ({ options }) => {
        const [credential] = ec.credentials;
        const id = key.credentials[0]?.id;
        return ec.get(options, {
          ...(credential === undefined ? {} : { credential }),
          json: (answer) => ({ ...(answer as object), id, rawId: id }),
        });
      };
      await expectRefused(target, key, {
        'a bit of the first half': signature(flip(0)),
        'a bit of the second half': signature(flip(-1)),
        'a byte less': signature((bytes) => bytes.subarray(1)),
        'a byte more': signature((bytes) => Buffer.concat([bytes, Buffer.alloc(1)])),
        zeros: signature((bytes) => Buffer.alloc(bytes.length)),
        'by ES256': es256,
        'other data': { signed: () => Buffer.from('other data') },
      });
    }),
  );
});

function fixed(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
}
