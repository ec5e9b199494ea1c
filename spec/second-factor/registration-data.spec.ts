import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { isoCBOR } from '@simplewebauthn/server/helpers';
import type { CreationChange, SoftwareAlgorithm } from '../../lib/testing/index.js';
import {
  enrolling,
  expectCreationRefused,
  expectCreationTaken,
  expectNotAdded,
} from '../support/enrolling.js';
import { refused } from '../support/owed-assertion.js';
import { coseKey, partsOf, weakKeys } from '../support/signatures.js';

// W3C WebAuthn Level 3, section 7.1, "Registering a New Credential": what the authenticator says, its key and its
// attestation.

const flag = { up: 0x01, uv: 0x04, be: 0x08, bs: 0x10, at: 0x40, ed: 0x80 } as const;
const hash = (text: string) => createHash('sha256').update(text).digest();
const requirement = (userVerification: 'required' | 'preferred' | 'discouraged') => ({
  app: { secondFactor: { userVerification } },
});

/** Changes the members of an attestation object. */
const object =
  (change: (members: Map<string, unknown>) => unknown): NonNullable<CreationChange['attestationObject']> =>
  (bytes) =>
    isoCBOR.encode(change(isoCBOR.decodeFirst(Uint8Array.from(bytes))) as never);
const member = (name: string, value: unknown) => object((members) => members.set(name, value));

describe('step 13: the attestation object is CBOR with its three members', () => {
  it.each<[string, (bytes: Buffer) => Uint8Array]>([
    ['is no CBOR', (bytes) => bytes.fill(0xff)],
    ['ends early', (bytes) => bytes.subarray(0, -1)],
    ['is JSON', () => Buffer.from('{"fmt":"none","attStmt":{},"authData":""}')],
    ['has bytes after it', (bytes) => Buffer.concat([bytes, Buffer.of(0)])],
    ['has a member more', member('more', 1)],
    ['is a list', object((members) => [...members.values()])],
    ['is text', object(() => 'none')],
    ['is an empty map', object(() => new Map())],
    ['says it is a map of 2^32 entries', () => Buffer.of(0xba, 0xff, 0xff, 0xff, 0xff)],
    ['is 8,000 lists in one another', () => Buffer.alloc(8000, 0x81)],
    ['has no format', object((members) => without(members, 'fmt'))],
    ['has no statement', object((members) => without(members, 'attStmt'))],
    ['has no authenticator data', object((members) => without(members, 'authData'))],
    ['has authenticator data of another type', member('authData', 'text')],
    ['has empty authenticator data', member('authData', new Uint8Array())],
  ])('refuses one that %s', (_, attestationObject) => expectCreationRefused({ attestationObject }));

  it.each<[string, (data: Buffer) => Uint8Array]>([
    ['that is cut short', (data) => data.subarray(0, -1)],
    ['with bytes after it', (data) => Buffer.concat([data, Buffer.of(0)])],
    ['without a credential', (data) => withFlags(data.subarray(0, 37), (flags) => flags & ~flag.at)],
    ['whose credential no flag tells of', (data) => withFlags(data, (flags) => flags & ~flag.at)],
    ['with a flag for extensions and none', (data) => withFlags(data, (flags) => flags | flag.ed)],
    ['whose id is longer than it', (data) => data.fill(0xff, 53, 55)],
    ['whose id is shorter than it says', (data) => data.fill(16, 54, 55)],
  ])('refuses authenticator data %s', (_, authenticatorData) => expectCreationRefused({ authenticatorData }));
});

describe("step 14: the hash is that of our relying party's id", () => {
  it.each<[string, Uint8Array]>([
    ['of the parent domain', hash('com')],
    ['of the host of the page', hash('app.example.com')],
    ['of another relying party', hash('example.org')],
    ['of the id in capitals', hash('EXAMPLE.COM')],
    ['of the origin', hash('https://app.example.com')],
    ['of zeros', Buffer.alloc(32)],
  ])('refuses the hash %s', (_, rpIdHash) => expectCreationRefused({ rpIdHash }));
});

describe('step 15: somebody was there', () => {
  it.each<[string, (flags: number) => number]>([
    ['nobody', (flags) => flags & ~flag.up],
    ['nobody, who was verified', () => flag.at | flag.uv],
    ['a credential alone', () => flag.at],
  ])('refuses an attestation that tells of %s, whatever is required', async (_, flags) => {
    for (const each of ['required', 'preferred', 'discouraged'] as const)
      await expectCreationRefused({ flags }, requirement(each));
  });
});

describe('step 16: the user is verified where that is required', () => {
  it('refuses a user who is not verified', () =>
    expectCreationRefused({ flags: (flags) => flags & ~flag.uv }, requirement('required')));

  it.each(['preferred', 'discouraged'] as const)('takes one where it is %s', (each) =>
    expectCreationTaken({}, { key: { userVerified: false }, ...requirement(each) }),
  );
});

describe('steps 17 to 19: what may not be backed up is not backed up, and the record tells which it is', () => {
  it.each([
    [false, false],
    [true, false],
    [true, true],
  ])('takes a key that may be backed up %j and is %j', async (backupEligible, backedUp) => {
    const row = await expectCreationTaken({}, { key: { backupEligible, backedUp } });
    expect(row).toMatchObject({ backupEligible, backedUp });
  });

  it('refuses a backup of what may not be backed up', () =>
    expectCreationRefused({ flags: (flags) => flags | flag.bs }));
});

describe('step 20: the key is by an algorithm that was asked for, and as strong as that', () => {
  it.each<SoftwareAlgorithm>(['ES256', 'EdDSA', 'RS256'])('takes a key by %s', async (algorithm) => {
    const row = await expectCreationTaken({}, { key: { algorithm } });
    const key = isoCBOR.decodeFirst<Map<number, unknown>>(Uint8Array.from(row.publicKey));
    expect(key.get(3)).toBe({ ES256: -7, EdDSA: -8, RS256: -257 }[algorithm]);
  });

  it.each(Object.entries(weakKeys))('refuses %s', (_, make) => {
    const { publicKey } = make();
    return expectCreationRefused({ publicKey: () => publicKey });
  });

  const { x, y } = partsOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey);
  const ed = partsOf(generateKeyPairSync('ed25519').publicKey).x;
  it.each<[string, Uint8Array]>([
    ['a compressed point', coseKey({ 1: 2, 3: -7, [-1]: 1, [-2]: x, [-3]: true })],
    ['a point without y', coseKey({ 1: 2, 3: -7, [-1]: 1, [-2]: x })],
    ['a point with a short x', coseKey({ 1: 2, 3: -7, [-1]: 1, [-2]: x.subarray(1), [-3]: y })],
    ['ES256 on secp256k1', coseKey({ 1: 2, 3: -7, [-1]: 8, [-2]: x, [-3]: y })],
    ['ES256K', coseKey({ 1: 2, 3: -47, [-1]: 8, [-2]: x, [-3]: y })],
    ['ESP256', coseKey({ 1: 2, 3: -9, [-1]: 1, [-2]: x, [-3]: y })],
    ['EdDSA on X25519', coseKey({ 1: 1, 3: -8, [-1]: 4, [-2]: ed })],
    ['EdDSA on Ed448', coseKey({ 1: 1, 3: -8, [-1]: 7, [-2]: Buffer.alloc(57, 5) })],
    ['EdDSA on P-256', coseKey({ 1: 2, 3: -8, [-1]: 1, [-2]: x, [-3]: y })],
    ['PS256', coseKey({ 1: 3, 3: -37, [-1]: Buffer.alloc(256, 0xc5), [-2]: Buffer.of(1, 0, 1) })],
    ['ML-DSA-44', coseKey({ 1: 7, 3: -48, [-1]: Buffer.alloc(1312, 1) })],
    ['HMAC', coseKey({ 1: 4, 3: 5, [-1]: Buffer.alloc(32, 1) })],
    ['a key without an algorithm', coseKey({ 1: 2, [-1]: 1, [-2]: x, [-3]: y })],
    ['an algorithm that is text', coseKey({ 1: 2, 3: '-7', [-1]: 1, [-2]: x, [-3]: y })],
    ['an empty key', coseKey({})],
    ['a number', Buffer.of(7)],
    ['an X.509 key', generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' })],
  ])('refuses %s', (_, publicKey) => expectCreationRefused({ publicKey: () => publicKey }));
});

describe('steps 21 to 24: there is no attestation, or one by the key itself', () => {
  it.each<SoftwareAlgorithm>(['ES256', 'EdDSA', 'RS256'])(
    'takes an attestation by the key itself: %s',
    (algorithm) => expectCreationTaken({ attestation: 'self' }, { key: { algorithm } }),
  );

  it('takes none of an authenticator that names its model', () =>
    expectCreationTaken({ aaguid: Buffer.alloc(16, 0xa9) }));

  it.each<[string, (signature: Buffer) => Uint8Array]>([
    ['that is changed', (bytes) => bytes.fill((bytes.at(-1) ?? 0) ^ 0x55, bytes.length - 1)],
    ['that is empty', () => Buffer.alloc(0)],
    [
      'by another key',
      () => sign('sha256', Buffer.from('x'), generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
    ],
  ])('refuses a signature of the key itself %s', (_, signature) =>
    expectCreationRefused({ attestation: 'self', signature }),
  );

  it.each<[string, (statement: Map<string, unknown>) => unknown]>([
    ['without a signature', (statement) => without(statement, 'sig')],
    ['without an algorithm', (statement) => without(statement, 'alg')],
    ['by an algorithm that is text', (statement) => statement.set('alg', 'ES256')],
    ['by an algorithm that nobody knows', (statement) => statement.set('alg', -70_000)],
    ['by an algorithm with another hash', (statement) => statement.set('alg', -36)],
    ['by the algorithm of another key with the same hash', (statement) => statement.set('alg', -257)],
    ['with a member more', (statement) => statement.set('ecdaaKeyId', Uint8Array.of(1))],
    ['that is a list', (statement) => [...statement.values()]],
    ['that is empty', () => new Map()],
  ])('refuses a statement of the key itself %s', (_, change) =>
    expectCreationRefused({
      attestation: 'self',
      attestationObject: object((members) =>
        members.set('attStmt', change(members.get('attStmt') as Map<string, unknown>)),
      ),
    }),
  );

  it('refuses a statement of the key itself over other data', () =>
    expectCreationRefused({
      attestation: 'self',
      attestationObject: object((members) => {
        const data = Buffer.from(members.get('authData') as Uint8Array);
        return members.set('authData', Uint8Array.from(data.fill(9, 33, 37)));
      }),
    }));

  const signature = Uint8Array.from(Buffer.alloc(70, 0x30));
  const certificate = Uint8Array.from(Buffer.alloc(400, 0x30));
  it.each<[string, Record<string, unknown>]>([
    ['packed', { alg: -7, sig: signature, x5c: [certificate] }],
    ['packed', { alg: -7, sig: signature, x5c: [] }],
    ['packed', { alg: -7, sig: signature, x5c: null }],
    ['fido-u2f', { sig: signature, x5c: [certificate] }],
    ['fido-u2f', {}],
    ['android-key', { alg: -7, sig: signature, x5c: [certificate] }],
    ['android-safetynet', { ver: '1', response: signature }],
    ['tpm', { ver: '2.0', alg: -257, sig: signature, x5c: [certificate] }],
    ['apple', { x5c: [certificate] }],
    ['compound', {}],
    ['None', {}],
    ['none ', {}],
    ['', {}],
    ['x'.repeat(1000), {}],
  ])('does not look at the attestation %j %j, which nobody has asked for', async (fmt, statement) => {
    const at = await enrolling();
    const attestation = { fmt, attStmt: new Map(Object.entries(statement)) };
    await expectNotAdded(at, await at.key.create(at.options, { attestation }), refused);
    expect(at.app.events).toContainEqual(
      expect.objectContaining({ type: 'device_refused', reason: 'attestation_not_asked' }),
    );
  });

  it.each<[string, unknown]>([
    ['number', 0],
    ['list', ['none']],
    ['null', null],
  ])('refuses a format that is a %s', (_, fmt) =>
    expectCreationRefused({ attestationObject: member('fmt', fmt) }),
  );

  it.each<[string, unknown]>([
    ['a signature', new Map([['sig', signature]])],
    ['a certificate', new Map([['x5c', [certificate]]])],
    ['anything', new Map([['', null]])],
  ])('refuses none where the statement holds %s', (_, statement) =>
    expectCreationRefused({ attestationObject: member('attStmt', statement) }),
  );
});

function without(map: Map<string, unknown>, name: string) {
  map.delete(name);
  return map;
}

function withFlags(data: Buffer, change: (flags: number) => number): Buffer {
  return data.fill(change(data[32] ?? 0), 32, 33);
}
