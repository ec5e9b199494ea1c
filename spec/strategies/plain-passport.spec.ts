import { describe, expect, it } from '@jest/globals';
import express from 'express';
import passport from 'passport';
import supertest from 'supertest';
import { AppNameStrategy, BasicStrategy, PasswordStrategy, SessionTokenStrategy } from '../../lib/index.js';
import { basic, testApp } from '../support/app.js';
import { acme, alice, bob, dan, globex, people, robot, sue, twin } from '../support/people.js';
import { signInAlice } from '../support/sign-in.js';

/** A host whose `POST /` is guarded by one strategy under a Passport of its own. */
function host(strategy: passport.Strategy & { name?: string }): express.Express {
  const own = new passport.Passport();
  own.use(strategy);
  const app = express();
  app.use(express.json());
  app.post('/', own.authenticate(String(strategy.name), { session: false }), (request, response) => {
    response.json({ id: request.user?.id, info: Object.keys(request.authInfo ?? {}) });
  });
  app.use(((error, _request, response, _next) => {
    response.status(error.status ?? 500).json({ code: error.code });
  }) satisfies express.ErrorRequestHandler);
  return app;
}

describe('a strategy under plain passport.use()', () => {
  it('PasswordStrategy: a user by e-mail address and password', async () => {
    const { users } = await people();
    const app = host(new PasswordStrategy({ users }));
    const post = (body: object) => supertest(app).post('/').send(body);
    expect((await post({ email: 'Alice@example.com', password: alice.password })).body.id).toBe(alice.id);
    for (const [email, password] of [
      [alice.email, 'wrong'],
      ['nobody@example.com', alice.password],
      [sue.email, 'anything'],
      [dan.email, dan.password],
    ]) {
      expect([email, (await post({ email, password })).status]).toEqual([email, 401]);
    }
    const malformed = await post({ email: alice.email, password: 5 });
    expect([malformed.status, malformed.body.code]).toEqual([400, 'malformed_request']);
  });

  it('BasicStrategy: a user or an app by a Basic header', async () => {
    const { users, apps, accounts } = await people();
    const app = host(new BasicStrategy({ users, apps, accounts }));
    const post = (headers: Record<string, string>) => supertest(app).post('/').set(headers);
    expect((await post(basic(alice.email, alice.password))).body.id).toBe(alice.id);
    const answer = await post(basic(robot.id, robot.secret));
    expect(answer.body).toEqual({
      id: robot.id,
      info: expect.arrayContaining(['principalType', 'credentialId']),
    });
    expect((await post(basic(robot.id, 'wrong'))).status).toBe(401);
    expect((await post(basic('neither', 'nor'))).status).toBe(401);
    expect((await post({})).status).toBe(401);
    expect((await post({ Authorization: 'Basic !' })).status).toBe(400);
  });

  it('AppNameStrategy: an app by its account and name', async () => {
    const { apps } = await people();
    const app = host(new AppNameStrategy({ apps }));
    const post = (body: object) => supertest(app).post('/').send(body);
    const named = { acct_id: acme, name: robot.name, password: robot.secret };
    expect((await post(named)).body.id).toBe(robot.id);
    expect((await post({ ...named, acct_id: globex, password: twin.secret })).body.id).toBe(twin.id);
    expect((await post({ ...named, acct_id: globex })).status).toBe(401);
    expect((await post({ ...named, acct_id: 'acme' })).status).toBe(400);
  });

  it('SessionTokenStrategy: a session of a control', async () => {
    const app = await testApp();
    const guarded = host(new SessionTokenStrategy(app.control));
    const headers = await signInAlice(app);
    expect((await supertest(guarded).post('/').set(headers)).body.id).toBe(alice.id);
    expect((await supertest(guarded).post('/')).status).toBe(401);
    app.shared.faults.store.break('get', 'reject');
    expect((await supertest(guarded).post('/').set(headers)).status).toBe(503);
  });

  it('hands a failure of the repository to the host’s error handler', async () => {
    const { users } = await people();
    const failing = {
      ...users,
      findByEmail: () => Promise.reject(Object.assign(new Error('down'), { code: 'EDOWN' })),
    };
    const answer = await supertest(host(new PasswordStrategy({ users: failing })))
      .post('/')
      .send({ email: alice.email, password: 'x' });
    expect([answer.status, answer.body.code]).toEqual([500, 'EDOWN']);
  });

  it('never mixes overlapping requests up', async () => {
    const { users } = await people();
    const app = host(new PasswordStrategy({ users }));
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const { id, email, password } = index % 2 ? alice : bob;
        const wrong = index % 5 === 0;
        const answer = await supertest(app)
          .post('/')
          .send({ email, password: wrong ? 'wrong' : password });
        return wrong ? answer.status === 401 : answer.body.id === id;
      }),
    );
    expect(answers.every((right) => right)).toBe(true);
  });
});
