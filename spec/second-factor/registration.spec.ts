import { describe, expect, it } from '@jest/globals';
import type { SoftwareAttestation } from '../../lib/testing/index.js';
import { origin, testApp } from '../support/app.js';
import {
  addDevice,
  devicesPath,
  enrolling,
  enrollingAt,
  expectAdded,
  expectCreationRefused,
  expectCreationTaken,
  expectNotAdded,
  newChallenge,
  unlocked,
} from '../support/enrolling.js';
import { malformed, padded, refused, withMembers } from '../support/owed-assertion.js';
import { alice, bob } from '../support/people.js';
import { enrolledKey, pendingSession } from '../support/second-factor.js';

// W3C WebAuthn Level 3, section 7.1, "Registering a New Credential": the form of the answer, and what the client says.

const bytes = (text: string | Uint8Array) => Buffer.from(text).toString('base64url');

describe('steps 3 and 4: the answer has its parts', () => {
  it.each<[string, (answer: SoftwareAttestation) => object]>([
    ['id', ({ id }) => ({ id: padded(id) })],
    ['rawId', ({ rawId }) => ({ rawId: padded(rawId) })],
    ['clientDataJSON', ({ response }) => ({ clientDataJSON: padded(response.clientDataJSON) })],
    ['attestationObject', ({ response }) => ({ attestationObject: padded(response.attestationObject) })],
  ])('takes padding in %s', async (member, pad) => {
    const at = await enrolling();
    const oddly = (data: Buffer) => Buffer.from(`${data}${' '.repeat(3 - ((data.length + 2) % 3))}`);
    // With these lengths neither the id nor the attestation object is a multiple of three bytes.
    const credentialId = Buffer.alloc(34, 7);
    const honest = await at.key.create(at.options, { clientDataJSON: oddly, credentialId });
    const members = pad(honest);
    expect(JSON.stringify(members)).toMatch(/="\}$/);
    const isOuter = member === 'id' || member === 'rawId';
    const attestation = isOuter ? withMembers(members)(honest) : withMembers({}, members)(honest);
    expect((await addDevice(at, attestation)).status).toBe(201);
    const [row] = await at.app.repositories.devices.listByUser(alice.id);
    expect(row?.credentialId).toBe(bytes(credentialId));
  });

  it.each<[string, object]>([
    ['clientExtensionResults', { clientExtensionResults: { credProps: { rk: true } } }],
    ['clientExtensionResults that is null', { clientExtensionResults: null }],
    ['get_client_extension_results', { clientExtensionResults: undefined, get_client_extension_results: {} }],
    ['both', { clientExtensionResults: {}, get_client_extension_results: { x: 1 } }],
    ['neither', { clientExtensionResults: undefined }],
  ])('takes the outputs of the client as %s', (_, members) =>
    expectCreationTaken({ json: withMembers(members) }),
  );

  it('takes no notice of members that nobody knows', async () => {
    const others = { publicKey: 'AAAA', publicKeyAlgorithm: -257, authenticatorData: 'AAAA' };
    const outer = { authenticatorAttachment: 'platform', type: undefined, user: { id: bob.id } };
    const row = await expectCreationTaken({ json: withMembers(outer, others) });
    expect(row).not.toHaveProperty('user');
  });

  it('takes no notice of members of the request that nobody knows', async () => {
    const at = await enrolling();
    const attestationResult = await at.key.create(at.options);
    const extra = { user_id: bob.id, counter: 99, backupEligible: true, type: 'U2f', credentialId: 'AAAA' };
    const body = { name: 'key', attestationResult, ...extra };
    expect((await at.app.post(devicesPath, body, at.headers)).status).toBe(201);
    expect(await at.app.repositories.devices.listByUser(bob.id)).toEqual([]);
    expect(await at.app.repositories.devices.listByUser(alice.id)).toEqual([
      expect.objectContaining({ type: 'Fido2', counter: 0, credentialId: attestationResult.id }),
    ]);
  });

  it.each<[string, object, object]>([
    ['the id', { id: undefined }, {}],
    ['anything in the id', { id: '', rawId: '' }, {}],
    ['base64url in the id', { id: '+/+/', rawId: '+/+/' }, {}],
    ['the same rawId as id', { rawId: bytes('another') }, {}],
    ['the type public-key', { type: 'password' }, {}],
    ['the response', { response: undefined }, {}],
    ['clientDataJSON', {}, { clientDataJSON: undefined }],
    ['anything in clientDataJSON', {}, { clientDataJSON: '' }],
    ['text in clientDataJSON', {}, { clientDataJSON: { type: 'webauthn.create' } }],
    ['base64url in clientDataJSON', {}, { clientDataJSON: '{"type"' }],
    ['attestationObject', {}, { attestationObject: undefined }],
    ['anything in attestationObject', {}, { attestationObject: '' }],
    ['text in attestationObject', {}, { attestationObject: [163, 99, 102] }],
    ['base64url in attestationObject', {}, { attestationObject: 'o2Nm/+' }],
    ['a short enough attestationObject', {}, { attestationObject: 'A'.repeat(43_696) }],
    ['extension results that are an object', { clientExtensionResults: [] }, {}],
  ])('does not read an attestation without %s', async (_, outer, inner) => {
    const at = await enrolling();
    const attestation = await at.key.create(at.options, { json: withMembers(outer, inner) });
    await expectNotAdded(at, attestation, malformed);
  });

  it('does not read an assertion in the place of an attestation', async () => {
    const at = await enrolling();
    const key = await enrolledKey(at.app, bob);
    const assertion = await key.get({ ...at.options, rpId: 'example.com' });
    await expectNotAdded(at, assertion, malformed);
  });
});

describe('steps 5 and 6: the client data is JSON in UTF-8', () => {
  it.each<[string, (data: Buffer) => Buffer]>([
    ['a byte order mark', (data) => Buffer.concat([Buffer.from('\ufeff'), data])],
    ['white space around it', (data) => Buffer.from(`\n ${data} `)],
    ['members that nobody knows', (data) => amongOthers(data, '[{"päss":"鍵"}]')],
  ])('takes client data with %s', (_, clientDataJSON) => expectCreationTaken({ clientDataJSON }));

  it.each<[string, (data: Buffer) => Buffer]>([
    ['is no JSON', () => Buffer.from('webauthn.create')],
    ['ends early', (data) => data.subarray(0, -1)],
    ['has text after it', (data) => Buffer.from(`${data}{}`)],
    ['has two byte order marks', (data) => Buffer.from(`\ufeff\ufeff${data}`)],
    ['is an array', (data) => Buffer.from(`[${data}]`)],
    ['is null', () => Buffer.from('null')],
    ['is an empty object', () => Buffer.from('{}')],
    ['holds bytes that are no UTF-8', (data) => amongOthers(data, Buffer.from([0x22, 0xc0, 0xaf, 0x22]))],
  ])('refuses client data that %s', (_, clientDataJSON) => expectCreationRefused({ clientDataJSON }));
});

describe('step 7: the type is webauthn.create', () => {
  it.each([
    ['webauthn.get'],
    ['payment.get'],
    ['navigator.id.finishEnrollment'],
    ['WebAuthn.Create'],
    ['webauthn.create '],
    [['webauthn.create']],
    [''],
    [null],
    [undefined],
  ])('refuses the type %j', (type) => expectCreationRefused({ clientData: (data) => ({ ...data, type }) }));
});

describe('step 8: the challenge is the one that was given', () => {
  it.each<[string, (challenge: string) => unknown]>([
    ['of zeros', () => bytes(Buffer.alloc(32))],
    ['in capitals', (challenge) => challenge.toUpperCase()],
    ['with padding', (challenge) => `${challenge}=`],
    ['in standard base64', (challenge) => Buffer.from(challenge, 'base64url').toString('base64')],
    ['encoded twice', (challenge) => bytes(challenge)],
    ['cut short', (challenge) => challenge.slice(0, -1)],
    ['in a list', (challenge) => [challenge]],
    ['that is empty', () => ''],
    ['that is missing', () => undefined],
  ])('refuses a challenge %s', (_, change) =>
    expectCreationRefused({ clientData: (data) => ({ ...data, challenge: change(String(data.challenge)) }) }),
  );

  it.each([
    ['the same user', alice],
    ['another user', bob],
  ])('refuses the challenge of another session of %s', async (_, user) => {
    const at = await enrolling({ app: { secondFactor: { endOtherSessionsOnChange: false } } });
    const other = await enrollingAt(at.app, { user });
    await expectNotAdded(at, await at.key.create({ ...at.options, challenge: other.options.challenge }));
    await expectAdded(other, {}, 'other key');
  });

  it('refuses the challenge that was given before this one', async () => {
    const at = await enrolling();
    const options = await newChallenge(at.app, at.headers);
    expect(options.challenge).not.toBe(at.options.challenge);
    await expectNotAdded({ ...at, options }, await at.key.create(at.options));
  });

  it('refuses a challenge of a sign-in', async () => {
    const at = await enrolling();
    await enrolledKey(at.app, bob);
    const { options } = await pendingSession(at.app, bob);
    await expectNotAdded(at, await at.key.create({ ...at.options, challenge: options.challenge }));
  });

  it('refuses the challenge that was given to prove a device while the configuration was locked', async () => {
    const at = await enrolling();
    await expectAdded(at, {}, 'first');
    await at.app.post('/sys/v1/session/config_2fa/terminate', undefined, at.headers);
    const proving = await newChallenge(at.app, at.headers);
    expect(proving).toHaveProperty('allowCredentials');
    const auth = '/sys/v1/session/config_2fa/auth';
    await at.app.post(auth, { password: alice.password }, at.headers);

    const key = await at.key.create({ ...at.options, challenge: proving.challenge });
    const answer = await addDevice(at, key, 'second');
    expect([answer.status, answer.body.code]).toEqual(refused);
    expect(await at.app.repositories.devices.listByUser(alice.id)).toHaveLength(1);
    const { excludeCredentials: _, ...options } = await newChallenge(at.app, at.headers);
    expect((await addDevice(at, await at.key.create(options), 'second')).status).toBe(201);
  });

  it('refuses an attestation where no challenge was given', async () => {
    const app = await testApp();
    const headers = await unlocked(app);
    const { key, options } = await enrolling();
    const answer = await addDevice({ app, headers }, await key.create(options));
    expect([answer.status, answer.body.code]).toEqual(refused);
    expect(await app.repositories.devices.listByUser(alice.id)).toEqual([]);
  });

  it('takes the challenge for five minutes and no longer', async () => {
    const app = await testApp({ secondFactor: { endOtherSessionsOnChange: false } });
    const [first, second] = [await enrollingAt(app), await enrollingAt(app)];
    app.clock.advance(299);
    await expectAdded(first, {}, 'first');
    app.clock.advance(1);
    const late = await addDevice(second, await second.key.create(second.options), 'second');
    expect([late.status, late.body.code]).toEqual(refused);
    expect(await app.repositories.devices.listByUser(alice.id)).toHaveLength(1);
    const { excludeCredentials: _, ...options } = await newChallenge(app, second.headers);
    expect((await addDevice(second, await second.key.create(options), 'second')).status).toBe(201);
  });
});

describe('step 9: the origin is one of ours', () => {
  it.each([
    'https://app.example.com.evil.test',
    'http://app.example.com',
    'https://example.com',
    'https://sub.app.example.com',
    'https://app.example.com:443',
    'https://app.example.com/',
    'https://APP.example.com',
    'android:apk-key-hash:EGdy0sF4nQqd6GrPxCW0rWnuwmjF1yE4sHr4K9oJUMA',
    'null',
    '',
    null,
    undefined,
    [origin],
  ])('refuses the origin %j', (claimed) =>
    expectCreationRefused({ clientData: (data) => ({ ...data, origin: claimed }) }),
  );

  it('takes each of several origins, and keeps which it was', async () => {
    const other = 'https://admin.example.com:8443';
    const relyingParty = { id: 'example.com', name: 'Example', origins: [origin, other] };
    for (const each of [origin, other]) {
      const at = await enrolling({ app: { relyingParty }, key: { origin: each } });
      expect((await expectAdded(at)).origin).toBe(each);
    }
  });
});

describe('steps 10 and 11: the page is not framed', () => {
  it.each([[false], [undefined]])('takes crossOrigin %j', (crossOrigin) =>
    expectCreationTaken({ clientData: (data) => ({ ...data, crossOrigin }) }),
  );

  it.each([
    [true, undefined],
    ['true', undefined],
    [1, undefined],
    [null, undefined],
    [true, origin],
    [true, 'https://evil.test'],
    [false, origin],
    [undefined, origin],
    [false, null],
    [false, ''],
  ])('refuses crossOrigin %j with topOrigin %j', (crossOrigin, topOrigin) =>
    expectCreationRefused({ clientData: (data) => ({ ...data, crossOrigin, topOrigin }) }),
  );
});

function amongOthers(data: Buffer, value: string | Buffer): Buffer {
  return Buffer.concat([data.subarray(0, -1), Buffer.from(',"x":'), Buffer.from(value), Buffer.from('}')]);
}
