import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ClientMetadata, Configuration, JWK } from 'oidc-provider';
import type { VerifyCallback } from 'passport-oauth2';
import type { Browser, Page } from 'playwright-core';
import { codeVerifierStore, type OauthIdentityProvider } from '../../lib/index.js';
import { startChromium } from '../support/chromium.js';
import { oidcRecord } from '../support/federation.js';
import { alice, bob } from '../support/people.js';
import { laterStrategy, ProfileStrategy } from '../support/plugged-providers.js';
import { type Serving, serving } from '../support/serving.js';
import { begin, offered, type SsoHost, ssoHost, standing } from '../support/sso-host.js';

const secret = 'a secret of the client, which both know';
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const pem = (key: typeof ec.privateKey) => key.export({ type: 'pkcs8', format: 'pem' }).toString();

/** The clients that the provider knows: each proves itself in another way, and has id_tokens signed in another. */
const clients: { [id: string]: Omit<ClientMetadata, 'client_id'> } = {
  basic: {
    client_secret: secret,
    token_endpoint_auth_method: 'client_secret_basic',
    id_token_signed_response_alg: 'RS256',
  },
  post: {
    client_secret: secret,
    token_endpoint_auth_method: 'client_secret_post',
    id_token_signed_response_alg: 'PS256',
  },
  jwt: {
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks: { keys: [{ ...ec.publicKey.export({ format: 'jwk' }), kid: 'ours', use: 'sig' } as JWK] },
    id_token_signed_response_alg: 'ES256',
  },
  none: { token_endpoint_auth_method: 'none', id_token_signed_response_alg: 'EdDSA' },
};

const configuration: Configuration = {
  claims: { openid: ['sub'], email: ['email', 'email_verified'] },
  cookies: { keys: [randomBytes(32).toString('base64url')] },
  jwks: { keys: [rsa, ec, ed].map(({ privateKey }) => privateKey.export({ format: 'jwk' }) as JWK) },
  enabledJWA: {
    idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    clientAuthSigningAlgValues: ['ES256'],
  },
};

const later = laterStrategy();
let host: SsoHost;
/** A provider that tells the address at userinfo, and not in the id_token, as it does by itself. */
let provider: Serving;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  [browser, host] = await Promise.all([
    startChromium(),
    ssoHost([], { 'oauth-auth-code': { strategies: { plugged: { strategy: later.strategy } } } }),
  ]);
  provider = await startProvider(configuration);
});

beforeEach(async () => {
  host.trust(record('basic', { method: 'client_secret_basic', secret }));
  page = await newPage();
});

afterEach(async () => {
  expect(host.unforeseen.splice(0)).toEqual([]);
  host.events.length = 0;
  await Promise.all(browser.contexts().map((context) => context.close()));
});

afterAll(async () => {
  await browser?.close();
  host?.stop();
  await provider?.stop();
});

function startProvider(how: Configuration): Promise<Serving> {
  const known = Object.entries(clients).map(([client_id, metadata]) => ({
    ...{ client_id, redirect_uris: [host.callbackUrl] },
    ...{ response_types: ['code'], grant_types: ['authorization_code'] },
    ...metadata,
  }));
  const program = fileURLToPath(new URL('../support/oidc-provider.mjs', import.meta.url));
  const given = JSON.stringify({ ...how, clients: known });
  return serving([process.execPath, program, given], /^(http:\S+)$/m);
}

/** A page of a browser that knows nothing yet. */
async function newPage(): Promise<Page> {
  const made = await (await browser.newContext()).newPage();
  made.setDefaultTimeout(10_000);
  return made;
}

function record(
  clientId: string,
  clientAuthentication: OauthIdentityProvider['clientAuthentication'],
): OauthIdentityProvider {
  return oidcRecord({
    ...{ clientId, clientAuthentication, redirectUri: host.callbackUrl, issuer: provider.found },
    dangerouslyAllowHttpOnLocalhost: true,
  });
}

/** Logs in on the provider's own pages, and agrees to what the client is to be told. */
async function logIn(at: Page, login: string): Promise<void> {
  await at.getByPlaceholder('Enter any login').fill(login);
  await at.getByPlaceholder('and password').fill('any');
  await at.getByRole('button', { name: 'Sign-in' }).click();
  await at.getByRole('button', { name: 'Continue' }).click();
}

/** Signs in once more by what the browser came back with, and says how the host's page then stands. */
async function open(at: Page, url: string) {
  await at.goto(url);
  return standing(at, host);
}

const refused = {
  told: { error: 'invalid_credentials' },
  status: 401,
  me: expect.objectContaining({ code: 'session_required' }),
};
const reasons = () => host.events.flatMap((event) => ('reason' in event ? [event.reason] : []));

describe('an OpenID Connect provider that we did not write', () => {
  it('signs a user in by its own pages, and the browser has a Cookie session', async () => {
    await begin(page, host, alice.email);
    await logIn(page, 'alice');
    expect(await standing(page, host)).toMatchObject({
      told: { session: { entity_id: alice.id } },
      status: 200,
      me: { id: alice.id, session: { method: 'oauth-auth-code', idpId: 'oidc' } },
    });
    const cookies = await page.context().cookies(host.origin);
    const session = cookies.find(({ name }) => name === 'session');
    expect(session).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/' });
    const { told } = await standing(page, host);
    expect(told.session).not.toHaveProperty('access_token');
  });

  it.each<[string, string, OauthIdentityProvider['clientAuthentication']]>([
    ['basic', 'RS256', { method: 'client_secret_basic', secret }],
    ['post', 'PS256', { method: 'client_secret_post', secret }],
    [
      'jwt',
      'ES256',
      { method: 'private_key_jwt', key: pem(ec.privateKey), algorithm: 'ES256', keyId: 'ours' },
    ],
    ['none', 'EdDSA', { method: 'none' }],
  ])(
    'takes a client that proves itself by %s, and its id_tokens by %s are taken',
    async (id, algorithm, authentication) => {
      host.trust({ ...record(id, authentication), algorithms: [algorithm] });
      await begin(page, host, alice.email);
      await logIn(page, 'alice');
      expect(await standing(page, host)).toMatchObject({ status: 200, me: { id: alice.id } });
    },
  );

  it.each<[string, string, string, string, OauthIdentityProvider['clientAuthentication']]>([
    ['another secret', 'bad_gateway', 'basic', 'RS256', { method: 'client_secret_basic', secret: 'another' }],
    [
      'another key',
      'bad_gateway',
      'jwt',
      'ES256',
      { method: 'private_key_jwt', key: pem(other.privateKey), algorithm: 'ES256' },
    ],
    [
      'an id_token by another algorithm',
      'invalid_credentials',
      'basic',
      'ES256',
      { method: 'client_secret_basic', secret },
    ],
  ])('ends in an error by %s: %s', async (_what, error, id, algorithm, authentication) => {
    host.trust({ ...record(id, authentication), algorithms: [algorithm] });
    await begin(page, host, alice.email);
    await logIn(page, 'alice');
    expect(await standing(page, host)).toEqual({ ...refused, told: { error } });
  });

  it('signs a user in by passport-oauth2, which is plugged in for it', async () => {
    const { found } = provider;
    later.become(
      new ProfileStrategy(
        `${found}/me`,
        {
          ...{ authorizationURL: `${found}/auth`, tokenURL: `${found}/token`, callbackURL: host.callbackUrl },
          ...{ clientID: 'post', clientSecret: secret, store: codeVerifierStore() },
        },
        (_access: string, _refresh: string, profile: Express.User, done: VerifyCallback) =>
          done(null, profile),
      ),
    );
    const own = { ...record('post', { method: 'client_secret_post', secret }), id: 'plugged' };
    host.trust(own);
    await begin(page, host, alice.email);
    await logIn(page, 'alice');
    expect(await standing(page, host)).toMatchObject({
      status: 200,
      me: { id: alice.id, session: { method: 'oauth-auth-code', idpId: 'plugged' } },
    });
    const another = await newPage();
    await begin(another, host, bob.email);
    await logIn(another, 'bob');
    expect(await standing(another, host)).toEqual(refused);
  });

  it('signs nobody in whose address it has not verified', async () => {
    await begin(page, host, bob.email);
    await logIn(page, 'bob');
    expect(await standing(page, host)).toEqual(refused);
    expect(reasons()).toEqual(['email_not_proven']);
  });

  it('ends in an error when the user gives up at the provider', async () => {
    await begin(page, host, alice.email);
    await page.getByRole('link', { name: 'Cancel' }).click();
    expect(await standing(page, host)).toEqual(refused);
    expect(reasons()).toEqual(['refused_by_provider']);
  });

  it('refuses a stolen code in another browser, which costs its owner nothing, and is good once', async () => {
    await begin(page, host, alice.email);
    const held = host.holdBack();
    await logIn(page, 'alice');
    const { url } = await held;

    const thief = await newPage();
    expect(await open(thief, url)).toEqual(refused);
    await begin(thief, host, alice.email); // Now this browser has a flow of its own, too.
    expect(await open(thief, url)).toEqual(refused);
    expect(reasons()).toEqual(['not_begun_here', 'not_begun_here']);

    expect(await open(page, url)).toMatchObject({ status: 200, me: { id: alice.id } });
    await page.context().clearCookies({ name: 'session' });
    expect(await open(page, url)).toEqual(refused);
  });

  it('refuses a code that another provider says it has issued (RFC 9207)', async () => {
    await begin(page, host, alice.email);
    const held = host.holdBack();
    await logIn(page, 'alice');
    const url = new URL((await held).url);
    expect(url.searchParams.get('iss')).toBe(provider.found);
    url.searchParams.set('iss', 'https://another.example');
    expect(await open(page, url.href)).toEqual(refused);
  });

  it.each([true, false])('signs a user in by JSON, with the state in the body: %s', async (isSent) => {
    await begin(page, host, alice.email);
    const held = host.holdBack();
    await logIn(page, 'alice');
    const back = new URL((await held).url).searchParams;
    const offer = await offered(page);
    expect([back.get('state'), back.get('iss')]).toEqual([offer.state, provider.found]);

    const answer = await page.request.post(`${host.origin}/sys/v1/session/auth`, {
      data: {
        ...{ method: 'oauth-auth-code', idp_id: offer.idp_id, email: alice.email, code: back.get('code') },
        ...(isSent ? { state: offer.state } : {}),
      },
    });
    const body = await answer.json();
    expect([answer.status(), body.entity_id]).toEqual([200, alice.id]);
    const me = await host.get('/me', { Authorization: `Bearer ${body.access_token}` });
    expect([me.status, me.body.id]).toEqual([200, alice.id]);
  });
});
