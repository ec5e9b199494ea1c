import type { AdmittedWork } from './admitted.js';
import { type AnswerDependencies, answerWithSession } from './answer.js';

/**
 * `POST session/reauth`: an app gets a new session in the place of this one, with the same carrier and the same
 * absolute end. Of parallel calls one wins.
 */
export function sessionReauth(dependencies: AnswerDependencies): AdmittedWork {
  return async (request, response, session) => {
    const { v, version, writer, idleAt, absoluteAt, ...kept } = session.record;
    const started = await dependencies.sessions.replace(session, { ...kept, notAfter: absoluteAt });
    answerWithSession(dependencies, request, response, started);
  };
}
