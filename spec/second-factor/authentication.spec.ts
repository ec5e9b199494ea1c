import { describe, expect, it } from '@jest/globals';
import { deviceRecord, type SoftwareAssertion, type SoftwareAuthenticator } from '../../lib/testing/index.js';
import { origin, testApp } from '../support/app.js';
import {
  credentialOf,
  devicesOf,
  expectChangePaid,
  expectChangeRefused,
  expectPaid,
  expectRefused,
  malformed,
  owedAssertion,
  padded,
  refused,
  withMembers,
} from '../support/owed-assertion.js';
import { alice, bob } from '../support/people.js';
import { enrolledKey, fido2, pendingSession } from '../support/second-factor.js';

// W3C WebAuthn Level 3, section 7.2, "Verifying an Authentication Assertion": who signs, and what the client says.

const bytes = (text: string | Uint8Array) => Buffer.from(text).toString('base64url');
const handleOf = ({ id }: { id: string }) => bytes(Buffer.from(id.replaceAll('-', ''), 'hex'));
const idOf = (key: SoftwareAuthenticator) => credentialOf(key).id;

const swapCase = (text: string) =>
  text.replace(/[A-Za-z]/g, (a) => (a < 'a' ? a.toLowerCase() : a.toUpperCase()));

describe('step 5: the credential is one that the challenge named', () => {
  it('takes each of those that it named', async () => {
    const app = await testApp();
    const keys = [await enrolledKey(app, alice), await enrolledKey(app, alice, { name: 'spare' })];
    for (const key of keys) await expectPaid({ app, key, ...(await pendingSession(app)) });
  });

  it('refuses a device that was added after the challenge was given', async () => {
    const owed = await owedAssertion();
    const late = await enrolledKey(owed.app, alice, { name: 'late' });
    await expectRefused(owed, await late.get({ ...owed.options, allowCredentials: [{ id: idOf(late) }] }));
  });

  it('refuses the key of another user, over this challenge', async () => {
    const owed = await owedAssertion();
    const bobs = await enrolledKey(owed.app, bob);
    await expectRefused(owed, await bobs.get({ ...owed.options, allowCredentials: [{ id: idOf(bobs) }] }));
    expect((await devicesOf(owed.app, bob))[0]).toMatchObject({ counter: 0, lastUsedAt: null });
  });

  it.each<[string, (id: string) => string]>([
    ['that nobody has', () => bytes('nobody has this')],
    ['of a U2F key', () => bytes('u2f key')],
    ['in other case', swapCase],
    ['that is cut short', (id) => id.slice(0, -3)],
    ['with bytes after it', (id) => `${bytes(Buffer.from(id, 'base64url'))}AAAA`],
  ])('refuses a credential id %s', async (_, change) => {
    const app = await testApp();
    const key = await enrolledKey(app);
    const u2f = deviceRecord(9, { type: 'U2f', credentialId: bytes('u2f key') });
    await app.repositories.devices.add(alice.id, u2f);
    const owed = { app, key, ...(await pendingSession(app)) };
    expect(owed.options.allowCredentials).toHaveLength(1);
    const id = change(idOf(key));
    await expectRefused(owed, await key.get(owed.options, { json: withMembers({ id, rawId: id }) }));
  });

  it.each<[string, object]>([
    ['is missing', { id: undefined }],
    ['is empty', { id: '', rawId: '' }],
    ['is no string', { id: ['id'] }],
    ['is in standard base64', { id: '+/+/', rawId: '+/+/' }],
    ['is of 1,024 bytes', { id: 'A'.repeat(1366), rawId: 'A'.repeat(1366) }],
    ['differs from rawId', { rawId: bytes('another') }],
  ])('does not read an assertion whose id %s', async (_, members) => {
    const owed = await owedAssertion();
    await expectRefused(owed, await owed.key.get(owed.options, { json: withMembers(members) }), malformed);
  });
});

describe('step 6: the credential and the user handle are of this user', () => {
  it.each<[string, unknown]>([
    ['is absent', undefined],
    ['is null', null],
    ['is of this user', handleOf(alice)],
    ['is of this user and padded', padded(handleOf(alice))],
  ])('takes an assertion whose user handle %s', (_, userHandle) =>
    expectChangePaid({ json: withMembers({}, { userHandle }) }),
  );

  it('takes the handle that a discoverable credential hands back', async () => {
    const owed = await owedAssertion({ key: { discoverable: true } });
    expect((await owed.key.get(owed.options)).response.userHandle).toBe(handleOf(alice));
    await expectPaid(owed);
  });

  it.each<[string, string]>([
    ['of another user', handleOf(bob)],
    ['that is empty', ''],
    ['that is the id as text', alice.id],
    ['that is the text of the id in base64url', bytes(alice.id)],
    ['with a byte after it', bytes(Buffer.concat([Buffer.from(handleOf(alice), 'base64url'), Buffer.of(0)]))],
    ['of 65 bytes', bytes(Buffer.alloc(65))],
    ['with more padding than there is', `${handleOf(alice)}=`],
    ['that is no base64url', `${handleOf(alice)} `],
  ])('refuses a user handle %s', (_, userHandle) =>
    expectChangeRefused({ json: withMembers({}, { userHandle }) }),
  );

  it.each([[{}], [0], [[handleOf(alice)]], [true]])(
    'does not read the user handle %j',
    async (userHandle) => {
      const owed = await owedAssertion();
      const assertion = await owed.key.get(owed.options, { json: withMembers({}, { userHandle }) });
      await expectRefused(owed, assertion, malformed);
    },
  );

  it.each<[string, { id: string } | null, 'Fido2' | 'U2f']>([
    ['nobody', null, 'Fido2'],
    ['another user', bob, 'Fido2'],
    ['a U2F record of this user', alice, 'U2f'],
  ])('refuses a device that has gone to %s since the challenge was given', async (_, heir, type) => {
    const app = await testApp();
    const gone = await enrolledKey(app, alice, { name: 'gone' });
    const [row] = await devicesOf(app);
    const spare = await enrolledKey(app, alice, { name: 'spare' });
    const owed = { app, key: spare, ...(await pendingSession(app)) };

    await app.repositories.devices.remove(alice.id, 'gone');
    if (heir !== null && row !== undefined) await app.repositories.devices.add(heir.id, { ...row, type });
    const found = await app.repositories.devices.findByCredentialId(idOf(gone));
    expect(found?.type ?? null).toBe(heir === null ? null : type);
    await expectRefused(owed, await gone.get(owed.options));
    expect((await app.repositories.devices.findByCredentialId(idOf(gone)))?.counter ?? 0).toBe(0);
  });
});

describe('steps 7 to 9: the answer has its parts, and the client data is JSON in UTF-8', () => {
  it.each<[string, (data: Record<string, unknown>) => unknown]>([
    ['members that nobody knows', (data) => ({ ...data, other_keys_can_be_added_here: 'yes', n: [{}] })],
    ['members in another order', (data) => Object.fromEntries(Object.entries(data).reverse())],
    ['text in any script', (data) => ({ ...data, note: 'päss 鍵 🔑' })],
    [
      'a member named __proto__',
      (data) => ({ ...data, ['__proto__']: { crossOrigin: true, topOrigin: 'x' } }),
    ],
  ])('takes client data with %s', (_, clientData) => expectChangePaid({ clientData }));

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['a byte order mark', (data) => Buffer.concat([Buffer.from('\ufeff'), data])],
    ['white space around it', (data) => Buffer.from(`\n ${data} `)],
    ['2,000 arrays in one another', (data) => amongOthers(data, '['.repeat(2000) + ']'.repeat(2000))],
  ])('takes client data with %s', (_, clientDataJSON) => expectChangePaid({ clientDataJSON }));

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['is no JSON', () => Buffer.from('webauthn.get')],
    ['ends early', (data) => data.subarray(0, -1)],
    ['has text after it', (data) => Buffer.from(`${data}{}`)],
    ['has a NUL after it', (data) => Buffer.from(`${data}\0`)],
    ['has two byte order marks', (data) => Buffer.from(`\ufeff\ufeff${data}`)],
    ['is in UTF-16', (data) => Buffer.from(`\ufeff${data}`, 'utf16le')],
    ['is an array', (data) => Buffer.from(`[${data}]`)],
    ['is a string', (data) => Buffer.from(JSON.stringify(String(data)))],
    ['is null', () => Buffer.from('null')],
    ['is a number', () => Buffer.from('7')],
    ['is an empty object', () => Buffer.from('{}')],
    ['holds bytes that are no UTF-8', (data) => amongOthers(data, Buffer.from([0x22, 0xff, 0xfe, 0x22]))],
  ])('refuses client data that %s', (_, clientDataJSON) => expectChangeRefused({ clientDataJSON }));

  it.each<[string, (answer: SoftwareAssertion) => object]>([
    ['id', ({ id }) => ({ id: padded(id) })],
    ['rawId', ({ rawId }) => ({ rawId: padded(rawId) })],
    ['clientDataJSON', ({ response }) => ({ clientDataJSON: padded(response.clientDataJSON) })],
    ['authenticatorData', ({ response }) => ({ authenticatorData: padded(response.authenticatorData) })],
    ['signature', ({ response }) => ({ signature: padded(response.signature) })],
  ])('takes padding in %s', async (member, pad) => {
    const owed = await owedAssertion({ key: { algorithm: 'EdDSA' } });
    const oddly = (data: Buffer) => Buffer.from(`${data}${' '.repeat(3 - ((data.length + 2) % 3))}`);
    const honest = await owed.key.get(owed.options, { clientDataJSON: oddly });
    const members = pad(honest);
    expect(JSON.stringify(members)).toMatch(/="\}$/);
    const isOuter = member === 'id' || member === 'rawId';
    const assertion = isOuter ? withMembers(members)(honest) : withMembers({}, members)(honest);
    expect((await owed.app.post(fido2, assertion, owed.headers)).status).toBe(204);
  });

  it.each<[string, object, object]>([
    ['the response', { response: undefined }, {}],
    ['clientDataJSON', {}, { clientDataJSON: undefined }],
    ['authenticatorData', {}, { authenticatorData: undefined }],
    ['signature', {}, { signature: undefined }],
    ['anything in clientDataJSON', {}, { clientDataJSON: '' }],
    ['anything in authenticatorData', {}, { authenticatorData: '' }],
    ['anything in signature', {}, { signature: '' }],
    ['text in clientDataJSON', {}, { clientDataJSON: {} }],
    ['text in authenticatorData', {}, { authenticatorData: {} }],
    ['text in signature', {}, { signature: [1, 2, 3] }],
    ['base64url in clientDataJSON', {}, { clientDataJSON: 'a+/b' }],
    ['base64url in authenticatorData', {}, { authenticatorData: 'a b' }],
    ['a whole number of bytes in signature', {}, { signature: 'abcde' }],
    ['the type public-key', { type: 'password' }, {}],
    ['extension results that are an object', { clientExtensionResults: 'none' }, {}],
  ])('does not read an assertion without %s', async (_, outer, inner) => {
    const owed = await owedAssertion();
    const assertion = await owed.key.get(owed.options, { json: withMembers(outer, inner) });
    await expectRefused(owed, assertion, malformed);
  });

  it.each([[undefined], [null], [[]], ['"text"'], ['{']])('does not read the body %j', async (body) => {
    await expectRefused(await owedAssertion(), body, malformed);
  });
});

describe('an answer that cannot be read is no failure', () => {
  it('ends no session, however many of them come', async () => {
    const owed = await owedAssertion();
    for (let count = 0; count < 6; count += 1) {
      const answer = await owed.app.post(fido2, { id: 'AAAA' }, owed.headers);
      expect([answer.status, answer.body.code]).toEqual(malformed);
    }
    await expectPaid(owed);
  });
});

describe('step 10: the type is webauthn.get', () => {
  it.each([
    ['webauthn.create'],
    ['payment.get'],
    ['navigator.id.getAssertion'],
    ['WebAuthn.Get'],
    ['webauthn.get '],
    [['webauthn.get']],
    [''],
    [null],
    [undefined],
  ])('refuses the type %j', (type) => expectChangeRefused({ clientData: (data) => ({ ...data, type }) }));

  it('takes the type webauthn.get, however JSON spells it', () =>
    expectChangePaid({ clientDataJSON: (data) => Buffer.from(`${data}`.replace('.get', '\\u002eget')) }));
});

describe('step 11: the challenge is the one that was given', () => {
  it.each<[string, (challenge: string) => unknown]>([
    ['of zeros', () => bytes(Buffer.alloc(32))],
    ['in other case', swapCase],
    ['with padding', (challenge) => `${challenge}=`],
    ['in standard base64', (challenge) => Buffer.from(challenge, 'base64url').toString('base64')],
    ['encoded twice', (challenge) => bytes(challenge)],
    ['in hex', (challenge) => Buffer.from(challenge, 'base64url').toString('hex')],
    ['cut short', (challenge) => challenge.slice(0, -1)],
    ['with white space after it', (challenge) => `${challenge} `],
    ['in a list', (challenge) => [challenge]],
    ['that is empty', () => ''],
    ['that is null', () => null],
    ['that is missing', () => undefined],
  ])('refuses a challenge %s', (_, change) =>
    expectChangeRefused({ clientData: (data) => ({ ...data, challenge: change(String(data.challenge)) }) }),
  );

  it('refuses the challenge of another session of the same user', async () => {
    const owed = await owedAssertion();
    const other = await pendingSession(owed.app);
    expect(other.options.challenge).not.toBe(owed.options.challenge);
    const crossed = await owed.key.get(other.options);
    await expectRefused(owed, crossed);
    await expectPaid({ ...owed, ...other });
  });

  it("refuses another user's challenge, and that user's session", async () => {
    const owed = await owedAssertion();
    const bobs = await enrolledKey(owed.app, bob);
    const other = await pendingSession(owed.app, bob);
    const mine = await owed.key.get(owed.options);
    const answer = await owed.app.post(fido2, mine, other.headers);
    expect([answer.status, answer.body.code]).toEqual(refused);
    await expectRefused(owed, await bobs.get(other.options));
  });

  it('refuses the challenge that an active session was given to prove a device', async () => {
    const owed = await owedAssertion();
    const earlier = await pendingSession(owed.app);
    expect((await owed.app.post(fido2, await owed.key.get(earlier.options), earlier.headers)).status).toBe(
      204,
    );
    const path = '/sys/v1/session/config_2fa/new_challenge?protocol=fido2';
    const { body: options } = await owed.app.post(path, undefined, earlier.headers);
    expect(options.rpId).toBe('example.com');
    await expectRefused(owed, await owed.key.get(options));
  });

  it('takes the challenge for five minutes and no longer', async () => {
    const app = await testApp();
    const key = await enrolledKey(app);
    const [first, second] = [await pendingSession(app), await pendingSession(app)];
    app.clock.advance(299);
    await expectPaid({ app, key, ...first });
    app.clock.advance(1);
    const before = await devicesOf(app);
    const answer = await app.post(fido2, await key.get(second.options), second.headers);
    expect([answer.status, answer.body.code]).toEqual([401, 'invalid_session']);
    expect(await devicesOf(app)).toEqual(before);
  });
});

describe('step 12: the origin is one of ours', () => {
  it.each([
    'https://app.example.com.evil.test',
    'https://evil.test/https://app.example.com',
    'http://app.example.com',
    'https://example.com',
    'https://sub.app.example.com',
    'https://app.example.com:443',
    'https://app.example.com:8443',
    'https://app.example.com/',
    'https://APP.example.com',
    'https://app.example.com.',
    'https://user@app.example.com',
    'https://\u0430pp.example.com',
    'android:apk-key-hash:EGdy0sF4nQqd6GrPxCW0rWnuwmjF1yE4sHr4K9oJUMA',
    'app.example.com',
    'null',
    '',
    null,
    undefined,
    [origin],
    { toString: origin },
  ])('refuses the origin %j', (claimed) =>
    expectChangeRefused({ clientData: (data) => ({ ...data, origin: claimed }) }),
  );

  it('takes each of several origins', async () => {
    const other = 'https://admin.example.com:8443';
    const relyingParty = { id: 'example.com', name: 'Example', origins: [origin, other] };
    for (const each of [origin, other]) {
      await expectChangePaid(
        { clientData: (data) => ({ ...data, origin: each }) },
        { app: { relyingParty } },
      );
    }
  });
});

describe('step 13: the page is not framed by another site', () => {
  it.each([[false], [undefined]])('takes crossOrigin %j', (crossOrigin) =>
    expectChangePaid({ clientData: (data) => ({ ...data, crossOrigin }) }),
  );

  it.each([[true], ['true'], ['false'], [1], [0], [null], [[]]])('refuses crossOrigin %j', (crossOrigin) =>
    expectChangeRefused({ clientData: (data) => ({ ...data, crossOrigin }) }),
  );

  it('refuses a frame that is said only the second time', () =>
    expectChangeRefused({ clientDataJSON: (data) => amongOthers(data, '0,"crossOrigin":true') }));
});

describe('step 14: there is no page around it', () => {
  it.each([
    [true, origin],
    [true, 'https://evil.test'],
    [false, origin],
    [false, 'https://evil.test'],
    [undefined, origin],
    [false, null],
    [false, ''],
    [false, {}],
  ])('refuses crossOrigin %j with topOrigin %j', (crossOrigin, topOrigin) =>
    expectChangeRefused({ clientData: (data) => ({ ...data, crossOrigin, topOrigin }) }),
  );
});

function amongOthers(data: Buffer, value: string | Buffer): Buffer {
  return Buffer.concat([data.subarray(0, -1), Buffer.from(',"x":'), Buffer.from(value), Buffer.from('}')]);
}
