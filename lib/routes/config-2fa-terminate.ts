import type { Configuration } from '../second-factor/configuration.js';
import type { AdmittedWork } from './admitted.js';

/** `POST session/config_2fa/terminate`: the configuration of the second factor is locked, whatever it was before. */
export function config2faTerminate(configuration: Configuration): AdmittedWork {
  return async (_request, response, session) => {
    await configuration.lock(session);
    response.status(204).end();
  };
}
