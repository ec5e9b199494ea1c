import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { basic, bearer, origin, type TestApp, testApp, testSecret } from '../support/app.js';
import { robot } from '../support/people.js';
import { alices, makeSession, robots } from '../support/session-maker.js';
import { signInAlice, signInRobot, signInRobotByCookie } from '../support/sign-in.js';

const refresh = (app: TestApp, headers: Record<string, string>) =>
  app.post('/sys/v1/session/refresh', undefined, headers);

describe('the token', () => {
  it('is unique, and says nothing', async () => {
    const app = await testApp();
    const tokens = new Set<string>();
    for (let index = 0; index < 200; index += 1) tokens.add((await makeSession(app, robots)).token);
    expect(tokens.size).toBe(200);
    for (const token of tokens) expect(token).toMatch(/^[A-Za-z0-9_-]{85}[AQgw]$/);
  });

  it('is not in the store, in no form that opens anything', async () => {
    const app = await testApp();
    const { token } = await makeSession(app, robots);
    const dump = JSON.stringify([...app.shared.rows]);
    expect(dump).not.toContain(token);
    expect(dump).not.toContain(token.slice(0, 42));
    const [key = ''] = app.shared.rows.keys();
    expect((await app.get('/me', bearer(key))).status).toBe(401);
  });

  it('is refused without a look into the store when it is forged, changed or spelled otherwise', async () => {
    const app = await testApp();
    const { token } = await makeSession(app, robots);
    const last = { A: 'B', Q: 'R', g: 'h', w: 'x' }[token.at(-1) ?? ''] ?? '';
    const forged = [
      randomBytes(64).toString('base64url'),
      'A'.repeat(86),
      `${token.slice(0, -1)}${last}`,
      `${token[0] === 'A' ? 'B' : 'A'}${token.slice(1)}`,
      `${token}=`,
      `${token}==`,
      token.slice(0, 85),
      `${token}A`,
      token.toLowerCase(),
      '',
    ];
    const reads = () => app.shared.faults.store.calls.get('get') ?? 0;
    const before = reads();
    for (const each of forged) expect((await app.get('/me', bearer(each))).status).toBe(401);
    expect(reads()).toBe(before);
    expect((await app.get('/me', bearer(token))).status).toBe(200);
  });

  it('is taken from one Authorization header of the Bearer scheme, in any case, and from nowhere else', async () => {
    const app = await testApp();
    const { token } = await makeSession(app, robots);
    expect((await app.get('/me', { Authorization: `bEARER ${token}` })).status).toBe(200);
    for (const header of [
      `Bearer  ${token}`,
      `Bearer ${token} x`,
      token,
      `Token ${token}`,
      `Bearer ${token},`,
      'Bearer',
    ]) {
      expect([header, (await app.get('/me', { Authorization: header })).status]).toEqual([header, 401]);
    }
    expect((await app.get(`/me?access_token=${token}`)).status).toBe(401);
    expect((await app.post('/me', { access_token: token })).status).toBe(401);
    expect(
      (await app.get('/me', { Cookie: `token=${token}; session=${token}; __Host-session=${token}` })).status,
    ).toBe(401);
  });

  it('does not work on the other carrier', async () => {
    const app = await testApp();
    const asBearer = await makeSession(app, alices);
    const asCookie = await makeSession(app, { ...alices, carrier: 'Cookie' });
    expect((await app.get('/me', { Cookie: `__Host-session=${asBearer.token}` })).status).toBe(401);
    expect((await app.get('/me', bearer(asCookie.token))).status).toBe(401);
  });

  it('decides alone: a bad Authorization header is not rescued by a good cookie', async () => {
    const app = await testApp();
    const cookie = await signInRobotByCookie(app);
    expect((await app.get('/me', cookie)).status).toBe(200);
    expect((await app.get('/me', { ...cookie, ...bearer('A'.repeat(86)) })).status).toBe(401);
    expect((await app.get('/me', { ...cookie, ...basic(robot.id, robot.secret) })).status).toBe(401);
    const alices = await signInAlice(app);
    expect((await app.get('/user', { ...cookie, ...alices })).status).toBe(200);
  });

  it('outlives the rotation of the secret for as long as the old one verifies', async () => {
    const next = randomBytes(32);
    const before = await testApp();
    const headers = await signInAlice(before);
    const rest = { shared: before.shared, testClock: before.clock, memory: before.repositories };
    const during = await testApp({ ...rest, secret: [next, testSecret] });
    expect((await during.get('/me', headers)).status).toBe(200);
    const fresh = await signInAlice(during);
    const after = await testApp({ ...rest, secret: [next] });
    expect((await after.get('/me', headers)).status).toBe(401);
    expect((await after.get('/me', fresh)).status).toBe(200);
  });
});

describe('the cookie', () => {
  it('is refused from another site on every unsafe request, and the session stays as it was', async () => {
    const app = await testApp();
    const cookie = await signInRobotByCookie(app);
    const elsewhere: Record<string, string>[] = [
      { Origin: 'https://evil.example' },
      { Origin: 'null' },
      { 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'same-site' },
      { Origin: origin, 'Sec-Fetch-Site': 'cross-site' },
    ];
    const listed = elsewhere.pop() ?? {};
    for (const path of ['refresh', 'reauth', 'terminate', 'select_account']) {
      for (const headers of elsewhere) {
        const answer = await app.post(`/sys/v1/session/${path}`, undefined, { ...cookie, ...headers });
        expect([path, headers, answer.status, answer.body.code]).toEqual([
          path,
          headers,
          403,
          'cross_site_request',
        ]);
      }
    }
    for (const headers of elsewhere) {
      expect((await app.post('/me', undefined, { ...cookie, ...headers })).status).toBe(403);
      expect((await app.get('/me', { ...cookie, ...headers })).status).toBe(200);
    }
    expect((await refresh(app, { ...cookie, ...listed })).status).toBe(204);
    expect((await refresh(app, { ...cookie, Origin: origin })).status).toBe(204);
    expect((await refresh(app, cookie)).status).toBe(204);
  });

  it('takes the app’s own origin, by Host and scheme', async () => {
    const app = await testApp();
    const cookie = await signInRobotByCookie(app);
    const own = { ...cookie, Host: 'own.test', Origin: 'http://own.test', 'Sec-Fetch-Site': 'same-origin' };
    expect((await refresh(app, own)).status).toBe(204);
    expect((await refresh(app, { ...own, Origin: 'https://own.test' })).status).toBe(403);
    expect(
      (await refresh(app, { ...own, 'X-Forwarded-Proto': 'https', Origin: 'https://own.test' })).status,
    ).toBe(403);
    app.app.set('trust proxy', true);
    expect(
      (await refresh(app, { ...own, 'X-Forwarded-Proto': 'https', Origin: 'https://own.test' })).status,
    ).toBe(204);
  });

  it('is taken back with the attributes that it was set with', async () => {
    const app = await testApp();
    const cookie = await signInRobotByCookie(app);
    const answer = await app.post('/sys/v1/session/terminate', undefined, cookie);
    expect(answer.status).toBe(204);
    expect(answer.headers['set-cookie']).toEqual([
      '__Host-session=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax',
    ]);
    const bearers = await signInRobot(app);
    expect(
      (await app.post('/sys/v1/session/terminate', undefined, bearers)).headers['set-cookie'],
    ).toBeUndefined();
  });

  it('goes without prefix and Secure to a loopback host only, and only when that is asked for', async () => {
    const cookie = { name: 'demo', dangerouslyAllowHttpOnLocalhost: true };
    const app = await testApp({ session: { cookie } });
    const set = async (Host: string) => {
      const answer = await app.post(
        '/sys/v1/session/auth',
        { token_type: 'Cookie' },
        { ...basic(robot.id, robot.secret), Host },
      );
      return String(answer.headers['set-cookie']);
    };
    for (const host of ['localhost:3000', '127.0.0.1', '[::1]:80'])
      expect(await set(host)).toMatch(/^demo=.*HttpOnly; SameSite=Lax$/);
    for (const host of ['localhost.evil.example', 'example.com', '10.0.0.1']) {
      expect(await set(host)).toMatch(/^__Host-demo=.*; Secure; /);
    }
    const plain = (await set('localhost')).split(';')[0] ?? '';
    expect((await app.get('/me', { Cookie: plain, Host: 'localhost' })).status).toBe(200);
    expect((await app.get('/me', { Cookie: plain, Host: 'example.com' })).status).toBe(401);
  });
});
