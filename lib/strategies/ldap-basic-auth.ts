import type { Request } from 'express';
import { admit, idpIdOf, openProvider } from '../federation/identity.js';
import type { LdapClient } from '../federation/ldap-client.js';
import { profileOfPassport, verdictOfHost } from '../plugged/provider.js';
import { ldapRequest, parseBody } from '../wire/schemas.js';
import type { Method } from './method.js';
import { type FederatedStrategyOptions, fail, federatedOutcome, type Outcome, Strategy } from './strategy.js';

/** What {@link LdapStrategy} is made from: a directory binds no browser and is asked no question twice. */
export type LdapStrategyOptions = Omit<FederatedStrategyOptions<LdapClient>, 'flows' | 'flowCookie'>;

/**
 * A user by e-mail address and password in the JSON body `{ idp_id, email, password, acct_id }`, which a directory
 * verifies. Whoever the directory knows and nobody here is provisioned only when `acct_id` asks for it.
 */
export class LdapStrategy extends Strategy {
  override readonly name = 'ldap-basic-auth';

  constructor(private readonly options: LdapStrategyOptions) {
    super();
  }

  override async attempt(request: Request): Promise<Outcome> {
    const { repositories, client, claimOnce, hosts } = this.options;
    const { idp_id: idpId, email, password, acct_id: accountId } = parseBody(ldapRequest, request.body);
    const { users } = repositories;
    const idp = await openProvider(repositories, 'ldap', idpId, this.name);
    if (idp === null || users === null || users.federated === null) return fail('unknown_identity_provider');
    if (idp === 'policy') return fail('account_policy', null, idpId);
    if (typeof accountId === 'string' && accountId !== idp.accountId)
      return fail('unknown_identity_provider', null, idp.id);

    const host = hosts.get(idp.id);
    // passport-ldapauth fills a template, in which this is a pattern: what comes of it can end the process.
    if (host !== undefined && email.includes('$')) return fail('refused_by_strategy', null, idp.id);
    const answer = host && (await host(request, { username: email, email, password }));
    const verdict =
      answer === undefined
        ? await client.verify(idp, email, password)
        : 'reason' in answer
          ? answer
          : verdictOfHost(answer.said);
    if ('reason' in verdict) return fail(verdict.reason, null, idp.id);
    const claim = { ...verdict, once: [] };
    const { provision: _, ...known } = users.federated;
    const federated = typeof accountId === 'string' ? users.federated : known;
    return federatedOutcome(idp, claim, await admit({ ...users, federated }, idp, claim, claimOnce));
  }
}

/** `ldap-basic-auth` as a method of the API. */
export const ldapBasicAuth: Method = {
  name: 'ldap-basic-auth',
  bodyLimit: 16_384,
  isPossible: ({ repositories: { users, identityProviders } }) =>
    users !== null && users.federated !== null && identityProviders !== null,
  guess: (request) => ({ email: parseBody(ldapRequest, request.body).email }),
  fields: (request) => parseBody(ldapRequest, request.body),
  providers: {
    kind: 'ldap',
    identify: profileOfPassport,
    offer: async (_dependencies, idp) => ({
      ...{ method: 'ldap-password', name: idp.name, icon_url: idp.iconUrl, idp_id: idpIdOf(idp) },
    }),
  },
  strategy: ({ repositories, ldap, claimOnce }, hosts) =>
    new LdapStrategy({ repositories, client: ldap, claimOnce, hosts }),
};
