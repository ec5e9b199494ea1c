import type { Flow, Flows } from '../defence/flow.js';
import type { GuardedRepositories } from '../defence/guarded-repositories.js';
import type { GuessLimits } from '../defence/guesses.js';
import { AuthError } from '../errors.js';
import { admits } from '../federation/identity.js';
import type { Account, IdentityProvider } from '../repositories/index.js';
import type { SessionCookie } from '../sessions/cookie.js';
import type { Method, StrategyDependencies } from '../strategies/method.js';
import type { BodyReader } from '../wire/body.js';
import { type AuthMethod, discoverQuery, discoverRequest, parseBody } from '../wire/schemas.js';
import { sendJson } from '../wire/send-json.js';
import { clientOf } from './client.js';
import type { Work } from './handler.js';

/** What discovery is made from. */
export interface DiscoverDependencies {
  /** The methods that are in use. */
  methods: ReadonlyMap<string, Method>;
  /** What the offers of the methods are made from. */
  offering: StrategyDependencies;
  repositories: GuardedRepositories;
  flows: Flows;
  flowCookie: SessionCookie;
  limits: GuessLimits;
  readBody: BodyReader;
}

/**
 * `POST session/auth/discover`: how a user with this address, or a user of this account, may sign in. It looks up
 * identity providers and nobody: whether there is such a user shows nowhere. What it begins at a provider is bound to
 * this browser by a cookie, and nothing of it is stored.
 */
export function sessionDiscover({
  methods,
  offering,
  repositories,
  flows,
  flowCookie,
  limits,
  readBody,
}: DiscoverDependencies): Work {
  const { identityProviders, accounts } = repositories;

  return async (request, response) => {
    const client = clientOf(request);
    await limits.check(client);
    await limits.discover(client);
    const { acct_id: accountId } = parseBody(discoverQuery, request.query);
    const { user_email: email = null } = parseBody(
      discoverRequest,
      (await readBody(request, response)) ?? {},
    );

    const found = await providers(email, accountId);
    const { flow, cookie } = flows.begin(flows.read(flowCookie.read(request)));
    const offers = await Promise.all(found.filter(({ enabled }) => enabled).map((idp) => offer(idp, flow)));
    const federated = offers.filter((each) => each !== null);
    const account = accountId === undefined ? undefined : await accountOf(accountId);
    // An account that does not exist looks like one without a policy.
    const hasPassword = methods.has('password') && admits(account ?? undefined, 'password', null);
    const local: AuthMethod[] = hasPassword ? [{ method: 'password' }] : [];
    if (federated.length > 0) flowCookie.set(request, response, cookie, flows.lifetime);
    sendJson(response, 200, [...local, ...federated] satisfies AuthMethod[]);
  };

  async function providers(email: string | null, accountId?: string): Promise<readonly IdentityProvider[]> {
    if (identityProviders === null) return [];
    if (email === null) return accountId === undefined ? [] : identityProviders.listForAccount(accountId);
    const all = await identityProviders.listForEmail(email);
    return accountId === undefined ? all : all.filter((idp) => idp.accountId === accountId);
  }

  /** The account as far as it is known: without a repository every account is open and has no policy. */
  async function accountOf(id: string): Promise<Account | null | undefined> {
    return accounts === null ? undefined : accounts.findById(id);
  }

  /** A provider whose account does not want it, or that cannot be reached now, is left out, so that the others stay. */
  async function offer(idp: IdentityProvider, flow: Flow): Promise<AuthMethod | null> {
    const method = [...methods.values()].find(({ providers }) => providers?.kind === idp.kind);
    const account = await accountOf(idp.accountId);
    if (method === undefined || account === null || account?.enabled === false) return null;
    if (!admits(account, method.name, idp.id)) return null;
    try {
      return (await method.providers?.offer(offering, idp, flow)) ?? null;
    } catch (error) {
      if (error instanceof AuthError && error.status >= 502) return null;
      throw error;
    }
  }
}
