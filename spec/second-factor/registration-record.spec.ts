import { describe, expect, it } from '@jest/globals';
import { isoCBOR } from '@simplewebauthn/server/helpers';
import { SoftwareAuthenticator } from '../../lib/testing/index.js';
import { origin } from '../support/app.js';
import {
  addDevice,
  devicesPath,
  enrolling,
  enrollingAt,
  expectAdded,
  expectCreationTaken,
  expectNotAdded,
  expectSignIn,
  expectTaken,
  newChallenge,
} from '../support/enrolling.js';
import { malformed, refused, withMembers } from '../support/owed-assertion.js';
import { alice, bob } from '../support/people.js';
import { enrolledKey } from '../support/second-factor.js';

// W3C WebAuthn Level 3, section 7.1, "Registering a New Credential": which credential it is, and what is kept of it.

const bytes = (content: Uint8Array) => Buffer.from(content).toString('base64url');
const credentialTaken = [409, 'credential_taken'];
const nameTaken = [409, 'name_taken'];

describe('step 25: the credential id is the one within, of 1,023 bytes at most', () => {
  it.each([16, 255, 256, 1023])('takes an id of %i bytes', async (length) => {
    const credentialId = Buffer.alloc(length, length);
    expect((await expectCreationTaken({ credentialId })).credentialId).toBe(bytes(credentialId));
  });

  it('does not read an id of 1,024 bytes', async () => {
    const at = await enrolling();
    const attestation = await at.key.create(at.options, { credentialId: Buffer.alloc(1024, 1) });
    await expectNotAdded(at, attestation, malformed);
  });

  it.each<[string, Uint8Array, Uint8Array]>([
    ['that is another', Buffer.alloc(32, 1), Buffer.alloc(32, 2)],
    ['that is the beginning of it', Buffer.alloc(32, 1), Buffer.alloc(31, 1)],
    ['that begins with it', Buffer.alloc(32, 1), Buffer.alloc(33, 1)],
    ['where that is of 1,024 bytes', Buffer.alloc(1024, 1), Buffer.alloc(1023, 1)],
    ['where that is empty', Buffer.alloc(0), Buffer.alloc(16, 1)],
  ])('refuses an id beside the attestation %s', async (_, credentialId, beside) => {
    const at = await enrolling();
    const json = withMembers({ id: bytes(beside), rawId: bytes(beside) });
    await expectNotAdded(at, await at.key.create(at.options, { credentialId, json }));
  });

  it("refuses the id of another user's device beside the attestation of an own one", async () => {
    const at = await enrolling();
    const bobs = await enrolledKey(at.app, bob);
    const id = bobs.credentials[0]?.id;
    await expectNotAdded(at, await at.key.create(at.options, { json: withMembers({ id, rawId: id }) }));
  });
});

describe('step 26: nobody has the credential yet', () => {
  it.each([
    ['of this user', alice],
    ['of another user', bob],
  ])('refuses a credential %s', async (_, owner) => {
    const at = await enrolling();
    const key = await enrolledKey(at.app, owner, { name: 'theirs' });
    const before = await at.app.repositories.devices.listByUser(owner.id);
    const credentialId = Buffer.from(key.credentials[0]?.id ?? '', 'base64url');
    await expectNotAdded(at, await at.key.create(at.options, { credentialId }), credentialTaken);
    expect(await at.app.repositories.devices.listByUser(owner.id)).toEqual(
      expect.arrayContaining([...before]),
    );
  });

  it('refuses a credential of this user, under the name that it has', async () => {
    const at = await enrolling();
    const key = await enrolledKey(at.app, alice, { name: 'key' });
    const credentialId = Buffer.from(key.credentials[0]?.id ?? '', 'base64url');
    await expectNotAdded(at, await at.key.create(at.options, { credentialId }), credentialTaken);
  });

  it('gives a credential to one of two users who bring it at once', async () => {
    const first = await enrolling();
    const second = await enrollingAt(first.app, { user: bob });
    const credentialId = Buffer.alloc(32, 5);
    const attestations = await Promise.all(
      [first, second].map((at) => at.key.create(at.options, { credentialId })),
    );
    const answers = await Promise.all([first, second].map((at, index) => addDevice(at, attestations[index])));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
    const { devices } = first.app.repositories;
    const rows = [...(await devices.listByUser(alice.id)), ...(await devices.listByUser(bob.id))];
    expect(rows).toHaveLength(1);
  });
});

describe('a name is given once', () => {
  it('refuses a name that this user has given, and takes the same attestation with another', async () => {
    const at = await enrolling();
    await enrolledKey(at.app, alice, { name: 'blue key' });
    const attestation = await at.key.create(at.options);
    for (const _ of [1, 2]) {
      const answer = await addDevice(at, attestation, 'blue key');
      expect([answer.status, answer.body.code]).toEqual(nameTaken);
    }
    expect(await at.app.repositories.devices.findByCredentialId(attestation.id)).toBeNull();
    await expectTaken(at, attestation, 'red key');
    await expectSignIn(at);
  });

  it('takes a name that another user has given, or this one in other case', async () => {
    const at = await enrolling();
    await enrolledKey(at.app, bob, { name: 'key' });
    await enrolledKey(at.app, alice, { name: 'KEY' });
    await expectAdded(at, {}, 'key');
  });

  it.each<[string, unknown]>([
    ['missing', undefined],
    ['empty', ''],
    ['blank', ' \t '],
    ['of two lines', 'my\nkey'],
    ['too long', 'x'.repeat(4097)],
    ['no text', { name: 'key' }],
    ['half a character', '\ud83d'],
  ])('does not read a name that is %s', async (_, name) => {
    const at = await enrolling();
    const body = { name, attestationResult: await at.key.create(at.options) };
    const answer = await at.app.post(devicesPath, body, at.headers);
    expect([answer.status, answer.body.code]).toEqual(malformed);
    await expectTaken(at, body.attestationResult);
  });
});

describe('step 27: the record holds what the authenticator said', () => {
  it('holds the key, the counter, the backup state and the origin, and has not been used', async () => {
    const at = await enrolling({
      key: { counter: 41, backupEligible: true, backedUp: true, algorithm: 'EdDSA' },
    });
    const row = await expectAdded(at, { aaguid: Buffer.alloc(16, 1) }, 'my key');
    const [credential] = at.key.credentials;
    expect({ ...row, publicKey: bytes(row.publicKey) }).toEqual({
      ...{ name: 'my key', type: 'Fido2', credentialId: credential?.id, counter: 41, transports: ['usb'] },
      ...{ backupEligible: true, backedUp: true, origin, createdAt: at.app.clock(), lastUsedAt: null },
      publicKey: bytes(credential?.publicKey ?? Buffer.of()),
    });
  });

  it('holds a counter of 32 bits', async () => {
    const at = await enrolling();
    expect((await expectAdded(at, { counter: 0xff_ff_ff_ff })).counter).toBe(0xff_ff_ff_ff);
  });

  it.each<[string, object, string[]]>([
    ['transports', { transports: ['internal', 'hybrid'] }, ['internal', 'hybrid']],
    ['getTransports', { transports: undefined, getTransports: ['nfc', 'ble'] }, ['nfc', 'ble']],
    ['transports that is null', { transports: null, getTransports: ['nfc'] }, ['nfc']],
    ['both', { transports: ['usb'], getTransports: ['nfc'] }, ['usb']],
    ['neither', { transports: undefined }, []],
    ['an empty list', { transports: [] }, []],
    ['a list that repeats itself', { transports: ['usb', 'nfc', 'usb'] }, ['usb', 'nfc']],
    [
      'a list of what nobody knows yet',
      { transports: ['smart-card', 'telepathy'] },
      ['smart-card', 'telepathy'],
    ],
  ])('reads the transports from %s', async (_, members, transports) => {
    const at = await enrolling();
    expect((await expectAdded(at, { json: withMembers({}, members) })).transports).toEqual(transports);
  });

  it.each<[string, unknown]>([
    ['text', 'usb'],
    ['numbers', [1]],
    ['too many', Array(17).fill('usb')],
    ['too long', ['x'.repeat(33)]],
  ])('does not read transports that are %s', async (_, transports) => {
    for (const members of [{ transports }, { getTransports: transports }]) {
      const at = await enrolling();
      await expectNotAdded(
        at,
        await at.key.create(at.options, { json: withMembers({}, members) }),
        malformed,
      );
    }
  });
});

describe('step 28: extensions decide nothing', () => {
  it.each<[string, Map<string, unknown>]>([
    ['none', new Map()],
    ['one that nobody asked for', new Map([['credProtect', 3]])],
    ['one with much in it', new Map([['largeBlob', new Uint8Array(6000)]])],
  ])('takes outputs of the authenticator: %s', (_, outputs) =>
    expectCreationTaken({ extensions: isoCBOR.encode(outputs as never) }),
  );
});

describe('step 29: the credential is added once', () => {
  it('refuses the same attestation again, under any name', async () => {
    const at = await enrolling();
    const attestation = await at.key.create(at.options);
    await expectTaken(at, attestation);
    for (const name of ['key', 'other key']) {
      const again = await addDevice(at, attestation, name);
      expect([again.status, again.body.code]).toEqual(refused);
    }
    expect(await at.app.repositories.devices.listByUser(alice.id)).toHaveLength(1);
  });

  it('refuses another credential over a challenge that is used', async () => {
    const at = await enrolling();
    await expectAdded(at);
    const other = new SoftwareAuthenticator({ origin });
    const answer = await addDevice(at, await other.create(at.options), 'other key');
    expect([answer.status, answer.body.code]).toEqual(refused);
    expect(await at.app.repositories.devices.listByUser(alice.id)).toHaveLength(1);
  });

  it('adds one of two credentials that come over one challenge at once', async () => {
    const at = await enrolling();
    const attestations = [await at.key.create(at.options), await at.key.create(at.options)];
    const answers = await Promise.all(attestations.map((each, index) => addDevice(at, each, `key ${index}`)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 401]);
    expect(await at.app.repositories.devices.listByUser(alice.id)).toHaveLength(1);
  });

  it.each(['findByCredentialId', 'add'] as const)('keeps the challenge while %s fails', async (operation) => {
    const at = await enrolling();
    const attestation = await at.key.create(at.options);
    at.app.faults.devices.break(operation, 'reject');
    const answer = await addDevice(at, attestation);
    expect([answer.status, answer.body.code]).toEqual([503, 'unavailable']);
    at.app.faults.devices.heal();
    await expectTaken(at, attestation);
  });

  it('refuses a good attestation while the configuration is locked, and takes it after that', async () => {
    const at = await enrolling();
    at.app.clock.advance(400);
    const attestation = await at.key.create(await newChallenge(at.app, at.headers));
    at.app.clock.advance(200);
    const answer = await addDevice(at, attestation);
    expect([answer.status, answer.body.code]).toEqual([403, 'configuration_locked']);
    expect(await at.app.repositories.devices.listByUser(alice.id)).toEqual([]);
    const auth = '/sys/v1/session/config_2fa/auth';
    expect((await at.app.post(auth, { password: alice.password }, at.headers)).status).toBe(200);
    await expectTaken(at, attestation);
  });
});
