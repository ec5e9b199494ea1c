import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { Request } from 'express';
import express from 'express';
import supertest from 'supertest';
import { problemHandler } from '../../lib/index.js';
import type { SoftwareAuthenticator } from '../../lib/testing/index.js';
import { basic, type TestApp, type TestAppOptions, testApp } from '../support/app.js';
import { alice, bob, robot } from '../support/people.js';
import { enrolledKey, fido2, pendingSession } from '../support/second-factor.js';
import { alices, makeSession, presenting } from '../support/session-maker.js';

type Headers = Record<string, string>;
const operation = (to: unknown) => ({ operation: `pay 100 to ${to}` });

/** A host that pays when a key has approved it; alice's key, and a session of hers. */
async function bank(options: TestAppOptions = {}) {
  const app = await testApp(options);
  const { devices } = app.control;
  const host = express();
  host.use(express.json());
  host.post('/challenge', async (request, response, next) => {
    await devices
      .challenge(request, operation(request.body.to))
      .then((challenge) => response.json(challenge))
      .catch(next);
  });
  host.post('/pay', async (request, response, next) => {
    const { to, ...answer } = request.body;
    await devices
      .verify(request, answer, operation(to))
      .then((device) => response.json(device))
      .catch(next);
  });
  host.use(problemHandler);
  const key = await enrolledKey(app);
  const headers = presenting(await makeSession(app, { ...alices, secondFactor: true }));
  const post = (path: string, body: object, given: Headers = headers) =>
    supertest(host).post(path).set(given).send(body);
  return { app, key, headers, post };
}

/** A request of a session, as Express hands it over. */
function requestWith(headers: Headers): Request {
  const lower = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const rawHeaders = Object.entries(headers).flat();
  return { method: 'POST', headers: lower, rawHeaders, ip: '127.0.0.1', socket: {} } as unknown as Request;
}

/** Has alice be asked whether she pays somebody, and her key answer. */
async function approved({
  post,
  key,
}: {
  post: Awaited<ReturnType<typeof bank>>['post'];
  key: SoftwareAuthenticator;
}) {
  const asked = await post('/challenge', { to: 'bob' });
  expect(asked.status).toBe(200);
  const { challenge, challenge_token } = asked.body;
  return { ...(await key.get(challenge)), challenge_token, to: 'bob' };
}

describe('control.devices', () => {
  it('has a user approve an operation by a key, once, and leaves the session as it is', async () => {
    const at = await bank();
    const asked = await at.post('/challenge', { to: 'bob' });
    expect(asked.body).toEqual({
      challenge: {
        challenge: expect.stringMatching(/^[\w-]{43}$/),
        ...{ timeout: 300_000, rpId: 'example.com', userVerification: 'preferred' },
        allowCredentials: [{ type: 'public-key', id: at.key.credentials[0]?.id, transports: ['usb'] }],
      },
      challenge_token: expect.stringMatching(/^[\w+/]{43}=$/),
      mfa_devices: [{ name: 'key', type: 'Fido2', origin: expect.any(String) }],
    });
    const answer = await approved(at);
    const paid = await at.post('/pay', answer);
    expect([paid.status, paid.body]).toEqual([
      200,
      { name: 'key', type: 'Fido2', origin: expect.any(String) },
    ]);
    const again = await at.post('/pay', answer);
    expect([again.status, again.body.code]).toEqual([401, 'invalid_credentials']);
    expect((await at.app.get('/me', at.headers)).body.session).toMatchObject({ state: 'active' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(at.app.events).toContainEqual(
      expect.objectContaining({ type: 'operation_approved', entityId: alice.id }),
    );
  });

  it('pays nobody else than was approved, and nobody by another challenge or none', async () => {
    const at = await bank();
    const answer = await approved(at);
    for (const [name, change] of Object.entries({
      'somebody else': { to: 'mallory' },
      nobody: { to: undefined },
      'another token': { challenge_token: Buffer.alloc(32).toString('base64') },
      'the challenge for its token': { challenge_token: 'AA' },
    }))
      expect([name, (await at.post('/pay', { ...answer, ...change })).status]).toEqual([name, 401]);
    for (const odd of [{ challenge_token: undefined }, { challenge_token: 5 }, { id: 5 }, { response: {} }])
      expect([odd, (await at.post('/pay', { ...answer, ...odd })).status]).toEqual([odd, 400]);
    const newer = await approved(at);
    expect((await at.post('/pay', answer)).status).toBe(401);
    expect((await at.post('/pay', newer)).status).toBe(200);
  });

  it('knows one challenge from another: none for a sign-in or the configuration approves, and the reverse', async () => {
    const at = await bank();
    const configuration = '/sys/v1/session/config_2fa/new_challenge?protocol=fido2';
    const { body: options } = await at.app.post(configuration, undefined, at.headers);
    const named = createHash('sha256').update(options.challenge).digest('base64');
    const { devices } = at.app.control;
    // Its own challenge, by its own name, for no operation in particular: only what it was given for is another.
    const answer = { ...(await at.key.get(options)), challenge_token: named };
    await expect(devices.verify(requestWith(at.headers), answer)).rejects.toMatchObject({
      code: 'invalid_credentials',
    });
    const given = await devices.challenge(requestWith(at.headers));
    const { challenge_token: token, challenge } = given;
    const approval = await at.key.get(challenge);
    const { table } = at.app.repositories.users;
    const row = table.get(alice.id);
    if (row) table.set(alice.id, { ...row, passwordHash: null });
    const unlocked = await at.app.post(
      '/sys/v1/session/config_2fa/auth',
      { assertion: approval },
      at.headers,
    );
    expect(unlocked.status).toBe(401);
    const again = { ...approval, challenge_token: token };
    await expect(devices.verify(requestWith(at.headers), again)).resolves.toMatchObject({ name: 'key' });
  });

  it('asks for an active session of a user who has a key that can answer', async () => {
    const at = await bank();
    const ofBob = presenting(await makeSession(at.app, { ...alices, entityId: bob.id }));
    const pending = await pendingSession(at.app);
    for (const [headers, status, code] of [
      [{}, 401, 'session_required'],
      [pending.headers, 401, 'second_factor_required'],
      [ofBob, 409, 'no_device'],
    ] as const) {
      const answer = await at.post('/challenge', { to: 'bob' }, headers);
      expect([answer.status, answer.body.code]).toEqual([status, code]);
    }
    const answer = await approved(at);
    expect((await at.post('/pay', answer, ofBob)).status).toBe(401);
  });

  it('counts what is wrong for the user, with the second factors of all sessions', async () => {
    const at = await bank({ lockout: { failures: 3 } });
    const { challenge, challenge_token } = (await at.post('/challenge', { to: 'bob' })).body;
    const forged = await at.key.get(challenge, { signed: () => Buffer.from('x') });
    for (let n = 0; n < 3; n += 1)
      expect((await at.post('/pay', { ...forged, challenge_token, to: 'bob' })).status).toBe(401);
    const genuine = { ...(await at.key.get(challenge)), challenge_token, to: 'bob' };
    expect((await at.post('/pay', genuine)).status).toBe(423);
  });

  it('counts no answer that nobody asks for any more, and forgets no failure by one that is good', async () => {
    const at = await bank({ lockout: { failures: 5 } });
    const answer = await approved(at);
    expect((await at.post('/pay', answer)).status).toBe(200);
    for (let n = 0; n < 8; n += 1) expect((await at.post('/pay', answer)).status).toBe(401);

    const recover = async () => {
      const { headers } = await pendingSession(at.app);
      const body = { recovery_code: '0'.repeat(26) };
      return (await at.app.post('/sys/v1/session/auth/2fa/recovery_code', body, headers)).status;
    };
    for (let n = 0; n < 4; n += 1) expect(await recover()).toBe(401);
    expect((await at.post('/pay', await approved(at))).status).toBe(200);
    expect([await recover(), await recover()]).toEqual([401, 423]);
  });

  it.each([{ opertion: 'x' }, { operation: undefined }, { operation: '' }, { operation: 5 }, {}])(
    'takes no options that would have an answer approve anything: %j',
    async (options) => {
      const { control } = await testApp();
      await expect(control.devices.challenge({ headers: {} } as never, options as never)).rejects.toThrow(
        TypeError,
      );
      await expect(control.devices.verify({ headers: {} } as never, {}, options as never)).rejects.toThrow(
        TypeError,
      );
    },
  );

  it('of one answer twenty times at once approves one', async () => {
    const at = await bank();
    const answer = await approved(at);
    const answers = await Promise.all(Array.from({ length: 20 }, () => at.post('/pay', answer)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('says that there is nothing to approve by where the second factor is off', async () => {
    const { control } = await testApp({ secondFactor: false });
    await expect(control.devices.challenge({ headers: {} } as never)).rejects.toThrow(/second factor is off/);
  });
});

describe('requireSession({ freshWithin })', () => {
  async function host(app: TestApp) {
    const guarded = express();
    guarded.get(
      '/',
      app.control.requireSession({ freshWithin: 300, allowApiKey: true }),
      (_request, response) => {
        response.json({});
      },
    );
    return (headers: Headers) => supertest(guarded).get('/').set(headers);
  }

  it('wants a sign-in of the last seconds, however much the session was used since', async () => {
    const app = await testApp();
    const get = await host(app);
    const headers = presenting(await makeSession(app, alices));
    app.clock.advance(300);
    expect((await get(headers)).status).toBe(200);
    app.clock.advance(1);
    expect((await app.post('/sys/v1/session/refresh', undefined, headers)).status).toBe(204);
    const answer = await get(headers);
    expect([answer.status, answer.body.code]).toEqual([401, 'fresh_sign_in_required']);
    expect(answer.headers['www-authenticate']).toBe(
      'Bearer error="insufficient_user_authentication", max_age="300"',
    );
    expect((await app.get('/me', headers)).status).toBe(200);
  });

  it('takes no sign-in of a node whose clock is ahead for a new one', async () => {
    const app = await testApp();
    const get = await host(app);
    const session = await makeSession(app, { ...alices, createdAt: app.clock() + 299_000 });
    expect((await get(presenting(session))).status).toBe(200);
    app.clock.advance(-2);
    expect((await app.get('/me', presenting(session))).status).toBe(401);
    const strict = express();
    strict.get(
      '/',
      app.control.requireSession({ freshWithin: 60 }),
      (_request, response) => void response.json({}),
    );
    app.clock.advance(2);
    const answer = await supertest(strict).get('/').set(presenting(session));
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([
      401,
      expect.stringContaining('max_age="60"'),
    ]);
  });

  it('counts from when the second factor was proven', async () => {
    const app = await testApp();
    const get = await host(app);
    const key = await enrolledKey(app);
    const pending = await pendingSession(app);
    app.clock.advance(200);
    expect((await app.post(fido2, await key.get(pending.options), pending.headers)).status).toBe(204);
    app.clock.advance(300);
    expect((await get(pending.headers)).status).toBe(200);
  });

  it('finds an API key as fresh as its request', async () => {
    const app = await testApp();
    const get = await host(app);
    expect((await get(basic(robot.id, robot.secret))).status).toBe(200);
  });
});
