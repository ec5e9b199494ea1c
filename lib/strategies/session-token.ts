import type { Request } from 'express';
import { AuthError } from '../errors.js';
import type { AuthSession } from '../sessions/auth-session.js';
import type { Principal } from '../sessions/record.js';
import { fail, type Outcome, Strategy } from './strategy.js';

/** What {@link SessionTokenStrategy} asks: a control, or anything that decides like one. */
export interface SessionAuthenticator {
  authenticate(request: Request): Promise<{ principal: Principal; session: AuthSession }>;
}

/**
 * A session of a control as a Passport strategy, for hosts whose routes are guarded by `passport.authenticate`. It
 * decides exactly as `requireSession()` does: `req.user` is the principal, `req.authInfo` the session. Use it with
 * `session: false`.
 *
 * @example
 * passport.use(new SessionTokenStrategy(control));
 * app.get('/me', passport.authenticate('session-token', { session: false }), handler);
 */
export class SessionTokenStrategy extends Strategy<AuthSession> {
  override readonly name = 'session-token';

  constructor(private readonly control: SessionAuthenticator) {
    super();
  }

  override async attempt(request: Request): Promise<Outcome<AuthSession>> {
    try {
      const { principal, session } = await this.control.authenticate(request);
      return { kind: 'success', principal, info: session };
    } catch (error) {
      if (error instanceof AuthError && error.status < 500) return fail('no_session');
      throw error;
    }
  }
}
