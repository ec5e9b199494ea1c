import { expect } from '@jest/globals';
import type { MfaDevice } from '../../lib/index.js';
import {
  type CreationChange,
  type SoftwareAttestation,
  SoftwareAuthenticator,
  type SoftwareAuthenticatorOptions,
  type SoftwareCreationOptions,
} from '../../lib/testing/index.js';
import { origin, type TestApp, type TestAppOptions, testApp } from './app.js';
import { refused } from './owed-assertion.js';
import { alice } from './people.js';
import { fido2, type Holder, pendingSession } from './second-factor.js';
import { presentingAnswer } from './sign-in.js';

/** The path of the devices of a session's user. */
export const devicesPath = '/sys/v1/session/config_2fa/devices';

/** A session whose configuration is unlocked, what it was given to make a credential, and what can make one. */
export interface Enrolling {
  app: TestApp;
  key: SoftwareAuthenticator;
  headers: Record<string, string>;
  options: SoftwareCreationOptions & { excludeCredentials: { id: string }[] };
  user: Holder;
}

/** How the key is, how the app is or which it is, and who enrols. */
export interface EnrollingOptions {
  key?: Partial<SoftwareAuthenticatorOptions>;
  app?: TestAppOptions;
  user?: Holder;
}

/** Signs a user in and unlocks the configuration; the headers of the session. */
export async function unlocked({ post }: TestApp, { email, password }: Holder = alice) {
  const signedIn = await post('/sys/v1/session/auth', { method: 'password', email, password });
  expect([signedIn.status, signedIn.body.allowed_mfa_methods]).toEqual([200, []]);
  const headers = presentingAnswer(signedIn);
  const { status } = await post('/sys/v1/session/config_2fa/auth', { password }, headers);
  expect(status).toBe(200);
  return headers;
}

/** A new challenge for a session. */
export async function newChallenge({ post }: TestApp, headers: Record<string, string>) {
  const path = '/sys/v1/session/config_2fa/new_challenge?protocol=fido2';
  const { status, body } = await post(path, undefined, headers);
  expect(status).toBe(200);
  return body;
}

/** Signs a user in, unlocks the configuration and gets a challenge for an authenticator. */
export async function enrolling({
  key,
  app: options,
  user = alice,
}: EnrollingOptions = {}): Promise<Enrolling> {
  return enrollingAt(await testApp(options), { user, ...(key ? { key } : {}) });
}

/** As {@link enrolling}, where there is an app. */
export async function enrollingAt(
  app: TestApp,
  { key, user = alice }: Omit<EnrollingOptions, 'app'> = {},
): Promise<Enrolling> {
  const headers = await unlocked(app, user);
  const authenticator = new SoftwareAuthenticator({ origin, ...key });
  return { app, key: authenticator, headers, options: await newChallenge(app, headers), user };
}

/** Asks for a device to be added. */
export function addDevice(
  { app, headers }: Pick<Enrolling, 'app' | 'headers'>,
  attestationResult: unknown,
  name = 'key',
) {
  return app.post(devicesPath, { name, attestationResult }, headers);
}

/** Expects that what the key makes is taken; the row of the device. */
export async function expectAdded(at: Enrolling, change?: CreationChange, name = 'key'): Promise<MfaDevice> {
  const attestation = await at.key.create(at.options, change);
  return expectTaken(at, attestation, name);
}

/** Expects that an attestation is taken; the row of the device. */
export async function expectTaken(
  at: Enrolling,
  attestation: SoftwareAttestation,
  name = 'key',
): Promise<MfaDevice> {
  const answer = await addDevice(at, attestation, name);
  expect([answer.status, answer.body.name]).toEqual([201, name]);
  const listed = await at.app.repositories.devices.listByUser(at.user.id);
  const row = listed.find((each) => each.name === name);
  if (row === undefined) throw new Error('the device is not there');
  return row;
}

/**
 * Expects that an attestation is refused and adds nothing, that the session is active and unlocked still, and that
 * what the key makes honestly over the same challenge is taken after it.
 */
export async function expectNotAdded(
  at: Enrolling,
  attestation: unknown,
  expected: unknown[] = refused,
): Promise<void> {
  const before = await at.app.get(devicesPath, at.headers);
  const answer = await addDevice(at, attestation);
  expect([answer.status, answer.body.code]).toEqual(expected);
  expect((await at.app.get(devicesPath, at.headers)).body).toEqual(before.body);
  expect((await at.app.get('/me', at.headers)).body.session).toMatchObject({ state: 'active' });
  await expectAdded(at, {}, 'honest key');
}

/** Expects that what a key makes with this change is refused. */
export async function expectCreationRefused(
  change: CreationChange,
  options?: EnrollingOptions,
): Promise<void> {
  const at = await enrolling(options);
  await expectNotAdded(at, await at.key.create(at.options, change));
}

/** Expects that what a key makes with this change is taken, and that the key can sign in with it; the row. */
export async function expectCreationTaken(
  change: CreationChange,
  options?: EnrollingOptions,
): Promise<MfaDevice> {
  const at = await enrolling(options);
  const row = await expectAdded(at, change);
  await expectSignIn(at);
  return row;
}

/** Expects that the key completes a sign-in. */
export async function expectSignIn({ app, key, user }: Enrolling): Promise<void> {
  const pending = await pendingSession(app, user);
  expect((await app.post(fido2, await key.get(pending.options), pending.headers)).status).toBe(204);
}
