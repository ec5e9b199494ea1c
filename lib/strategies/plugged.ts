import type { Request } from 'express';
import type passport from 'passport';
import { closedApp } from '../defence/app-credential.js';
import type { GuardedRepositories } from '../defence/guarded-repositories.js';
import type { Guess } from '../defence/guesses.js';
import { askHost, type HostStrategyRun } from '../plugged/host.js';
import type { PluggedProvider } from '../plugged/provider.js';
import { canonicalEmail } from '../wire/email.js';
import { isUuid } from '../wire/ids.js';
import { appProven, fail, type Outcome, Strategy, userProven } from './strategy.js';

/** Whom a plugged-in strategy has proven. */
export interface PluggedIdentity {
  type: 'user' | 'app';
  id: string;
}

/** A host's own Passport strategy in the place of one of ours. */
export interface PluggedStrategy {
  /** Any Passport strategy. It is run by Passport, with the method's own fields in `req.body` and no query. */
  strategy: passport.Strategy;
  /**
   * Says whom the strategy's `user` and `info` stand for; `null` and throwing refuse. What it names is read again from
   * the repositories, and must be the one that the credential was for.
   * @default the strategy's `user.id`
   */
  identify?: (user: unknown, info: unknown) => PluggedIdentity | null | Promise<PluggedIdentity | null>;
}

/** What the host has plugged in as a method: nothing, one strategy, or one for each of some identity providers. */
export type Plugged = null | PluggedStrategy | { strategies: ReadonlyMap<string, PluggedProvider<unknown>> };

/** What {@link HostStrategy} needs beside the strategy that it wraps. */
export interface HostStrategyDependencies {
  repositories: Pick<GuardedRepositories, 'users' | 'apps' | 'accounts'>;
  /** What the credential of a request guesses at; see `Method.guess`. */
  guess: (request: Request) => Guess;
  /** The fields of the method's body, and no others. */
  fields: (request: Request) => object;
  host: HostStrategyRun;
}

/**
 * Runs a host's own Passport strategy as one of our methods. It sees the fields that the method has and no query, so
 * what it verifies is what the lock has counted. Its `success` is believed as far as the repositories know the
 * principal, and only for the one who was guessed at; see {@link askHost} for how else it may end.
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
    const { guess, fields, host } = this.dependencies;
    const target = guess(request);
    if (target === null) return fail('unknown_principal');

    const type = 'app' in target ? 'app' : 'user';
    const identify = (user: unknown, info: unknown) => this.identify(user, info, type);
    const answer = await askHost(host, request, fields(request), identify);
    if ('reason' in answer) return fail(answer.reason);
    return this.accept(target, type, String(answer.said));
  }

  /** The id that the strategy's answer stands for, if it is of the right kind. */
  private async identify(user: unknown, info: unknown, type: 'user' | 'app'): Promise<string | null> {
    if (this.plugged.identify === undefined) return idOf(user);
    const identity: unknown = await this.plugged.identify(user, info);
    const right =
      typeof identity === 'object' && identity !== null && 'type' in identity && identity.type === type;
    return right ? idOf(identity) : null;
  }

  private async accept(target: Exclude<Guess, null>, type: 'user' | 'app', id: string): Promise<Outcome> {
    const { users, apps, accounts } = this.dependencies.repositories;
    if (type === 'user') {
      const user = (await users?.findById(id)) ?? null;
      if (user === null) return fail('unknown_principal');
      if (!user.enabled) return fail('disabled', user.id);
      const guessed = 'email' in target && canonicalEmail(user.email) === target.email;
      return guessed ? userProven(user) : fail('refused_by_strategy', user.id);
    }
    const app = (await apps?.findById(id)) ?? null;
    if (app === null) return fail('unknown_principal');
    const closed = await closedApp(accounts, app);
    if (closed !== null) return fail(closed, app.id);
    const guessed =
      'app' in target && (target.app === app.id || target.app === `${app.accountId}/${app.name}`);
    return guessed ? appProven(app, null) : fail('refused_by_strategy', app.id);
  }
}

function idOf(value: unknown): string | null {
  const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : null;
  return isUuid(id) ? id : null;
}
