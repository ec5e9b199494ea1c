import express, { type Router } from 'express';
import { AuthError } from '../errors.js';
import type { Gate } from '../sessions/gate.js';
import { admitted } from './admitted.js';
import { handler } from './handler.js';
import { type SessionAuthDependencies, sessionAuth } from './session-auth.js';
import { sessionReauth } from './session-reauth.js';
import { sessionRefresh } from './session-refresh.js';
import { type SelectAccountDependencies, sessionSelectAccount } from './session-select-account.js';
import { sessionTerminate } from './session-terminate.js';

/** What all routes together are made from. */
export type RouterDependencies = SessionAuthDependencies & SelectAccountDependencies & { gate: Gate };

/** Every route of the API, with the session states and the kind of principal that it serves. */
export function sessionRouter(dependencies: RouterDependencies): Router {
  const { gate, sessions, cookie } = dependencies;
  const routes = {
    '/session/auth': sessionAuth(dependencies),
    '/session/refresh': admitted(gate, { states: ['active'] }, sessionRefresh(sessions)),
    '/session/reauth': admitted(gate, { states: ['active'], principal: 'app' }, sessionReauth(dependencies)),
    '/session/terminate': admitted(
      gate,
      { states: ['pending', 'enrolling', 'active'] },
      sessionTerminate(sessions, cookie),
    ),
    '/session/select_account': admitted(
      gate,
      { states: ['active'], principal: 'user' },
      sessionSelectAccount(dependencies),
    ),
  };

  const router = express.Router({ caseSensitive: true, strict: true });
  for (const [path, work] of Object.entries(routes)) {
    const operation = `POST ${path.slice(1)}`;
    router.route(path).post(handler(operation, work)).all(handler(operation, refuseMethod));
  }
  return router;
}

async function refuseMethod(): Promise<void> {
  throw new AuthError('method_not_allowed', { headers: { Allow: 'POST' } });
}
