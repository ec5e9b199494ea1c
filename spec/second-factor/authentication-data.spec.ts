import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { isoCBOR } from '@simplewebauthn/server/helpers';
import { deviceRecord, type SoftwareAlgorithm } from '../../lib/testing/index.js';
import { testApp } from '../support/app.js';
import {
  credentialOf,
  devicesOf,
  expectChangePaid,
  expectChangeRefused,
  expectNothingHappened,
  expectPaid,
  expectRefused,
  owedAssertion,
  refused,
  withMembers,
} from '../support/owed-assertion.js';
import { alice } from '../support/people.js';
import { enrolledKey, fido2, pendingSession, rpId } from '../support/second-factor.js';
import { signedBy, weakKeys, withNumbers, withS } from '../support/signatures.js';

// W3C WebAuthn Level 3, section 7.2, "Verifying an Authentication Assertion": what the authenticator says and signs.

const flag = { up: 0x01, uv: 0x04, be: 0x08, bs: 0x10, at: 0x40, ed: 0x80 } as const;
const hash = (text: string | Uint8Array) => createHash('sha256').update(text).digest();
const flipped = (bytes: Buffer, at: number) => bytes.fill((bytes[at] ?? 0) ^ 0x55, at, at + 1);
const requirement = (userVerification: 'required' | 'preferred' | 'discouraged') => ({
  app: { secondFactor: { userVerification } },
});

describe("step 15: the hash is that of our relying party's id", () => {
  it.each<[string, Uint8Array]>([
    ['of the parent domain', hash('com')],
    ['of the host of the page', hash('app.example.com')],
    ['of another relying party', hash('example.org')],
    ['of the id in capitals', hash('EXAMPLE.COM')],
    ['of the id with a dot after it', hash('example.com.')],
    ['of the origin, as a U2F key has it', hash('https://app.example.com')],
    ['of an AppID', hash('https://example.com')],
    ['of the hash', hash(hash(rpId))],
    ['of zeros', Buffer.alloc(32)],
  ])('refuses the hash %s', (_, rpIdHash) => expectChangeRefused({ rpIdHash }));

  it('refuses an AppID that the client says it has used', () =>
    expectChangeRefused({
      rpIdHash: hash('https://example.com'),
      json: withMembers({ clientExtensionResults: { appid: true } }),
    }));

  it.each([1, 32, 33, 36])('refuses authenticator data of %i bytes', (length) =>
    expectChangeRefused({ authenticatorData: (data) => data.subarray(0, length) }),
  );
});

describe('step 16: somebody was there', () => {
  it.each<[string, (flags: number) => number]>([
    ['nobody', (flags) => flags & ~flag.up],
    ['nobody, who was verified', () => flag.uv],
    ['nothing at all', () => 0],
  ])('refuses an assertion that tells of %s, whatever is required', async (_, flags) => {
    for (const each of ['required', 'preferred', 'discouraged'] as const)
      await expectChangeRefused({ flags }, requirement(each));
  });
});

describe('step 17: the user is verified where that is required', () => {
  it('refuses a user who is not verified', () =>
    expectChangeRefused({ flags: (flags) => flags & ~flag.uv }, requirement('required')));

  it.each(['preferred', 'discouraged'] as const)('takes one where it is %s', (each) =>
    expectChangePaid({}, { key: { userVerified: false }, ...requirement(each) }),
  );

  it('asks what the challenge was given with, not what is set by now', async () => {
    const strict = await testApp(requirement('required').app);
    const key = await enrolledKey(strict);
    const { shared, clock: testClock, repositories: memory } = strict;
    const lax = await testApp({ ...requirement('discouraged').app, shared, testClock, memory });
    const pending = await pendingSession(strict);
    expect(pending.options.userVerification).toBe('required');
    const unverified = await key.get(pending.options, { flags: () => flag.up });
    await expectRefused({ app: lax, key, ...pending }, unverified);
  });
});

describe('step 18: what may not be backed up is not backed up', () => {
  it('refuses a backup of what may not be backed up', () =>
    expectChangeRefused({ flags: (flags) => flags | flag.bs }));

  it('refuses it of a passkey too', () =>
    expectChangeRefused(
      { flags: (flags) => (flags & ~flag.be) | flag.bs },
      { key: { backupEligible: true } },
    ));

  it.each([false, true])('takes a passkey that is backed up: %j', (backedUp) =>
    expectChangePaid({}, { key: { backupEligible: true, backedUp } }),
  );
});

describe('step 19: what may be backed up stays so, and what may not does too', () => {
  it('refuses a key that has become one that may be backed up', () =>
    expectChangeRefused({ flags: (flags) => flags | flag.be }));

  it('refuses a key that has become one that is backed up', () =>
    expectChangeRefused({ flags: (flags) => flags | flag.be | flag.bs }));

  it('refuses a passkey that may no longer be backed up', () =>
    expectChangeRefused({ flags: (flags) => flags & ~flag.be }, { key: { backupEligible: true } }));
});

describe('steps 20 and 21: the signature is by the key of the credential, over all that was said', () => {
  it.each<SoftwareAlgorithm>(['ES256', 'EdDSA', 'RS256'])('takes a signature by %s', (algorithm) =>
    expectChangePaid({}, { key: { algorithm } }),
  );

  it.each(['high', 'low'] as const)(
    'takes both values that an ECDSA signature may have: the %s one',
    (which) => expectChangePaid({ signature: withS(which) }),
  );

  it.each<[string, SoftwareAlgorithm, (bytes: Buffer) => Uint8Array]>([
    ['with its first byte changed', 'RS256', (bytes) => flipped(bytes, 0)],
    ['with its last byte changed', 'ES256', (bytes) => flipped(bytes, bytes.length - 1)],
    ['with its last byte changed', 'EdDSA', (bytes) => flipped(bytes, bytes.length - 1)],
    ['that is cut short', 'ES256', (bytes) => bytes.subarray(0, -1)],
    ['that is cut short', 'EdDSA', (bytes) => bytes.subarray(0, -1)],
    ['with a byte before it', 'RS256', (bytes) => Buffer.concat([Buffer.of(0), bytes])],
    ['of one byte', 'ES256', () => Buffer.of(0)],
    ['of zeros', 'EdDSA', () => Buffer.alloc(64)],
    ['of zeros', 'RS256', () => Buffer.alloc(256)],
    ['of the number one', 'RS256', () => Buffer.alloc(256).fill(1, 255)],
    ['of two zeros', 'ES256', withNumbers(() => [0n, 0n])],
    ['whose numbers are exchanged', 'ES256', withNumbers((r, s) => [s, r])],
    ['of 1,024 bytes', 'ES256', () => Buffer.alloc(1024, 0x30)],
  ])('refuses a signature %s (%s)', (_, algorithm, signature) =>
    expectChangeRefused({ signature }, { key: { algorithm } }),
  );

  it.each<[string, (bytes: Buffer) => Uint8Array]>([
    ['more', (bytes) => Buffer.concat([bytes, Buffer.of(0)])],
    ['less: no client data', (bytes) => bytes.subarray(0, 37)],
    ['less: no authenticator data', (bytes) => bytes.subarray(37)],
    ['something else', () => Buffer.from('something else')],
    ['the hash of it', (bytes) => hash(bytes)],
  ])('refuses a signature over %s', (_, signed) => expectChangeRefused({ signed }));

  it.each<[string, 'authenticatorData' | 'clientDataJSON', (bytes: Buffer) => Uint8Array]>([
    ['that the user was verified', 'authenticatorData', (data) => data.fill(flag.up | flag.uv, 32, 33)],
    ['a greater counter', 'authenticatorData', (data) => data.fill(0xff, 33, 37)],
    ['more client data', 'clientDataJSON', (data) => Buffer.from(`${data} `)],
  ])('refuses %s, said after it was signed', async (_, member, change) => {
    const owed = await owedAssertion({ key: { userVerified: false } });
    const honest = await owed.key.get(owed.options);
    const value = Buffer.from(change(Buffer.from(honest.response[member], 'base64url'))).toString(
      'base64url',
    );
    expect(value).not.toBe(honest.response[member]);
    await expectRefused(owed, withMembers({}, { [member]: value })(honest));
  });

  it('refuses the signature of an earlier assertion', async () => {
    const owed = await owedAssertion();
    const earlier = await pendingSession(owed.app);
    const old = await owed.key.get(earlier.options);
    expect((await owed.app.post(fido2, old, earlier.headers)).status).toBe(204);
    const { signature, authenticatorData } = old.response;
    await expectRefused(owed, await owed.key.get(owed.options, { json: withMembers({}, { signature }) }));
    const again = await pendingSession(owed.app);
    const both = { json: withMembers({}, { signature, authenticatorData }) };
    await expectRefused({ ...owed, ...again }, await owed.key.get(again.options, both));
  });

  it('refuses a signature by another key in the name of this one', async () => {
    const owed = await owedAssertion();
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const change = signedBy((bytes) => sign('sha256', bytes, privateKey));
    await expectRefused(owed, await owed.key.get(owed.options, change));
  });

  it("refuses a signature by the user's other key in the name of this one", async () => {
    const app = await testApp();
    const key = await enrolledKey(app);
    const spare = await enrolledKey(app, alice, { name: 'spare' });
    const owed = { app, key, ...(await pendingSession(app)) };
    const { id } = credentialOf(key);
    await expectRefused(owed, await spare.get(owed.options, { json: withMembers({ id, rawId: id }) }));
  });

  it.each<[string, SoftwareAlgorithm, Parameters<typeof sign>[0], object]>([
    ['SHA-384', 'ES256', 'sha384', {}],
    ['SHA-1', 'ES256', 'sha1', {}],
    ['two numbers without DER', 'ES256', 'sha256', { dsaEncoding: 'ieee-p1363' }],
    ['SHA-1', 'RS256', 'sha1', {}],
    ['SHA-512', 'RS256', 'sha512', {}],
    ['PSS', 'RS256', 'sha256', { padding: 6, saltLength: 32 }],
  ])('refuses a signature by %s where %s is agreed', async (_, algorithm, digest, how) => {
    const owed = await owedAssertion({ key: { algorithm } });
    const { privateKey } = credentialOf(owed.key);
    const change = signedBy((bytes) => sign(digest, bytes, { key: privateKey, ...how }));
    await expectRefused(owed, await owed.key.get(owed.options, change));
  });

  it.each(Object.entries(weakKeys))('refuses a signature by a stored key of %s', async (_, make) => {
    const { publicKey, change = {}, ...pair } = make();
    const row = deviceRecord(9, { publicKey });
    const app = await testApp();
    const key = await enrolledKey(app);
    await app.repositories.devices.add(alice.id, row);
    const owed = { app, key, ...(await pendingSession(app)) };
    const credential = { id: row.credentialId, rpId, userHandle: '', publicKey, counter: 0, ...pair };
    await expectRefused(owed, await key.get(owed.options, { ...change, credential }));
  });

  it.each<[string, Uint8Array]>([
    ['empty', new Uint8Array()],
    ['no CBOR', new Uint8Array(77).fill(0xff)],
    ['a number', Uint8Array.of(7)],
    ['an empty map', Uint8Array.of(0xa0)],
  ])('refuses a signature by a stored key that is %s', async (_, publicKey) => {
    const app = await testApp();
    const key = await enrolledKey(app);
    const row = deviceRecord(9, { publicKey });
    await app.repositories.devices.add(alice.id, row);
    const owed = { app, key, ...(await pendingSession(app)) };
    const id = row.credentialId;
    await expectRefused(owed, await key.get(owed.options, { json: withMembers({ id, rawId: id }) }));
  });
});

describe('step 22: the counter has grown', () => {
  it.each<[number, number]>([
    [0, 0],
    [0, 1],
    [7, 8],
    [7, 1_000_000],
    [0, 0xff_ff_ff_ff],
    [0xff_ff_ff_fe, 0xff_ff_ff_ff],
  ])('takes %i, then %i', async (counter, next) => {
    const owed = await owedAssertion({ key: { counter } });
    await expectPaid(owed, { counter: next });
    expect((await devicesOf(owed.app))[0]?.counter).toBe(next);
  });

  it.each<[number, number]>([
    [7, 7],
    [7, 6],
    [7, 0],
    [1, 0],
    [0xff_ff_ff_fd, 0],
    [0xff_ff_ff_fd, 1],
  ])('refuses %i, then %i, and tells the host of it', async (counter, next) => {
    const owed = await owedAssertion({ key: { counter } });
    await expectRefused(owed, await owed.key.get(owed.options, { counter: next }));
    expect(owed.app.events).toContainEqual(
      expect.objectContaining({ type: 'second_factor_failed', reason: 'counter_regressed' }),
    );
  });

  it('says nothing of the counter to whoever cannot sign', async () => {
    const owed = await owedAssertion({ key: { counter: 7 } });
    const texts: string[] = [];
    for (const counter of [0, 7, 8, 0xff_ff_ff_ff]) {
      const unsigned = await owed.key.get(owed.options, { counter, signed: () => Buffer.from('other') });
      const answer = await owed.app.post(fido2, unsigned, owed.headers);
      expect(answer.status).toBe(401);
      texts.push(answer.text);
    }
    expect(new Set(texts).size).toBe(1);
    await expectPaid(owed);
    const reasons = owed.app.events.flatMap((event) => ('reason' in event ? [event.reason] : []));
    expect(reasons).toEqual(Array(4).fill('not_verified'));
  });
});

describe('step 23: extensions decide nothing, and are well formed', () => {
  const cbor = (value: Map<string, unknown>) => isoCBOR.encode(value as never);

  it.each<[string, Uint8Array]>([
    ['no outputs', cbor(new Map())],
    ['outputs that nobody asked for', cbor(new Map([['appid', true]]))],
    ['outputs in one another', cbor(new Map([['a', new Map([['b', new Map([['__proto__', 1]])]])]]))],
    ['much output', cbor(new Map([['largeBlob', new Uint8Array(3900)]]))],
  ])('takes %s of the authenticator', (_, extensions) => expectChangePaid({ extensions }));

  it.each<[string, object]>([
    ['clientExtensionResults', { clientExtensionResults: { appid: false, credProps: { rk: true } } }],
    ['clientExtensionResults that is null', { clientExtensionResults: null }],
    ['get_client_extension_results', { clientExtensionResults: undefined, get_client_extension_results: {} }],
    ['both', { clientExtensionResults: {}, get_client_extension_results: { x: 'y'.repeat(10_000) } }],
    ['neither', { clientExtensionResults: undefined }],
  ])('takes the outputs of the client as %s', (_, members) =>
    expectChangePaid({ json: withMembers(members) }),
  );

  it('takes members that nobody knows', () =>
    expectChangePaid({
      json: withMembers(
        { authenticatorAttachment: 'platform', user: { id: alice.id }, ['__proto__']: { id: 'x' } },
        { publicKeyAlgorithm: -7 },
      ),
    }));

  it.each<[string, (data: Buffer) => Uint8Array]>([
    ['bytes that no flag tells of', (data) => Buffer.concat([data, Buffer.of(0xa0)])],
    ['a flag for extensions and none', (data) => data.fill((data[32] ?? 0) | flag.ed, 32, 33)],
    ['a flag for a credential and none', (data) => data.fill((data[32] ?? 0) | flag.at, 32, 33)],
  ])('refuses %s', (_, authenticatorData) => expectChangeRefused({ authenticatorData }));

  it.each<[string, Uint8Array]>([
    ['that end early', Uint8Array.of(0xa1, 0x61)],
    ['that are a number', Uint8Array.of(0x07)],
    ['with bytes after them', Uint8Array.of(0xa0, 0x00)],
    ['of 2^32 entries', Uint8Array.of(0xba, 0xff, 0xff, 0xff, 0xff)],
    ['in 4,000 lists', new Uint8Array(4000).fill(0x81)],
  ])('refuses outputs of the authenticator %s', (_, extensions) => expectChangeRefused({ extensions }));

  it('refuses an assertion that holds a credential, as an attestation does', async () => {
    const owed = await owedAssertion();
    const { publicKey, ...credential } = credentialOf(owed.key);
    const id = Buffer.from(credential.id, 'base64url');
    const attested = Buffer.concat([Buffer.alloc(16), Buffer.of(0, id.length), id, publicKey]);
    const authenticatorData = (data: Buffer) =>
      Buffer.concat([data.fill((data[32] ?? 0) | flag.at, 32, 33), attested]);
    await expectRefused(owed, await owed.key.get(owed.options, { authenticatorData }));
  });
});

describe('step 24: the record of the credential is brought up to date', () => {
  it.each<[boolean, boolean]>([
    [false, true],
    [true, false],
  ])('keeps the counter, the time and the backup state: %j becomes %j', async (backedUp, next) => {
    const owed = await owedAssertion({ key: { counter: 40, backupEligible: true, backedUp } });
    const [before] = await devicesOf(owed.app);
    owed.app.clock.advance(60);
    await expectPaid(owed, { flags: (flags) => (next ? flags | flag.bs : flags & ~flag.bs) });
    const after = { ...before, counter: 41, backedUp: next, lastUsedAt: owed.app.clock() };
    expect(await devicesOf(owed.app)).toEqual([after]);
  });

  it('leaves the record of every other device alone', async () => {
    const app = await testApp();
    const key = await enrolledKey(app);
    await enrolledKey(app, alice, { name: 'spare' });
    const [, spare] = await devicesOf(app);
    await expectPaid({ app, key, ...(await pendingSession(app)) });
    expect((await devicesOf(app))[1]).toEqual(spare);
  });

  it('refuses the sign-in while the record cannot be kept, and takes the same assertion after that', async () => {
    const owed = await owedAssertion();
    const before = await devicesOf(owed.app);
    const assertion = await owed.key.get(owed.options);
    owed.app.faults.devices.break('recordUse', 'reject');
    const answer = await owed.app.post(fido2, assertion, owed.headers);
    expect([answer.status, answer.body.code]).toEqual([503, 'unavailable']);
    owed.app.faults.devices.heal();
    await expectNothingHappened(owed, before);
    expect((await owed.app.post(fido2, assertion, owed.headers)).status).toBe(204);
  });
});

describe('step 25: the sign-in goes on', () => {
  it('makes the session active, once, and this one alone', async () => {
    const owed = await owedAssertion();
    const other = await pendingSession(owed.app);
    const assertion = await owed.key.get(owed.options);
    const answers = await Promise.all([1, 2].map(() => owed.app.post(fido2, assertion, owed.headers)));
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
    const [used] = await devicesOf(owed.app);
    expect(used?.counter).toBe(1);

    const again = await owed.app.post(fido2, assertion, owed.headers);
    expect([again.status, again.body.code]).toEqual([403, 'wrong_session_state']);
    await expectRefused({ ...owed, ...other }, assertion, refused);
  });
});
