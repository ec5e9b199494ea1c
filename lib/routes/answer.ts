import type { Request, Response } from 'express';
import type { MfaDevice } from '../repositories/index.js';
import { type Challenges, challengeToken } from '../second-factor/challenges.js';
import type { SessionCookie } from '../sessions/cookie.js';
import { type Challenge, endOf } from '../sessions/record.js';
import type { StartedSession } from '../sessions/session-types.js';
import type { Sessions } from '../sessions/sessions.js';
import type { AuthResponse } from '../wire/schemas.js';
import { sendJson } from '../wire/send-json.js';

/** What an answer with a new session needs. */
export interface AnswerDependencies {
  sessions: Sessions;
  cookie: SessionCookie;
  /** Puts a challenge into words; `null` where nobody has devices. */
  challenges: Challenges | null;
}

/**
 * Answers with a new session: the token in the body for a Bearer, in Set-Cookie and nowhere else for a Cookie; and the
 * challenge that it owes an answer to. It is called last, when the stores have confirmed everything.
 */
export function answerWithSession(
  dependencies: AnswerDependencies,
  request: Request,
  response: Response,
  started: StartedSession,
  devices: readonly MfaDevice[] = [],
): void {
  setSessionCookie(dependencies, request, response, started);
  sendJson(response, 200, authResponseOf(dependencies, started, devices));
}

/** Sets the cookie of a session that travels in one. */
export function setSessionCookie(
  { cookie, sessions }: AnswerDependencies,
  request: Request,
  response: Response,
  { token, record }: StartedSession,
): void {
  if (record.carrier !== 'Cookie') return;
  cookie.set(request, response, token, sessions.secondsUntil(record.absoluteAt));
}

/** What is said of a new session: the token of a Bearer, and the challenge of a pending one. */
export function authResponseOf(
  { sessions, challenges }: AnswerDependencies,
  { token, record }: StartedSession,
  devices: readonly MfaDevice[],
): AuthResponse {
  return {
    token_type: record.carrier,
    expires_in: sessions.secondsUntil(endOf(record)),
    entity_id: record.entityId,
    ...(record.carrier === 'Bearer' ? { access_token: token } : {}),
    ...(record.state === 'active' ? { allowed_mfa_methods: [] } : {}),
    ...(challenges === null || record.challenge === null ? {} : owed(challenges, record.challenge, devices)),
  };
}

/** The challenge in each of the places where clients look for it. */
function owed(
  challenges: Challenges,
  challenge: Challenge,
  devices: readonly MfaDevice[],
): Pick<AuthResponse, 'allowed_mfa_methods' | 'fido2_assertion_options' | 'challenge'> {
  const options = challenges.requestOptions(challenge, devices);
  const named = devices.map(({ name, type, origin }) => ({ name, type, origin }));
  const method = { challenge: options, challenge_token: challengeToken(challenge), mfa_devices: named };
  const u2f = challenges.u2fRequest(challenge, devices);
  return {
    fido2_assertion_options: options,
    allowed_mfa_methods: [{ Fido2: method }],
    ...(u2f === null ? {} : { challenge: u2f }),
  };
}
