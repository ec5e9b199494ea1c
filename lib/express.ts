import type { AuthSession } from './sessions/auth-session.js';

declare global {
  namespace Express {
    /** The principal of the session: what the user or app repository of the host answered with. */
    interface User {
      /** Lower-case UUID of the user or the app. */
      id: string;
    }
    interface Request {
      /** The session that `requireSession()` let through. */
      authSession?: AuthSession;
    }
  }
}
