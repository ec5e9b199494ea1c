import type { Audit } from '../defence/audit.js';
import type { GuardedRepositories } from '../defence/guarded-repositories.js';
import { AuthError } from '../errors.js';
import type { Account } from '../repositories/index.js';
import { mayAct } from '../sessions/account-policy.js';
import { isMember } from '../sessions/principals.js';
import type { Sessions } from '../sessions/sessions.js';
import { parseBody, type SelectAccountResponse, selectAccountRequest } from '../wire/schemas.js';
import { sendJson } from '../wire/send-json.js';
import type { AdmittedWork } from './admitted.js';
import { clientOf } from './client.js';

/** What selecting an account is made from. */
export interface SelectAccountDependencies {
  sessions: Sessions;
  repositories: GuardedRepositories;
  audit: Audit;
}

/**
 * `POST session/select_account`: the session of a user acts in this account from now on; the token stays. The user
 * must be a member, and the session must be one that the account's policy accepts.
 */
export function sessionSelectAccount({
  sessions,
  repositories,
  audit,
}: SelectAccountDependencies): AdmittedWork {
  const { accounts, identityProviders } = repositories;

  return async (request, response, { key, record, principal }, body) => {
    const { acct_id: accountId } = parseBody(selectAccountRequest, body);
    if (!isMember('user', principal, accountId)) throw new AuthError('account_forbidden');

    const unrestricted: Account = { id: accountId, enabled: true };
    const account = accounts === null ? unrestricted : await accounts.findById(accountId);
    const idp = record.idpId === null ? null : await identityProviders?.findById(record.idpId);
    if (account === null || !mayAct(record, account, idp?.accountId ?? null))
      throw new AuthError('account_forbidden');

    await sessions.change(key, () => ({ accountId }));
    const { entityId } = record;
    audit({ type: 'account_selected', session: key, entityId, accountId, ...clientOf(request) });
    sendJson(response, 200, { cookie: null } satisfies SelectAccountResponse);
  };
}
