import { createHash, createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { verifyAuthenticationResponse, verifyRegistrationResponse } from '@simplewebauthn/server';
import {
  type AuthenticatorChange,
  type CreationChange,
  type SoftwareAlgorithm,
  type SoftwareAssertion,
  type SoftwareAttestation,
  SoftwareAuthenticator,
  type SoftwareAuthenticatorOptions,
} from '../../lib/testing/index.js';
import { attestedBy, type Told, toldBy } from '../support/authenticator-data.js';
import { credentialOf } from '../support/owed-assertion.js';

const origin = 'https://app.example.com';
const rpId = 'example.com';
const challenge = Buffer.alloc(32, 3).toString('base64url');
const user = { id: Buffer.from('the handle').toString('base64url') };
const creation = { challenge, rp: { id: rpId }, user };
const algorithms: SoftwareAlgorithm[] = ['ES256', 'EdDSA', 'RS256'];

async function enrolled(options: Partial<SoftwareAuthenticatorOptions> = {}) {
  const key = new SoftwareAuthenticator({ origin, ...options });
  const made = await key.create(creation);
  return { key, made, request: { challenge, rpId, allowCredentials: [{ id: made.id }] } };
}

const expected = { expectedChallenge: challenge, expectedOrigin: origin, expectedRPID: rpId };

function registered(response: SoftwareAttestation) {
  return verifyRegistrationResponse({
    response: response as never,
    ...expected,
    requireUserVerification: false,
  });
}

function authenticated(response: SoftwareAssertion, key: SoftwareAuthenticator) {
  const { id, publicKey } = credentialOf(key);
  const credential = { id, publicKey: Uint8Array.from(publicKey), counter: 0 };
  return verifyAuthenticationResponse({
    ...{ response: response as never, credential, ...expected, requireUserVerification: false },
  });
}

/** Whether the signature of an answer is good for the bytes that came with it. */
function isSigned(
  key: SoftwareAuthenticator,
  { authenticatorData, clientDataJSON, signature }: SoftwareAssertion['response'],
): boolean {
  const { privateKey, algorithm } = credentialOf(key);
  const bytes = (text: string) => Buffer.from(text, 'base64url');
  const hash = createHash('sha256').update(bytes(clientDataJSON)).digest();
  const signed = Buffer.concat([bytes(authenticatorData), hash]);
  const digest = algorithm === 'EdDSA' ? null : 'sha256';
  return verify(digest, signed, createPublicKey(privateKey), bytes(signature));
}

describe.each(algorithms)('a software authenticator that signs by %s', (algorithm) => {
  it.each(['none', 'self'] as const)('makes a credential with the attestation %s', async (attestation) => {
    const key = new SoftwareAuthenticator({ origin, algorithm });
    const made = await key.create(creation, { attestation });
    const { verified, registrationInfo } = await registered(made);
    expect(verified).toBe(true);
    const { id, publicKey } = credentialOf(key);
    expect(registrationInfo).toMatchObject({
      fmt: attestation === 'self' ? 'packed' : 'none',
      credential: { id, publicKey: Uint8Array.from(publicKey), counter: 0 },
      ...{ origin, rpID: rpId, userVerified: true, credentialBackedUp: false },
    });
    expect(made).toMatchObject({ id, rawId: id, type: 'public-key', response: { transports: ['usb'] } });
  });

  it('signs a challenge', async () => {
    const { key, request } = await enrolled({ algorithm });
    const { verified, authenticationInfo } = await authenticated(await key.get(request), key);
    expect(verified).toBe(true);
    expect(authenticationInfo).toMatchObject({ newCounter: 1, userVerified: true, origin, rpID: rpId });
  });

  it('signs in no other name: the signature of another credential is not good', async () => {
    const { key, request } = await enrolled({ algorithm });
    const other = await enrolled({ algorithm });
    const answer = await key.get(request, { credential: credentialOf(other.key) });
    expect(answer.id).toBe(other.made.id);
    expect((await authenticated({ ...answer, id: other.made.id }, other.key)).verified).toBe(true);
    expect((await authenticated(answer, key)).verified).toBe(false);
  });
});

describe('what a software authenticator is', () => {
  it('counts each use from where it began', async () => {
    const { key, made, request } = await enrolled({ counter: 41 });
    expect((await registered(made)).registrationInfo?.credential.counter).toBe(41);
    for (const counter of [42, 43, 44]) expect(toldBy(await key.get(request)).counter).toBe(counter);
    expect(credentialOf(key).counter).toBe(44);
  });

  it('does not count when it has no counter', async () => {
    const { key, request } = await enrolled({ counts: false });
    for (const _ of [1, 2]) expect(toldBy(await key.get(request)).counter).toBe(0);
  });

  it('counts each of its credentials apart', async () => {
    const { key, request } = await enrolled();
    await key.get(request);
    await key.create(creation);
    expect(key.credentials.map(({ counter }) => counter)).toEqual([1, 0]);
  });

  it.each<[Partial<SoftwareAuthenticatorOptions>, number]>([
    [{}, 0x05],
    [{ userVerified: false }, 0x01],
    [{ backupEligible: true }, 0x0d],
    [{ backupEligible: true, backedUp: true }, 0x1d],
    [{ backedUp: true, userVerified: false }, 0x11],
  ])('with %j sets the flags %i', async (options, flags) => {
    const { key, made, request } = await enrolled(options);
    expect(toldBy(await key.get(request)).flags).toBe(flags);
    expect(attestedBy(made).flags).toBe(flags | 0x40);
  });

  it('hands the user handle back when its credentials are discoverable, and else not', async () => {
    const discoverable = await enrolled({ discoverable: true });
    expect((await discoverable.key.get(discoverable.request)).response.userHandle).toBe(user.id);
    expect((await discoverable.key.get({ challenge, rpId })).id).toBe(discoverable.made.id);
    const plain = await enrolled();
    expect((await plain.key.get(plain.request)).response).not.toHaveProperty('userHandle');
  });

  it('makes no second credential where one of its own is excluded', async () => {
    const { key, made } = await enrolled();
    const excludeCredentials = [{ id: 'another' }, { id: made.id }];
    const error = { name: 'InvalidStateError' };
    await expect(key.create({ ...creation, excludeCredentials })).rejects.toMatchObject(error);
    expect(key.credentials).toHaveLength(1);
    await key.create({ ...creation, excludeCredentials: [{ id: 'another' }] });
    expect(key.credentials).toHaveLength(2);
  });

  it('signs nothing where it holds none of the credentials, or none of that relying party', async () => {
    const { key, request } = await enrolled();
    const error = { name: 'NotAllowedError' };
    const other = { ...request, allowCredentials: [{ id: 'another' }] };
    await expect(key.get(other)).rejects.toMatchObject(error);
    await expect(key.get({ challenge, rpId: 'example.org' })).rejects.toMatchObject(error);
    await expect(new SoftwareAuthenticator({ origin }).get(request)).rejects.toMatchObject(error);
    expect(credentialOf(key).counter).toBe(0);
  });

  it('signs with the one of several credentials that is allowed', async () => {
    const { key } = await enrolled();
    const second = await key.create(creation);
    expect((await key.get({ challenge, rpId, allowCredentials: [{ id: second.id }] })).id).toBe(second.id);
  });

  it('gives the row of a device, whose key it holds', async () => {
    const key = new SoftwareAuthenticator({ origin, counter: 5, backupEligible: true, backedUp: true });
    const id = 'a11ce000-0000-4000-8000-000000000001';
    const row = await key.enrolled({ id }, { name: 'key', rpId, at: 9 });
    const { id: credentialId, publicKey, userHandle } = credentialOf(key);
    expect(row).toEqual({
      ...{ name: 'key', type: 'Fido2', credentialId, publicKey, counter: 5, transports: ['usb'] },
      ...{ backupEligible: true, backedUp: true, createdAt: 9, origin },
    });
    expect(Buffer.from(userHandle, 'base64url').toString('hex')).toBe(id.replaceAll('-', ''));
    const answer = await key.get({ challenge, rpId, allowCredentials: [{ id: credentialId }] });
    expect((await authenticated(answer, key)).verified).toBe(true);
  });
});

/** What each change does to what is told; each is signed. */
const changes: [string, AuthenticatorChange, (honest: Told) => Partial<Told>][] = [
  [
    'clientData',
    { clientData: (data) => ({ ...data, crossOrigin: true }) },
    ({ clientData }) => ({ clientData: clientData.replace('false', 'true') }),
  ],
  [
    'clientDataJSON',
    { clientDataJSON: (bytes) => Buffer.concat([bytes, Buffer.from(' ')]) },
    ({ clientData }) => ({ clientData: `${clientData} ` }),
  ],
  ['rpIdHash', { rpIdHash: Buffer.alloc(32, 9) }, () => ({ rpIdHash: '09'.repeat(32) })],
  ['flags', { flags: (flags) => flags & ~0x04 }, ({ flags }) => ({ flags: flags - 4 })],
  ['counter', { counter: 77 }, () => ({ counter: 77 })],
  [
    'extensions',
    { extensions: Buffer.of(0xa0) },
    ({ flags, rest }) => ({ flags: flags + 0x80, rest: `${rest}a0` }),
  ],
  [
    'authenticatorData',
    { authenticatorData: (bytes) => Buffer.concat([bytes, Buffer.of(1, 2)]) },
    ({ rest }) => ({ rest: `${rest}0102` }),
  ],
];

describe('a change before an assertion is signed', () => {
  it.each(changes)('of %s changes that and nothing else, and is signed', async (_, change, effect) => {
    const { key, request } = await enrolled({ counts: false });
    const honest = toldBy(await key.get(request));
    const changed = await key.get(request, change);
    expect(toldBy(changed)).toEqual({ ...honest, ...effect(honest) });
    expect(isSigned(key, changed.response)).toBe(true);
  });

  it('is made of the client data first, then of its bytes', async () => {
    const { key, request } = await enrolled();
    const answer = await key.get(request, {
      clientData: () => 'text',
      clientDataJSON: (b) => Buffer.from(`[${b}]`),
    });
    expect(toldBy(answer).clientData).toBe('["text"]');
  });
});

describe('a change after an assertion is signed', () => {
  it('of what is signed is in the signature alone', async () => {
    const { key, request } = await enrolled({ counts: false, algorithm: 'EdDSA' });
    const honest = await key.get(request);
    const bytes: Buffer[] = [];
    const changed = await key.get(request, {
      signed: (own) => Buffer.from(bytes.push(own) === 1 ? 'other' : ''),
    });
    expect(toldBy(changed)).toEqual(toldBy(honest));
    expect(isSigned(key, changed.response)).toBe(false);
    const { privateKey } = credentialOf(key);
    const signature = Buffer.from(changed.response.signature, 'base64url');
    expect(verify(null, Buffer.from('other'), createPublicKey(privateKey), signature)).toBe(true);
    expect(
      verify(
        null,
        bytes[0] ?? Buffer.of(),
        createPublicKey(privateKey),
        Buffer.from(honest.response.signature, 'base64url'),
      ),
    ).toBe(true);
  });

  it('of the signature is in the signature alone', async () => {
    const { key, request } = await enrolled({ counts: false, algorithm: 'EdDSA' });
    const honest = await key.get(request);
    const changed = await key.get(request, { signature: (own) => Buffer.concat([own, Buffer.of(7)]) });
    expect(toldBy(changed)).toEqual(toldBy(honest));
    expect(Buffer.from(changed.response.signature, 'base64url').toString('hex')).toBe(
      `${Buffer.from(honest.response.signature, 'base64url').toString('hex')}07`,
    );
    expect((await authenticated(changed, key)).verified).toBe(false);
  });

  it('of the answer is what is handed out, and nothing is signed again', async () => {
    const { key, request } = await enrolled({ counts: false });
    const honest = await key.get(request);
    const { authenticatorData } = (await key.get(request, { counter: 9 })).response;
    const json = (answer: unknown) => ({
      ...honest,
      response: { ...(answer as typeof honest).response, authenticatorData },
    });
    const changed = await key.get(request, { json });
    expect(toldBy(changed).counter).toBe(9);
    expect(isSigned(key, changed.response)).toBe(false);
    expect(await key.get(request, { json: () => 'anything' })).toBe('anything');
  });
});

describe('a change of a credential as it is made', () => {
  const self = { attestation: 'self' } as const;

  it.each(changes)('of %s is signed by the attestation of the key itself', async (_, change, effect) => {
    const credentialId = Buffer.alloc(16, 1);
    const key = new SoftwareAuthenticator({ origin });
    const made = attestedBy(await key.create(creation, { ...self, credentialId }));
    const other = new SoftwareAuthenticator({ origin });
    const publicKey = () => credentialOf(key).publicKey;
    const answer = await other.create(creation, { ...self, credentialId, publicKey, ...change });
    const changed = attestedBy(answer);
    const { clientData, rpIdHash, flags, counter, rest } = made;
    expect(changed).toMatchObject({ clientData, rpIdHash, flags, counter, rest, ...effect(made) });
    expect(isAttested(other, answer)).toBe(true);
  });

  it.each<[string, CreationChange, object]>([
    ['aaguid', { aaguid: Buffer.alloc(16, 4) }, { aaguid: '04'.repeat(16) }],
    ['credentialId', { credentialId: Buffer.of(1, 2, 3) }, { id: 'AQID' }],
    ['publicKey', { publicKey: () => Buffer.of(0xa0) }, { publicKey: 'a0' }],
  ])('of %s changes that, and is signed', async (_, change, expectedParts) => {
    const key = new SoftwareAuthenticator({ origin });
    const answer = await key.create(creation, { ...self, ...change });
    const honest = { aaguid: '00'.repeat(16), id: credentialOf(key).id, fmt: 'packed', flags: 0x45 };
    expect(attestedBy(answer)).toMatchObject({ ...honest, ...expectedParts });
    expect(answer.id).toBe(attestedBy(answer).id);
    expect(isAttested(key, answer)).toBe(true);
  });

  it.each(algorithms)('of its algorithm makes a key by %s', async (algorithm) => {
    const key = new SoftwareAuthenticator({ origin, algorithm: algorithm === 'ES256' ? 'EdDSA' : 'ES256' });
    const made = await key.create(creation, { ...self, algorithm });
    expect(credentialOf(key).algorithm).toBe(algorithm);
    expect(attestedBy(made).attStmt.get('alg')).toBe({ ES256: -7, EdDSA: -8, RS256: -257 }[algorithm]);
    expect((await registered(made)).verified).toBe(true);
  });

  it('of its attestation puts in its place what is given', async () => {
    const attStmt = new Map([['x5c', [Uint8Array.of(1)]]]);
    const { key } = await enrolled();
    const told = attestedBy(await key.create(creation, { attestation: { fmt: 'tpm', attStmt } }));
    expect([told.fmt, told.attStmt]).toEqual(['tpm', attStmt]);
  });

  it('after it is attested is not signed: of the signature, of the object, of the answer', async () => {
    const { key } = await enrolled();
    const wrong = await key.create(creation, { ...self, signature: (own) => own.fill(0, 8) });
    expect((await registered(wrong).catch(() => ({ verified: false }))).verified).toBe(false);
    const object = await key.create(creation, { attestationObject: () => Buffer.from('object') });
    expect(Buffer.from(object.response.attestationObject, 'base64url').toString()).toBe('object');
    expect(await key.create(creation, { json: () => 7 })).toBe(7);
  });
});

function isAttested(key: SoftwareAuthenticator, answer: SoftwareAttestation): boolean {
  const { authData, attStmt } = attestedBy(answer);
  const text = (bytes: unknown) => Buffer.from(bytes as Uint8Array).toString('base64url');
  const { clientDataJSON } = answer.response;
  return isSigned(key, {
    clientDataJSON,
    authenticatorData: text(authData),
    signature: text(attStmt.get('sig')),
  });
}
