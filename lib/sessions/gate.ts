import type { Request } from 'express';
import { type Awaitable, whenThere } from '../awaitable.js';
import type { EndCause } from '../defence/audit.js';
import { AuthError } from '../errors.js';
import { authorizationHeader, readBearerHeader } from '../wire/authorization.js';
import type { TokenType } from '../wire/schemas.js';
import type { SessionCookie } from './cookie.js';
import type { Principals } from './principals.js';
import type { Principal, SessionState } from './record.js';
import type { SameOriginCheck } from './same-origin.js';
import type { StoredSession } from './session-types.js';
import type { Sessions } from './sessions.js';
import type { SessionTokens } from './token.js';

/** What a route asks of a session. */
export interface Requirement {
  /** The states that it serves. */
  states: readonly SessionState[];
  /** The kind of principal that it serves. @default both */
  principal?: 'user' | 'app';
}

/** A session that was let through, and its principal as the repositories know it now. */
export interface Admission extends StoredSession {
  principal: Principal;
}

/** Decides about requests; see {@link sessionGate}. */
export interface Gate {
  /** Whether a request has a session that is good for a route. */
  admit(request: Request, requirement: Requirement): Awaitable<Admission>;
  /** The session of a request that ends it, in whatever state: nobody has to be asked whose it is, so nobody can be down. */
  leave(request: Request): Promise<StoredSession>;
}

/** What the gate is made from. */
export interface GateDependencies {
  tokens: SessionTokens;
  sessions: Sessions;
  principals: Principals;
  cookie: SessionCookie;
  sameOrigin: SameOriginCheck;
}

/**
 * Makes the gate: the one place that decides whether a request has a session that is good for a route, for our own
 * routes and through `requireSession()` for the host's. The token is recognised, the row loaded, the principal
 * read again; then the state decides, and every doubt is a no. Both throw AuthError `session_required`,
 * `invalid_session`, `second_factor_required`, `enrolment_required`, `wrong_session_state`, `wrong_principal`,
 * `cross_site_request` or `unavailable`.
 */
export function sessionGate({ tokens, sessions, principals, cookie, sameOrigin }: GateDependencies): Gate {
  const presented = (request: Request): Awaitable<StoredSession> => {
    const { carrier, token } = presentedToken(request, cookie);
    if (carrier === 'Cookie') sameOrigin(request);

    const key = tokens.open(carrier, token);
    if (key === null) throw new AuthError('invalid_session');
    return whenThere(sessions.load(key), (record) => {
      if (record === null || record.carrier !== carrier) throw new AuthError('invalid_session');
      return { key, record };
    });
  };

  /** A session whose principal is gone ends; it may do so later where it cannot now. */
  const refuse = async (session: StoredSession, gone: EndCause): Promise<never> => {
    await sessions.end(session, gone).catch(() => {});
    throw new AuthError('invalid_session');
  };
  const letThrough = (
    { key, record }: StoredSession,
    principal: Principal,
    { states, principal: wanted }: Requirement,
  ): Awaitable<Admission> => {
    if (!states.includes(record.state)) throw new AuthError(refusals[record.state]);
    if (wanted !== undefined && record.principalType !== wanted) throw new AuthError('wrong_principal');
    return whenThere(sessions.touch({ key, record }), (touched) => {
      if (touched === null) throw new AuthError('invalid_session');
      return { key, record: touched, principal };
    });
  };

  return {
    admit: (request, requirement) =>
      whenThere(presented(request), (session) =>
        whenThere(principals(session.record), (verdict) =>
          'gone' in verdict
            ? refuse(session, verdict.gone)
            : letThrough(session, verdict.principal, requirement),
        ),
      ),
    leave: async (request) => presented(request),
  };
}

/** What a session in this state is told where the state is not served. */
const refusals = {
  pending: 'second_factor_required',
  enrolling: 'enrolment_required',
  active: 'wrong_session_state',
} as const satisfies Record<SessionState, string>;

/** The token that decides: that of the Authorization header, whatever cookies came with it; else the cookie's. */
function presentedToken(request: Request, cookie: SessionCookie): { carrier: TokenType; token: string } {
  const header = authorizationHeader(request);
  if (header !== undefined) {
    const token = readBearerHeader(header);
    if (token === undefined) throw new AuthError('invalid_session');
    return { carrier: 'Bearer', token };
  }
  const token = cookie.read(request);
  if (token === undefined) throw new AuthError('session_required');
  return { carrier: 'Cookie', token };
}
