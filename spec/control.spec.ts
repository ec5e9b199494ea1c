import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import express from 'express';
import session from 'express-session';
import passport from 'passport';
import { Strategy as LocalStrategy } from 'passport-local';
import supertest from 'supertest';
import { memoryRepositories, passportControl } from '../lib/index.js';
import { basic, bearer, testApp } from './support/app.js';
import { alice, people, robot } from './support/people.js';
import { signInAlice, signInRobotByCookie } from './support/sign-in.js';

const auth = '/session/auth';

describe('several controls in one app', () => {
  it('have sessions, strategies and cookies of their own, even with one secret', async () => {
    const secret = randomBytes(32);
    const make = async (name: string) =>
      passportControl({
        repositories: await people(),
        secondFactor: false,
        secret,
        session: { cookie: { name } },
      });
    const [users, partners] = [await make('users'), await make('partners')];
    const app = express();
    app.use('/users', users.router).use('/partners', partners.router);
    app.get('/users/me', users.requireSession(), (_request, response) => void response.json({ by: 'users' }));
    app.get(
      '/partners/me',
      partners.requireSession(),
      (_request, response) => void response.json({ by: 'partners' }),
    );

    const signIn = async (at: string) =>
      (await supertest(app).post(`${at}${auth}`).set(basic(robot.id, robot.secret))).body.access_token;
    const [one, other] = [await signIn('/users'), await signIn('/partners')];
    const status = async (path: string, token: string) =>
      (await supertest(app).get(path).set(bearer(token))).status;
    expect([await status('/users/me', one), await status('/partners/me', other)]).toEqual([200, 200]);
    expect([await status('/users/me', other), await status('/partners/me', one)]).toEqual([401, 401]);

    const cookie = await supertest(app)
      .post(`/users${auth}`)
      .set(basic(robot.id, robot.secret))
      .send({ token_type: 'Cookie' });
    expect(String(cookie.headers['set-cookie'])).toMatch(/^__Host-users=/);
  });
});

describe('beside the host’s own passport and express-session', () => {
  it('touches neither, and is touched by neither', async () => {
    const hosts = new passport.Passport();
    hosts.use(new LocalStrategy((username, _password, done) => done(null, { id: `host:${username}` })));
    hosts.serializeUser((user, done) => done(null, user.id));
    hosts.deserializeUser((id: string, done) => done(null, { id }));
    const { control, app: api } = await testApp();
    const app = express();
    app.use(session({ secret: 'the host’s', resave: false, saveUninitialized: false }));
    app.use(hosts.initialize()).use(hosts.session());
    app.post('/login', express.json(), hosts.authenticate('local'), (request, response) => {
      response.json({ id: request.user?.id });
    });
    app.get('/host', (request, response) => void response.json({ id: request.user?.id ?? null }));
    app.use('/sys/v1', control.router);
    app.get(
      '/ours',
      control.requireSession(),
      (request, response) => void response.json({ id: request.user?.id }),
    );
    expect(api).not.toBe(app);

    const agent = supertest.agent(app);
    await agent.post('/login').send({ username: 'root', password: 'x' }).expect(200, { id: 'host:root' });
    await agent.get('/host').expect(200, { id: 'host:root' });
    await agent.get('/ours').expect(401);
    const { body } = await agent.post('/sys/v1/session/auth').set(basic(robot.id, robot.secret)).expect(200);
    await agent.get('/ours').set(bearer(body.access_token)).expect(200, { id: robot.id });
    await agent.get('/host').expect(200, { id: 'host:root' });
    await agent.post('/sys/v1/session/terminate').set(bearer(body.access_token)).expect(204);
    await agent.get('/host').expect(200, { id: 'host:root' });
  });

  it('leaves the passport singleton as it was', async () => {
    const before = Object.keys(Reflect.get(passport, '_strategies'));
    await testApp();
    expect(Object.keys(Reflect.get(passport, '_strategies'))).toEqual(before);
  });

  it('respects a body that the host has parsed', async () => {
    for (const parser of [express.json(), express.raw({ type: '*/*' }), express.text({ type: '*/*' })]) {
      const app = await testApp({ before: [parser] });
      await signInAlice(app);
    }
  });
});

describe('what the control offers beside the router', () => {
  it('decides about requests outside of routes', async () => {
    const app = await testApp();
    const { app: host, control } = app;
    const seen: unknown[] = [];
    host.get('/upgrade', async (request, response) => {
      try {
        seen.push((await control.authenticate(request, { principal: 'user' })).principal.id);
      } catch (error) {
        seen.push((error as { code: string }).code);
      }
      response.end();
    });
    await app.get('/upgrade', await signInAlice(app));
    await app.get('/upgrade', await signInRobotByCookie(app));
    await app.get('/upgrade');
    expect(seen).toEqual([alice.id, 'wrong_principal', 'session_required']);
  });

  it('is ready when the libraries are in, and closes', async () => {
    const { control } = await testApp();
    await expect(control.ready).resolves.toBeUndefined();
    await expect(control.close()).resolves.toBeUndefined();
  });

  it('serves apps alone, and users alone', async () => {
    const { users, apps } = await people();
    const only = (repositories: object) =>
      passportControl({ repositories, secret: randomBytes(32), secondFactor: false });
    const status = async (control: { router: express.Router }, name: string, secret: string) =>
      (await supertest(express().use(control.router)).post(auth).set(basic(name, secret))).status;
    expect(await status(only({ apps }), robot.id, robot.secret)).toBe(200);
    expect(await status(only({ apps }), alice.email, alice.password)).toBe(401);
    expect(await status(only({ users }), alice.email, alice.password)).toBe(200);
    expect(await status(only({ users }), robot.id, robot.secret)).toBe(401);
  });

  it('does not let a listener of events disturb a sign-in', async () => {
    const listeners = [
      () => {
        throw new Error('broken');
      },
      () => Promise.reject(new Error('broken')),
      () => new Promise(() => {}),
    ];
    for (const onEvent of listeners) await signInAlice(await testApp({ onEvent }));
  });

  it('owes nobody a second factor who has no device', async () => {
    const repositories = memoryRepositories();
    expect(await repositories.devices.listByUser(alice.id)).toEqual([]);
  });
});
