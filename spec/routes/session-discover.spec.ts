import { describe, expect, it } from '@jest/globals';
import type { Account, OauthIdentityProvider } from '../../lib/index.js';
import { authMethod } from '../../lib/wire/schemas.js';
import { testApp } from '../support/app.js';
import { appWithOidc, auth, browser, discover, oidcRecord } from '../support/federation.js';
import { acme, alice, globex } from '../support/people.js';

type App = Awaited<ReturnType<typeof appWithOidc>>;
type Offer = Record<string, unknown>;

const password = { method: 'password' };
const ask = async ({ post }: Pick<App, 'post'>, body: unknown, query = ''): Promise<Offer[]> => {
  const answer = await post(`${discover}${query}`, body);
  expect(answer.status).toBe(200);
  return answer.body;
};
/** What is offered, without what is random. */
const kinds = (offers: Offer[]) =>
  offers.map(({ method, idp_id, name }) => [method, idp_id, name].join(' ').trim());
const oidc = `oauth-auth-code-grant ${Buffer.from('oidc').toString('base64')} Provider`;
const forAlice = { user_email: alice.email };
const put = ({ repositories }: Pick<App, 'repositories'>, change: Partial<OauthIdentityProvider>) => {
  const record = oidcRecord(change);
  repositories.identityProviders.table.set(record.id, record);
};

describe('POST session/auth/discover', () => {
  it('answers alike for who is known and for who is not', async () => {
    const app = await appWithOidc();
    const answers = await Promise.all(
      [alice.email, 'nobody@example.com', 'ALICE@EXAMPLE.COM', 'dan@example.com'].map((user_email) =>
        app.post(discover, { user_email }),
      ),
    );
    const random = /[\w-]{51}|[\w-]{43}/g;
    const bland = answers.map(
      ({ status, text, headers: { date, etag, 'set-cookie': cookies, ...headers } }) => [
        ...[status, text.replace(random, '')],
        ...[headers, String(cookies).replace(/=[\w-]{72}/, '')],
      ],
    );
    for (const each of bland) expect(each).toEqual(bland[0]);
    expect(kinds(answers[0]?.body)).toEqual(['password', oidc]);
    const { users } = app.faults;
    expect(users.calls.size).toBe(0);
  });

  it('answers alike for a domain without providers, whoever is asked for, and sets no cookie', async () => {
    const app = await appWithOidc();
    for (const user_email of [
      'a@example.org',
      'b@evil-example.com',
      'c@sub.example.com',
      'd@example.com.evil',
    ]) {
      const answer = await app.post(discover, { user_email });
      expect([answer.status, answer.body]).toEqual([200, [password]]);
      expect(answer.headers['set-cookie']).toBeUndefined();
    }
  });

  it('offers the providers of an account, and of an address in an account', async () => {
    const app = await appWithOidc();
    put(app, { id: 'other', accountId: globex, name: 'Other' });
    const other = `oauth-auth-code-grant ${Buffer.from('other').toString('base64')} Other`;
    expect(kinds(await ask(app, {}))).toEqual(['password']);
    expect(kinds(await ask(app, forAlice))).toEqual(['password', oidc, other]);
    expect(kinds(await ask(app, {}, `?acct_id=${acme}`))).toEqual(['password', oidc]);
    expect(kinds(await ask(app, {}, `?acct_id=${globex}`))).toEqual(['password', other]);
    expect(kinds(await ask(app, forAlice, `?acct_id=${globex}`))).toEqual(['password', other]);
    const nowhere = { user_email: 'a@example.org' };
    expect(kinds(await ask(app, nowhere, `?acct_id=${acme}`))).toEqual(['password']);
    const unknown = '?acct_id=acc00000-0000-4000-8000-00000000000f';
    expect(kinds(await ask(app, forAlice, unknown))).toEqual(['password']);
    expect(kinds(await ask(app, undefined))).toEqual(['password']);
    expect(kinds(await ask(app, { user_email: null }))).toEqual(['password']);
  });

  it.each<[string, Account['signIn'], string[]]>([
    ['asks for nothing', undefined, ['password', oidc]],
    ['has passwords alone', { methods: ['password'] }, ['password']],
    ['has no provider, and so nobody', { idpIds: [] }, []],
    ['has this provider alone', { methods: ['oauth-auth-code'], idpIds: ['oidc'] }, [oidc]],
    ['has another provider alone', { methods: ['saml-response'], idpIds: ['other'] }, []],
  ])('offers what an account allows that %s', async (_, signIn, offered) => {
    const app = await appWithOidc();
    const account = { id: acme, enabled: true, ...(signIn === undefined ? {} : { signIn }) };
    app.repositories.accounts.table.set(acme, account);
    expect(kinds(await ask(app, {}, `?acct_id=${acme}`))).toEqual(offered);
  });

  it('leaves out what is disabled, though the repository lists it', async () => {
    const app = await appWithOidc({ enabled: false });
    const { identityProviders } = app.repositories;
    identityProviders.listForEmail = async () => [...identityProviders.table.values()];
    identityProviders.listForAccount = async () => [...identityProviders.table.values()];
    expect(kinds(await ask(app, forAlice))).toEqual(['password']);
    expect(kinds(await ask(app, {}, `?acct_id=${acme}`))).toEqual(['password']);
  });

  it('leaves out a method that is switched off', async () => {
    const app = await appWithOidc({}, { methods: { 'oauth-auth-code': false } });
    expect(kinds(await ask(app, forAlice))).toEqual(['password']);
    const other = await appWithOidc({}, { methods: { password: false } });
    expect(kinds(await ask(other, forAlice))).toEqual([oidc]);
  });

  it('leaves out a provider that is down, and tells of it; the others stay', async () => {
    const app = await appWithOidc();
    put(app, { id: 'dead', issuer: 'https://dead.example', name: 'Dead' });
    put(app, { id: 'liar', issuer: 'https://provider.example/other', name: 'Liar' });
    expect(kinds(await ask(app, forAlice))).toEqual(['password', oidc]);
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(app.events).toContainEqual(
      expect.objectContaining({ type: 'peer_failed', peer: 'dead.example', kind: 'unreachable' }),
    );
    expect(app.unforeseen).toEqual([]);
  });

  it('a repository that fails is 503, and begins nothing', async () => {
    const app = await appWithOidc();
    for (const fault of ['reject', 'garbage', 'throw'] as const) {
      app.faults.identityProviders.break('listForEmail', fault);
      const answer = await app.post(discover, forAlice);
      expect([answer.status, answer.body.code]).toEqual([503, 'unavailable']);
    }
    app.faults.identityProviders.heal();
    app.faults.accounts.break('findById', 'reject');
    expect((await app.post(`${discover}?acct_id=${acme}`, {})).status).toBe(503);
    app.faults.accounts.heal();
    expect(kinds(await ask(app, forAlice))).toEqual(['password', oidc]);
  });

  it('gives a complete authorization_url, and repeats what is in it', async () => {
    const app = await appWithOidc({
      id: 'ünï/cödé',
      iconUrl: 'https://cdn.example/icon.svg',
      scopes: ['openid', 'email', 'profile'],
      authParams: { prompt: ['login', 'consent'], display: 'popup', max_age: 300 },
    });
    app.provider.misbehave({
      metadata: (given) => ({
        ...given,
        authorization_endpoint: 'https://provider.example/authorize?tenant=a%26b',
      }),
    });
    const table = app.repositories.identityProviders.table;
    table.set('ünï/cödé', { ...oidcRecord(), ...table.get('oidc') } as OauthIdentityProvider);
    table.delete('oidc');
    const [, offer = {}] = await ask(app, forAlice);
    const url = new URL(String(offer.authorization_url));
    expect(`${url.origin}${url.pathname}`).toBe('https://provider.example/authorize');
    expect(Object.fromEntries(url.searchParams)).toEqual({
      ...{ tenant: 'a&b', response_type: 'code', scope: 'openid email profile' },
      ...{ client_id: offer.client_id, redirect_uri: offer.redirect_uri, state: offer.state },
      ...{
        nonce: expect.stringMatching(/^[\w-]{43}$/),
        code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      },
      ...{ code_challenge_method: 'S256', prompt: 'login consent', display: 'popup', max_age: '300' },
    });
    expect(offer).toMatchObject({
      ...{ client_id: 'host', redirect_uri: 'https://app.example.com/callback' },
      ...{ name: 'Provider', icon_url: 'https://cdn.example/icon.svg' },
      auth_params: { prompt: ['login', 'consent'], display: 'popup', max_age: 300 },
    });
    expect(Buffer.from(String(offer.idp_id), 'base64').toString()).toBe('ünï/cödé');
    expect(String(offer.idp_id)).toMatch(/^[A-Za-z0-9+/]+=*$/);
  });

  it('is what the schema says, field by field', async () => {
    const app = await appWithOidc();
    for (const offer of await ask(app, forAlice)) {
      const parsed = authMethod.parse(offer);
      expect(parsed).toEqual(offer);
    }
  });

  it('sets one flow cookie that no script and no other site can use, and keeps the browser', async () => {
    const app = await appWithOidc();
    const answer = await app.post(discover, forAlice);
    const cookies = answer.headers['set-cookie'] as unknown as string[];
    expect(cookies).toHaveLength(1);
    const [value = '', ...attributes] = (cookies[0] ?? '').split('; ');
    expect(value).toMatch(/^__Host-session-flow=[\w-]{78}$/);
    expect(attributes.sort()).toEqual(['HttpOnly', 'Max-Age=720', 'Path=/', 'SameSite=Lax', 'Secure']);

    const again = await app.post(discover, forAlice, { Cookie: value });
    const [next = ''] = (String(again.headers['set-cookie']) ?? '').split('; ');
    const browserOf = (cookie: string) =>
      Buffer.from(cookie.split('=')[1] ?? '', 'base64url').subarray(0, 32);
    expect(browserOf(next)).toEqual(browserOf(value));
    expect(next).not.toBe(value);
    const other = await app.post(discover, forAlice, { Cookie: '__Host-session-flow=garbage' });
    expect(browserOf(String(other.headers['set-cookie']))).not.toEqual(browserOf(value));
  });

  it('names the cookie after the session’s, and begins each flow anew', async () => {
    const app = await appWithOidc({}, { session: { cookie: { name: 'sid' } } });
    const own = browser(app);
    const [one, other] = [await own.offer('oauth-auth-code-grant'), await own.offer('oauth-auth-code-grant')];
    expect(own.headers.Cookie).toMatch(/^__Host-sid-flow=/);
    expect(one.state).not.toBe(other.state);
    const nonces = [one, other].map(({ authorization_url: url }) =>
      new URL(String(url)).searchParams.get('nonce'),
    );
    expect(nonces[0]).not.toBe(nonces[1]);
  });

  it('refuses what is malformed, and asks nobody', async () => {
    const app = await appWithOidc();
    for (const user_email of [
      ...['', 'alice', 'alice@', '@example.com', 'a b@example.com', '*@example.com,b@example.com', 7, {}, []],
      ...['a@example.com\r\nX: y', 'a@*', 'a@exämple..com', `a@${'x'.repeat(300)}.com`, '\ud800@example.com'],
    ])
      expect([user_email, (await app.post(discover, { user_email })).status]).toEqual([user_email, 400]);
    for (const query of [
      ...['?acct_id=', '?acct_id=x', `?acct_id=${acme.toUpperCase()}`],
      `?acct_id=${acme}&acct_id=${globex}`,
    ])
      expect([query, (await app.post(`${discover}${query}`, {})).status]).toEqual([query, 400]);
    for (const body of ['[]', '"x"', '7', '{', '{"user_email":"a@example.com"}}'])
      expect([body, (await app.post(discover, body)).status]).toEqual([body, 400]);
    const large = JSON.stringify({ user_email: `${'a'.repeat(1_000_000)}@example.com` });
    expect((await app.post(discover, large)).status).toBe(413);
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
    expect((await app.post(discover, 'user_email=alice@example.com', form)).status).toBe(415);
    expect((await app.get(discover)).status).toBe(405);
    expect([app.provider.requests.length, app.faults.identityProviders.calls.size]).toEqual([0, 0]);
  });

  it('says nothing of providers where there are none', async () => {
    const app = await testApp();
    const answer = await app.post(discover, forAlice);
    expect([answer.body, answer.headers['set-cookie']]).toEqual([[password], undefined]);
  });

  it('is refused where too many sign-ins have failed from', async () => {
    const app = await appWithOidc({}, { throttle: { perAddress: { failures: 2 } } });
    const wrong = { method: 'oauth-auth-code', idp_id: 'b2lkYw==', email: '', code: 'x' };
    for (let index = 0; index < 2; index += 1) await app.post('/sys/v1/session/auth', wrong);
    const answer = await app.post(discover, forAlice);
    expect([answer.status, Number(answer.headers['retry-after']) > 0]).toEqual([429, true]);
    app.clock.advance(900);
    expect((await app.post(discover, forAlice)).status).toBe(200);
  });

  it('is throttled by client address, and signing in is not by that', async () => {
    const app = await testApp({ throttle: { discoveries: { requests: 2, window: 60 } } });
    const ask = () => app.post(discover, forAlice);
    expect([(await ask()).status, (await ask()).status]).toEqual([200, 200]);
    const answer = await ask();
    expect([answer.status, answer.body.code, answer.headers['retry-after']]).toEqual([
      429,
      'too_many_requests',
      '60',
    ]);
    const password = { method: 'password', email: alice.email, password: alice.password };
    expect((await app.post(auth, password)).status).toBe(200);
    app.clock.advance(60);
    expect((await ask()).status).toBe(200);
  });
});
