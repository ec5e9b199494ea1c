import type { User } from '../repositories/index.js';
import type { Audit, FailureReason } from './audit.js';
import type { PasswordHashing } from './password-hashing.js';

/** What verifying the password of a user needs. */
export interface PasswordDependencies {
  users: { savePasswordHash?(id: string, previous: string, next: string): Promise<boolean> };
  hashing: PasswordHashing;
  audit: Audit;
}

/** What verifying a password by e-mail address needs. */
export interface UserPasswordDependencies extends PasswordDependencies {
  users: PasswordDependencies['users'] & { findByEmail(email: string): Promise<User | null> };
}

/** The user whose password it was, or why it was refused. */
export type PasswordVerdict = { user: User } | { reason: FailureReason; entityId: string | null };

/**
 * Verifies the password of the user with a canonical e-mail address. An unknown user, one without a password and a
 * disabled one cost one verification, like everybody else. A weak hash is renewed after a match.
 */
export async function verifyUserPassword(
  { users, hashing, audit }: UserPasswordDependencies,
  email: string,
  password: string,
): Promise<PasswordVerdict> {
  return verifyPasswordOf({ users, hashing, audit }, await users.findByEmail(email), password);
}

/** Verifies the password of a user who was looked up, as {@link verifyUserPassword} does. */
export async function verifyPasswordOf(
  { users, hashing, audit }: PasswordDependencies,
  user: User | null,
  password: string,
): Promise<PasswordVerdict> {
  const hash = user?.passwordHash ?? null;
  const verification = await hashing.verify(hash, password, user?.enabled === true);

  if (user === null) return { reason: 'unknown_principal', entityId: null };
  if (hash === null) return { reason: 'no_secret', entityId: user.id };
  if (verification === 'unusable') return { reason: 'unusable_hash', entityId: user.id };
  if (verification === 'mismatch') return { reason: 'wrong_secret', entityId: user.id };
  if (!user.enabled) return { reason: 'disabled', entityId: user.id };

  await renewHash();
  return { user };

  /** Compare-and-set: a password that was changed meanwhile stays. Not renewing is no reason to refuse. */
  async function renewHash(): Promise<void> {
    if (user === null || hash === null || users.savePasswordHash === undefined) return;
    if (!(await hashing.isOutdated(hash))) return;
    try {
      const renewed = await users.savePasswordHash(user.id, hash, await hashing.hash(password));
      if (renewed) audit({ type: 'password_rehashed', entityId: user.id });
    } catch {
      // The password was right; the next sign-in tries again.
    }
  }
}
