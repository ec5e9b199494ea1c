import { parseBody, recoveryCodeRequest } from '../wire/schemas.js';
import type { AdmittedWork } from './admitted.js';
import { clientOf } from './client.js';
import { answerCompleted, type CompletionDependencies } from './completion.js';

/** `POST session/auth/2fa/recovery_code`: a pending session becomes active by a code, which is used up. A Cookie is rotated. */
export function sessionAuthRecoveryCode(dependencies: CompletionDependencies): AdmittedWork {
  return async (request, response, session, body) => {
    const { recovery_code: code } = parseBody(recoveryCodeRequest, body);
    const completed = await dependencies.recover(session, code, clientOf(request));
    await answerCompleted(dependencies, request, response, session, completed);
  };
}
