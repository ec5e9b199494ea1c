import { AuthError } from '../errors.js';
import { parseBody } from '../wire/schemas.js';
import { u2fAnswer } from '../wire/webauthn.js';
import type { AdmittedWork } from './admitted.js';
import { clientOf } from './client.js';
import { answerCompleted, type CompletionDependencies } from './completion.js';

/**
 * `POST session/auth/2fa/u2f`, which is deprecated: a pending session becomes active by the answer of a key that was registered
 * through U2F, from a client that speaks nothing else. It is served where the host has switched it on.
 */
export function sessionAuthU2f(dependencies: CompletionDependencies): AdmittedWork {
  return async (request, response, session, body) => {
    const { completeByU2f } = dependencies;
    if (completeByU2f === null) throw new AuthError('method_not_configured');
    const answer = parseBody(u2fAnswer, body);
    const completed = await completeByU2f(session, answer, clientOf(request));
    await answerCompleted(dependencies, request, response, session, completed);
  };
}
