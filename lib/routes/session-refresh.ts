import type { Sessions } from '../sessions/sessions.js';
import type { AdmittedWork } from './admitted.js';

/** `POST session/refresh`: the idle time starts anew; the token stays. */
export function sessionRefresh(sessions: Sessions): AdmittedWork {
  return async (_request, response, { key }) => {
    await sessions.refresh(key);
    response.status(204).end();
  };
}
