import type { Request } from 'express';
import { verifyApp } from '../defence/app-credential.js';
import { type Audit, auditLog } from '../defence/audit.js';
import { type PasswordHashing, passwordHashing } from '../defence/password-hashing.js';
import { verifyUserPassword } from '../defence/user-password.js';
import { AuthError } from '../errors.js';
import type { AccountRepository, AppRepository, UserRepository } from '../repositories/index.js';
import { authorizationHeader, isBasic, readBasicHeader } from '../wire/authorization.js';
import { canonicalEmail } from '../wire/email.js';
import { isUuid } from '../wire/ids.js';
import type { Method } from './method.js';
import { appProven, fail, type Outcome, Strategy, userProven } from './strategy.js';

/** Settings of {@link BasicStrategy}. */
export interface BasicStrategyOptions {
  /** Users, who sign in as `email:password`. Absent: no user does. */
  users?: Pick<UserRepository, 'findByEmail' | 'savePasswordHash'> | null;
  /** Apps, which sign in as `app id:secret`. Absent: no app does. */
  apps?: Pick<AppRepository, 'findById'> | null;
  /** Absent: every account is enabled. */
  accounts?: AccountRepository | null;
  /** @default two at once, a hundred waiting */
  hashing?: PasswordHashing;
  /** Milliseconds since the epoch. @default Date.now */
  clock?: () => number;
  /** @default tells nobody */
  audit?: Audit;
}

/**
 * The Basic header (RFC 7617): a user name that is a UUID is an app, one with an @ is a user, and everything else
 * is refused. Never are both tried. `base64(app id:secret)` is what this API calls an API key.
 *
 * @example passport.use(new BasicStrategy({ users, apps }))
 */
export class BasicStrategy extends Strategy {
  override readonly name = 'basic';
  private readonly options: Required<BasicStrategyOptions>;

  constructor(options: BasicStrategyOptions) {
    super();
    this.options = {
      users: options.users ?? null,
      apps: options.apps ?? null,
      accounts: options.accounts ?? null,
      hashing: options.hashing ?? passwordHashing({ concurrency: 2, queue: 100 }),
      clock: options.clock ?? Date.now,
      audit: options.audit ?? auditLog(undefined, Date.now),
    };
  }

  override async attempt(request: Request): Promise<Outcome> {
    const header = authorizationHeader(request);
    if (header === undefined || !isBasic(header)) return fail('no_credential');
    const { username, password } = credentials(request);
    const { users, apps } = this.options;

    if (apps !== null && isUuid(username)) {
      const verdict = await verifyApp(this.options, await apps.findById(username), password);
      return 'app' in verdict
        ? appProven(verdict.app, verdict.secretId)
        : fail(verdict.reason, verdict.entityId);
    }
    const email = users === null ? null : canonicalEmail(username);
    if (users !== null && email !== null) {
      const verdict = await verifyUserPassword({ ...this.options, users }, email, password);
      return 'user' in verdict ? userProven(verdict.user) : fail(verdict.reason, verdict.entityId);
    }
    return fail('unknown_principal');
  }
}

/** The Basic header as a method of the API. */
export const basic: Method = {
  name: 'basic',
  bodyLimit: 65_536,
  isPossible: ({ repositories: { users, apps } }) => users !== null || apps !== null,
  guess(request) {
    const { username } = credentials(request);
    if (isUuid(username)) return { app: username };
    const email = canonicalEmail(username);
    return email === null ? null : { email };
  },
  fields: () => ({}),
  strategy: ({ repositories, ...rest }) => new BasicStrategy({ ...repositories, ...rest }),
};

function credentials(request: Request): { username: string; password: string } {
  const header = authorizationHeader(request);
  if (header === undefined) throw new AuthError('credentials_required');
  return readBasicHeader(header);
}
