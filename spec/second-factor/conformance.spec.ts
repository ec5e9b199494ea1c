import { describe, expect, it } from '@jest/globals';
import type { AuthenticatorChange, SoftwareAuthenticatorOptions } from '../../lib/testing/index.js';
import { type TestAppOptions, testApp } from '../support/app.js';
import { alice } from '../support/people.js';
import { enrolledKey, fido2, pendingSession } from '../support/second-factor.js';

// The cases for servers of FIDO's conformance tests, Server-ServerAuthenticatorAssertionResponse, as public test plans restate
// them; the tool itself is not to be had. In two they want an answer to pass in which nobody was there (Resp-3, P-4 and
// P-7): W3C WebAuthn Level 3, section 7.2, step 16 refuses it, and so is it refused here.

type Answer = Record<string, unknown> & { response: Record<string, unknown> };
type Case = [string, AuthenticatorChange, number];

const json = (change: (answer: Answer) => unknown): AuthenticatorChange => ({
  json: (answer) => change(structuredClone(answer) as Answer),
});
/** The answer with a member that is otherwise; `undefined` takes it away. */
const member = (name: string, value: unknown) => json((answer) => ({ ...answer, [name]: value }));
const part = (name: string, value: unknown) =>
  json((answer) => ({ ...answer, response: { ...answer.response, [name]: value } }));
const data = (change: object): AuthenticatorChange => ({ clientData: (own) => ({ ...own, ...change }) });
const flags = (value: number): AuthenticatorChange => ({ flags: () => value });

/** Posts what is changed: it has this status, and what was done honestly over the same challenge completes the session. */
async function expectStatus(
  change: AuthenticatorChange,
  status: number,
  options: TestAppOptions = {},
  device: Partial<SoftwareAuthenticatorOptions> = {},
): Promise<void> {
  const app = await testApp(options);
  const key = await enrolledKey(app, alice, device);
  const { headers, options: asked } = await pendingSession(app);
  const answer = await app.post(fido2, await key.get(asked, change), headers);
  expect(answer.status).toBe(status);
  const me = await app.get('/me', headers);
  expect(me.status).toBe(status === 204 ? 200 : 401);
  if (status === 204) return;
  const honest = await key.get(asked, { flags: () => 0x05 });
  expect((await app.post(fido2, honest, headers)).status).toBe(204);
}

describe('Resp-1: the structure of the answer', () => {
  it.each<Case>([
    ['P-1: as it should be', {}, 204],
    ['F-1: no id', member('id', undefined), 400],
    ['F-2: an id that is no string', member('id', 5), 400],
    ['F-3: an id that is no base64url', member('id', 'a+/b'), 400],
    ['F-4: no type, which is public-key then', member('type', undefined), 204],
    ['F-5: a type that is no string', member('type', {}), 400],
    ['F-6: another type', member('type', 'password'), 400],
    ['F-7: no response', member('response', undefined), 400],
    ['F-8: a response that is no object', member('response', 'x'), 400],
    ['F-9: no clientDataJSON', part('clientDataJSON', undefined), 400],
    ['F-10: clientDataJSON that is no string', part('clientDataJSON', {}), 400],
    ['F-11: empty clientDataJSON', part('clientDataJSON', ''), 400],
    ['F-12: no authenticatorData', part('authenticatorData', undefined), 400],
    ['F-13: authenticatorData that is no string', part('authenticatorData', []), 400],
    ['F-14: empty authenticatorData', part('authenticatorData', ''), 400],
    ['F-15: no signature', part('signature', undefined), 400],
    ['F-16: a signature that is no string', part('signature', 5), 400],
    ['F-17: an empty signature', part('signature', ''), 400],
    ['F-18: a userHandle that is no string', part('userHandle', 5), 400],
    ['F-19: an empty userHandle', part('userHandle', ''), 401],
    ['F-20: a signature that does not verify', { signed: () => Buffer.from('x') }, 401],
    ['F-21: the signature of another key', { signature: () => Buffer.from('3006020101020101', 'hex') }, 401],
  ])('%s', (_, change, status) => expectStatus(change, status));
});

describe('Resp-2: the client data', () => {
  it.each<Case>([
    ['F-1: no type', data({ type: undefined }), 401],
    ['F-2: a type that is no string', data({ type: ['webauthn.get'] }), 401],
    ['F-3: an empty type', data({ type: '' }), 401],
    ['F-4: another type', data({ type: 'webauthn.pay' }), 401],
    ['F-5: the type of a registration', data({ type: 'webauthn.create' }), 401],
    ['F-6: no challenge', data({ challenge: undefined }), 401],
    ['F-7: a challenge that is no string', data({ challenge: {} }), 401],
    ['F-8: an empty challenge', data({ challenge: '' }), 401],
    ['F-9: a challenge that is no base64url', data({ challenge: 'a+/b' }), 401],
    ['F-10: another challenge', data({ challenge: Buffer.alloc(32, 1).toString('base64url') }), 401],
    ['F-11: no origin', data({ origin: undefined }), 401],
    ['F-12: an origin that is no string', data({ origin: {} }), 401],
    ['F-13: an empty origin', data({ origin: '' }), 401],
    ['F-14: another origin', data({ origin: 'https://app.example.com.evil.example' }), 401],
    ['F-15: a tokenBinding that is no object', data({ tokenBinding: 'x' }), 401],
    ['F-16: a tokenBinding without a status', data({ tokenBinding: { id: 'x' } }), 401],
    ['F-17: a tokenBinding of another status', data({ tokenBinding: { status: 'x' } }), 401],
  ])('%s', (_, change, status) => expectStatus(change, status));
});

describe('Resp-3: what the authenticator says', () => {
  const asking = (userVerification: 'required' | 'preferred' | 'discouraged') => ({
    secondFactor: { userVerification },
  });

  it.each<[string, AuthenticatorChange, TestAppOptions, Partial<SoftwareAuthenticatorOptions>]>([
    ['P: a counter that has grown', {}, {}, { counter: 5 }],
    ['P: a counter that never moves', {}, {}, { counts: false }],
    ['P: somebody verified, where it is required', flags(0x05), asking('required'), {}],
    ['P: somebody verified, where it is preferred', flags(0x05), asking('preferred'), {}],
    ['P: somebody there, where verifying is preferred', flags(0x01), asking('preferred'), {}],
    ['P: somebody there, where verifying is discouraged', flags(0x01), asking('discouraged'), {}],
    ['P: somebody verified, where it is discouraged', flags(0x05), asking('discouraged'), {}],
  ])('%s', (_, change, options, device) => expectStatus(change, 204, options, device));

  it.each<[string, number, 'preferred' | 'discouraged']>([
    ['P-4, which is refused on purpose: nobody there, verified or not preferred', 0x00, 'preferred'],
    ['P-7, which is refused on purpose: nobody there, where verifying is discouraged', 0x00, 'discouraged'],
  ])('%s', (_, value, userVerification) => expectStatus(flags(value), 401, asking(userVerification)));

  it.each<[string, AuthenticatorChange, TestAppOptions, Partial<SoftwareAuthenticatorOptions>]>([
    [
      'F-1: bytes that are left over',
      { authenticatorData: (own) => Buffer.concat([own, Buffer.alloc(4)]) },
      {},
      {},
    ],
    ['F-2: the hash of another relying party', { rpIdHash: Buffer.alloc(32, 1) }, {}, {}],
    [
      'F-3: client data of another hash',
      {
        clientDataJSON: (own) => own,
        signed: (own) => Buffer.concat([own.subarray(0, -32), Buffer.alloc(32)]),
      },
      {},
      {},
    ],
    ['F-4: a counter that stands still', { counter: 5 }, {}, { counter: 5 }],
    ['F-5: nobody verified, where it is required', flags(0x01), asking('required'), {}],
  ])('%s', (_, change, options, device) => expectStatus(change, 401, options, device));
});
