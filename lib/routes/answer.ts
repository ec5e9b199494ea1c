import type { Request, Response } from 'express';
import type { SessionCookie } from '../sessions/cookie.js';
import { endOf } from '../sessions/record.js';
import type { StartedSession } from '../sessions/session-types.js';
import type { Sessions } from '../sessions/sessions.js';
import type { AuthResponse } from '../wire/schemas.js';

/** What an answer with a new session needs. */
export interface AnswerDependencies {
  sessions: Sessions;
  cookie: SessionCookie;
}

/**
 * Answers with a new session: the token in the body for a Bearer, in Set-Cookie and nowhere else for a Cookie.
 * It is called last, when the stores have confirmed everything.
 */
export function answerWithSession(
  { sessions, cookie }: AnswerDependencies,
  request: Request,
  response: Response,
  { token, record }: StartedSession,
): void {
  const body: AuthResponse = {
    token_type: record.carrier,
    expires_in: sessions.secondsUntil(endOf(record)),
    entity_id: record.entityId,
    ...(record.carrier === 'Bearer' ? { access_token: token } : {}),
    ...(record.state === 'active' ? { allowed_mfa_methods: [] } : {}),
  };
  if (record.carrier === 'Cookie') {
    cookie.set(request, response, token, sessions.secondsUntil(record.absoluteAt));
  }
  response.status(200).json(body);
}
