import type { FailureReason } from '../defence/audit.js';
import type { GuardedRepositories, GuardedUsers } from '../defence/guarded-repositories.js';
import type { ClaimOnce, Once } from '../defence/once.js';
import { AuthError } from '../errors.js';
import type { Account, IdentityProvider, User } from '../repositories/index.js';
import { canonicalEmail } from '../wire/email.js';

/** What an identity provider has said of somebody, after everything about it was verified. */
export interface FederatedClaim {
  /** The immutable id at the provider. */
  subject: string;
  /** The address as the provider has it, if there is one unambiguous value. */
  email: string | null;
  /** Whether the provider says that the address is the person's. */
  emailProven: boolean;
  attributes: Readonly<Record<string, string | readonly string[]>>;
  /** What this sign-in uses up. */
  once: readonly Once[];
  /** An end that the session may not outlive, in milliseconds since the epoch. */
  endsAt?: number | undefined;
}

/**
 * The provider of a sign-in if it may vouch for anybody now: enabled, of this kind, in an account that is open.
 * `policy`: the account wants other methods or providers.
 */
export async function openProvider<Kind extends IdentityProvider['kind']>(
  { identityProviders, accounts }: Pick<GuardedRepositories, 'identityProviders' | 'accounts'>,
  kind: Kind,
  idpId: string,
  method: string,
): Promise<Extract<IdentityProvider, { kind: Kind }> | 'policy' | null> {
  const idp = await identityProviders?.findById(idpId);
  if (idp?.kind !== kind || !idp.enabled) return null;
  const account = accounts === null ? undefined : await accounts.findById(idp.accountId);
  if (account === null || account?.enabled === false) return null;
  return admits(account, method, idp.id) ? (idp as Extract<IdentityProvider, { kind: Kind }>) : 'policy';
}

/** Whether an account's policy admits this method, through this provider. */
export function admits(account: Account | undefined, method: string, idpId: string | null): boolean {
  const { methods, idpIds } = account?.signIn ?? {};
  const isMethod = methods?.includes(method) ?? true;
  return isMethod && (idpIds === undefined || (idpId !== null && idpIds.includes(idpId)));
}

/** The user of a claim, or why there is none. */
export type FederatedVerdict = { user: User } | { reason: FailureReason; entityId: string | null };

/** A user whose claim is used up, and how to give that back when no session comes of it; or why there is none. */
export type Admitted =
  | { user: User; giveBack: () => Promise<void> }
  | { reason: FailureReason; entityId: string | null };

/**
 * Uses a claim up, and only then finds, links or provisions its user: of parallel copies one gets that far. A refusal
 * and a failure give it back.
 */
export async function admit(
  users: GuardedUsers,
  idp: IdentityProvider,
  claim: FederatedClaim,
  claimOnce: ClaimOnce,
): Promise<Admitted> {
  const giveBack = await claimOnce(claim.once);
  if (giveBack === null) return { reason: 'replayed', entityId: null };
  try {
    const verdict = await federatedUser(users, idp, claim);
    if ('user' in verdict) return { ...verdict, giveBack };
    await giveBack();
    return verdict;
  } catch (error) {
    await giveBack();
    throw error;
  }
}

/**
 * Finds the user of a claim. Identity is the provider and its immutable subject, and that wins over an address that has
 * changed. An address selects a user who is not linked yet only where the provider's word counts for exactly its
 * domain; everybody else is refused, or provisioned, and nobody who exists is adopted by that.
 */
export async function federatedUser(
  users: GuardedUsers,
  idp: IdentityProvider,
  claim: FederatedClaim,
): Promise<FederatedVerdict> {
  const { federated } = users;
  if (federated === null) throw new AuthError('method_not_configured');
  const linked = await federated.findByFederatedIdentity(idp.id, claim.subject);
  const found = linked === null ? await newcomer(users, idp, claim) : { user: linked };
  if ('reason' in found) return found;
  const { user } = found;
  if (!user.enabled) return refused('disabled', user.id);
  if (!user.accountIds.includes(idp.accountId)) return refused('not_a_member', user.id);
  const identity = { idpId: idp.id, subject: claim.subject };
  const isLinked = linked !== null || (await federated.linkFederatedIdentity(user.id, identity));
  return isLinked ? found : refused('linked_elsewhere', user.id);
}

/** Somebody whom no user is linked to: the user of a proven address, or a new one. */
async function newcomer(
  { findByEmail, federated }: GuardedUsers,
  idp: IdentityProvider,
  { subject, email, emailProven, attributes }: FederatedClaim,
): Promise<FederatedVerdict> {
  const canonical = email === null ? null : canonicalEmail(email);
  if (email !== null && canonical === null) return refused('email_not_proven');
  if (canonical !== null) {
    const isProven = emailProven && idp.domains.includes(canonical.slice(canonical.lastIndexOf('@') + 1));
    const existing = await findByEmail(canonical);
    if (existing !== null)
      return isProven && idp.authoritative ? { user: existing } : refused('email_not_proven', existing.id);
    if (!isProven) return refused('email_not_proven');
  }
  const identity = { idpId: idp.id, subject, email: canonical, accountId: idp.accountId, attributes };
  const user = (await federated?.provision?.(identity)) ?? null;
  return user === null ? refused('unknown_principal') : { user };
}

function refused(reason: FailureReason, entityId: string | null = null): FederatedVerdict {
  return { reason, entityId };
}

/** The id of a provider on the wire: standard base64 of its UTF-8. */
export function idpIdOf({ id }: Pick<IdentityProvider, 'id'>): string {
  return Buffer.from(id).toString('base64');
}
