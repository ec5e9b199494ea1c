import type { GuessLimits } from '../defence/guesses.js';
import type { SecondFactor } from '../second-factor/index.js';
import type { SessionCookie } from '../sessions/cookie.js';
import type { Sessions } from '../sessions/sessions.js';
import { parseBody } from '../wire/schemas.js';
import { assertion } from '../wire/webauthn.js';
import { addressOf } from './address.js';
import { type AdmittedWork, guessAt, userOf } from './admitted.js';

/** What completing a second factor is made from. */
export interface Fido2Dependencies {
  complete: SecondFactor['complete'];
  limits: GuessLimits;
  sessions: Sessions;
  cookie: SessionCookie;
}

/** `POST session/auth/2fa/fido2`: a pending session becomes active by an assertion. A Cookie is rotated. */
export function sessionAuthFido2({ complete, limits, sessions, cookie }: Fido2Dependencies): AdmittedWork {
  return async (request, response, session, body) => {
    const answer = parseBody(assertion, body);
    const { token, ...completed } = await complete(session, answer, addressOf(request));
    const { record } = completed;
    // The sign-in is complete only now, and with it what was guessed wrong before is settled.
    await limits.settle(guessAt(userOf(session)));
    // Nobody is there to take the new cookie any more, so it shall open nothing.
    if (token !== undefined && request.socket.destroyed) return sessions.end(completed, 'undelivered');
    if (token !== undefined) cookie.set(request, response, token, sessions.secondsUntil(record.absoluteAt));
    response.status(204).end();
  };
}
