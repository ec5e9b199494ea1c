import type { Request } from 'express';
import { verifyApp } from '../defence/app-credential.js';
import type { AccountRepository, AppRepository } from '../repositories/index.js';
import { appNameRequest, parseBody } from '../wire/schemas.js';
import type { Method } from './method.js';
import { appProven, fail, type Outcome, Strategy } from './strategy.js';

/** Settings of {@link AppNameStrategy}. */
export interface AppNameStrategyOptions {
  apps: Pick<AppRepository, 'findByName'>;
  /** Absent: every account is enabled. */
  accounts?: AccountRepository | null;
  /** Milliseconds since the epoch. @default Date.now */
  clock?: () => number;
}

/**
 * An app by its account, its name and its secret, in the JSON body `{ acct_id, name, password }`.
 *
 * @example passport.use(new AppNameStrategy({ apps }))
 */
export class AppNameStrategy extends Strategy {
  override readonly name = 'auth-by-app-name';
  private readonly options: Required<AppNameStrategyOptions>;

  constructor({ apps, accounts, clock }: AppNameStrategyOptions) {
    super();
    this.options = {
      apps,
      accounts: accounts ?? null,
      clock: clock ?? Date.now,
    };
  }

  override async attempt(request: Request): Promise<Outcome> {
    const { acct_id: accountId, name, password } = parseBody(appNameRequest, request.body);
    // No table has a name with a NUL in it, and some databases reject the question.
    const app = name.includes('\0') ? null : await this.options.apps.findByName(accountId, name);
    const verdict = await verifyApp(this.options, app, password);
    return 'app' in verdict
      ? appProven(verdict.app, verdict.secretId)
      : fail(verdict.reason, verdict.entityId);
  }
}

/** `auth-by-app-name` as a method of the API. */
export const authByAppName: Method = {
  name: 'auth-by-app-name',
  bodyLimit: 131_072,
  isPossible: ({ repositories: { apps } }) => apps !== null,
  guess(request) {
    const { acct_id, name } = parseBody(appNameRequest, request.body);
    return { app: `${acct_id}/${name}` };
  },
  fields: (request) => parseBody(appNameRequest, request.body),
  strategy({ repositories: { apps, accounts }, clock }) {
    if (apps === null) throw new TypeError('auth-by-app-name needs apps');
    return new AppNameStrategy({ apps, accounts, clock });
  },
};
