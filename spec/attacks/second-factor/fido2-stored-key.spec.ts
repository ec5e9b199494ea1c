import { createHash, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { SoftwareAuthenticator } from '../../../lib/testing/index.js';
import { origin } from '../../support/app.js';
import type { Node } from '../../support/attack.js';
import { codeOf, expectRefused, type Forgery, owing, pay, reach, roomy } from '../../support/owing.js';
import { alice } from '../../support/people.js';
import { enrolledKey, rpId } from '../../support/second-factor.js';
import { swiftly } from '../../support/swift.js';

const { isoCBOR } = await import('@simplewebauthn/server/helpers');
const cose = (...entries: [number, unknown][]) => isoCBOR.encode(new Map(entries) as never);
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));

/** A device in the repository whose public key is not what its authenticator made. */
async function corrupted(
  { repositories }: Node,
  name: string,
  publicKey: (own: Uint8Array) => Uint8Array,
): Promise<Forgery> {
  const key = new SoftwareAuthenticator({ origin, counts: false });
  const device = await key.enrolled(alice, { name, rpId });
  const seeded = { ...device, publicKey: publicKey(device.publicKey) };
  expect(await repositories.devices.add(alice.id, seeded)).toBe(true);
  return ({ options }) => signedFor(key, options.challenge);
}

function signedFor(key: SoftwareAuthenticator, challenge: string, change = {}) {
  const [credential] = key.credentials;
  return key.get({ challenge, rpId }, { ...(credential ? { credential } : {}), ...change });
}

const changed = (own: Uint8Array, at: number, to: unknown) => {
  const key = isoCBOR.decodeFirst<Map<number, unknown>>(Uint8Array.from(own));
  key.set(at, to);
  return isoCBOR.encode(key as never);
};
const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
const small = Uint8Array.from(Buffer.from(rsa.n ?? '', 'base64url'));
const f4 = bytes('010001');

/** What stands in the table where a key should be. */
const keys: Record<string, (own: Uint8Array) => Uint8Array> = {
  empty: () => new Uint8Array(),
  'one byte': () => bytes('ff'),
  zeros: () => new Uint8Array(77),
  'cut off': (own) => own.slice(0, -1),
  'cut in half': (own) => own.slice(0, 40),
  'a text': () => Uint8Array.from(Buffer.from('-----BEGIN PUBLIC KEY-----')),
  'an empty map': () => bytes('a0'),
  'a list': () => bytes('80'),
  'ten thousand lists deep': () => bytes('81'.repeat(10_000)),
  'four billion pairs': () => bytes('baffffffff'),
  'the algorithm missing': (own) => changed(own, 3, null),
  'the algorithm a text': (own) => changed(own, 3, 'ES256'),
  'the algorithm 0': (own) => changed(own, 3, 0),
  'ES384 on P-256': (own) => changed(own, 3, -35),
  'ES256K on P-256': (own) => changed(own, 3, -47),
  'RS1, which is SHA-1': () => cose([1, 3], [3, -65535], [-1, small], [-2, f4]),
  PS256: () => cose([1, 3], [3, -37], [-1, small], [-2, f4]),
  'RS256 of 1,024 bits': () => cose([1, 3], [3, -257], [-1, small], [-2, f4]),
  'RS256 over a key of P-256': (own) => changed(own, 3, -257),
  'EdDSA over a key of P-256': (own) => changed(own, 3, -8),
  'another curve': (own) => changed(own, -1, 2),
  'the curve a text': (own) => changed(own, -1, 'P-256'),
  'a point that is not on the curve': (own) => changed(own, -3, new Uint8Array(32).fill(7)),
  'a point of zeros': (own) => changed(changed(own, -2, new Uint8Array(32)), -3, new Uint8Array(32)),
  'half a point': (own) => changed(own, -3, new Uint8Array(31)),
  'a compressed point': (own) => changed(own, -3, true),
  'ML-DSA-44, after quantum computers': () => cose([1, 7], [3, -48], [-1, new Uint8Array(1312)]),
  'ML-DSA-87': () => cose([1, 7], [3, -50], [-1, new Uint8Array(2592)]),
  'an algorithm of private use': (own) => changed(own, 3, -70_000),
  'an algorithm of four bytes': (own) => changed(own, 3, 2 ** 31),
};

describe('attacks by what stands in the table of devices (FIDO-21, FIDO-30)', () => {
  it('FIDO-21, FIDO-30: a key that is none is refused at once, and no other device suffers', () =>
    swiftly(roomy, async (target) => {
      const [node] = target.nodes;
      const good = await enrolledKey(node, alice, { counts: false });
      const forgeries: Record<string, Forgery> = {};
      for (const [name, publicKey] of Object.entries(keys))
        forgeries[name] = await corrupted(node, name, publicKey);
      await expectRefused(target, good, forgeries);
    }));

  const order8 = 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a';
  it('FIDO-21: a key of small order on Ed25519, by which anybody could sign, is no key', () =>
    swiftly(roomy, async (target) => {
      const [node] = target.nodes;
      const good = await enrolledKey(node, alice, { counts: false });
      const points = {
        one: `01${'00'.repeat(31)}`,
        'one with a sign': `01${'00'.repeat(30)}80`,
        zero: '00'.repeat(32),
        'zero with a sign': `${'00'.repeat(31)}80`,
        'minus one': `ec${'ff'.repeat(30)}7f`,
        'one, and not reduced': `ee${'ff'.repeat(30)}7f`,
        'one with a sign, and not reduced': `ee${'ff'.repeat(31)}`,
        'order 8': order8,
        'order 8 with a sign': order8.replace(/7a$/, 'fa'),
      };
      const identity = bytes(`01${'00'.repeat(63)}`);
      const forgeries: Record<string, Forgery> = {};
      for (const [name, point] of Object.entries(points)) {
        const key = new SoftwareAuthenticator({ origin, counts: false });
        const device = await key.enrolled(alice, { name, rpId });
        const publicKey = cose([1, 1], [3, -8], [-1, 6], [-2, bytes(point)]);
        expect(await node.repositories.devices.add(alice.id, { ...device, publicKey })).toBe(true);
        forgeries[name] = ({ options }) => signedFor(key, options.challenge, { signature: () => identity });
      }
      await expectRefused(target, good, forgeries);
    }));

  it('FIDO-21: a signature by RSA is none by a key of ES256, and the reverse', () =>
    swiftly(roomy, async (target) => {
      const [node] = target.nodes;
      const good = await enrolledKey(node, alice, { counts: false });
      const forgeries: Record<string, Forgery> = {};
      for (const algorithm of ['EdDSA', 'RS256'] as const) {
        const key = new SoftwareAuthenticator({ origin, algorithm, counts: false });
        await key.enrolled(alice, { name: algorithm, rpId });
        const id = good.credentials[0]?.id;
        forgeries[`${algorithm} in the place of ES256`] = ({ options }) =>
          signedFor(key, options.challenge, {
            json: (answer: object) => ({ ...answer, id, rawId: id }),
          });
      }
      await expectRefused(target, good, forgeries);
    }));

  it.each([
    ['a name twice', { name: 'key' }],
    ['a counter that is none', { counter: -1 }],
    ['a key that is a text', { publicKey: 'AA' }],
    ['an id that is not canonical', { credentialId: 'AB==' }],
  ])('a list of devices with %s is no list: 503, and nothing is owed less', (_, change) =>
    swiftly({}, async (target) => {
      const [node] = target.nodes;
      target.expectFaults();
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(node);
      const session = await owing(target);
      const assertion = await key.get(session.options);
      const bad = new SoftwareAuthenticator({ origin });
      const device = await bad.enrolled(alice, { name: 'bad', rpId });
      const { devices } = node.repositories;
      const listByUser = devices.listByUser;
      devices.listByUser = async (id) =>
        [...(await listByUser(id)), { ...device, lastUsedAt: null, ...change }] as never;
      const answer = await pay(node, session, assertion);
      expect([answer.status, codeOf(answer)]).toEqual([503, 'unavailable']);
      expect(await reach(node, session.headers)).toBe(401);
      devices.listByUser = listByUser;
      expect((await pay(node, session, assertion)).status).toBe(204);
    }),
  );

  it.each(['000001', '00000001'])(
    'FIDO-21: RSA by the exponent %s, by which anybody could sign, is no key',
    (exponent) =>
      swiftly({}, async (target) => {
        const [node] = target.nodes;
        const good = await enrolledKey(node, alice, { counts: false });
        const key = new SoftwareAuthenticator({ origin, counts: false });
        const device = await key.enrolled(alice, { name: 'one', rpId });
        const modulus = new Uint8Array(256).fill(0xff);
        const publicKey = cose([1, 3], [3, -257], [-1, modulus], [-2, bytes(exponent)]);
        expect(await node.repositories.devices.add(alice.id, { ...device, publicKey })).toBe(true);
        let message = Buffer.alloc(0);
        const forged: Forgery = ({ options }) =>
          signedFor(key, options.challenge, {
            signed: (own: Buffer) => {
              message = Buffer.from(own);
              return own;
            },
            signature: () => padded(message),
          });
        await expectRefused(target, good, { 'the padded hash itself': forged });
      }),
  );
});

/** The hash of a message as RSA signs it (RFC 8017, section 9.2), before the exponent is applied. */
function padded(message: Uint8Array): Buffer {
  const hash = createHash('sha256').update(message).digest();
  const info = Buffer.concat([Buffer.from('3031300d060960864801650304020105000420', 'hex'), hash]);
  const filling = Buffer.alloc(256 - 3 - info.length, 0xff);
  return Buffer.concat([Buffer.from([0, 1]), filling, Buffer.alloc(1), info]);
}
