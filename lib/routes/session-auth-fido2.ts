import { parseBody } from '../wire/schemas.js';
import { assertion } from '../wire/webauthn.js';
import type { AdmittedWork } from './admitted.js';
import { clientOf } from './client.js';
import { answerCompleted, type CompletionDependencies } from './completion.js';

/** `POST session/auth/2fa/fido2`: a pending session becomes active by an assertion. A Cookie is rotated. */
export function sessionAuthFido2(dependencies: CompletionDependencies): AdmittedWork {
  return async (request, response, session, body) => {
    const answer = parseBody(assertion, body);
    const completed = await dependencies.complete(session, answer, clientOf(request));
    await answerCompleted(dependencies, request, response, session, completed);
  };
}
