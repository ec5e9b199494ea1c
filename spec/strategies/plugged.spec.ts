import { describe, expect, it } from '@jest/globals';
import express, { type Request } from 'express';
import passport from 'passport';
import { BasicStrategy as HttpBasicStrategy } from 'passport-http';
import { Strategy as LocalStrategy } from 'passport-local';
import type { PluggedStrategy } from '../../lib/index.js';
import { run } from '../../lib/plugged/run.js';
import { basic, bearer, type TestApp, testApp } from '../support/app.js';
import { acme, alice, bob, dan, globex, robot, twin } from '../support/people.js';

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

describe('what a plugged-in strategy says', () => {
  const saying = async (verify: Verify, more: Partial<PluggedStrategy> = {}) =>
    testApp({ methods: { password: { strategy: local(verify), ...more } } });

  it.each([
    ['no user', undefined],
    ['false', false],
    ['a user without an id', { name: 'alice' }],
    ['an id that is no text', { id: 5 }],
    ['a list with the id', { id: [alice.id] }],
    ['an id that is no UUID', { id: 'alice' }],
    ['the id of nobody', { id: '00000000-0000-4000-8000-000000000000' }],
    ['an id in upper case', { id: alice.id.toUpperCase() }],
    ['the id of a user who is disabled', { id: dan.id }],
    ['the id of an app', { id: robot.id }],
    ['the id alone', alice.id],
    ['yes', true],
  ])('lets nobody in by %s', async (_, user) => {
    const app = await saying((_email, done) => done(null, user as never));
    const answer = await signIn(app, alice.email);
    expect([answer.status, answer.body.code, app.shared.rows.size]).toEqual([401, 'invalid_credentials', 0]);
    expect(app.unforeseen).toEqual([]);
  });

  it.each([
    ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EPIPE'],
    ...['EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_SOCKET'],
  ])('is 503 when a peer was out of reach, which is no failure of the user: %s', async (code) => {
    let error: Error | null = Object.assign(new Error('marker'), { code });
    const strategy = local((email, done) => done(error, { id: known.get(email) ?? '' }));
    const app = await testApp({ methods: { password: { strategy } }, lockout: { failures: 1 } });
    for (let index = 0; index < 2; index += 1) {
      const answer = await signIn(app, alice.email);
      expect([answer.status, answer.body.code]).toEqual([503, 'unavailable']);
      expect(answer.text).not.toContain('marker');
    }
    error = null;
    expect((await signIn(app, alice.email)).body.entity_id).toBe(alice.id);
  });

  it('is told to the host when a peer was out of reach', async () => {
    const refused = Object.assign(new Error('marker'), { code: 'ECONNREFUSED' });
    const app = await saying((_, done) => done(refused));
    expect((await signIn(app, alice.email)).status).toBe(503);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(app.events).toContainEqual(expect.objectContaining({ type: 'dependency_failed' }));
    expect(JSON.stringify(app.events)).not.toContain('marker');
  });

  it.each([
    ['another code', Object.assign(new Error('x'), { code: 'EAUTH' })],
    ['a number for a code', Object.assign(new Error('x'), { code: 49 })],
    ['the code in the message', new Error('connect ECONNREFUSED')],
    ['a cause that goes round', Object.assign(new Error('x'), { cause: new Error('y') })],
    ['no error class', { message: 'x' }],
  ])('is 401 by an error with %s', async (_, error) => {
    if (error instanceof Error && error.cause instanceof Error) error.cause.cause = error;
    const app = await saying((_email, done) => done(error));
    const answer = await signIn(app, alice.email);
    expect([answer.status, answer.body.code, app.unforeseen]).toEqual([401, 'invalid_credentials', []]);
  });

  it('is 401 when the verify callback throws', async () => {
    const app = await saying(() => {
      throw new Error('marker');
    });
    const answer = await signIn(app, alice.email);
    expect([answer.status, answer.body.code, app.unforeseen]).toEqual([401, 'invalid_credentials', []]);
  });

  it('is the same to the client as a wrong password, whatever was wrong', async () => {
    const app = await saying((email, done) => {
      if (email === alice.email) done(new Error('x'));
      else done(null, email === bob.email ? false : { id: known.get(email) ?? 'x' });
    });
    const emails = [alice.email, bob.email, dan.email, 'nobody@example.com'];
    const texts = [];
    for (const email of emails) texts.push((await signIn(app, email)).text);
    expect(new Set([...texts, (await signIn(app, bob.email, 'wrong')).text]).size).toBe(1);
  });

  it('sees the fields of the method, no other of the body and no query', async () => {
    const seen: unknown[] = [];
    const strategy = new LocalStrategy(
      { usernameField: 'email', passReqToCallback: true },
      ({ body, query }, email, password, done) => {
        seen.push([Object.keys(body).sort(), query, email, password]);
        done(null, false);
      },
    );
    const app = await testApp({ methods: { password: { strategy } } });
    const body = {
      method: 'password',
      email: 'Alice@example.com',
      password: 'x',
      admin: true,
      username: bob.email,
    };
    await app.post(`${path}?email=${bob.email}&password=y&admin=1`, body);
    expect(seen).toHaveLength(1);
    const [[fields, query, email, password]] = seen as [[string[], object, string, string]];
    expect(fields.filter((field) => !['email', 'password', 'recaptcha_response'].includes(field))).toEqual(
      [],
    );
    expect([query, email.toLowerCase(), password]).toEqual([{}, alice.email, 'x']);
  });

  it('is believed about the one who was guessed at, and nobody else', async () => {
    const app = await saying((_email, done) => done(null, { id: bob.id }));
    expect((await signIn(app, bob.email)).body.entity_id).toBe(bob.id);
    expect((await signIn(app, 'BOB@Example.com')).body.entity_id).toBe(bob.id);
    expect((await signIn(app, alice.email)).status).toBe(401);
  });

  it('may be async, and is refused when it rejects', async () => {
    const strategy = {
      name: 'async',
      async authenticate(this: passport.StrategyCreated<passport.Strategy>) {
        await Promise.resolve();
        throw new Error('marker');
      },
    } as unknown as passport.Strategy;
    const app = await testApp({ methods: { password: { strategy } } });
    const answer = await signIn(app, alice.email);
    expect([answer.status, answer.body.code, app.unforeseen]).toEqual([401, 'invalid_credentials', []]);
  });

  it('is never mixed up by overlapping requests', async () => {
    const app = await saying((email, done) => {
      setTimeout(() => done(null, { id: known.get(email) ?? '' }), Math.random() * 15);
    });
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const { email, id } = index % 2 ? alice : bob;
        return (await signIn(app, email)).body.entity_id === id;
      }),
    );
    expect(answers).toEqual(answers.map(() => true));
  });
});

describe('identify', () => {
  const user = { id: 'local 1' };
  const strategy = () =>
    new LocalStrategy({ usernameField: 'email' }, (_email, _password, done) =>
      done(null, user as never, { message: 'info' }),
    );
  const identifying = (identify: PluggedStrategy['identify']) =>
    testApp({ methods: { password: { strategy: strategy(), ...(identify ? { identify } : {}) } } });

  it('is asked with what the strategy found, and may take its time', async () => {
    const asked: unknown[] = [];
    const app = await identifying(async (...parameters) => {
      asked.push(parameters);
      await new Promise((resolve) => setTimeout(resolve, 5));
      return { type: 'user', id: alice.id };
    });
    expect((await signIn(app, alice.email)).body.entity_id).toBe(alice.id);
    expect(asked).toEqual([[user, { message: 'info' }]]);
  });

  it('may name nobody but the one that the credential was for, whose failures are counted', async () => {
    for (const identity of [
      { type: 'user' as const, id: bob.id },
      { type: 'app' as const, id: robot.id },
    ]) {
      const app = await identifying(() => identity);
      expect((await signIn(app, alice.email)).status).toBe(401);
      expect(app.shared.rows.size).toBe(0);
    }
  });

  it.each([
    ['null', null],
    ['another user than was guessed at', { type: 'user', id: bob.id }],
    ['an app, where a user was guessed at', { type: 'app', id: robot.id }],
    ['a user who is an app', { type: 'user', id: robot.id }],
    ['an app that is a user', { type: 'app', id: alice.id }],
    ['a user who is disabled', { type: 'user', id: dan.id }],
  ])('refuses by %s', async (_, identity) => {
    const app = await identifying(() => identity as never);
    expect([(await signIn(app, alice.email)).status, app.shared.rows.size]).toEqual([401, 0]);
  });

  it.each([
    ['undefined', () => undefined],
    ['a text', () => alice.id],
    ['no id', () => ({ type: 'user' })],
    ['an id that is no text', () => ({ type: 'user', id: { $ne: null } })],
    ['a kind that is none', () => ({ type: 'robot', id: alice.id })],
    ['a rejection', () => Promise.reject(new Error('marker'))],
    [
      'an exception',
      () => {
        throw new Error('marker');
      },
    ],
  ])('lets nobody in, and leaks nothing, by %s', async (_, identify) => {
    const app = await identifying(identify as never);
    const answer = await signIn(app, alice.email);
    expect([answer.status >= 400, app.shared.rows.size]).toEqual([true, 0]);
    expect(`${answer.text}${app.unforeseen}`).not.toContain('marker');
  });
});

describe('passport-http in the place of basic, where all is not well', () => {
  const http = (verify: (name: string, done: (error: unknown, user?: unknown) => void) => void) =>
    testApp({
      methods: { basic: { strategy: new HttpBasicStrategy((name, _password, done) => verify(name, done)) } },
    });
  const ask = (app: TestApp, name: string = alice.email) => app.post(path, undefined, basic(name, 'x'));

  it.each<[string, Parameters<typeof http>[0], number]>([
    ['an error', (_, done) => done(new Error('marker')), 401],
    [
      'a peer out of reach',
      (_, done) => done(Object.assign(new Error('marker'), { code: 'ECONNREFUSED' })),
      503,
    ],
    [
      'an exception',
      () => {
        throw new Error('marker');
      },
      401,
    ],
    ['nobody', (_, done) => done(null, false), 401],
    ['a user without an id', (_, done) => done(null, {}), 401],
    ['a user who is unknown', (_, done) => done(null, { id: globex }), 401],
    ['a user who is disabled', (_, done) => done(null, { id: dan.id }), 401],
    ['an app for a user', (_, done) => done(null, { id: robot.id }), 401],
  ])('%s', async (_, verify, status) => {
    const app = await http(verify);
    const answer = await ask(app);
    expect([answer.status, app.shared.rows.size, app.unforeseen]).toEqual([status, 0, []]);
    expect(answer.text).not.toContain('marker');
  });

  it('a user for an app', async () => {
    expect((await ask(await http((_, done) => done(null, { id: alice.id })), robot.id)).status).toBe(401);
  });

  it('an app that is disabled, or whose account is', async () => {
    const app = await http((name, done) => done(null, { id: name }));
    expect((await ask(app, robot.id)).body.entity_id).toBe(robot.id);
    app.repositories.accounts.table.set(acme, { id: acme, enabled: false });
    expect((await ask(app, robot.id)).status).toBe(401);
    const row = app.repositories.apps.table.get(twin.id);
    if (row) app.repositories.apps.table.set(twin.id, { ...row, enabled: false });
    expect((await ask(app, twin.id)).status).toBe(401);
  });

  it('is asked for nothing but a well-formed Basic header', async () => {
    const names: string[] = [];
    const app = await http((name, done) => {
      names.push(name);
      done(null, false);
    });
    for (const header of [
      'xBASICx YTpi',
      'Basic YTpi YTpi',
      'Basic !',
      'Basic',
      `Basic ${Buffer.from([0x61, 0x3a, 0xff]).toString('base64')}`,
    ]) {
      const { status } = await app.post(path, undefined, { Authorization: header });
      expect([header, status === 400 || status === 401]).toEqual([header, true]);
    }
    expect(names).toEqual([]);
  });
});

describe('a strategy that the host uses too', () => {
  it('is left as it was, and serves both', async () => {
    const strategy = local((email, done) => done(null, { id: known.get(email) ?? '' }));
    const before = Object.keys(strategy);
    const hosts = new passport.Passport().use('password', strategy);
    const app = await testApp({ methods: { password: { strategy } } });
    app.app.post(
      '/login',
      express.json(),
      hosts.authenticate('password', { session: false }),
      (request, response) => {
        response.json({ hosts: request.user?.id });
      },
    );
    const login = (email: string) => app.post('/login', { email, password: 'local' });
    const [ours, theirs] = await Promise.all([signIn(app, alice.email), login(bob.email)]);
    expect([ours.body.entity_id, theirs.body]).toEqual([alice.id, { hosts: bob.id }]);
    expect(Object.keys(strategy)).toEqual(before);
  });

  it('is not looked for among those of the Passport that all share', async () => {
    const names = () => Object.keys(Reflect.get(passport, '_strategies'));
    const before = names();
    let asked = 0;
    const asking = local((_, done) => {
      asked += 1;
      done(null, { id: alice.id });
    });
    passport.use('password', asking).use('basic', asking);
    const app = await testApp();
    expect((await signIn(app, alice.email)).status).toBe(401);
    expect((await signIn(app, alice.email, alice.password)).body.entity_id).toBe(alice.id);
    expect(asked).toBe(0);
    expect(Reflect.get(passport, '_strategies').password).toBe(asking);
    passport.unuse('password').unuse('basic');
    expect(names()).toEqual(before);
  });
});
