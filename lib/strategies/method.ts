import type { Request } from 'express';
import type { Audit } from '../defence/audit.js';
import type { Flow, Flows } from '../defence/flow.js';
import type { GuardedRepositories } from '../defence/guarded-repositories.js';
import type { Guess } from '../defence/guesses.js';
import type { ClaimOnce } from '../defence/once.js';
import type { PasswordHashing } from '../defence/password-hashing.js';
import type { LdapClient } from '../federation/ldap-client.js';
import type { OauthClient } from '../federation/oauth-client.js';
import type { SamlClient } from '../federation/saml-client.js';
import type { AwsSettings, StsClient } from '../federation/sts-client.js';
import type { HostVerifier } from '../plugged/provider.js';
import type { IdentityProvider } from '../repositories/index.js';
import type { SessionCookie } from '../sessions/cookie.js';
import type { AuthMethod } from '../wire/schemas.js';
import type { Strategy } from './strategy.js';

/** What the strategies are made from. `clock` is in milliseconds since the epoch. */
export interface StrategyDependencies {
  repositories: GuardedRepositories;
  hashing: PasswordHashing;
  clock: () => number;
  audit: Audit;
  oauth: OauthClient;
  ldap: LdapClient;
  sts: StsClient;
  /** `null` without `aws` in the options. */
  aws: AwsSettings | null;
  /** `null` without a service provider in the options. */
  saml: SamlClient | null;
  flows: Flows;
  claimOnce: ClaimOnce;
  flowCookie: Pick<SessionCookie, 'read'>;
}

/** One authentication method: all that the rest of the package knows of it. */
export interface Method {
  /** Its name on the wire, `basic` for the Basic header. */
  name: string;
  /** The bytes that its body may have. */
  bodyLimit: number;
  /** Whether it works with what the host has configured. */
  isPossible(dependencies: StrategyDependencies): boolean;
  /**
   * What the credential of this request guesses at.
   *
   * @throws AuthError `malformed_request`
   */
  guess(request: Request): Guess;
  /** `false` where no strategy of a host can stand in its place. @default true */
  pluggable?: false;
  /** Its own fields in the body of this request, which is all that a host's strategy in its place gets to see. */
  fields(request: Request): object;
  /** For a method that goes by identity providers. */
  providers?: {
    /** Of this kind are they. */
    kind: IdentityProvider['kind'];
    /** How discovery offers one: what a browser needs to begin; `null` where it cannot be offered. */
    offer(dependencies: StrategyDependencies, idp: IdentityProvider, flow: Flow): Promise<AuthMethod | null>;
    /** What a strategy of the host has proven, where the host's `identify` does not say. */
    identify(user: unknown, info: unknown): unknown;
  };
  /** Makes its strategy. `hosts` are the host's own, by the id of the identity provider that they stand for. */
  strategy(dependencies: StrategyDependencies, hosts: ReadonlyMap<string, HostVerifier>): Strategy;
}
