import type { Request } from 'express';
import { type Audit, auditLog } from '../defence/audit.js';
import { type PasswordHashing, passwordHashing } from '../defence/password-hashing.js';
import { verifyUserPassword } from '../defence/user-password.js';
import type { UserRepository } from '../repositories/index.js';
import { parseBody, passwordRequest } from '../wire/schemas.js';
import type { Method } from './method.js';
import { fail, type Outcome, Strategy, userProven } from './strategy.js';

/** Settings of {@link PasswordStrategy}. */
export interface PasswordStrategyOptions {
  users: Pick<UserRepository, 'findByEmail' | 'savePasswordHash'>;
  /** @default two at once, a hundred waiting */
  hashing?: PasswordHashing;
  /** @default tells nobody */
  audit?: Audit;
}

/**
 * A user by e-mail address and password in the JSON body `{ email, password }`.
 *
 * @example passport.use(new PasswordStrategy({ users }))
 */
export class PasswordStrategy extends Strategy {
  override readonly name = 'password';
  private readonly options: Required<PasswordStrategyOptions>;

  constructor({ users, hashing, audit }: PasswordStrategyOptions) {
    super();
    this.options = {
      users,
      hashing: hashing ?? passwordHashing({ concurrency: 2, queue: 100 }),
      audit: audit ?? auditLog(undefined, Date.now),
    };
  }

  override async attempt(request: Request): Promise<Outcome> {
    const { email, password } = parseBody(passwordRequest, request.body);
    const verdict = await verifyUserPassword(this.options, email, password);
    return 'user' in verdict ? userProven(verdict.user) : fail(verdict.reason, verdict.entityId);
  }
}

/** `password` as a method of the API. */
export const password: Method = {
  name: 'password',
  bodyLimit: 65_536,
  isPossible: ({ repositories: { users } }) => users !== null,
  guess(request) {
    const { email, recaptcha_response: captcha } = parseBody(passwordRequest, request.body);
    return { email, captcha };
  },
  fields: (request) => parseBody(passwordRequest, request.body),
  strategy({ repositories: { users }, hashing, audit }) {
    if (users === null) throw new TypeError('the password method needs users');
    return new PasswordStrategy({ users: users, hashing, audit });
  },
};
