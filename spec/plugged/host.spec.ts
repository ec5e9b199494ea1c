import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import express, { type Request } from 'express';
import passport from 'passport';
import supertest from 'supertest';
import { codeVerifierStore } from '../../lib/index.js';
import { askHost, hearingRejections, type Identify, isHandedOver } from '../../lib/plugged/host.js';
import { verdictOfHost } from '../../lib/plugged/provider.js';
import { run } from '../../lib/plugged/run.js';
import { ProfileStrategy } from '../support/plugged-providers.js';

type Started = passport.StrategyCreated<passport.Strategy>;
type Authenticate = (this: Started, request: Request) => unknown;

/** Asks a strategy that does this, for 50 ms at most; the answer, and what was told. */
async function ask(authenticate: Authenticate, identify: Identify = (user) => user) {
  const told: unknown[] = [];
  const authenticator = new passport.Passport();
  authenticator.use('host', hearingRejections({ authenticate } as passport.Strategy));
  const host = {
    ...{ name: 'methods.x.strategy', seconds: 0.05, audit: (event: unknown) => void told.push(event) },
    run: (request: Request) => run(authenticator, 'host', request, 0.05),
  };
  const request = { headers: {}, body: { other: 1 }, query: { code: 'x' }, res: { send() {} } };
  const answer = await askHost(host, request as never, { own: 1 }, identify).catch(({ code }) => code);
  return { answer, told, request };
}
const timedOut = [
  { type: 'dependency_failed', operation: 'methods.x.strategy', kind: 'timed_out', error: null },
];

describe('a strategy of the host', () => {
  it('sees the fields that it is given, no query, and no response that it could answer by', async () => {
    let seen: Record<string, unknown> = {};
    const { request } = await ask(function (given) {
      seen = { body: given.body, query: given.query, res: given.res, handed: isHandedOver(given) };
      this.fail();
    });
    expect(seen).toEqual({ body: { own: 1 }, query: {}, res: undefined, handed: true });
    expect([request.body, isHandedOver(request)]).toEqual([{ other: 1 }, false]);
  });

  it.each<[string, Authenticate]>([
    ['succeeds and fails', (that) => that],
    ['fails', (that) => that],
  ])('is believed by what it says first, when it %s', async (first) => {
    const { answer } = await ask(function () {
      if (first === 'fails') this.fail();
      this.success({ id: 'first' } as never);
      this.success({ id: 'second' } as never);
      this.fail();
      this.error(new Error('late'));
    });
    expect(answer).toEqual(first === 'fails' ? { reason: 'refused_by_strategy' } : { said: { id: 'first' } });
  });

  it('that does not answer in time is a dependency that failed, and is told of', async () => {
    const { answer, told } = await ask(() => {});
    expect([answer, told]).toEqual(['gateway_timeout', timedOut]);
  });

  it.each<[string, Identify]>([
    ['never answers', () => new Promise(() => {})],
    ['answers late', () => sleep(120, 'alice')],
  ])('has the same time for identifying: one that %s', async (_, identify) => {
    const { answer, told } = await ask(function () {
      this.success({} as never);
    }, identify);
    expect([answer, told]).toEqual(['gateway_timeout', timedOut]);
    await sleep(100);
    expect(told).toEqual(timedOut);
  });

  it.each<[string, Identify]>([
    ['throws', () => JSON.parse('alice')],
    ['rejects', () => Promise.reject(new Error('alice'))],
    ['answers null', () => null],
    ['answers nothing', () => undefined],
  ])('is refused where identifying %s', async (_, identify) => {
    const { answer, told } = await ask(function () {
      this.success({} as never);
    }, identify);
    expect([answer, told]).toEqual([{ reason: 'refused_by_strategy' }, []]);
  });

  it('ends late without a trace, but for what is told to whoever asked for that', async () => {
    const authenticator = new passport.Passport();
    let finish = (_: object) => {};
    const authenticate: Authenticate = function () {
      finish = (user) => this.success(user as never);
    };
    authenticator.use('host', { authenticate } as passport.Strategy);
    const late: unknown[] = [];
    const request = { headers: {} } as Request;
    const asked = run(authenticator, 'host', request, 0.02, (ended) => late.push(ended));
    await expect(asked).rejects.toMatchObject({ code: 'gateway_timeout' });
    finish({ id: 'late' });
    expect(late).toEqual([{ kind: 'success', user: { id: 'late' }, info: undefined }]);
  });
});

describe('what a strategy says of somebody', () => {
  it('has texts for attributes, and nothing else is handed on', () => {
    const attributes = { team: 'red', age: 5, tags: ['a'], nested: {}, none: null };
    expect(verdictOfHost({ subject: 'a', attributes })).toEqual({
      ...{ subject: 'a', email: null, emailProven: false },
      attributes: { team: 'red' },
    });
  });
});

describe('codeVerifierStore', () => {
  it('takes no state where no control has looked at it', async () => {
    const strategy = new ProfileStrategy(
      'http://localhost:1/me',
      {
        ...{ authorizationURL: 'http://localhost:1/auth', tokenURL: 'http://localhost:1/token' },
        ...{ clientID: 'host', clientSecret: 'secret', store: codeVerifierStore() },
      },
      () => {
        throw new Error('nobody comes this far');
      },
    );
    const own = new passport.Passport();
    own.use('own', strategy as unknown as passport.Strategy);
    const app = express().use(express.json());
    app.get('/callback', own.authenticate('own', { session: false }));
    const answer = await supertest(app).get('/callback?code=attackers&state=forged');
    expect(answer.status).toBe(403);
  });
});
