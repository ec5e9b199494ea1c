import { createHash, timingSafeEqual } from 'node:crypto';
import type { Awaitable } from '../awaitable.js';
import type { Account, App } from '../repositories/index.js';
import { secret as isSecret } from '../wire/schemas.js';
import type { FailureReason } from './audit.js';

/**
 * Hashes the secret of an app for {@link AppSecret.hash}: hexadecimal SHA-256. App secrets are random and long,
 * so a slow hash would add nothing but time to every sign-in.
 *
 * @throws RangeError for a secret by which no app could sign in: an empty one, or one of more than 1,024 bytes
 */
export function hashSecret(secret: string): string {
  if (!isSecret.safeParse(secret).success)
    throw new RangeError('passport-control: a secret must be 1 to 1,024 bytes of UTF-8');
  return sha256(secret).toString('hex');
}

function sha256(secret: string): Buffer {
  return createHash('sha256').update(secret, 'utf8').digest();
}

/**
 * Finds the secret of an app that was presented; `null` when it is none of those that are valid now (`now` in
 * milliseconds since the epoch). All of them are compared, each in constant time.
 */
export function verifyAppSecret(app: App | null, secret: string, now: number): string | null {
  const presented = sha256(secret);
  let found: string | null = null;
  for (const { id, hash, validUntil } of app?.secrets ?? []) {
    const equal = timingSafeEqual(Buffer.from(hash, 'hex'), presented);
    if (equal && isValid(validUntil, now)) found = id;
  }
  return found;
}

/** Whether an app still has the secret of this id, and it has not ended. */
export function hasValidSecret(app: App, secretId: string, now: number): boolean {
  return app.secrets.some(({ id, validUntil }) => id === secretId && isValid(validUntil, now));
}

function isValid(validUntil: number | undefined, now: number): boolean {
  return validUntil === undefined || now < validUntil;
}

/** What verifying an app needs beside the app. `clock` is in milliseconds since the epoch. */
export interface AppCredentialDependencies {
  accounts: { findById(id: string): Awaitable<Account | null> } | null;
  clock: () => number;
}

/** Why nobody may be this app now, whatever the credential: it or its account is not open. `null`: nothing is in the way. */
export async function closedApp(
  accounts: AppCredentialDependencies['accounts'],
  app: App,
): Promise<FailureReason | null> {
  if (!app.enabled) return 'disabled';
  const account = accounts === null ? undefined : await accounts.findById(app.accountId);
  return account === null || account?.enabled === false ? 'account_disabled' : null;
}

/** The app and the id of the secret that it presented, or why it was refused. */
export type AppVerdict = { app: App; secretId: string } | { reason: FailureReason; entityId: string | null };

/** Verifies the secret of an app that was looked up, and that it and its account are open. */
export async function verifyApp(
  { accounts, clock }: AppCredentialDependencies,
  app: App | null,
  secret: string,
): Promise<AppVerdict> {
  const secretId = verifyAppSecret(app, secret, clock());
  if (app === null) return { reason: 'unknown_principal', entityId: null };
  if (app.secrets.length === 0) return { reason: 'no_secret', entityId: app.id };
  if (secretId === null) return { reason: 'wrong_secret', entityId: app.id };
  const reason = await closedApp(accounts, app);
  return reason === null ? { app, secretId } : { reason, entityId: app.id };
}
