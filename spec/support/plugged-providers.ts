import http from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type SamlConfig,
  Strategy as SamlStrategy,
  type VerifyWithoutRequest,
} from '@node-saml/passport-saml';
import type { Request } from 'express';
import type passport from 'passport';
import OAuth2Strategy from 'passport-oauth2';
import {
  type CodeVerifierStore,
  codeVerifierStore,
  type PluggedOauthProvider,
  type PluggedSamlProvider,
} from '../../lib/index.js';
import { type OauthProvider, oauthProvider } from '../../lib/testing/index.js';
import { serviceProvider } from './federation.js';

/** A profile as the strategies of the big providers make it. */
export class ProfileStrategy extends OAuth2Strategy {
  constructor(
    private readonly userinfo: string,
    options: OAuth2Strategy.StrategyOptions,
    verify: OAuth2Strategy.VerifyFunction,
  ) {
    super(options, verify);
    this._oauth2.useAuthorizationHeaderforGET(true);
  }

  override userProfile(token: string, done: (error?: unknown, profile?: unknown) => void): void {
    this._oauth2.get(this.userinfo, token, (error, body) => {
      if (error) return done(error);
      const { sub, email, email_verified } = JSON.parse(String(body));
      const emails = email === undefined ? undefined : [{ value: email, verified: email_verified }];
      done(null, { provider: 'own', id: sub, displayName: 'Somebody', emails });
    });
  }
}

/** A strategy that is made later, when the other side is known. */
export function laterStrategy(): { strategy: passport.Strategy; become(made: passport.Strategy): void } {
  const strategy: passport.Strategy = Object.create({ authenticate() {} });
  return { strategy, become: (made) => void Object.setPrototypeOf(strategy, made) };
}

/** A server of the specs behind a socket, since passport-oauth2 opens its own. */
export async function oauthServer(): Promise<OauthProvider & { cut(): void; close(): Promise<void> }> {
  let provider: OauthProvider | undefined;
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { authorization } = request.headers;
    const answer = await provider?.fetch(new URL(request.url ?? '/', provider.issuer).href, {
      method: request.method ?? 'GET',
      headers: authorization === undefined ? {} : { authorization },
      ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks).toString() }),
    });
    response.writeHead(answer?.status ?? 500, { 'Content-Type': 'application/json' });
    response.end(await answer?.text());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const made = oauthProvider({ clientId: 'host', issuer: `http://127.0.0.1:${port}` });
  provider = made;
  return {
    ...made,
    /** From now on every connection is cut. The port stays taken: a free one may be somebody else's at once. */
    cut() {
      server.on('connection', (socket) => socket.destroy());
      server.closeAllConnections();
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** What a strategy saw of a request. */
export type Seen = { body: unknown; query: unknown };

/** passport-oauth2 for a server of the specs, and all that it was asked. */
export function oauthPlug(
  { issuer }: Pick<OauthProvider, 'issuer'>,
  {
    identify,
    store = codeVerifierStore(),
  }: Partial<PluggedOauthProvider> & { store?: CodeVerifierStore | null } = {},
): { plug: PluggedOauthProvider; seen: Seen[] } {
  const strategy = new ProfileStrategy(
    `${issuer}/userinfo`,
    {
      ...{ authorizationURL: `${issuer}/authorize`, tokenURL: `${issuer}/token` },
      ...{ clientID: 'host', clientSecret: 'client-secret-of-the-specs' },
      callbackURL: 'https://app.example.com/callback',
      ...(store === null ? {} : { store }),
    },
    (_access: string, _refresh: string, profile: Express.User, done: OAuth2Strategy.VerifyCallback) =>
      done(null, profile),
  );
  return plugged(strategy, identify);
}

/** `@node-saml/passport-saml` for a provider with this certificate. */
export function samlPlug(
  idpCert: string,
  { identify, ...config }: Partial<SamlConfig> & Pick<PluggedSamlProvider, 'identify'> = {},
): { plug: PluggedSamlProvider; seen: Seen[] } {
  const strategy = samlStrategy({
    ...{ idpCert, issuer: serviceProvider.entityId, callbackUrl: serviceProvider.acsUrl },
    ...{ audience: serviceProvider.entityId, acceptedClockSkewMs: -1 },
    ...config,
  });
  return plugged(strategy, identify);
}

/** `@node-saml/passport-saml`, which hands its profile on. */
export function samlStrategy(config: SamlConfig): passport.Strategy {
  const strategy = new SamlStrategy(
    config,
    ((profile, done) => done(null, { ...profile })) satisfies VerifyWithoutRequest,
    ((_profile, done) => done(null)) satisfies VerifyWithoutRequest,
  );
  // Its types are of Express 4.
  return strategy as unknown as passport.Strategy;
}

/** Writes down what a strategy is asked. */
function plugged<Identify>(strategy: passport.Strategy, identify: Identify) {
  const seen: Seen[] = [];
  const watched: passport.Strategy = Object.create(strategy, {
    authenticate: {
      value(this: passport.StrategyCreated<passport.Strategy>, request: Request, options: unknown) {
        seen.push({ body: request.body, query: request.query });
        return Reflect.apply(strategy.authenticate, this, [request, options]);
      },
    },
  });
  return { plug: { strategy: watched, ...(identify === undefined ? {} : { identify }) }, seen };
}
