import type { Request } from 'express';
import passport from 'passport';
import type { FailureReason } from '../defence/audit.js';
import type { Flows } from '../defence/flow.js';
import type { GuardedRepositories } from '../defence/guarded-repositories.js';
import type { ClaimOnce } from '../defence/once.js';
import { AuthError } from '../errors.js';
import type { Admitted, FederatedClaim } from '../federation/identity.js';
import type { HostVerifier } from '../plugged/provider.js';
import { type Run, run } from '../plugged/run.js';
import type { App, IdentityProvider, User } from '../repositories/index.js';
import type { SessionCookie } from '../sessions/cookie.js';
import type { Principal } from '../sessions/record.js';

/** A first factor that was proven: who it was, and what the session will be bound to. */
export type Proof = {
  /** The id of the secret or the version of the credential; the session ends when it changes. `null`: unbound. */
  credentialId: string | null;
  /** The identity provider that vouched, if one did. */
  identityProvider: {
    id: string;
    accountId: string;
    /** `null`: it asks for none itself, and demands none, as a password does not. */
    secondFactor: 'trust' | 'require' | null;
  } | null;
  /** Gives back what this sign-in has used up, for when no session comes of it. @default nothing was */
  giveBack?: (() => Promise<void>) | undefined;
  /** An end that the session may not outlive, in milliseconds since the epoch. @default none */
  endsAt?: number | undefined;
} & ({ principalType: 'user'; principal: User } | { principalType: 'app'; principal: App });

/**
 * What came of an attempt: the one type that is mapped to Passport's actions here, and to HTTP by the routes.
 * `Info` is what Passport hands on beside the principal.
 */
export type Outcome<Info = Proof> =
  | { kind: 'success'; principal: Principal; info: Info }
  | { kind: 'fail'; reason: FailureReason; entityId: string | null; idpId?: string | null }
  | { kind: 'error'; error: AuthError };

/**
 * The refusal of a credential; what the client sees of it is always the same. Principal and identity provider are those that were
 * found, whoever has presented what.
 */
export function fail(
  reason: FailureReason,
  entityId: string | null = null,
  idpId: string | null = null,
): Outcome<never> {
  return { kind: 'fail', reason, entityId, idpId };
}

/** The success of a user whose credential is good now. */
export function userProven(principal: User): Outcome {
  const credentialId = String(principal.credentialVersion);
  const info: Proof = {
    principalType: 'user',
    principal,
    credentialId,
    identityProvider: null,
  };
  return { kind: 'success', principal, info };
}

/** What a strategy is made from that believes an identity provider, which `client` or one of the `hosts` speaks to. */
export interface FederatedStrategyOptions<Client> {
  repositories: Pick<GuardedRepositories, 'users' | 'accounts' | 'identityProviders'>;
  client: Client;
  flows: Flows;
  claimOnce: ClaimOnce;
  flowCookie: Pick<SessionCookie, 'read'>;
  /** Strategies of the host, by the id of the identity provider that they stand for. */
  hosts: ReadonlyMap<string, HostVerifier>;
}

/** What came of looking up the user of a claim of this identity provider. */
export function federatedOutcome(
  { id, accountId, kind, secondFactor }: IdentityProvider,
  { subject, endsAt }: FederatedClaim,
  admitted: Admitted,
): Outcome {
  if ('reason' in admitted) return fail(admitted.reason, admitted.entityId, id);
  const { user, giveBack } = admitted;
  const info: Proof = {
    principalType: 'user',
    principal: user,
    // The session is bound to the link: it ends when that does.
    credentialId: subject,
    identityProvider: {
      ...{ id, accountId },
      // A directory has seen a password, and there is no second factor in that which could be trusted.
      secondFactor: kind === 'ldap' && secondFactor === 'trust' ? null : secondFactor,
    },
    giveBack,
    endsAt,
  };
  return { kind: 'success', principal: user, info };
}

/** The success of an app by the secret with this id; `null` when it was proven in another way. */
export function appProven(
  principal: App,
  credentialId: string | null,
  giveBack?: Proof['giveBack'],
): Outcome {
  const info: Proof = {
    principalType: 'app',
    principal,
    credentialId,
    identityProvider: null,
    giveBack,
  };
  return { kind: 'success', principal, info };
}

/**
 * A Passport strategy that has one method to write: {@link attempt}. It answers with an outcome or throws an
 * AuthError, and is mapped to Passport's `success`, `fail` and `error` here and nowhere else. A strategy keeps
 * nothing of a request: Passport runs overlapping requests on copies that share it as their prototype.
 *
 * Under a host's own `passport.use()` a success has the principal as `req.user` and the {@link Proof} as
 * `req.authInfo`; a request that is malformed is an error with the status 400.
 */
export abstract class Strategy<Info = Proof> extends passport.Strategy {
  /** The name that Passport knows the strategy by: the method's name on the wire. */
  abstract override readonly name: string;

  /** Tries the credential that the request carries. Whatever it throws beside an AuthError is unforeseen. */
  abstract attempt(request: Request): Promise<Outcome<Info>>;

  override authenticate(
    this: passport.StrategyCreated<this, this & passport.StrategyCreatedStatic>,
    request: Request,
  ) {
    this.attempt(request)
      .then((outcome) => {
        if (outcome.kind === 'success') this.success(outcome.principal, outcome.info as object);
        else if (outcome.kind === 'fail')
          this.fail({ message: 'The credentials are not valid.', ...outcome }, 401);
        else this.error(outcome.error);
      })
      // An error that is nothing would tell Passport that there was none, and let the request through.
      .catch((error: unknown) => this.error(error || new TypeError('the strategy failed')));
  }
}

/** The outcome of one of our own strategies, run by the name that it is registered under. */
export async function runOwn(
  authenticator: passport.Authenticator,
  name: string,
  request: Request,
  seconds: number,
): Promise<Outcome> {
  // Nobody takes a success that comes too late, so what it has used up is good again.
  const late = (ended: Run) => {
    if (ended.kind === 'success') void (ended.info as Proof).giveBack?.().catch(() => {});
  };
  const ended = await run(authenticator, name, request, seconds, late);
  if (ended.kind === 'error') {
    if (ended.error instanceof AuthError) return { kind: 'error', error: ended.error };
    throw ended.error;
  }
  // What our own strategies hand to Passport comes back as it was: the proof of a success, the outcome of a refusal.
  if (ended.kind === 'success')
    return {
      kind: 'success',
      principal: ended.user as Principal,
      info: ended.info as Proof,
    };
  return ended.info as Outcome;
}
