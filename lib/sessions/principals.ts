import { hasValidSecret } from '../defence/app-credential.js';
import type { EndCause } from '../defence/audit.js';
import type { GuardedRepositories } from '../defence/guarded-repositories.js';
import type { App, User } from '../repositories/index.js';
import { entityOf, type Principal, type SessionRecord } from './record.js';

/** The principal of a session, or why the session has lost it. */
export type PrincipalVerdict = { principal: Principal } | { gone: EndCause };

/** Reads the principal of a session again; see {@link principals}. */
export type Principals = (record: SessionRecord) => Promise<PrincipalVerdict>;

const cacheLimit = 10_000;

/**
 * Makes the reader of principals, which runs on every request as Passport's `deserializeUser` does: what was
 * deleted, disabled or rotated, and an account or identity provider that the session depends on and that is no
 * more, ends the session. With `revalidateAfter` (seconds) a principal that was read is believed for so long.
 */
export function principals(
  repositories: GuardedRepositories,
  revalidateAfter: number,
  clock: () => number,
): Principals {
  const { users, apps, accounts, identityProviders } = repositories;
  const cache = new Map<string, { principal: Principal; readAt: number }>();

  const find = async (record: SessionRecord): Promise<Principal | null> => {
    const repository = record.principalType === 'user' ? users : apps;
    return repository === null ? null : repository.findById(record.entityId);
  };
  const recall = async (record: SessionRecord): Promise<Principal | null> => {
    if (revalidateAfter === 0) return find(record);
    const entity = entityOf(record);
    const known = cache.get(entity);
    if (known && clock() - known.readAt < revalidateAfter * 1000) return known.principal;
    const principal = await find(record);
    cache.delete(entity);
    if (principal !== null) cache.set(entity, { principal, readAt: clock() });
    const [oldest] = cache.keys();
    if (cache.size > cacheLimit && oldest !== undefined) cache.delete(oldest);
    return principal;
  };

  return async (record) => {
    const principal = await recall(record);
    if (principal === null || !principal.enabled) return { gone: 'principal_gone' };
    if (!isBoundTo(record, principal, clock())) return { gone: 'credential_changed' };
    if (record.accountId !== null) {
      if (!isMember(principal, record.accountId)) return { gone: 'membership_gone' };
      const account = accounts === null ? undefined : await accounts.findById(record.accountId);
      if (account === null || account?.enabled === false) return { gone: 'membership_gone' };
    }
    if (record.idpId !== null) {
      const idp = await identityProviders?.findById(record.idpId);
      if (!idp?.enabled) return { gone: 'identity_provider_gone' };
    }
    return { principal };
  };
}

/** Whether a principal belongs to an account: an app to its own, a user to each of the user's. */
export function isMember(principal: Principal, accountId: string): boolean {
  return isApp(principal) ? principal.accountId === accountId : principal.accountIds.includes(accountId);
}

/** Whether the credential that made the session still is the principal's. */
function isBoundTo({ credentialId }: SessionRecord, principal: Principal, now: number): boolean {
  if (credentialId === null) return true;
  if (isApp(principal)) return hasValidSecret(principal, credentialId, now);
  return String(principal.credentialVersion) === credentialId;
}

function isApp(principal: User | App): principal is App {
  return 'secrets' in principal;
}
