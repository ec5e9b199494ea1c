import type { Request, RequestHandler } from 'express';
import { type Awaitable, whenThere } from '../awaitable.js';
import { verifyApp } from '../defence/app-credential.js';
import type { Audit } from '../defence/audit.js';
import type { GuardedRepositories } from '../defence/guarded-repositories.js';
import type { GuessLimits } from '../defence/guesses.js';
import { AuthError } from '../errors.js';
import type { App } from '../repositories/index.js';
import { type AuthSession, authSessionOf } from '../sessions/auth-session.js';
import type { Admission, Gate, Requirement } from '../sessions/gate.js';
import { isFresh, type Principal } from '../sessions/record.js';
import { authorizationHeader, isBasic, readBasicHeader } from '../wire/authorization.js';
import { isUuid } from '../wire/ids.js';
import { clientOf } from './client.js';
import { fail } from './handler.js';

/** The account that a request is about; anything but the id of one account is refused. */
export type AccountOfRequest = string | readonly string[] | null | undefined;

/** What a route of the host asks for. */
export interface SessionRequirement {
  /** The kind of principal that the route serves. @default both */
  principal?: 'user' | 'app' | undefined;
  /**
   * The account that the session must act in: `'selected'` for any, or the one that the request is about. Anything
   * but the id of that account, a list among them, is refused.
   * @default none is asked for
   */
  account?: 'selected' | ((request: Request) => AccountOfRequest | Promise<AccountOfRequest>) | undefined;
  /**
   * How many seconds ago the principal must have signed in at most. An API key is as fresh as its request.
   * @default any time
   */
  freshWithin?: number | undefined;
  /**
   * Whether an app may send its id and secret in a Basic header with each request, without a session.
   * @default false
   */
  allowApiKey?: boolean | undefined;
}

/** Who a request was let through as. */
export interface Authenticated {
  principal: Principal;
  session: AuthSession;
}

/** Decides about a request of the host; it fails with the AuthError that the request is to be answered with. */
export type Authenticate = (request: Request, requirement?: SessionRequirement) => Promise<Authenticated>;

/** The same, there at once where nobody has to be waited for: then it throws. */
export type Decide = (request: Request, requirement?: SessionRequirement) => Awaitable<Authenticated>;

/** What guarding the host's routes is made from. `clock` is in milliseconds since the epoch. */
export interface AuthenticateDependencies {
  gate: Gate;
  repositories: GuardedRepositories;
  limits: GuessLimits;
  clock: () => number;
  audit: Audit;
}

/** Makes the decision about requests of the host: the gate, with active sessions only, or an API key. */
export function authenticate(dependencies: AuthenticateDependencies): Decide {
  const { gate, clock } = dependencies;
  const authenticated = (request: Request, allowApiKey: boolean): Awaitable<Authenticated> => {
    const header = allowApiKey ? authorizationHeader(request) : undefined;
    return header !== undefined && isBasic(header)
      ? apiKey(dependencies, request, header)
      : whenThere(gate.admit(request, hosts), sessionOf);
  };
  const inAccount = async (
    request: Request,
    { session: { accountId } }: Authenticated,
    account: NonNullable<SessionRequirement['account']>,
  ) => {
    const asked = account === 'selected' ? accountId : await account(request);
    if (accountId === null || asked !== accountId) throw new AuthError('account_required');
  };
  return (request, { principal, account, freshWithin, allowApiKey = false } = {}) =>
    whenThere(authenticated(request, allowApiKey), (found) => {
      if (principal !== undefined && found.session.principalType !== principal)
        throw new AuthError('wrong_principal');
      if (freshWithin !== undefined && !isFresh(found.session, freshWithin, clock()))
        throw new AuthError('fresh_sign_in_required', { maxAge: freshWithin });
      return account === undefined ? found : inAccount(request, found, account).then(() => found);
    });
}

/** Makes middleware that lets through only what {@link Decide} does, and says as whom. */
export function requireSession(decide: Decide, requirement: SessionRequirement): RequestHandler {
  return async function requireSession(request, response, next) {
    try {
      const { principal, session } = await decide(request, requirement);
      request.user = principal;
      request.authSession = session;
    } catch (error) {
      fail('requireSession()', error, request, response, next);
      return;
    }
    next();
  };
}

/** What the routes of the host serve. */
const hosts: Requirement = { states: ['active'] };

function sessionOf({ key, record, principal }: Admission): Authenticated {
  return { principal, session: authSessionOf(key, record) };
}

/**
 * An app that proves itself with each request: nothing is hashed slowly and nothing is stored. Only a refusal takes a
 * place within the limits, so good requests never wait for one another.
 */
async function apiKey(
  { repositories, limits, clock, audit }: AuthenticateDependencies,
  request: Request,
  header: string,
): Promise<Authenticated> {
  const { apps, accounts } = repositories;
  const { username: appId, password: secret } = readBasicHeader(header);
  if (apps === null || !isUuid(appId)) throw new AuthError('invalid_credentials');

  const client = clientOf(request);
  await limits.check(client, appId);
  const verdict = await verifyApp({ accounts, clock }, await apps.findById(appId), secret);
  if ('app' in verdict) {
    return { principal: verdict.app, session: apiKeySession(verdict.app, clock()) };
  }
  audit({ type: 'rejected_api_key', reason: verdict.reason, ...client, entityId: verdict.entityId });
  return limits.refuse({ app: appId }, client);
}

function apiKeySession({ id, accountId }: App, now: number): AuthSession {
  return {
    id: null,
    principalType: 'app',
    entityId: id,
    method: 'basic',
    state: 'active',
    accountId,
    idpId: null,
    secondFactor: false,
    createdAt: now,
    expiresAt: null,
  };
}
