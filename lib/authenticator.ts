import type { Request } from 'express';
import passport from 'passport';
import { ConfigError } from './errors.js';
import { askHost, type HostStrategyRun, hearingRejections } from './plugged/host.js';
import type { HostVerifier } from './plugged/provider.js';
import { run } from './plugged/run.js';
import { type MethodName, methods } from './strategies/index.js';
import type { Method, StrategyDependencies } from './strategies/method.js';
import { HostStrategy, type Plugged } from './strategies/plugged.js';

/**
 * The control's own Passport, with the strategies of all methods that are wanted and possible, each under the name of its
 * method. A strategy of the host may take `seconds`.
 *
 * @throws ConfigError for what is plugged in and not possible, and when no method is left
 */
export function authenticatorOf(
  wanted: ReadonlyMap<MethodName, Plugged>,
  dependencies: StrategyDependencies,
  seconds: number,
): { authenticator: passport.Authenticator; inUse: ReadonlyMap<string, Method> } {
  const authenticator = new passport.Passport();
  const inUse = new Map<string, Method>();
  const register = (strategy: passport.Strategy, option: string): HostStrategyRun => {
    authenticator.use(option, hearingRejections(strategy));
    const byPassport = (request: Request) => run(authenticator, option, request, seconds);
    return { name: option, run: byPassport, seconds, audit: dependencies.audit };
  };

  for (const [name, plugged] of wanted) {
    const method: Method = methods[name];
    if (!method.isPossible(dependencies)) {
      if (plugged === null) continue;
      throw new ConfigError(
        `methods.${name}`,
        'needs the repository of its principals, and for saml-response a serviceProvider',
      );
    }
    inUse.set(name, method);
    if (plugged !== null && 'strategy' in plugged) {
      const host = register(plugged.strategy, `methods.${name}.strategy`);
      const { guess, fields } = method;
      authenticator.use(name, new HostStrategy(name, plugged, { ...dependencies, guess, fields, host }));
      continue;
    }
    const hosts = new Map<string, HostVerifier>();
    for (const [id, { strategy, identify = method.providers?.identify }] of plugged?.strategies ?? []) {
      const host = register(strategy, `methods.${name}.strategies.${id}`);
      hosts.set(id, (request, body) => askHost(host, request, body, (...said) => identify?.(...said)));
    }
    authenticator.use(name, method.strategy(dependencies, hosts));
  }
  if (inUse.size === 0) {
    throw new ConfigError(
      'methods',
      'leave none that these repositories can serve: users need repositories.users, apps repositories.apps',
    );
  }
  return { authenticator, inUse };
}
