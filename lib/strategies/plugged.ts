import type { Request } from 'express';
import type passport from 'passport';
import { AuthError } from '../errors.js';
import type { App, User } from '../repositories/index.js';
import { appProven, fail, type Outcome, type Run, Strategy, userProven } from './strategy.js';

/** Whom a plugged-in strategy has proven. */
export interface PluggedIdentity {
  type: 'user' | 'app';
  id: string;
}

/** A host's own Passport strategy in the place of one of ours. */
export interface PluggedStrategy {
  /** Any Passport strategy. It is run by Passport, with the parsed body in `req.body`. */
  strategy: passport.Strategy;
  /**
   * Says whom the strategy's `user` and `info` stand for; `null` refuses. What it names is read again from the
   * repositories, which decide.
   * @default the strategy's `user.id`, of the kind of principal that the credential is for
   */
  identify?: (user: unknown, info: unknown) => PluggedIdentity | null | Promise<PluggedIdentity | null>;
}

/** What {@link HostStrategy} needs beside the strategy that it wraps. */
export interface HostStrategyDependencies {
  users: { findById(id: string): Promise<User | null> } | null;
  apps: { findById(id: string): Promise<App | null> } | null;
  /** The kind of principal that the credential of a request is for. */
  principalOf: (request: Request) => 'user' | 'app';
  /** Has Passport run the host's strategy. */
  run: (request: Request) => Promise<Run>;
}

/**
 * Runs a host's own Passport strategy as one of our methods. Its `success` is believed as far as the repositories
 * know the principal; its `fail` and its `error` are refusals, for many strategies report a bad credential as an
 * error, unless the error says that a peer could not be reached.
 */
export class HostStrategy extends Strategy {
  constructor(
    override readonly name: string,
    private readonly plugged: PluggedStrategy,
    private readonly dependencies: HostStrategyDependencies,
  ) {
    super();
  }

  override async attempt(request: Request): Promise<Outcome> {
    const { users, apps, principalOf, run } = this.dependencies;
    const ended = await run(request);
    if (ended.kind === 'fail') return fail('refused_by_strategy');
    if (ended.kind === 'error') {
      if (isUnreachable(ended.error)) throw new AuthError('unavailable');
      return fail('error_in_strategy');
    }

    const identity = this.plugged.identify
      ? await this.plugged.identify(ended.user, ended.info)
      : identityOf(ended.user, principalOf(request));
    if (identity === null) return fail('refused_by_strategy');

    const principal = await (identity.type === 'user' ? users : apps)?.findById(identity.id);
    if (!principal) return fail('unknown_principal');
    if (!principal.enabled) return fail('disabled', principal.id);
    return 'secrets' in principal ? appProven(principal, null) : userProven(principal);
  }
}

function identityOf(user: unknown, type: 'user' | 'app'): PluggedIdentity | null {
  const id = typeof user === 'object' && user !== null && 'id' in user ? user.id : null;
  return typeof id === 'string' ? { type, id } : null;
}

const unreachable =
  /^(?:ECONNREFUSED|ECONNRESET|ECONNABORTED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|UND_ERR_.*)$/;

/** Whether an error, or what caused it, is of the network and not of the credential. */
function isUnreachable(error: unknown, depth = 0): boolean {
  if (typeof error !== 'object' || error === null || depth > 4) return false;
  if ('code' in error && typeof error.code === 'string' && unreachable.test(error.code)) return true;
  const causes = [
    'cause' in error ? error.cause : undefined,
    ...('errors' in error && Array.isArray(error.errors) ? error.errors : []),
  ];
  return causes.some((cause) => isUnreachable(cause, depth + 1));
}
