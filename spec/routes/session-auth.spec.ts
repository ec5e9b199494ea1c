import { describe, expect, it } from '@jest/globals';
import { hashSecret } from '../../lib/index.js';
import { basic, bearer, origin, testApp } from '../support/app.js';
import { acme, alice, bob, dan, globex, robot, sue, twin } from '../support/people.js';

const path = '/sys/v1/session/auth';
const alicePassword = { method: 'password', email: alice.email, password: alice.password };
const robotByName = { method: 'auth-by-app-name', acct_id: acme, name: robot.name, password: robot.secret };

describe('POST session/auth, the credentials', () => {
  it('gives a user with a password a Bearer session that the host accepts', async () => {
    const { post, get } = await testApp();
    const { status, body, headers } = await post(path, alicePassword);
    expect(status).toBe(200);
    expect(body).toEqual({
      token_type: 'Bearer',
      expires_in: 86_400,
      entity_id: alice.id,
      access_token: expect.stringMatching(/^[A-Za-z0-9_-]{86}$/),
      allowed_mfa_methods: [],
    });
    expect(headers['set-cookie']).toBeUndefined();
    const me = await get('/me', bearer(body.access_token));
    expect([me.status, me.body.id, me.body.session.method]).toEqual([200, alice.id, 'password']);
  });

  it('gives a Cookie session in Set-Cookie and nowhere else', async () => {
    const { post, get } = await testApp();
    const { status, body, headers } = await post(path, { ...alicePassword, token_type: 'Cookie' });
    expect(status).toBe(200);
    expect(body).toEqual({
      token_type: 'Cookie',
      expires_in: 86_400,
      entity_id: alice.id,
      allowed_mfa_methods: [],
    });
    const [cookie = ''] = headers['set-cookie'] as unknown as string[];
    expect(cookie).toMatch(
      /^__Host-session=[A-Za-z0-9_-]{86}; Max-Age=604800; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    const me = await get('/me', { Cookie: cookie.split(';')[0] ?? '' });
    expect([me.status, me.body.id]).toEqual([200, alice.id]);
  });

  it('takes an app by its API key and an empty body, as the Go client sends it', async () => {
    const { post, get } = await testApp();
    const { status, body } = await post(path, undefined, basic(robot.id, robot.secret));
    expect([status, body.entity_id, body.expires_in]).toEqual([200, robot.id, 600]);
    const me = await get('/me', bearer(body.access_token));
    expect([me.body.id, me.body.session.principalType, me.body.session.accountId]).toEqual([
      robot.id,
      'app',
      acme,
    ]);
  });

  it('takes a user by a Basic header with token_type alone in the body', async () => {
    const { post } = await testApp();
    const { status, body } = await post(
      path,
      { token_type: 'Cookie' },
      basic('ALICE@Example.COM', alice.password),
    );
    expect([status, body.entity_id, body.token_type]).toEqual([200, alice.id, 'Cookie']);
  });

  it('takes JSON without a Content-Type', async () => {
    const { app } = await testApp();
    const { default: http } = await import('node:http');
    const server = app.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const answer = await new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      const payload = JSON.stringify(alicePassword);
      const request = http.request(
        {
          port,
          host: '127.0.0.1',
          path,
          method: 'POST',
          headers: { 'Content-Length': Buffer.byteLength(payload) },
        },
        (response) => {
          let body = '';
          response.on('data', (chunk) => (body += chunk));
          response.on('end', () => resolve({ status: response.statusCode, body }));
        },
      );
      request.on('error', reject).end(payload);
    });
    server.close();
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body).entity_id).toBe(alice.id);
  });

  it('takes an app by its account and its name, and keeps the tenants apart', async () => {
    const { post } = await testApp();
    expect((await post(path, robotByName)).body.entity_id).toBe(robot.id);
    expect(
      (await post(path, { ...robotByName, acct_id: globex, password: twin.secret })).body.entity_id,
    ).toBe(twin.id);
    expect((await post(path, { ...robotByName, acct_id: globex })).status).toBe(401);
    expect((await post(path, { ...robotByName, password: twin.secret })).status).toBe(401);
  });

  it('takes each of an app’s secrets, and ends the sessions of one that is gone', async () => {
    const { post, get, repositories } = await testApp();
    const first = (await post(path, undefined, basic(robot.id, robot.secret))).body.access_token;
    const second = (await post(path, undefined, basic(robot.id, robot.nextSecret))).body.access_token;
    const row = repositories.apps.table.get(robot.id);
    if (row) repositories.apps.table.set(robot.id, { ...row, secrets: row.secrets.slice(1) });

    expect((await get('/me', bearer(first))).status).toBe(401);
    expect((await get('/me', bearer(second))).body.id).toBe(robot.id);
    expect((await post(path, undefined, basic(robot.id, robot.secret))).status).toBe(401);
  });

  it('reads e-mail addresses in any case and spelling of the domain', async () => {
    const { post } = await testApp();
    for (const email of ['ALICE@EXAMPLE.COM', 'Alice@example.com', 'alice@ＥＸＡＭＰＬＥ.com']) {
      expect((await post(path, { ...alicePassword, email })).body.entity_id).toBe(alice.id);
    }
  });

  it('compares passwords byte for byte', async () => {
    const { post } = await testApp({ lockout: false });
    const { password } = alice;
    const others = [
      password.trim(),
      password.toUpperCase(),
      password.normalize('NFD'),
      `${password}\0`,
      `${password}x`,
      ` ${password}`,
      password.slice(0, -1),
    ];
    for (const other of others)
      expect((await post(path, { ...alicePassword, password: other })).status).toBe(401);
    const escaped = JSON.stringify(alicePassword).replace('w', '\\u0077');
    expect((await post(path, escaped)).status).toBe(200);
    expect((await post(path, undefined, basic(alice.email, alice.password))).status).toBe(200);
  });

  it('never tries a user name as both: apps have ids, users have addresses', async () => {
    const { post } = await testApp();
    const wrong: [string, string][] = [
      [robot.name, robot.secret],
      [robot.id.toUpperCase(), robot.secret],
      [`{${robot.id}}`, robot.secret],
      [alice.id, alice.password],
      ['alice', alice.password],
      ['', alice.password],
      [robot.id, alice.password],
      [alice.email, robot.secret],
    ];
    for (const [username, password] of wrong) {
      expect([username, (await post(path, undefined, basic(username, password))).status]).toEqual([
        username,
        401,
      ]);
    }
  });

  it('carries nothing of an older session on', async () => {
    const { post, get } = await testApp();
    const old = (await post(path, { ...robotByName, token_type: 'Cookie' })).headers[
      'set-cookie'
    ] as unknown as string[];
    const cookie = old[0]?.split(';')[0] ?? '';
    const { body } = await post(path, alicePassword, { Cookie: cookie });
    const me = await get('/me', bearer(body.access_token));
    expect([me.body.id, me.body.session.accountId]).toEqual([alice.id, null]);
    expect((await post(path, undefined, { Cookie: cookie })).status).toBe(401);
  });
});

describe('POST session/auth, the refusals', () => {
  it('gives one body for every failed first factor', async () => {
    const app = await testApp({ lockout: false });
    const { post, shared, repositories } = app;
    const row = repositories.apps.table.get(twin.id);
    if (row) repositories.apps.table.set(twin.id, { ...row, enabled: false });
    const failures: [object | undefined, Record<string, string>][] = [
      [{ ...alicePassword, password: 'wrong' }, {}],
      [{ ...alicePassword, email: 'nobody@example.com' }, {}],
      [{ ...alicePassword, email: sue.email }, {}],
      [{ method: 'password', email: dan.email, password: dan.password }, {}],
      [{ ...robotByName, password: 'wrong' }, {}],
      [{ ...robotByName, name: 'unknown' }, {}],
      [{ ...robotByName, name: 'ROBOT' }, {}],
      [{ ...robotByName, acct_id: globex, password: twin.secret }, {}],
      [undefined, basic(alice.email, 'wrong')],
      [undefined, basic(robot.id, 'wrong')],
      [undefined, basic('neither', 'nor')],
    ];
    const bodies = new Set<string>();
    for (const [body, headers] of failures) {
      const answer = await post(path, body, headers);
      expect([body, answer.status]).toEqual([body, 401]);
      bodies.add(answer.text);
    }
    expect(bodies.size).toBe(1);
    expect([...bodies][0]).toContain('"code":"invalid_credentials"');
    expect(shared.rows.size).toBe(0);
  });

  it('asks for one credential: none is 401, two are 400', async () => {
    const { post } = await testApp();
    const none = await post(path);
    expect([none.status, none.body.code]).toEqual([401, 'credentials_required']);
    expect((await post(path, {})).status).toBe(401);
    expect((await post(path, { token_type: 'Bearer' }, bearer('A'.repeat(86)))).status).toBe(401);
    const two = await post(path, alicePassword, basic(alice.email, alice.password));
    expect([two.status, two.body.code]).toEqual([400, 'ambiguous_credentials']);
    expect((await post(path, alicePassword, bearer('A'.repeat(86)))).status).toBe(400);
  });

  it('offers Basic only to a client that used it and is no browser', async () => {
    const { post } = await testApp();
    const challenge = async (headers: Record<string, string>) =>
      (await post(path, undefined, headers)).headers['www-authenticate'];
    const wrong = basic(alice.email, 'wrong');
    expect(await challenge({})).toBe('Bearer');
    expect(await challenge(wrong)).toBe('Bearer, Basic realm="session", charset="UTF-8"');
    expect(await challenge({ ...wrong, 'Sec-Fetch-Site': 'same-origin' })).toBe('Bearer');
    expect(await challenge({ ...wrong, 'Sec-Fetch-Mode': 'cors' })).toBe('Bearer');
  });

  it('knows a method that does not exist from one that is not configured', async () => {
    const { post } = await testApp({ methods: { password: false } });
    expect((await post(path, alicePassword)).body.code).toBe('method_not_configured');
    for (const method of [
      'basic',
      'session-token',
      '__proto__',
      'constructor',
      'toString',
      'PASSWORD',
      ' password',
    ]) {
      const { status, body } = await post(path, { ...alicePassword, method });
      expect([method, status, body.code]).toEqual([method, 400, 'unknown_method']);
    }
  });

  it('refuses a Cookie session to a page of another site, before the password is looked at', async () => {
    const { post, shared, faults } = await testApp();
    const asked = { ...alicePassword, token_type: 'Cookie' };
    const elsewhere: Record<string, string>[] = [
      { Origin: 'https://evil.example' },
      { Origin: 'null' },
      { Origin: `${origin}.evil.example` },
      { Origin: 'http://app.example.com' },
      { 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'same-site' },
      { Origin: 'https://other.example.com', 'Sec-Fetch-Site': 'same-site' },
    ];
    for (const headers of elsewhere) {
      const answer = await post(path, asked, headers);
      expect([headers, answer.status, answer.body.code]).toEqual([headers, 403, 'cross_site_request']);
    }
    expect(shared.rows.size).toBe(0);
    expect(faults.users.calls.get('findByEmail')).toBeUndefined();

    expect((await post(path, asked, { Origin: origin, 'Sec-Fetch-Site': 'same-site' })).status).toBe(200);
    expect((await post(path, asked, { 'Sec-Fetch-Site': 'same-origin' })).status).toBe(200);
    expect((await post(path, asked)).status).toBe(200);
    expect((await post(path, alicePassword, { Origin: 'https://evil.example' })).status).toBe(200);
  });

  it('refuses a disabled account’s app', async () => {
    const { post, repositories } = await testApp();
    repositories.accounts.table.set(acme, { id: acme, enabled: false });
    expect((await post(path, robotByName)).status).toBe(401);
    expect((await post(path, undefined, basic(robot.id, robot.secret))).status).toBe(401);
  });

  it('refuses a secret whose time is over', async () => {
    const { post, repositories, clock } = await testApp();
    const row = repositories.apps.table.get(robot.id);
    const secrets = [{ id: 'short', hash: hashSecret(robot.secret), validUntil: clock() + 60_000 }];
    if (row) repositories.apps.table.set(robot.id, { ...row, secrets });
    clock.advance(59.999);
    expect((await post(path, robotByName)).status).toBe(200);
    clock.advance(0.001);
    expect((await post(path, robotByName)).status).toBe(401);
  });
});

describe('POST session/auth, what it reads', () => {
  const values = [
    0,
    1,
    true,
    null,
    [],
    ['a', 'b'],
    {},
    { $ne: null },
    { $gt: '' },
    '',
    'x'.repeat(70_000),
    '\ud800',
  ];
  const fields: [string, object][] = [
    ['method', alicePassword],
    ['token_type', alicePassword],
    ['email', alicePassword],
    ['password', alicePassword],
    ['recaptcha_response', alicePassword],
    ['acct_id', robotByName],
    ['name', robotByName],
    ['password', robotByName],
  ];
  const allowed = new Set([
    'recaptcha_response null',
    'recaptcha_response ""',
    'recaptcha_response "\\ud800"',
  ]);
  const matrix = fields.flatMap(([field, body]) =>
    values.map((value) => ({ field, body, value, title: `${field} ${JSON.stringify(value).slice(0, 20)}` })),
  );

  it.each(matrix.filter(({ title }) => !allowed.has(title)))(
    'answers 4xx for $title',
    async ({ field, body, value }) => {
      const { post, shared, unforeseen, get } = await testApp();
      const answer = await post(path, { ...body, [field]: value });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expect(shared.rows.size).toBe(0);
      expect(unforeseen).toEqual([]);
      const good = await post(path, alicePassword);
      expect((await get('/me', bearer(good.body.access_token))).body.id).toBe(alice.id);
    },
  );

  it('names the wrong fields and none of their values', async () => {
    const { post } = await testApp();
    const { body } = await post(path, {
      method: 'password',
      email: 'not-an-address',
      password: ['s3cr3t-marker'],
    });
    expect(body.errors).toEqual([
      { path: 'email', detail: 'must be an e-mail address' },
      { path: 'password', detail: 'has the wrong type' },
    ]);
    expect(JSON.stringify(body)).not.toMatch(/s3cr3t-marker|not-an-address/);
  });

  it('ignores fields that it does not know', async () => {
    const { post, get } = await testApp();
    const extra = {
      user_id: bob.id,
      acct_id: globex,
      mfa: true,
      state: 'active',
      bind_to: { app: robot.id },
    };
    const raw = `{"__proto__":{"isAdmin":true},${JSON.stringify({ ...alicePassword, ...extra }).slice(1)}`;
    const { status, body } = await post(path, raw);
    const me = await get('/me', bearer(body.access_token));
    expect([status, me.body.id, me.body.session.accountId]).toEqual([200, alice.id, null]);
    expect(Reflect.get({}, 'isAdmin')).toBeUndefined();
  });

  it('reads credentials from the body and the header, never from the query', async () => {
    const { post } = await testApp();
    const query = `?method=password&email=${alice.email}&password=${encodeURIComponent(alice.password)}`;
    expect((await post(`${path}${query}`)).status).toBe(401);
    expect((await post(`${path}${query}`, { ...alicePassword, password: 'wrong' })).status).toBe(401);
    expect((await post(`${path}?error=access_denied&code=1`, alicePassword)).status).toBe(200);
  });

  it.each([
    ['null', 400],
    ['[]', 400],
    ['"x"', 400],
    ['1', 400],
    ['{"method":"password"', 400],
    [`${'['.repeat(30_000)}`, 400],
    [`${'['.repeat(30_000)}${']'.repeat(30_000)}`, 400],
  ])('answers the body %.20s with %d and no echo', async (body, status) => {
    const { post } = await testApp();
    const answer = await post(path, body);
    expect(answer.status).toBe(status);
    expect(answer.text).not.toContain('method');
  });
});
