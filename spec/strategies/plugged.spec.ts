import { describe, expect, it } from '@jest/globals';
import type { Request } from 'express';
import passport from 'passport';
import { BasicStrategy as HttpBasicStrategy } from 'passport-http';
import { Strategy as LocalStrategy } from 'passport-local';
import { run } from '../../lib/strategies/strategy.js';
import { basic, bearer, type TestApp, testApp } from '../support/app.js';
import { alice, bob, dan, robot } from '../support/people.js';

type Verify = (email: string, done: (error: unknown, user?: Express.User | false) => void) => void;

const path = '/sys/v1/session/auth';
const known = new Map([alice, bob, dan].map(({ email, id }) => [email, id]));

/** A strategy of passport-local that takes the password "local" for everybody. */
const local = (verify: Verify) =>
  new LocalStrategy({ usernameField: 'email' }, (email, password, done) =>
    password === 'local' ? verify(email, done) : done(null, false),
  );
const byEmail = local((email, done) => done(null, { id: known.get(email) ?? 'unknown' }));
const signIn = ({ post }: TestApp, email: string, password = 'local') =>
  post(path, { method: 'password', email, password });

describe('passport-local in the place of password', () => {
  const methods = { password: { strategy: byEmail } };

  it('signs in the user that it names, as the repository knows her', async () => {
    const app = await testApp({ methods });
    const { body } = await signIn(app, alice.email);
    const me = await app.get('/me', bearer(body.access_token));
    expect([me.body.id, me.body.session.method]).toEqual([alice.id, 'password']);
    expect((await signIn(app, alice.email, alice.password)).status).toBe(401);
  });

  it('is refused for a user who is unknown or disabled', async () => {
    const app = await testApp({ methods });
    expect((await signIn(app, 'nobody@example.com')).status).toBe(401);
    expect((await signIn(app, dan.email)).status).toBe(401);
    expect(app.shared.rows.size).toBe(0);
  });

  it('stands behind the lock and the schema like our own', async () => {
    const app = await testApp({ methods, lockout: { failures: 3 } });
    expect((await app.post(path, { method: 'password', email: alice.email, password: 5 })).status).toBe(400);
    for (let index = 0; index < 3; index += 1)
      expect((await signIn(app, alice.email, 'wrong')).status).toBe(401);
    expect((await signIn(app, alice.email)).status).toBe(423);
  });

  it('ends its sessions with the user’s credential', async () => {
    const app = await testApp({ methods });
    const headers = bearer((await signIn(app, alice.email)).body.access_token);
    const row = app.repositories.users.table.get(alice.id);
    if (row) app.repositories.users.table.set(alice.id, { ...row, credentialVersion: 2 });
    expect((await app.get('/me', headers)).status).toBe(401);
  });

  it('has its errors answered with 401, unless a peer was out of reach', async () => {
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    const errors: [unknown, number][] = [
      [new Error('invalid password of alice'), 401],
      ['just a text', 401],
      [refused, 503],
      [new Error('wrapped', { cause: refused }), 503],
      [new AggregateError([refused]), 503],
    ];
    for (const [error, status] of errors) {
      const app = await testApp({ methods: { password: { strategy: local((_, done) => done(error)) } } });
      const answer = await signIn(app, alice.email);
      expect([String(error), answer.status]).toEqual([String(error), status]);
      expect(answer.text).not.toContain('alice');
      expect(app.unforeseen).toEqual([]);
    }
  });

  it('is asked whom it means where its users are not ours', async () => {
    const strategy = local((email, done) => done(null, { id: `local:${email}` }));
    const identify = (user: unknown) => {
      const id = known.get((user as { id: string }).id.slice('local:'.length));
      return id === undefined ? null : { type: 'user' as const, id };
    };
    const app = await testApp({ methods: { password: { strategy, identify } } });
    expect((await signIn(app, bob.email)).body.entity_id).toBe(bob.id);
    expect((await signIn(app, 'nobody@example.com')).status).toBe(401);
    const without = await testApp({ methods: { password: { strategy } } });
    expect((await signIn(without, bob.email)).status).toBe(401);
  });

  it('does not make an app of a user', async () => {
    const app = await testApp({
      methods: { password: { strategy: local((_, done) => done(null, { id: robot.id })) } },
    });
    expect((await signIn(app, alice.email)).status).toBe(401);
  });
});

describe('passport-http in the place of basic', () => {
  it('signs in users and apps by what the user name is', async () => {
    const strategy = new HttpBasicStrategy((name, password, done) => {
      const id = name === robot.id ? robot.id : known.get(name);
      done(null, password === 'http' && id !== undefined ? { id } : false);
    });
    const app = await testApp({ methods: { basic: { strategy } } });
    const post = (name: string, password: string) => app.post(path, undefined, basic(name, password));
    expect((await post(alice.email, 'http')).body.entity_id).toBe(alice.id);
    const { body } = await post(robot.id, 'http');
    expect((await app.get('/app', bearer(body.access_token))).body.id).toBe(robot.id);
    expect((await post(alice.email, alice.password)).status).toBe(401);
    expect((await post(robot.id, robot.secret)).status).toBe(401);
  });
});

describe('a strategy that does not end as it should', () => {
  const ending = (authenticate: (this: passport.StrategyCreated<passport.Strategy>) => void) => {
    const strategy = { name: 'odd', authenticate } as unknown as passport.Strategy;
    const authenticator = new passport.Passport().use('odd', strategy);
    return run(authenticator, 'odd', { headers: {} } as Request, 0.05);
  };

  it('is a refusal when it redirects or passes', async () => {
    expect(
      (
        await ending(function () {
          this.redirect('https://idp.example');
        })
      ).kind,
    ).toBe('fail');
    expect(
      (
        await ending(function () {
          this.pass();
        })
      ).kind,
    ).toBe('fail');
    expect(
      (
        await ending(function () {
          this.success(undefined as never);
        })
      ).kind,
    ).toBe('fail');
  });

  it('is an error when it throws', async () => {
    expect(
      (
        await ending(() => {
          throw new Error('broken');
        })
      ).kind,
    ).toBe('error');
  });

  it('is a peer that did not answer when it never ends', async () => {
    await expect(ending(() => {})).rejects.toMatchObject({ code: 'gateway_timeout', status: 504 });
  });

  it('answers a redirect with 401 over HTTP', async () => {
    const strategy = {
      name: 'r',
      authenticate() {
        Reflect.get(this, 'redirect').call(this, 'https://idp.example');
      },
    };
    const app = await testApp({
      methods: { password: { strategy: strategy as unknown as passport.Strategy } },
    });
    const answer = await signIn(app, alice.email);
    expect([answer.status, answer.headers.location]).toEqual([401, undefined]);
  });
});
