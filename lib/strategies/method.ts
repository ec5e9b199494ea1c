import type { Request } from 'express';
import type { Audit } from '../defence/audit.js';
import type { GuardedRepositories } from '../defence/guarded-repositories.js';
import type { Guess } from '../defence/guesses.js';
import type { PasswordHashing } from '../defence/password-hashing.js';
import type { Strategy } from './strategy.js';

/** What the strategies are made from. `clock` is in milliseconds since the epoch. */
export interface StrategyDependencies {
  repositories: GuardedRepositories;
  hashing: PasswordHashing;
  clock: () => number;
  audit: Audit;
}

/** One authentication method: all that the rest of the package knows of it. */
export interface Method {
  /** Its name on the wire, `basic` for the Basic header. */
  name: string;
  /** The bytes that its body may have. */
  bodyLimit: number;
  /** Whether it works with these repositories. */
  isPossible(repositories: GuardedRepositories): boolean;
  /**
   * What the credential of this request guesses at.
   *
   * @throws AuthError `malformed_request`
   */
  guess(request: Request): Guess;
  /** Its own fields in the body of this request, which is all that a host's strategy in its place gets to see. */
  fields(request: Request): object;
  /** Makes its strategy. */
  strategy(dependencies: StrategyDependencies): Strategy;
}
