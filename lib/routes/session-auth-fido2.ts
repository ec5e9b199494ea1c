import type { Fido2Completion } from '../second-factor/completion.js';
import type { SessionCookie } from '../sessions/cookie.js';
import type { Sessions } from '../sessions/sessions.js';
import type { BodyReader } from '../wire/body.js';
import { parseBody } from '../wire/schemas.js';
import { assertion } from '../wire/webauthn.js';
import { addressOf } from './address.js';
import type { AdmittedWork } from './admitted.js';

/** What completing a second factor is made from. */
export interface Fido2Dependencies {
  complete: Fido2Completion;
  readBody: BodyReader;
  sessions: Sessions;
  cookie: SessionCookie;
}

/** `POST session/auth/2fa/fido2`: a pending session becomes active by an assertion. A Cookie is rotated. */
export function sessionAuthFido2({ complete, readBody, sessions, cookie }: Fido2Dependencies): AdmittedWork {
  return async (request, response, session) => {
    const answer = parseBody(assertion, await readBody(request, response));
    const { token, record } = await complete(session, answer, addressOf(request));
    if (token !== undefined) cookie.set(request, response, token, sessions.secondsUntil(record.absoluteAt));
    response.status(204).end();
  };
}
