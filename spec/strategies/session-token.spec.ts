import { describe, expect, it } from '@jest/globals';
import express from 'express';
import passport from 'passport';
import supertest from 'supertest';
import { BasicStrategy, SessionTokenStrategy } from '../../lib/index.js';
import { basic, origin, type TestApp, testApp } from '../support/app.js';
import { alice, bob, robot } from '../support/people.js';
import {
  alices,
  type Condition,
  conditions,
  makeSession,
  presenting,
  robots,
} from '../support/session-maker.js';

/** A host whose route is guarded by the sessions of a control, under a Passport of its own. */
function host({ control, repositories }: TestApp, names: string | string[] = 'session-token') {
  const own = new passport.Passport();
  own.use(new SessionTokenStrategy(control));
  own.use(new BasicStrategy({ apps: repositories.apps }));
  const app = express();
  app.all('/', own.authenticate(names, { session: false }), ({ user, authInfo }, response) => {
    response.json({ id: user?.id, authInfo });
  });
  app.use(((error, _request, response, _next) => {
    response.status(error.status ?? 500).json({ code: error.code });
  }) satisfies express.ErrorRequestHandler);
  return (headers: Record<string, string> = {}) => supertest(app).post('/').set(headers);
}

describe('SessionTokenStrategy', () => {
  it.each([
    ['Bearer', alices, alice.id],
    ['Cookie', alices, alice.id],
    ['Bearer', robots, robot.id],
    ['Cookie', robots, robot.id],
  ] as const)('lets a %s session of its principal in', async (carrier, session, id) => {
    const app = await testApp();
    const started = await makeSession(app, { ...session, carrier });
    const { status, body } = await host(app)(presenting(started));
    expect([status, body.id]).toEqual([200, id]);
    expect(body.authInfo).toMatchObject({ entityId: id, state: 'active', method: session.method });
    expect(JSON.stringify(body)).not.toContain(started.token);
  });

  const others = (Object.keys(conditions) as Condition[]).filter((each) => !each.startsWith('active'));

  it.each(others)('lets nobody in by this session: %s', async (condition) => {
    for (const carrier of ['Bearer', 'Cookie'] as const) {
      const app = await testApp();
      const { status, body } = await host(app)(await conditions[condition](app, carrier));
      expect([carrier, status, body.id]).toEqual([carrier, 401, undefined]);
    }
  });

  it('decides as the gate does: a page of another site, a bad header beside a good cookie', async () => {
    const app = await testApp();
    const cookie = presenting(await makeSession(app, { ...alices, carrier: 'Cookie' }));
    const ask = host(app);
    expect((await ask({ ...cookie, Origin: 'https://evil.example' })).status).toBe(401);
    expect((await ask({ ...cookie, Authorization: 'Bearer x' })).status).toBe(401);
    expect((await ask({ ...cookie, Origin: origin })).body.id).toBe(alice.id);
  });

  it('reads the principal again each time', async () => {
    const app = await testApp();
    const headers = presenting(await makeSession(app, alices));
    const ask = host(app);
    expect((await ask(headers)).status).toBe(200);
    const row = app.repositories.users.table.get(alice.id);
    if (row) app.repositories.users.table.set(alice.id, { ...row, enabled: false });
    expect((await ask(headers)).status).toBe(401);
  });

  it('hands on that a store or a repository is out of reach', async () => {
    const app = await testApp();
    const headers = presenting(await makeSession(app, alices));
    for (const [dependency, operation] of [
      [app.shared.faults.store, 'get'],
      [app.shared.faults.oneTime, 'get'],
      [app.faults.users, 'findById'],
    ] as const) {
      dependency.break(operation, 'reject');
      const { status, body } = await host(app)(headers);
      expect([status, body]).toEqual([503, { code: 'unavailable' }]);
      dependency.heal();
    }
  });

  it('leaves a request without a session to the next strategy', async () => {
    const app = await testApp();
    const ask = host(app, ['session-token', 'basic']);
    expect((await ask(basic(robot.id, robot.secret))).body.id).toBe(robot.id);
    expect((await ask()).status).toBe(401);
  });

  it('has its turn after a strategy for another credential', async () => {
    const app = await testApp();
    const headers = presenting(await makeSession(app, alices));
    const ask = host(app, ['basic', 'session-token']);
    expect((await ask(headers)).body.id).toBe(alice.id);
  });

  it('never mixes overlapping sessions up', async () => {
    const app = await testApp();
    const ask = host(app);
    const sessions = await Promise.all(
      [alice, bob].map(({ id }) => makeSession(app, { ...alices, entityId: id })),
    );
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const session = sessions[index % 2];
        if (session === undefined) return false;
        return (await ask(presenting(session))).body.id === session.record.entityId;
      }),
    );
    expect(answers).toEqual(answers.map(() => true));
  });
});
