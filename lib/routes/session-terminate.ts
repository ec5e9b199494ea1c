import type { SessionCookie } from '../sessions/cookie.js';
import type { Sessions } from '../sessions/sessions.js';
import type { AdmittedWork } from './admitted.js';

/** `POST session/terminate`: the session ends, on every node, before the answer goes out. */
export function sessionTerminate(sessions: Sessions, cookie: SessionCookie): AdmittedWork {
  return async (request, response, session) => {
    await sessions.end(session, 'terminated');
    if (session.record.carrier === 'Cookie') cookie.clear(request, response);
    response.status(204).end();
  };
}
