import { expect } from '@jest/globals';
import { SoftwareAuthenticator, type SoftwareAuthenticatorOptions } from '../../lib/testing/index.js';
import { origin, type TestApp } from './app.js';
import { alice } from './people.js';
import { presentingAnswer } from './sign-in.js';

/** The id of the relying party of the specs. */
export const rpId = 'example.com';

/** A user with a password, and an authenticator of the user's. */
export interface Holder {
  id: string;
  email: string;
  password: string;
}

/** Gives a user a device without a ceremony; the authenticator that holds its key. */
export async function enrolledKey(
  { repositories }: Pick<TestApp, 'repositories'>,
  user: { id: string } = alice,
  { name = 'key', ...options }: Partial<SoftwareAuthenticatorOptions> & { name?: string } = {},
): Promise<SoftwareAuthenticator> {
  const key = new SoftwareAuthenticator({ origin, ...options });
  const device = await key.enrolled(user, { name, rpId, at: Date.UTC(2026, 0, 1) });
  expect(await repositories.devices.add(user.id, device)).toBe(true);
  return key;
}

/** A session whose second factor is owed. */
export interface PendingSession {
  /** The headers that present it. */
  headers: Record<string, string>;
  /** What the authenticator is to be asked. */
  options: {
    challenge: string;
    rpId: string;
    allowCredentials: { id: string }[];
    userVerification: string;
  };
}

/** Signs a user in by password who has a device; the session that is pending then. */
export async function pendingSession(
  { post }: Pick<TestApp, 'post'>,
  { email, password }: Holder = alice,
  carrier: 'Bearer' | 'Cookie' = 'Bearer',
): Promise<PendingSession> {
  const answer = await post('/sys/v1/session/auth', {
    ...{ method: 'password', email, password },
    token_type: carrier,
  });
  expect([answer.status, answer.body.fido2_assertion_options]).toEqual([200, expect.anything()]);
  return { headers: presentingAnswer(answer), options: answer.body.fido2_assertion_options };
}

/** The path that completes a session by an assertion. */
export const fido2 = '/sys/v1/session/auth/2fa/fido2';
