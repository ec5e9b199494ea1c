import { describe, expect, it } from '@jest/globals';
import type { Response as Answer } from 'supertest';
import type { PassportControl } from '../../lib/index.js';
import { origin, testApp } from '../support/app.js';
import { appWithOidc, auth, browser } from '../support/federation.js';
import { alice } from '../support/people.js';
import { enrolledKey } from '../support/second-factor.js';

const claims = { sub: 'alice-1', email: alice.email, email_verified: true };
const home = `${origin}/home`;

async function appWithCallback(
  redirectTo: string | readonly string[] = home,
  ...given: Parameters<typeof appWithOidc>
) {
  const app = await appWithOidc(...given);
  app.app.use('/callback', app.control.oauthCallback({ redirectTo }));
  return app;
}
type App = Awaited<ReturnType<typeof appWithCallback>>;

async function begun(app: App) {
  const own = browser(app);
  const { authorization_url: url, state = '' } = await own.offer('oauth-auth-code-grant');
  const code = app.provider.authorize(String(url), claims);
  return { headers: own.headers, state, code };
}
const come = (app: App, query: Record<string, string>, headers: Record<string, string> = {}) =>
  app.get(`/callback?${new URLSearchParams(query)}`, headers);

/** Where an answer sends the browser, and what it tells the page there. */
function sent({ status, headers }: Answer): { page: string; word: string; told: string } {
  expect([status, headers['cache-control']]).toEqual([303, 'no-store']);
  const [page = '', fragment = ''] = String(headers.location).split('#');
  const [word = '', told = ''] = fragment.split('=');
  return { page, word, told };
}
const refusalOf = (answer: Answer) => {
  expect(answer.headers['set-cookie']).toBeUndefined();
  const { page, word, told } = sent(answer);
  return `${page} ${word} ${told}`;
};
const refused = `${home} error invalid_credentials`;

describe('control.oauthCallback', () => {
  it('ends a genuine return in a Cookie session, and sends the browser on', async () => {
    const app = await appWithCallback();
    const { headers, state, code } = await begun(app);
    const answer = await come(app, { code, state }, headers);
    const { page, word, told } = sent(answer);
    expect([page, word]).toEqual([home, 'session']);
    expect(JSON.parse(Buffer.from(told, 'base64url').toString())).toEqual({
      ...{ token_type: 'Cookie', entity_id: alice.id, allowed_mfa_methods: [] },
      expires_in: expect.any(Number),
    });
    const [cookie = ''] = answer.headers['set-cookie'] as unknown as string[];
    expect(cookie).toMatch(
      /^__Host-session=[\w-]{86}; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    const me = await app.get('/me', { Cookie: cookie.split(';')[0] ?? '' });
    expect([me.status, me.body.id]).toEqual([200, alice.id]);
    expect(me.body.session).toMatchObject({ method: 'oauth-auth-code', idpId: 'oidc' });
    for (const secret of [code, state, cookie.slice(15, 80)])
      expect(`${answer.headers.location} ${JSON.stringify(app.events)}`).not.toContain(secret);
    expect(await come(app, { code, state }, headers).then(refusalOf)).toBe(refused);
  });

  it('tells the page the challenge of a session that owes its second factor', async () => {
    const app = await appWithCallback(home, { secondFactor: 'require' });
    const key = await enrolledKey(app);
    const { headers, state, code } = await begun(app);
    const answer = await come(app, { code, state }, headers);
    const response = JSON.parse(Buffer.from(sent(answer).told, 'base64url').toString());
    expect(response).toMatchObject({
      token_type: 'Cookie',
      fido2_assertion_options: { rpId: 'example.com' },
    });
    expect(response.access_token).toBeUndefined();
    const cookie = { Cookie: String(answer.headers['set-cookie']).split(';')[0] ?? '' };
    expect((await app.get('/me', cookie)).status).toBe(401);
    const assertion = await key.get(response.fido2_assertion_options);
    const paid = await app.post(`${auth}/2fa/fido2`, assertion, cookie);
    expect(paid.status).toBe(204);
    const rotated = { Cookie: String(paid.headers['set-cookie']).split(';')[0] ?? '' };
    expect((await app.get('/me', rotated)).status).toBe(200);
  });

  it('signs nobody in whom the provider has refused, and repeats none of its words', async () => {
    const app = await appWithCallback();
    const { headers, state, code } = await begun(app);
    for (const query of [
      { error: 'access_denied', state },
      {
        error: 'access_denied',
        error_description: '<script>evil</script>',
        error_uri: 'https://evil.example',
        state,
      },
      { error: 'server_error' },
      { state },
      { code },
      { code: '', state },
      { code, state: '' },
      {},
    ]) {
      const answer = await come(app, query, headers);
      const [at, word] = refusalOf(answer).split(' ');
      expect([query, at, word, answer.text.includes('evil')]).toEqual([query, home, 'error', false]);
    }
    expect(app.shared.rows.size).toBe(0);
    expect(sent(await come(app, { code, state }, headers)).word).toBe('session');
  });

  it('signs nobody in by a state of another browser, of nobody, or of another provider', async () => {
    const app = await appWithCallback();
    const [his, hers] = [await begun(app), await begun(app)];
    for (const [name, query, headers] of [
      ['his code and state in her browser', { code: his.code, state: his.state }, hers.headers],
      ['his code and her state', { code: his.code, state: hers.state }, hers.headers],
      ['no cookie', { code: his.code, state: his.state }, {}],
      ['the state of nobody', { code: his.code, state: `${'A'.repeat(51)}.b2lkYw` }, his.headers],
      ['no suffix', { code: his.code, state: his.state.split('.')[0] ?? '' }, his.headers],
      ['another provider', { code: his.code, state: his.state.replace('.b2lkYw', '.b3RoZXI') }, his.headers],
      ['__proto__', { code: his.code, state: his.state.replace('.b2lkYw', '.X19wcm90b19f') }, his.headers],
    ] as const) {
      // A code that meets the wrong verifier is refused by the provider, and stays good there.
      const answer = await come(app, query, headers);
      const [at, word] = refusalOf(answer).split(' ');
      expect([name, at, word]).toEqual([name, home, 'error']);
    }
    expect(app.shared.rows.size).toBe(0);
    expect(sent(await come(app, { code: his.code, state: his.state }, his.headers)).word).toBe('session');
  });

  it('of twenty returns at once one signs in', async () => {
    const app = await appWithCallback();
    app.provider.misbehave({ permissive: true });
    const { headers, state, code } = await begun(app);
    const answers = await Promise.all(Array.from({ length: 20 }, () => come(app, { code, state }, headers)));
    expect(answers.map((answer) => sent(answer).word).sort()).toEqual([
      ...Array(19).fill('error'),
      'session',
    ]);
    expect(answers.filter((answer) => answer.headers['set-cookie'] !== undefined)).toHaveLength(1);
    expect(app.shared.rows.size).toBe(1);
  });

  it('sends the browser nowhere but to the first page of its list, whatever is asked for', async () => {
    const app = await appWithCallback(['/first', home]);
    const { headers, state, code } = await begun(app);
    const evil = 'https://evil.example/';
    for (const name of [
      'redirectTo',
      'redirect_to',
      'redirect_uri',
      'RelayState',
      'next',
      'return',
      'target',
    ]) {
      for (const query of [{ [name]: evil }, { [name]: evil, code: 'x', state }])
        expect(refusalOf(await come(app, query, headers)).split(' ')[0]).toBe('/first');
    }
    const more = { Host: 'evil.example', 'X-Forwarded-Host': 'evil.example', Referer: evil, Origin: evil };
    expect(sent(await come(app, { code, state, redirectTo: evil }, { ...headers, ...more })).page).toBe(
      '/first',
    );
  });

  it('takes no parameter twice, and none that is no text', async () => {
    const app = await appWithCallback();
    const { headers, state, code } = await begun(app);
    for (const query of [
      ...[
        `code=x&code=${code}&state=${state}`,
        `code=${code}&state=x&state=${state}`,
        `code[]=${code}&state=${state}`,
      ],
      ...[
        `code[a]=${code}&state=${state}`,
        `code=${code}&state[__proto__]=x`,
        `code=${'x'.repeat(9_000)}&state=${state}`,
      ],
      ...[
        `code=a%0d%0aSet-Cookie:%20evil=1&state=${state}`,
        `code=${code}&state=${'x'.repeat(5_000)}`,
        'code=%ff&state=%00',
      ],
    ]) {
      const [at, word] = refusalOf(await app.get(`/callback?${query}`, headers)).split(' ');
      expect([query, at, word]).toEqual([query, home, 'error']);
    }
    expect(sent(await come(app, { code, state }, headers)).word).toBe('session');
  });

  it('tells the page that the provider is down, and the code is still good', async () => {
    const app = await appWithCallback();
    const { headers, state, code } = await begun(app);
    const down = ({ pathname }: URL) =>
      pathname === '/token' ? Promise.reject(new TypeError('fetch failed')) : undefined;
    app.provider.misbehave({ answer: down });
    expect(refusalOf(await come(app, { code, state }, headers))).toBe(`${home} error unavailable`);
    app.provider.misbehave({});
    app.shared.faults.store.break('set', 'reject');
    app.provider.misbehave({ permissive: true });
    expect(refusalOf(await come(app, { code, state }, headers))).toBe(`${home} error unavailable`);
    app.shared.faults.store.heal();
    expect(sent(await come(app, { code, state }, headers)).word).toBe('session');
    expect(app.unforeseen).toEqual([]);
  });

  it('is throttled with everything else', async () => {
    const app = await appWithCallback(home, {}, { throttle: { perAddress: { failures: 2 } } });
    const { headers, state } = await begun(app);
    for (let index = 0; index < 2; index += 1)
      expect(refusalOf(await come(app, { code: 'x', state }, headers))).toBe(refused);
    expect((await come(app, { code: 'x', state }, headers)).status).toBe(429);
  });

  it('carries nothing of an older session on, and takes no credential but the code', async () => {
    const app = await appWithCallback();
    const { headers, state } = await begun(app);
    const basic = Buffer.from(`${alice.email}:${alice.password}`).toString('base64');
    const answer = await come(app, { code: 'x', state }, { ...headers, Authorization: `Basic ${basic}` });
    expect(refusalOf(answer)).toBe(refused);
  });

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'oauthCallback.redirectTo'],
    ['an empty list', [], 'oauthCallback.redirectTo'],
    ['another origin', 'https://evil.example/', 'oauthCallback.redirectTo'],
    ['another origin in a list', ['/', 'https://evil.example/'], 'oauthCallback.redirectTo.1'],
    ['another scheme', 'http://app.example.com/', 'oauthCallback.redirectTo'],
    ['a subdomain', 'https://x.app.example.com/', 'oauthCallback.redirectTo'],
    ['a host in a path', '//evil.example/', 'oauthCallback.redirectTo'],
    ['a host behind a backslash', '/\\evil.example/', 'oauthCallback.redirectTo'],
    ['a script', 'javascript:alert(1)', 'oauthCallback.redirectTo'],
    ['a relative path', 'home', 'oauthCallback.redirectTo'],
    ['nothing between quotes', '', 'oauthCallback.redirectTo'],
    ['a line break', '/home\r\nSet-Cookie: evil=1', 'oauthCallback.redirectTo'],
    ['a fragment', '/home#x', 'oauthCallback.redirectTo'],
    ['a fragment of a listed origin', `${home}#x`, 'oauthCallback.redirectTo'],
    ['a number in a list', [7], 'oauthCallback.redirectTo.0'],
  ])('is a ConfigError for a redirectTo that is %s', async (_, redirectTo, path) => {
    const { control } = await testApp();
    const options = { redirectTo } as Parameters<PassportControl['oauthCallback']>[0];
    let error: unknown;
    try {
      control.oauthCallback(options);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ name: 'ConfigError', path });
  });
});
