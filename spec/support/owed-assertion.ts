import { expect } from '@jest/globals';
import type { MfaDevice } from '../../lib/index.js';
import type {
  AuthenticatorChange,
  SoftwareAuthenticator,
  SoftwareCredential,
} from '../../lib/testing/index.js';
import { type TestApp, type TestAppOptions, testApp } from './app.js';
import { alice } from './people.js';
import { enrolledKey, fido2, type PendingSession, pendingSession } from './second-factor.js';

/** Alice's sign-in that owes its second factor, and the key that can pay it. */
export interface OwedAssertion extends PendingSession {
  app: TestApp;
  key: SoftwareAuthenticator;
}

/** How alice's key is, and how the app is. */
export interface OwedOptions {
  key?: Parameters<typeof enrolledKey>[2];
  app?: TestAppOptions;
}

/** Signs alice in, who has a key. */
export async function owedAssertion({ key, app: options }: OwedOptions = {}): Promise<OwedAssertion> {
  const app = await testApp(options);
  const held = await enrolledKey(app, alice, key);
  return { app, key: held, ...(await pendingSession(app)) };
}

/** The rows of alice's devices. */
export function devicesOf({ repositories }: TestApp, user = alice): Promise<readonly MfaDevice[]> {
  return repositories.devices.listByUser(user.id);
}

/** The credential of an authenticator that has one. */
export function credentialOf({ credentials: [first] }: SoftwareAuthenticator): SoftwareCredential {
  if (first === undefined) throw new Error('this authenticator has no credential');
  return first;
}

/** How an answer that is refused looks. */
export const refused = [401, 'invalid_credentials'];
/** How an answer of the wrong form looks. */
export const malformed = [400, 'malformed_request'];

/** Expects that the session is pending still, and that no device has been used. */
export async function expectNothingHappened(
  { app, headers }: Pick<OwedAssertion, 'app' | 'headers'>,
  before: readonly MfaDevice[],
): Promise<void> {
  const me = await app.get('/me', headers);
  expect([me.status, me.body.code]).toEqual([401, 'second_factor_required']);
  expect(await devicesOf(app)).toEqual(before);
}

/** Expects that the key pays by an honest assertion, which is counted. */
export async function expectPaid(
  { app, key, headers, options }: OwedAssertion,
  change?: AuthenticatorChange,
): Promise<void> {
  const assertion = await key.get(options, change);
  const answer = await app.post(fido2, assertion, headers);
  expect([answer.status, answer.text]).toEqual([204, '']);
  expect((await app.get('/me', headers)).body).toMatchObject({
    id: alice.id,
    session: { state: 'active', secondFactor: true },
  });
  const used = (await devicesOf(app)).find(({ credentialId }) => credentialId === assertion.id);
  expect(used?.lastUsedAt).toBe(app.clock());
}

/**
 * Expects that an assertion is refused and changes nothing, and that the honest one over the same challenge is good
 * after it.
 */
export async function expectRefused(
  owed: OwedAssertion,
  assertion: unknown,
  expected: unknown[] = refused,
): Promise<void> {
  const before = await devicesOf(owed.app);
  const answer = await owed.app.post(fido2, assertion, owed.headers);
  expect([answer.status, answer.body.code]).toEqual(expected);
  await expectNothingHappened(owed, before);
  await expectPaid(owed);
}

/** Expects that what alice's key signs with this change is refused. */
export async function expectChangeRefused(change: AuthenticatorChange, options?: OwedOptions): Promise<void> {
  const owed = await owedAssertion(options);
  await expectRefused(owed, await owed.key.get(owed.options, change));
}

/** Expects that what alice's key signs with this change is accepted. */
export async function expectChangePaid(change: AuthenticatorChange, options?: OwedOptions): Promise<void> {
  await expectPaid(await owedAssertion(options), change);
}

/** Changes the members of an answer, and of its `response`; `undefined` leaves a member out. */
export function withMembers(outer: object, inner: object = {}) {
  return (answer: unknown) => {
    const { response, ...rest } = answer as { response: object };
    return { ...rest, response: { ...response, ...inner }, ...outer };
  };
}

/** Adds the padding that base64url may have. */
export function padded(text: string): string {
  return text + '='.repeat((4 - (text.length % 4)) % 4);
}
