import type { Enrolment } from '../second-factor/enrolment.js';
import type { AdmittedWork } from './admitted.js';

/** `POST session/config_2fa/terminate`: the configuration of the second factor is locked, whatever it was before. */
export function config2faTerminate(enrolment: Enrolment): AdmittedWork {
  return async (_request, response, session) => {
    await enrolment.lock(session);
    response.status(204).end();
  };
}
