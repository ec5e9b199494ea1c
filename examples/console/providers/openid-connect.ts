import { generateKeyPairSync, randomBytes } from 'node:crypto';
import express, { type Express } from 'express';
import type { Configuration, JWK } from 'oidc-provider';
import type { OauthIdentityProvider } from 'passport-control';
import { logins, signInPage } from './sign-in-page.js';

const name = 'Acme by OpenID Connect';

/** An OpenID Connect provider with one page, which knows one client; and its record for that client. */
export async function startOpenIdConnect(
  app: Express,
  issuer: string,
  client: { redirectUri: string; accountId: string },
): Promise<OauthIdentityProvider> {
  const { redirectUri, accountId } = client;
  const [clientId, secret] = ['console', randomBytes(32).toString('base64url')];
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const configuration: Configuration = {
    clients: [{ client_id: clientId, client_secret: secret, redirect_uris: [redirectUri] }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    jwks: { keys: [privateKey.export({ format: 'jwk' }) as JWK] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, { uid }) => `/login/${uid}` },
    pkce: { required: () => true },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: async () => ({
        sub: id,
        email: logins.find((each) => each.id === id)?.email,
        email_verified: true,
      }),
    }),
    // The host is a service of the same company: nobody is asked whether it may know who they are.
    async loadExistingGrant({ oidc }) {
      const { client: asking, session } = oidc;
      if (asking === undefined || session?.accountId === undefined) return undefined;
      const grant = new provider.Grant({ clientId: asking.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid email');
      await grant.save();
      return grant;
    },
  };
  const provider = await quietly(async () => {
    const { default: Provider } = await import('oidc-provider');
    return new Provider(issuer, configuration);
  });

  app.get('/login/:uid', (request, response) => {
    response.type('html').send(signInPage({ name, form: request.path }));
  });
  app.post('/login/:uid', express.urlencoded({ extended: false }), async (request, response) => {
    const who = logins.find(({ id }) => id === request.body?.login);
    const result =
      who === undefined ? { error: 'access_denied' } : { login: { accountId: who.id, remember: false } };
    await provider.interactionFinished(request, response, result);
  });
  app.use(provider.callback());

  return {
    ...{ id: 'acme-oidc', accountId, kind: 'oauth', name, iconUrl: '', enabled: true },
    ...{ domains: ['example.com'], authoritative: true, secondFactor: 'trust' },
    ...{ clientId, clientAuthentication: { method: 'client_secret_basic', secret }, redirectUri, issuer },
    authParams: { prompt: ['login'] },
    dangerouslyAllowHttpOnLocalhost: true,
  };
}

/** Keeps out warnings that are for production: of a store in memory, and on Node 20, where it runs as well, of that. */
async function quietly<T>(load: () => Promise<T>): Promise<T> {
  const { warn } = console;
  console.warn = () => {};
  try {
    return await load();
  } finally {
    console.warn = warn;
  }
}
