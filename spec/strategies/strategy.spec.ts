import { describe, expect, it } from '@jest/globals';
import { hash } from '@node-rs/argon2';
import express, { type Request } from 'express';
import passport from 'passport';
import supertest from 'supertest';
import {
  AppNameStrategy,
  AuthError,
  BasicStrategy,
  memoryRepositories,
  PasswordStrategy,
} from '../../lib/index.js';
import { run } from '../../lib/plugged/run.js';
import { fail, type Outcome, runOwn, Strategy, userProven } from '../../lib/strategies/strategy.js';
import { userRecord } from '../../lib/testing/index.js';
import { basic } from '../support/app.js';
import { withLatency } from '../support/latency.js';
import { acme, alice, bob, globex, people, robot, twin } from '../support/people.js';

const user = userRecord(1);

/** A strategy that does what it is told. */
class Told extends Strategy {
  override readonly name = 'told';
  constructor(private readonly what: (request: Request) => Promise<Outcome>) {
    super();
  }
  override attempt(request: Request): Promise<Outcome> {
    return this.what(request);
  }
}

const told = (what: (request: Request) => Promise<Outcome>) => new passport.Passport().use(new Told(what));
const request = () => ({ headers: {} }) as Request;

/** What a host answers whose one route is guarded by strategies of its own Passport. */
async function hosted(own: passport.Authenticator, names: string | string[] = 'told') {
  const app = express();
  app.get('/', own.authenticate(names, { session: false }), ({ user, authInfo }, response) => {
    response.json({ user: user ?? 'let through unproven', authInfo });
  });
  app.use(((error, _request, response, _next) => {
    response.status(error.status ?? 500).json({ error: error.code ?? error.message });
  }) satisfies express.ErrorRequestHandler);
  const { status, body, headers } = await supertest(app).get('/');
  return { status, body, challenge: headers['www-authenticate'] };
}

describe('an attempt under a host’s own Passport', () => {
  it('that succeeds is req.user, and its proof req.authInfo', async () => {
    const { status, body } = await hosted(told(async () => userProven(user)));
    expect(status).toBe(200);
    expect(body.user).toEqual(JSON.parse(JSON.stringify(user)));
    expect(body.authInfo).toMatchObject({ principalType: 'user', credentialId: '1', identityProvider: null });
  });

  it('that fails is 401, without a word on why', async () => {
    const { status, body } = await hosted(told(async () => fail('disabled', user.id)));
    expect([status, body]).toEqual([401, {}]);
  });

  it('that fails leaves the request to the next strategy', async () => {
    const own = told(async () => fail('wrong_secret'));
    own.use('next', new Told(async () => userProven(user)));
    expect((await hosted(own, ['told', 'next'])).body.user.id).toBe(user.id);
  });

  it.each([
    ['malformed_request', 400],
    ['unavailable', 503],
    ['too_many_requests', 429],
  ] as const)('that is an error goes to the error handler of the host: %s', async (code, status) => {
    const thrown = told(async () => {
      throw new AuthError(code);
    });
    const answered = told(async () => ({ kind: 'error', error: new AuthError(code) }));
    for (const own of [thrown, answered])
      expect(await hosted(own)).toMatchObject({ status, body: { error: code } });
  });

  it.each([
    ['an error', new Error('unforeseen')],
    ['a text', 'unforeseen'],
    ['null', null],
    ['nothing', undefined],
  ])('that throws %s lets nobody through', async (_, thrown) => {
    const { status, body } = await hosted(told(() => Promise.reject(thrown)));
    expect(status).toBeGreaterThanOrEqual(400);
    expect(body.user).toBeUndefined();
  });
});

describe('run', () => {
  type Created = passport.StrategyCreated<passport.Strategy>;
  const ending = (authenticate: (this: Created) => void, seconds = 0.05) => {
    const own = new passport.Passport();
    own.use('odd', { name: 'odd', authenticate } as unknown as passport.Strategy);
    return run(own, 'odd', request(), seconds);
  };

  it('hands on who and what a strategy found', async () => {
    const ended = await ending(function () {
      this.success({ id: 'x' }, { scope: 'y' });
    });
    expect(ended).toEqual({ kind: 'success', user: { id: 'x' }, info: { scope: 'y' } });
  });

  it.each<[string, (this: Created) => void]>([
    [
      'fails',
      function () {
        this.fail('no', 401);
      },
    ],
    [
      'fails with a status alone',
      function () {
        this.fail(400);
      },
    ],
    [
      'succeeds with nobody',
      function () {
        this.success(false as never);
      },
    ],
    [
      'has an error that is none',
      function () {
        this.error(undefined);
      },
    ],
    [
      'redirects',
      function () {
        this.redirect('https://evil.example', 307);
      },
    ],
    [
      'passes',
      function () {
        this.pass();
      },
    ],
  ])('refuses when a strategy %s', async (_, authenticate) => {
    expect((await ending(authenticate)).kind).toBe('fail');
  });

  it('is over with the first end, whatever comes after it', async () => {
    const ended = await ending(function () {
      this.fail('no', 401);
      this.success({ id: 'x' });
      this.error(new Error('x'));
    });
    expect(ended.kind).toBe('fail');
  });

  it('does not believe a success that comes after the deadline', async () => {
    let late = () => {};
    const ended = ending(function () {
      late = () => this.success({ id: 'x' });
    }, 0.02);
    await expect(ended).rejects.toMatchObject({ code: 'gateway_timeout' });
    expect(late).not.toThrow();
    await expect(ended).rejects.toMatchObject({ code: 'gateway_timeout' });
  });

  it('refuses by a name that nobody has', async () => {
    expect((await run(new passport.Passport(), 'nobody', request(), 0.05)).kind).not.toBe('success');
  });
});

describe('runOwn', () => {
  const attempt = (what: () => Promise<Outcome>) => runOwn(told(what), 'told', request(), 0.05);

  it('gives the outcome back as it was', async () => {
    const proven = userProven(user);
    expect(await attempt(async () => proven)).toEqual(proven);
    expect(await attempt(async () => fail('disabled', user.id))).toMatchObject({
      ...{ kind: 'fail', reason: 'disabled', entityId: user.id },
    });
    const error = new AuthError('unavailable');
    expect(await attempt(async () => ({ kind: 'error', error }))).toEqual({ kind: 'error', error });
  });

  it('throws what is unforeseen, and what takes too long', async () => {
    await expect(attempt(() => Promise.reject(new TypeError('x')))).rejects.toThrow(TypeError);
    await expect(attempt(() => new Promise(() => {}))).rejects.toMatchObject({ code: 'gateway_timeout' });
  });
});

describe('fifty overlapping requests through one strategy', () => {
  const slow = { least: 0, most: 15 };
  /** Alice and bob with hashes that cost little, and that nobody renews. */
  const cheapUsers = async () => {
    const seed = await Promise.all(
      [alice, bob].map(async ({ id, email, password }) => ({
        ...{ id, email },
        passwordHash: await hash(password, { memoryCost: 64, timeCost: 1 }),
      })),
    );
    const { findByEmail } = memoryRepositories({ users: seed }).users;
    return { findByEmail };
  };

  it.each([
    [
      'PasswordStrategy',
      async () => {
        return new PasswordStrategy({ users: withLatency(await cheapUsers(), slow) });
      },
      [
        ...[alice, bob].map(({ id, email, password }) => ({ id, body: { email, password }, headers: {} })),
        { body: { email: alice.email, password: bob.password }, headers: {} },
      ] as Credential[],
    ],
    [
      'BasicStrategy',
      async () => {
        const { apps } = await people();
        return new BasicStrategy({
          users: withLatency(await cheapUsers(), slow),
          apps: withLatency(apps, slow),
        });
      },
      [
        { id: alice.id, headers: basic(alice.email, alice.password), body: {} },
        { id: robot.id, headers: basic(robot.id, robot.secret), body: {} },
        { id: twin.id, headers: basic(twin.id, twin.secret), body: {} },
        { headers: basic(robot.id, twin.secret), body: {} },
      ] as Credential[],
    ],
    [
      'AppNameStrategy',
      async () => {
        const { apps } = await people();
        return new AppNameStrategy({ apps: withLatency(apps, slow) });
      },
      [
        { id: robot.id, headers: {}, body: { acct_id: acme, name: 'robot', password: robot.secret } },
        { id: twin.id, headers: {}, body: { acct_id: globex, name: 'robot', password: twin.secret } },
        { headers: {}, body: { acct_id: acme, name: 'robot', password: twin.secret } },
      ] as Credential[],
    ],
  ])('are never mixed up: %s', async (_, make, credentials) => {
    const own = new passport.Passport().use('one', await make());
    const app = express().use(express.json());
    app.post('/', own.authenticate('one', { session: false }), ({ user }, response) => {
      response.json({ id: user?.id });
    });
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const { id, body, headers } = credentials[index % credentials.length] ?? none;
        const { status, body: seen } = await supertest(app).post('/').set(headers).send(body);
        return [id, status, seen.id];
      }),
    );
    expect(outcomes).toEqual(outcomes.map(([id]) => [id, id === undefined ? 401 : 200, id]));
  });
});

interface Credential {
  /** Whose it is; nobody's, if it is wrong. */
  id?: string;
  body: object;
  headers: Record<string, string>;
}

const none: Credential = { body: {}, headers: {} };
