import type { SessionCookie } from '../sessions/cookie.js';
import type { Gate } from '../sessions/gate.js';
import type { Sessions } from '../sessions/sessions.js';
import type { Work } from './handler.js';

/** `POST session/terminate`: the session ends, on every node, before the answer goes out. */
export function sessionTerminate(gate: Pick<Gate, 'leave'>, sessions: Sessions, cookie: SessionCookie): Work {
  return async (request, response) => {
    const session = await gate.leave(request);
    await sessions.end(session, 'terminated');
    if (session.record.carrier === 'Cookie') cookie.clear(request, response);
    response.status(204).end();
  };
}
