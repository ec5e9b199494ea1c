import express, { type Router } from 'express';
import { AuthError } from '../errors.js';
import type { SamlClient } from '../federation/saml-client.js';
import type { Gate } from '../sessions/gate.js';
import { admitted } from './admitted.js';
import type { Draining } from './draining.js';
import type { Route, Work } from './handler.js';
import { samlMetadata } from './saml-metadata.js';
import { type SecondFactorDependencies, secondFactorRoutes } from './second-factor.js';
import { type SessionAuthDependencies, sessionAuth } from './session-auth.js';
import { type DiscoverDependencies, sessionDiscover } from './session-discover.js';
import { sessionReauth } from './session-reauth.js';
import { sessionRefresh } from './session-refresh.js';
import { type SelectAccountDependencies, sessionSelectAccount } from './session-select-account.js';
import { sessionTerminate } from './session-terminate.js';

/** What the routes together are made from. */
export type RouterDependencies = SessionAuthDependencies &
  DiscoverDependencies &
  SelectAccountDependencies & {
    gate: Gate;
    /** Makes handlers. */
    serve: Draining['serve'];
    /** `null` where there is no SAML. */
    saml: SamlClient | null;
    /** `null` where nobody has devices: then there are no routes for them. */
    secondFactor: SecondFactorDependencies | null;
  };

/** Every route of the API, with the session states and the kind of principal that it serves. */
export function sessionRouter(dependencies: RouterDependencies): Router {
  const { gate, serve, sessions, cookie, secondFactor, saml, readBody } = dependencies;
  const routes: Record<string, Route> = {
    '/session/auth': { POST: sessionAuth(dependencies) },
    '/session/auth/discover': { POST: sessionDiscover(dependencies) },
    '/session/refresh': { POST: admitted(gate, { states: ['active'] }, sessionRefresh(sessions)) },
    '/session/reauth': {
      POST: admitted(gate, { states: ['active'], principal: 'app' }, sessionReauth(dependencies)),
    },
    '/session/terminate': {
      POST: sessionTerminate(gate, sessions, cookie),
    },
    '/session/select_account': {
      POST: admitted(
        gate,
        { states: ['active'], principal: 'user' },
        sessionSelectAccount(dependencies),
        readBody,
      ),
    },
    ...(saml === null ? {} : { '/saml/metadata.xml': { GET: samlMetadata(saml) } }),
    ...(secondFactor === null ? {} : secondFactorRoutes(gate, secondFactor)),
  };

  const router = express.Router({ caseSensitive: true, strict: true });
  for (const [path, { GET, POST, PATCH, DELETE }] of Object.entries(routes)) {
    const route = router.route(path);
    if (GET) route.get(serve(`GET ${path.slice(1)}`, GET));
    if (POST) route.post(serve(`POST ${path.slice(1)}`, POST));
    if (PATCH) route.patch(serve(`PATCH ${path.slice(1)}`, PATCH));
    if (DELETE) route.delete(serve(`DELETE ${path.slice(1)}`, DELETE));
    const served = Object.entries({ GET, HEAD: GET, POST, PATCH, DELETE });
    const allowed = served.flatMap(([method, work]) => (work ? [method] : []));
    route.all(serve(path.slice(1), refuseMethod(allowed)));
  }
  return router;
}

function refuseMethod(allowed: readonly string[]): Work {
  return async () => {
    throw new AuthError('method_not_allowed', { headers: { Allow: allowed.join(', ') } });
  };
}
