import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Response as Answer } from 'supertest';
import type { IdentityProvider, PluggedProfile } from '../../lib/index.js';
import type { OauthProvider } from '../../lib/testing/index.js';
import { bearer, type TestApp, testApp } from '../support/app.js';
import { encryptedAssertion } from '../support/encrypted-assertion.js';
import { appWithSaml, auth, browser, oidcRecord, serviceProvider } from '../support/federation.js';
import { keyAndCertificate } from '../support/keys.js';
import { acme, alice, bob } from '../support/people.js';
import { oauthPlug, oauthServer, samlPlug } from '../support/plugged-providers.js';

const said = { sub: 'alice-1', email: alice.email, email_verified: true };
const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Posts, and waits until the events of it are told, which an answer can outrun. */
async function told(answer: Promise<Answer>): Promise<Answer> {
  const given = await answer;
  await turn();
  return given;
}

const reasons = ({ events }: Pick<TestApp, 'events'>) =>
  events.flatMap((event) => (event.type === 'sign_in_failed' ? [event.reason] : []));

describe('passport-oauth2 in the place of oauth-auth-code, for one provider', () => {
  /** An app, a server behind a socket, and passport-oauth2 between them. */
  async function hosted(
    plugged: Parameters<typeof oauthPlug>[1] = {},
    change: Parameters<typeof oidcRecord>[0] = {},
  ) {
    const server = await oauthServer();
    closing.push(server.close);
    const { plug, seen } = oauthPlug(server, plugged);
    const app = await testApp({ methods: { 'oauth-auth-code': { strategies: { oidc: plug } } } });
    const { issuer } = server;
    app.repositories.identityProviders.table.set('oidc', {
      ...oidcRecord({ dangerouslyAllowHttpOnLocalhost: true, ...change }),
      issuer: undefined,
      endpoints: {
        authorization: `${issuer}/authorize`,
        token: `${issuer}/token`,
        userinfo: `${issuer}/userinfo`,
      },
    });
    return { ...app, server, seen };
  }
  type Hosted = Awaited<ReturnType<typeof hosted>>;

  /** A browser that comes back from the server as somebody. */
  async function back(app: Pick<Hosted, 'post'> & { server: OauthProvider }, claims = said) {
    const own = browser(app);
    const offer = await own.offer('oauth-auth-code-grant');
    const code = app.server.authorize(String(offer.authorization_url), claims);
    const body = { method: 'oauth-auth-code', idp_id: offer.idp_id, email: '', code, state: offer.state };
    return {
      own,
      offer,
      body,
      signIn: (more = {}) => told(app.post(auth, { ...body, ...more }, own.headers)),
    };
  }

  it('signs in whom its profile names, with PKCE, and in a session like any other', async () => {
    const app = await hosted();
    const answer = await (await back(app)).signIn();
    expect([answer.status, answer.body.entity_id]).toEqual([200, alice.id]);
    const me = await app.get('/me', bearer(answer.body.access_token));
    expect(me.body.session).toMatchObject({ method: 'oauth-auth-code', idpId: 'oidc', accountId: acme });
    expect(app.repositories.users.table.get(alice.id)).toMatchObject({ enabled: true });
    const token = app.server.requests.find(({ url }) => url.endsWith('/token'));
    expect(new URLSearchParams(String(token?.init.body)).get('code_verifier')).toMatch(/^[\w-]{43}$/);
  });

  it('is given code, state and verifier, and nothing of what else the request has', async () => {
    const app = await hosted();
    const { own, body } = await back(app);
    const answer = await app.post(
      `${auth}?code=other&error=access_denied`,
      { ...body, RelayState: 'x' },
      own.headers,
    );
    expect(answer.status).toBe(200);
    const { code, state } = body;
    expect(app.seen).toEqual([{ body: { code, state, code_verifier: expect.any(String) }, query: {} }]);
  });

  it('is not asked for what this browser has not begun, nor for a provider that may vouch for nobody', async () => {
    const app = await hosted();
    const [theirs, own] = [await back(app), await back(app)];
    expect((await app.post(auth, theirs.body, own.own.headers)).status).toBe(401);
    expect((await app.post(auth, theirs.body)).status).toBe(401);
    const { table } = app.repositories.identityProviders;
    const record = table.get('oidc') as IdentityProvider;
    table.set('oidc', { ...record, enabled: false });
    expect((await own.signIn()).status).toBe(401);
    expect([app.seen, reasons(app)]).toEqual([
      [],
      ['not_begun_here', 'not_begun_here', 'unknown_identity_provider'],
    ]);
    table.set('oidc', record);
    expect((await own.signIn()).status).toBe(200);
  });

  it('signs in once by a code, however often it would be taken, and of 20 at once one', async () => {
    const app = await hosted();
    app.server.misbehave({ permissive: true });
    const { signIn } = await back(app);
    const answers = await Promise.all(Array.from({ length: 20 }, () => signIn()));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(19).fill(401)]);
    expect((await signIn()).status).toBe(401);
    expect(app.shared.rows.size).toBe(1);
  });

  it('is refused by the server when it does not hand the verifier on', async () => {
    const app = await hosted({ store: null });
    expect((await (await back(app)).signIn()).status).toBe(401);
    expect(reasons(app)).toEqual(['error_in_strategy']);
  });

  it('of a plain OAuth 2 server is its origin, where an issuer came along', async () => {
    const app = await hosted();
    const { signIn } = await back(app);
    expect((await signIn({ iss: 'https://evil.example' })).status).toBe(401);
    expect([app.seen, reasons(app)]).toEqual([[], ['not_verified']]);
    expect((await signIn({ iss: app.server.issuer })).status).toBe(200);
  });

  it('is refused where the issuer that came along is another than the record’s', async () => {
    const app = await hosted();
    const { table } = app.repositories.identityProviders;
    const { signIn } = await back(app);
    const { endpoints, ...record } = table.get('oidc') as ReturnType<typeof oidcRecord>;
    table.set('oidc', { ...record, issuer: 'https://provider.example' });
    expect((await signIn({ iss: 'https://evil.example' })).status).toBe(401);
    expect([app.seen, reasons(app)]).toEqual([[], ['not_verified']]);
    expect((await signIn({ iss: 'https://provider.example' })).status).toBe(200);
  });

  it.each([
    ['an address that is not proven', { ...said, email_verified: false }, 'email_not_proven'],
    [
      'an address that is said to be proven in words',
      { ...said, email_verified: 'true' as never },
      'email_not_proven',
    ],
    ['an address of another domain', { ...said, email: 'alice@elsewhere.example' }, 'email_not_proven'],
    ['no subject', { ...said, sub: '' }, 'refused_by_strategy'],
    ['a subject that is no text', { ...said, sub: 5 as never }, 'refused_by_strategy'],
  ])('refuses %s', async (_, claims, reason) => {
    const app = await hosted();
    expect((await (await back(app, claims)).signIn()).status).toBe(401);
    expect([reasons(app), app.shared.rows.size]).toEqual([[reason], 0]);
  });

  it('holds the hint against the address that was found', async () => {
    const app = await hosted();
    const { signIn } = await back(app);
    expect((await signIn({ email: bob.email })).status).toBe(401);
    expect(reasons(app)).toEqual(['email_not_proven']);
  });

  it('is asked whom it means where its users are no profiles', async () => {
    const identify = (user: unknown): PluggedProfile => {
      const { id, emails } = user as { id: string; emails: { value: string }[] };
      return {
        subject: `own:${id}`,
        email: emails[0]?.value,
        emailProven: true,
        attributes: { team: 'red' },
      };
    };
    const app = await hosted({ identify });
    const answer = await (await back(app)).signIn();
    expect(answer.body.entity_id).toBe(alice.id);
    const { federated } = { federated: app.repositories.users };
    expect((await federated.findByFederatedIdentity('oidc', 'own:alice-1'))?.id).toBe(alice.id);
  });

  it.each<[string, () => unknown]>([
    ['null', () => null],
    ['nothing', () => undefined],
    ['a text', () => 'alice-1'],
    ['a principal', () => ({ type: 'user', id: alice.id })],
    ['an empty subject', () => ({ subject: '' })],
    ['a long subject', () => ({ subject: 'x'.repeat(256) })],
    ['an address that is a list', () => ({ subject: 'a', email: [alice.email], emailProven: true })],
    ['a proof that is no yes', () => ({ subject: 'a', email: alice.email, emailProven: 'yes' })],
    ['attributes that are none', () => ({ subject: 'a', attributes: 5 })],
    [
      'an error',
      () => {
        throw new Error('alice has no number');
      },
    ],
  ])('refuses whom identify answers with %s', async (_, identify) => {
    const app = await hosted({ identify: identify as () => null });
    const answer = await (await back(app)).signIn();
    expect([answer.status, reasons(app)]).toEqual([401, ['refused_by_strategy']]);
    expect(app.unforeseen).toEqual([]);
  });

  it.each([
    ['is down', (app: Hosted) => app.server.cut()],
    ['fails', (app: Hosted) => app.server.misbehave({ answer: () => new Response('{}', { status: 502 }) })],
    [
      'is too busy',
      (app: Hosted) => app.server.misbehave({ answer: () => new Response('{}', { status: 429 }) }),
    ],
  ])('is answered with 503 while the server %s', async (_, breaks) => {
    const app = await hosted();
    const { signIn } = await back(app);
    await breaks(app);
    expect((await signIn()).status).toBe(503);
    expect(app.events.at(-1)).toMatchObject({
      type: 'dependency_failed',
      operation: 'methods.oauth-auth-code.strategies.oidc',
      kind: 'threw',
    });
    app.server.misbehave({});
    if (_ !== 'is down') expect((await signIn()).status).toBe(200);
  });

  it('leaves the other providers to our own strategy', async () => {
    const app = await hosted();
    const { table } = app.repositories.identityProviders;
    const record = table.get('oidc') as ReturnType<typeof oidcRecord>;
    table.set('other', { ...record, id: 'other' });
    table.delete('oidc');
    const { signIn } = await back(app);
    expect([(await signIn()).status, app.seen]).toEqual([200, []]);
  });
});

describe('@node-saml/passport-saml in the place of saml-response, for one provider', () => {
  const keys = keyAndCertificate('idp of passport-saml');
  const ours = keyAndCertificate('host');
  const filled = (more: string) => (xml: string) =>
    xml.replace('</saml:Assertion>', `${more}</saml:Assertion>`);
  const attributes = { mail: alice.email };
  const genuine = {
    subject: 'alice-1',
    audience: serviceProvider.entityId,
    acsUrl: serviceProvider.acsUrl,
    attributes,
  };

  /** An app whose record knows another certificate than the provider signs with: ours would refuse. */
  async function hosted(...[config]: [Parameters<typeof samlPlug>[1]?]) {
    const { plug, seen } = samlPlug(keys.certificate, config);
    const app = await appWithSaml({}, { methods: { 'saml-response': { strategies: { saml: plug } } } }, keys);
    const { certificate } = keyAndCertificate('another');
    const { table } = app.repositories.identityProviders;
    table.set('saml', {
      ...(table.get('saml') as IdentityProvider & { kind: 'saml' }),
      certificates: [certificate],
    });
    return { ...app, seen };
  }
  type Hosted = Awaited<ReturnType<typeof hosted>>;
  type Change = Partial<Parameters<Hosted['provider']['response']>[0]>;

  async function back(app: Hosted, change: Change = {}) {
    const own = browser(app);
    const id = String((await own.offer('saml-post')).id);
    const response = await app.provider.response({ ...genuine, inResponseTo: id, ...change });
    const signIn = (posted = response) =>
      told(app.post(auth, { method: 'saml-response', id, response: posted }, own.headers));
    return { own, id, response, signIn };
  }

  it('signs in whom the assertion names that it has verified', async () => {
    const app = await hosted();
    const { signIn, response } = await back(app);
    const answer = await signIn();
    expect([answer.status, answer.body.entity_id]).toEqual([200, alice.id]);
    const me = await app.get('/me', bearer(answer.body.access_token));
    expect(me.body.session).toMatchObject({ method: 'saml-response', idpId: 'saml' });
    expect(app.seen).toEqual([{ body: { SAMLResponse: response }, query: {} }]);
  });

  it('refuses what it refuses', async () => {
    const app = await hosted();
    const { signIn } = await back(app, { tamper: (xml) => xml.replaceAll(alice.email, bob.email) });
    expect((await signIn()).status).toBe(401);
    expect([app.seen.length, reasons(app)]).toEqual([1, ['error_in_strategy']]);
  });

  it('refuses an assertion that answers another request, in an envelope that answers this', async () => {
    const app = await hosted({ wantAuthnResponseSigned: false });
    const { table } = app.repositories.identityProviders;
    const record = table.get('saml') as IdentityProvider & { kind: 'saml' };
    table.set('saml', { ...record, signed: 'assertion' });
    const [victim, attacker] = [await back(app, { sign: 'assertion' }), await back(app)];
    const xml = Buffer.from(victim.response, 'base64').toString();
    const moved = xml.replace(`InResponseTo="${victim.id}"`, `InResponseTo="${attacker.id}"`);
    expect(moved).not.toBe(xml);
    expect((await attacker.signIn(Buffer.from(moved).toString('base64'))).status).toBe(401);
    expect([app.seen.length, reasons(app), app.shared.rows.size]).toEqual([1, ['not_verified'], 0]);
    expect((await victim.signIn()).status).toBe(200);
  });

  it.each<[string, Change]>([
    ['is for another endpoint', { acsUrl: 'https://evil.example/acs' }],
    ['has ended', { lifetime: -120 }],
    ['has two subjects’ worth of nothing', { subject: '' }],
    [
      'is of another issuer',
      { edit: (xml: string) => xml.replaceAll('https://idp.example/metadata', 'https://evil.example') },
    ],
  ])('has an assertion judged by the record: one that %s is refused', async (_, change) => {
    const app = await hosted();
    expect((await (await back(app, change)).signIn()).status).toBe(401);
    expect(app.shared.rows.size).toBe(0);
  });

  it('signs in once by an assertion, and of 20 at once one', async () => {
    const app = await hosted();
    const { signIn } = await back(app);
    const answers = await Promise.all(Array.from({ length: 20 }, () => signIn()));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(19).fill(401)]);
    expect(app.shared.rows.size).toBe(1);
  });

  it.each<[string, (xml: string) => string, Change, number]>([
    ['an assertion', (xml) => xml, {}, 200],
    ['two thousand elements in it', filled('<a/>'.repeat(2000)), {}, 401],
    ['an assertion by SHA-1', (xml) => xml, { algorithm: 'sha1' }, 401],
    ['no assertion', () => '<a/>', {}, 401],
  ])('sees of what is encrypted only what may be looked at: %s', async (_, inner, change, status) => {
    const config = { wantAuthnResponseSigned: false, decryptionPvk: ours.privateKey };
    const { plug, seen } = samlPlug(keys.certificate, config);
    const app = await appWithSaml(
      { signed: 'assertion' },
      {
        serviceProvider: { ...serviceProvider, keys: [ours] },
        methods: { 'saml-response': { strategies: { saml: plug } } },
      },
      keys,
    );
    const editSigned = (xml: string) => encryptedAssertion(inner(xml), { certificate: ours.certificate });
    const { signIn } = await back({ ...app, seen }, { sign: 'assertion', editSigned, ...change });
    expect((await signIn()).status).toBe(status);
    expect(seen.length).toBe(status === 200 || inner('') === '<a/>' ? 1 : 0);
  });

  it('sees nothing that is encrypted to keys which the control does not have, or by a cipher that tells', async () => {
    const config = { wantAuthnResponseSigned: false, decryptionPvk: ours.privateKey };
    for (const [known, content] of [
      [[], 'aes256-gcm'],
      [[ours], 'aes256-cbc'],
    ] as const) {
      const { plug, seen } = samlPlug(keys.certificate, config);
      const app = await appWithSaml(
        {},
        {
          serviceProvider: { ...serviceProvider, keys: known },
          methods: { 'saml-response': { strategies: { saml: plug } } },
        },
        keys,
      );
      const editSigned = (xml: string) => encryptedAssertion(xml, { certificate: ours.certificate, content });
      const { signIn } = await back({ ...app, seen }, { editSigned });
      expect([(await signIn()).status, seen]).toEqual([401, []]);
    }
  });

  it.each<[string, (user: unknown, info: unknown) => unknown, number]>([
    [
      'the assertion',
      (user) => ({ assertion: (user as { getAssertionXml(): string }).getAssertionXml() }),
      200,
    ],
    [
      'the whole response',
      (user) => ({ assertion: (user as { getSamlResponseXml(): string }).getSamlResponseXml() }),
      401,
    ],
    ['no XML', () => ({ assertion: 'alice' }), 401],
    ['an assertion in a DOCTYPE', () => ({ assertion: '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>' }), 401],
    ['nothing', () => null, 401],
    ['a profile', () => ({ subject: 'alice-1', email: alice.email, emailProven: true }), 401],
  ])('goes by what identify says: %s', async (_, identify, status) => {
    const app = await hosted({ identify: identify as () => null });
    expect((await (await back(app)).signIn()).status).toBe(status);
    expect(app.unforeseen).toEqual([]);
  });
});
