import { describe, expect, it } from '@jest/globals';
import type { ErrorRequestHandler } from 'express';
import { ConfigError, type SessionRequirement } from '../../lib/index.js';
import { basic, testApp } from '../support/app.js';
import { acme, alice, robot, twin } from '../support/people.js';
import { signInAlice, signInRobot } from '../support/sign-in.js';

describe('requireSession', () => {
  const wrong: [object, string, RegExp][] = [
    [{ princpal: 'app' }, 'requireSession.princpal', /Did you mean principal\?/],
    [{ principal: 'apps' }, 'requireSession.principal', /must be 'user' or 'app'/],
    [{ account: 'any' }, 'requireSession.account', /'selected', or a function/],
    [{ allowApiKey: 'yes' }, 'requireSession.allowApiKey', /true or false/],
    [{ allowApiKey: true, principal: 'user' }, 'requireSession.allowApiKey', /is for apps/],
  ];
  it.each(wrong)('does not take %j for a demand', async (requirement, path, mend) => {
    const { control } = await testApp();
    let thrown: unknown;
    try {
      control.requireSession(requirement as SessionRequirement);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ConfigError);
    expect([(thrown as ConfigError).path, (thrown as ConfigError).message]).toEqual([
      path,
      expect.stringMatching(mend),
    ]);
  });

  it('gives the handler the principal and the session, and no secret of either', async () => {
    const app = await testApp();
    const { body } = await app.get('/me', await signInRobot(app));
    expect(body).toEqual({
      id: robot.id,
      session: {
        id: expect.stringMatching(/^[\w-]{43}$/),
        principalType: 'app',
        entityId: robot.id,
        method: 'basic',
        state: 'active',
        accountId: acme,
        idpId: null,
        secondFactor: false,
        createdAt: app.clock(),
        expiresAt: app.clock() + 600_000,
      },
    });
  });
});

describe('account', () => {
  it('may be looked up, and a look-up that fails lets nobody in', async () => {
    const app = await testApp();
    const headers = await signInRobot(app);
    const uncaught: unknown[] = [];
    const note = (error: unknown) => uncaught.push(error);
    process.on('unhandledRejection', note);
    app.app.get(
      '/right',
      app.control.requireSession({ account: async () => acme }),
      (_, response) => void response.json({}),
    );
    app.app.get(
      '/none',
      app.control.requireSession({ account: async () => null }),
      (_, response) => void response.json({}),
    );
    const failing = app.control.requireSession({ account: () => Promise.reject(new Error('marker')) });
    const answer500: ErrorRequestHandler = (_error, _request, response, _next) =>
      void response.status(500).end();
    app.app.get('/failing', failing);
    app.app.use('/failing', answer500);
    expect((await app.get('/right', headers)).status).toBe(200);
    expect((await app.get('/none', headers)).status).toBe(403);
    expect((await app.get('/failing', headers)).status).toBe(500);
    await new Promise((resolve) => setTimeout(resolve, 10));
    process.off('unhandledRejection', note);
    expect(uncaught).toEqual([]);
  });
});

describe('allowApiKey', () => {
  it('lets an app in by its key, with no session made', async () => {
    const app = await testApp();
    const answer = await app.get('/key', basic(robot.id, robot.secret));
    expect([answer.status, answer.body.id, answer.body.session.id]).toEqual([200, robot.id, null]);
    expect(app.shared.rows.size).toBe(0);
    expect((await app.get('/key', await signInRobot(app))).status).toBe(200);
  });

  it('is for apps alone, and only where it was asked for', async () => {
    const app = await testApp();
    for (const [path, name, password] of [
      ['/key', alice.email, alice.password],
      ['/key', robot.id, twin.secret],
      ['/key', 'robot', robot.secret],
      ['/me', robot.id, robot.secret],
      ['/app', robot.id, robot.secret],
    ] as const) {
      expect([path, name, (await app.get(path, basic(name, password))).status]).toEqual([path, name, 401]);
    }
    expect((await app.get('/key', await signInAlice(app))).status).toBe(403);
    expect((await app.get('/key', { Authorization: 'Basic !' })).status).toBe(400);
  });

  it('refuses what is disabled, and slows a guesser down without locking the app out', async () => {
    const app = await testApp({ throttle: { perApp: { failures: 3 } } });
    app.app.set('trust proxy', true);
    const from = (address: string, secret: string) =>
      app.get('/key', { ...basic(robot.id, secret), 'X-Forwarded-For': address });
    for (let index = 0; index < 3; index += 1) expect((await from('192.0.2.1', 'guess')).status).toBe(401);
    const slowed = await from('192.0.2.1', robot.secret);
    expect([slowed.status, slowed.headers['retry-after']]).toEqual([429, '300']);
    expect((await from('192.0.2.2', robot.secret)).status).toBe(200);
    app.clock.advance(300);
    expect((await from('192.0.2.1', robot.secret)).status).toBe(200);

    app.repositories.accounts.table.set(acme, { id: acme, enabled: false });
    expect((await from('192.0.2.3', robot.secret)).status).toBe(401);
  });
});
