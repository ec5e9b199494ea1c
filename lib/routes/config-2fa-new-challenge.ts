import type { Enrolment } from '../second-factor/enrolment.js';
import { newChallengeQuery, parseBody } from '../wire/schemas.js';
import { sendJson } from '../wire/send-json.js';
import { type AdmittedWork, userOf } from './admitted.js';

/**
 * `POST session/config_2fa/new_challenge?protocol=fido2`: what a browser is to ask the authenticator for. While the
 * configuration is unlocked, to make a credential; while it is locked, to prove one.
 */
export function config2faNewChallenge(enrolment: Enrolment): AdmittedWork {
  return async (request, response, session) => {
    parseBody(newChallengeQuery, request.query);
    sendJson(response, 200, await enrolment.challenge(session, userOf(session)));
  };
}
