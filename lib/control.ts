import { createHmac } from 'node:crypto';
import type { Request, RequestHandler, Router } from 'express';
import type passport from 'passport';
import { authenticatorOf } from './authenticator.js';
import { auditLog } from './defence/audit.js';
import { captchaCheck } from './defence/captcha.js';
import { dependencyGuard } from './defence/dependency.js';
import { flows } from './defence/flow.js';
import { guardRepositories } from './defence/guarded-repositories.js';
import { guardCounterStore, guardOneTimeStore } from './defence/guarded-stores.js';
import { guessLimits } from './defence/guesses.js';
import { emailLock } from './defence/lockout.js';
import { claimOnce } from './defence/once.js';
import { outbound } from './defence/outbound.js';
import { passwordHashing } from './defence/password-hashing.js';
import { throttle } from './defence/throttle.js';
import { ConfigError } from './errors.js';
import { directoryCheck } from './federation/directory-check.js';
import { ldapClient } from './federation/ldap-client.js';
import { oauthClient } from './federation/oauth-client.js';
import { samlClient } from './federation/saml-client.js';
import { stsClient } from './federation/sts-client.js';
import { resolveOptions } from './options/index.js';
import type { PassportControlOptions } from './options/public.js';
import { checkRequirement } from './options/requirement.js';
import { checkReturnTargets } from './options/return-targets.js';
import type { ReturnOptions } from './routes/browser-return.js';
import { type DeviceApprovals, deviceApprovals } from './routes/device-approvals.js';
import { draining } from './routes/draining.js';
import { oauthCallback } from './routes/oauth-callback.js';
import {
  type Authenticate,
  authenticate,
  requireSession,
  type SessionRequirement,
} from './routes/require-session.js';
import { sessionRouter } from './routes/router.js';
import { samlAcs } from './routes/saml-acs.js';
import { samlMetadata } from './routes/saml-metadata.js';
import { signIn } from './routes/sign-in.js';
import { secondFactor } from './second-factor/index.js';
import { loadWebAuthn } from './second-factor/webauthn.js';
import { type SessionAdministration, sessionAdministration } from './sessions/administration.js';
import { sessionCookie } from './sessions/cookie.js';
import { guardSessionIndex } from './sessions/entity-index.js';
import { sessionGate } from './sessions/gate.js';
import { sessionLeases } from './sessions/lease.js';
import { principals } from './sessions/principals.js';
import { sessionRows } from './sessions/rows.js';
import { sameOriginCheck } from './sessions/same-origin.js';
import { Sessions } from './sessions/sessions.js';
import { deriveKey, sessionTokens } from './sessions/token.js';
import type { StrategyDependencies } from './strategies/method.js';
import { runOwn } from './strategies/strategy.js';
import { jsonBodyReader } from './wire/body.js';

/** A session API for one Express app, made by {@link passportControl}. */
export interface PassportControl {
  /** All routes; mount it where the API is to be: `app.use('/sys/v1', control.router)`. */
  router: Router;
  /** Makes middleware that lets through only requests with an active session, and sets `req.user` and `req.authSession`. */
  requireSession: (requirement?: SessionRequirement) => RequestHandler;
  /** What `requireSession()` decides, for a handler that does without middleware. Throws AuthError. */
  authenticate: Authenticate;
  /** The control's own Passport, with a strategy for each method. The host's is left alone. */
  passport: passport.Authenticator;
  /** Lists and ends sessions. */
  sessions: SessionAdministration;
  /** Has users approve operations of the host by their devices. */
  devices: DeviceApprovals;
  /** The handler for `GET saml/metadata.xml`, for hosts that serve it elsewhere too; without a `serviceProvider` it passes on. */
  samlMetadata: RequestHandler;
  /** Makes the handler for `serviceProvider.acsUrl`, which ends in a Cookie session and a redirect. */
  samlAcs: (options: ReturnOptions) => RequestHandler;
  /** Makes the handler for the `redirectUri` of OAuth providers, which ends in a Cookie session and a redirect. */
  oauthCallback: (options: ReturnOptions) => RequestHandler;
  /** Resolves when the libraries of all configured methods are loaded. Sign-ins may come before. */
  ready: Promise<void>;
  /**
   * Has the routes take no more requests (503), and resolves when those that are under way have been answered: from then on the
   * stores may be closed. Sessions live on in their store.
   *
   * @example process.once('SIGTERM', async () => { server.close(); await control.close(); await client.close(); });
   */
  close(): Promise<void>;
}

/** Bytes of a body that answers a challenge. */
const factorBodyLimit = 65_536;

/** Seconds that an identity provider may take for one answer, and bytes that it may have. */
const peerTimeout = 5;
const peerAnswerLimit = 1_048_576;

/** Seconds that one sign-in may take in all. */
const signInBudget = 10;
/** Seconds of them for a strategy of the host, so that what it says in time is not too late. */
const hostBudget = 6;

/**
 * Makes a session API for an Express app: a router with the session routes, and middleware for the host's own.
 * It reads no environment and keeps nothing outside of what it returns; several live side by side in one app.
 *
 * @throws ConfigError when an option is wrong
 *
 * @example
 * const control = passportControl({
 *   repositories: { users, apps },
 *   secret: process.env.SESSION_SECRET,
 *   secondFactor: false,
 * });
 * app.use('/sys/v1', control.router);
 * app.get('/reports', control.requireSession({ principal: 'user' }), handler);
 */
export function passportControl(options: PassportControlOptions): PassportControl {
  const resolved = resolveOptions(options);
  const { clock, randomBytes, secrets, session, stores } = resolved;
  const [secret] = secrets;
  if (secret === undefined) throw new ConfigError('secret', 'is required');

  const audit = auditLog(resolved.onEvent, clock);
  const dependency = dependencyGuard(resolved.dependencyTimeout, audit);
  const repositories = guardRepositories(resolved.repositories, dependency);
  const oneTime = guardOneTimeStore(stores.oneTime, dependency);
  const counters = guardCounterStore(stores.counters, dependency);
  const index = guardSessionIndex(stores.index, dependency);

  const identifierKey = deriveKey(secret, 'identifiers');
  const identify = (guess: string) =>
    createHmac('sha256', identifierKey).update(guess).digest('base64url').slice(0, 22);
  const peers = outbound(resolved.fetch, { timeout: peerTimeout, size: peerAnswerLimit }, audit);
  const owner = () => randomBytes(12).toString('base64url');
  const once = claimOnce(oneTime, owner);
  const captcha =
    resolved.captcha === null ? null : captchaCheck(resolved.captcha, { peers, dependency, once, audit });
  const lock = emailLock({ counters, captcha, limits: resolved.lockout, identify, audit });
  const limits = guessLimits(lock, throttle(counters, resolved.throttle, clock, audit));

  const tokens = sessionTokens(secrets, session.cookie.name, randomBytes);
  const rows = sessionRows(session.store, oneTime, dependency, clock);
  const leases = sessionLeases(oneTime, owner);
  const sessions = new Sessions({ settings: session, tokens, rows, index, leases, clock, owner, audit });
  const cookie = sessionCookie(session.cookie);
  const sameOrigin = sameOriginCheck(resolved.origins);
  const ldap = ldapClient(audit);
  const isStillKnown = directoryCheck(ldap, clock);
  const readPrincipal = principals(repositories, session.revalidateAfter, clock, isStillKnown);
  const gate = sessionGate({
    tokens,
    sessions,
    principals: readPrincipal,
    cookie,
    sameOrigin,
  });

  const hashing = passwordHashing(resolved.hashing);
  const flow = flows(
    secrets.map((each) => deriveKey(each, 'flows')),
    clock,
    randomBytes,
  );
  const flowCookie = sessionCookie({ ...session.cookie, name: `${session.cookie.name}-flow` });
  const offering: StrategyDependencies = {
    ...{ repositories, hashing, clock, audit, flows: flow, flowCookie },
    claimOnce: once,
    saml: resolved.serviceProvider === null ? null : samlClient(resolved.serviceProvider, clock),
    ...{ ldap, sts: stsClient(peers, audit), aws: resolved.aws },
    oauth: oauthClient({ fetch: peers, timeout: peerTimeout, clock, audit }),
  };
  const { authenticator, inUse } = authenticatorOf(resolved.methods, offering, hostBudget);
  const readBody = jsonBodyReader(Math.max(...[...inUse.values()].map(({ bodyLimit }) => bodyLimit)));
  const attempt = (method: string, request: Request) => runOwn(authenticator, method, request, signInBudget);

  const { devices } = repositories;
  const factors =
    resolved.secondFactor === null || devices === null
      ? null
      : secondFactor({
          settings: { ...resolved.secondFactor.fido2, timeout: session.pendingTimeout },
          endOtherSessionsOnChange: resolved.secondFactor.endOtherSessionsOnChange,
          legacyU2f: resolved.secondFactor.legacyU2f,
          absoluteTimeout: session.absoluteTimeout.user,
          ...{ devices, sessions, oneTime, counters, perUser: resolved.lockout },
          ...{ clock, randomBytes, owner, audit },
        });
  const decide = authenticate({ gate, repositories, limits, clock, audit });
  const challenges = factors?.challenges ?? null;
  const signingIn = signIn({ sessions, challenges, attempt, repositories, limits, identify, audit });
  const { serve, end } = draining();
  const returning = {
    sessions,
    cookie,
    challenges,
    methods: inUse,
    signIn: signingIn,
    flowCookie,
    limits,
    serve,
  };
  const router = sessionRouter({
    ...{ ...returning, gate, sameOrigin, readBody, repositories, audit },
    ...{ offering, flows: flow, saml: offering.saml },
    secondFactor: factors && {
      ...factors,
      ...{ readBody: jsonBodyReader(factorBodyLimit), sessions, cookie, limits, audit },
      password: { users: repositories.users ?? {}, hashing, audit },
    },
  });

  const ready = Promise.all([
    repositories.users === null ? null : hashing.ready(),
    factors === null ? null : loadWebAuthn(),
    inUse.has('oauth-auth-code') ? offering.oauth.ready() : null,
    inUse.has('ldap-basic-auth') ? offering.ldap.ready() : null,
    inUse.has('aws-iam') ? offering.sts.ready() : null,
    offering.saml?.ready(),
  ]).then(() => {});
  ready.catch(() => {}); // Whoever awaits it is told; whoever does not is told by the first sign-in.
  return {
    router,
    requireSession: (requirement = {}) => requireSession(decide, checkRequirement(requirement)),
    authenticate: async (request, requirement) =>
      decide(request, requirement === undefined ? {} : checkRequirement(requirement)),
    passport: authenticator,
    sessions: sessionAdministration(sessions),
    devices: deviceApprovals(gate, factors?.approvals ?? null),
    samlMetadata:
      offering.saml === null
        ? (_request, _response, next) => next()
        : serve('samlMetadata', samlMetadata(offering.saml)),
    samlAcs: (options) =>
      samlAcs(
        { ...returning, sameOrigin, randomBytes },
        checkReturnTargets(options, resolved.origins, 'samlAcs'),
      ),
    oauthCallback: (options) =>
      oauthCallback(
        { ...returning, repositories, audit },
        checkReturnTargets(options, resolved.origins, 'oauthCallback'),
      ),
    ready,
    async close() {
      await Promise.all([end(), ready.catch(() => {})]);
    },
  };
}
