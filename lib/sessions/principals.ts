import { type Awaitable, allThere, whenThere } from '../awaitable.js';
import { hasValidSecret } from '../defence/app-credential.js';
import type { EndCause } from '../defence/audit.js';
import type { GuardedRepositories } from '../defence/guarded-repositories.js';
import { principalOfText } from '../federation/aws-principal.js';
import type { DirectoryCheck } from '../federation/directory-check.js';
import type { Account, IdentityProvider } from '../repositories/index.js';
import { mayAct } from './account-policy.js';
import { entityOf, type Principal, type SessionRecord } from './record.js';

/** The principal of a session, or why the session has lost it. */
export type PrincipalVerdict = { principal: Principal } | { gone: EndCause };

/** Reads the principal of a session again; see {@link principals}. */
export type Principals = (record: SessionRecord) => Awaitable<PrincipalVerdict>;

const cacheLimit = 10_000;

/**
 * Makes the reader of principals, which runs on every request as Passport's `deserializeUser` does: what was
 * deleted, disabled or rotated, an account or identity provider that the session depends on and that is no more, and
 * an account whose policy the session does not meet any more, ends the session. With `revalidateAfter` (seconds) what was read is believed for so long.
 */
export function principals(
  repositories: GuardedRepositories,
  revalidateAfter: number,
  clock: () => number,
  isStillKnown: DirectoryCheck,
): Principals {
  const { users, apps, accounts, identityProviders } = repositories;
  const cache = new Map<string, { facts: Facts; readAt: number }>();

  const read = (record: SessionRecord): Awaitable<Facts> => {
    const { accountId, idpId } = record;
    const depended = allThere<[Facts['principal'], Facts['account'], Facts['idp']]>([
      principalOf(record),
      accounts === null || accountId === null ? nothing : accounts.findById(accountId),
      idpId === null ? nothing : (identityProviders?.findById(idpId) ?? null),
    ]);
    return whenThere(depended, ([principal, account, idp]) =>
      whenThere(homeOf(record, idp), (home) => ({ principal, account, idp, home })),
    );
  };
  /** The account of the provider, where the session acts in another one. */
  const homeOf = ({ accountId }: SessionRecord, idp: Facts['idp']): Awaitable<Facts['home']> => {
    if (accounts === null || idp === null || !('accountId' in idp) || idp.accountId === accountId)
      return nothing;
    return accounts.findById(idp.accountId);
  };
  /** Whom somebody else vouched for is found by what was vouched for: a link that is gone is nobody's. */
  const principalOf = (record: SessionRecord): Awaitable<Principal | null> => {
    const vouched = vouchedFor(record);
    if (vouched !== null) return linkedTo(record, vouched);
    const table = record.principalType === 'app' ? apps : users;
    return table === null ? null : table.findById(record.entityId);
  };
  const linkedTo = async ({ idpId, accountId, entityId }: SessionRecord, vouched: string) => {
    const linked =
      idpId === null
        ? await appOf(accountId, vouched)
        : await users?.federated?.findByFederatedIdentity(idpId, vouched);
    return linked?.id === entityId ? linked : null;
  };
  const appOf = async (accountId: string | null, vouched: string) => {
    const principal = principalOfText(vouched);
    if (accountId === null || principal === null) return null;
    return apps?.findByAwsPrincipal?.(accountId, principal);
  };
  const keyOf = (record: SessionRecord) =>
    JSON.stringify([entityOf(record), record.accountId, record.idpId, vouchedFor(record)]);
  const recall = (record: SessionRecord): Facts | null => {
    const known = revalidateAfter === 0 ? undefined : cache.get(keyOf(record));
    const age = known === undefined ? -1 : clock() - known.readAt;
    return known !== undefined && age >= 0 && age < revalidateAfter * 1000 ? known.facts : null;
  };
  const remember = (record: SessionRecord, facts: Facts): Facts => {
    if (revalidateAfter === 0) return facts;
    cache.delete(keyOf(record));
    cache.set(keyOf(record), { facts, readAt: clock() });
    const [oldest] = cache.keys();
    if (cache.size > cacheLimit && oldest !== undefined) cache.delete(oldest);
    return facts;
  };

  /** Of a directory it is not the record alone that has to be there still. */
  const confirmed = (
    { credentialId }: SessionRecord,
    verdict: PrincipalVerdict,
    { idp }: Facts,
  ): Awaitable<PrincipalVerdict> => {
    if (!('principal' in verdict) || idp === null || !('kind' in idp) || idp.kind !== 'ldap') return verdict;
    return isStillKnown(idp, credentialId ?? '').then((isKnown) =>
      isKnown ? verdict : { gone: 'principal_gone' },
    );
  };
  const decide = (record: SessionRecord, facts: Facts) =>
    confirmed(record, judge(record, facts, clock()), facts);
  const readAndDecide = (record: SessionRecord) =>
    whenThere(read(record), (facts) => decide(record, remember(record, facts)));

  return (record) => {
    const remembered = recall(record);
    if (remembered === null) return readAndDecide(record);
    // What was read a while ago may let a session through, but it never ends one.
    return whenThere(decide(record, remembered), (verdict) =>
      'principal' in verdict ? verdict : readAndDecide(record),
    );
  };
}

function judge(
  record: SessionRecord,
  { principal, account, idp, home }: Facts,
  now: number,
): PrincipalVerdict {
  if (principal === null || !principal.enabled) return { gone: 'principal_gone' };
  if (!isBoundTo(record, principal, now)) return { gone: 'credential_changed' };
  const left = record.accountId !== null && !isMember(record.principalType, principal, record.accountId);
  if (left || !account?.enabled) return { gone: 'membership_gone' };
  if (!idp?.enabled || !home?.enabled || !isOfMethod(record, idp)) return { gone: 'identity_provider_gone' };
  // A provider vouches for the people of its account, wherever the session acts.
  if ('accountId' in idp && !isMember('user', principal, idp.accountId)) return { gone: 'membership_gone' };
  // What an account asks of sessions it may ask for at any time.
  const isJudged = record.principalType === 'user' && record.state === 'active' && 'id' in account;
  if (isJudged && !mayAct(record, account, 'accountId' in idp ? idp.accountId : null))
    return { gone: 'account_policy' };
  return { principal };
}

/** What a session depends on, as the repositories know it now. */
interface Facts {
  principal: Principal | null;
  account: Dependence<Account>;
  idp: Dependence<IdentityProvider>;
  /** The account of the provider. */
  home: Dependence<Account>;
}

/** Which kind of provider vouches by which method. */
const kinds: Readonly<Record<string, IdentityProvider['kind']>> = {
  'saml-response': 'saml',
  'oauth-auth-code': 'oauth',
  'ldap-basic-auth': 'ldap',
};

/** Whether the record is of the kind of provider that the session came through: another is another provider. */
function isOfMethod({ method }: SessionRecord, idp: Dependence<IdentityProvider>): boolean {
  return idp === null || !('kind' in idp) || idp.kind === kinds[method];
}

/** Something that must exist and be enabled; `nothing` where the session depends on none. */
type Dependence<T> = T | typeof nothing | null;
const nothing = { enabled: true } as const;

/** Whether a principal belongs to an account: an app to its own, a user to each of the user's. */
export function isMember(principalType: 'user' | 'app', principal: Principal, accountId: string): boolean {
  if (principalType === 'app') return 'accountId' in principal && principal.accountId === accountId;
  return 'accountIds' in principal && principal.accountIds.includes(accountId);
}

/** Whom an identity provider or AWS has named, and the session is bound to; `null` for a credential of the principal's own. */
function vouchedFor({ method, idpId, credentialId }: SessionRecord): string | null {
  if (method === 'aws-iam') return credentialId ?? '';
  return idpId === null ? null : credentialId;
}

/** Whether the credential that made the session still is the principal's. */
function isBoundTo(record: SessionRecord, principal: Principal, now: number): boolean {
  const { credentialId, principalType } = record;
  if (credentialId === null || vouchedFor(record) !== null) return true;
  if (principalType === 'app') return 'secrets' in principal && hasValidSecret(principal, credentialId, now);
  return 'credentialVersion' in principal && String(principal.credentialVersion) === credentialId;
}
