import { describe, expect, it } from '@jest/globals';
import { testApp } from '../support/app.js';
import { acme } from '../support/people.js';
import { type Condition, conditions } from '../support/session-maker.js';

type Row = Record<Condition, number>;

/** What every route answers to a session that is none, or no longer. */
const without = { 'no token': 401, garbage: 401, expired: 401, terminated: 401 };
const unproven = { ...without, pending: 401, enrolling: 401 };

const routes: Record<string, { body?: object; answers: Row }> = {
  'POST /sys/v1/session/refresh': { answers: { ...unproven, 'active user': 204, 'active app': 204 } },
  'POST /sys/v1/session/reauth': { answers: { ...unproven, 'active user': 403, 'active app': 200 } },
  'POST /sys/v1/session/terminate': {
    answers: { ...without, pending: 204, enrolling: 204, 'active user': 204, 'active app': 204 },
  },
  'POST /sys/v1/session/select_account': {
    body: { acct_id: acme },
    answers: { ...unproven, 'active user': 200, 'active app': 403 },
  },
  'GET /me': { answers: { ...unproven, 'active user': 200, 'active app': 200 } },
  'POST /me': { answers: { ...unproven, 'active user': 200, 'active app': 200 } },
  'GET /user': { answers: { ...unproven, 'active user': 200, 'active app': 403 } },
  'GET /app': { answers: { ...unproven, 'active user': 403, 'active app': 200 } },
  'GET /key': { answers: { ...unproven, 'active user': 403, 'active app': 200 } },
  'GET /account': { answers: { ...unproven, 'active user': 403, 'active app': 200 } },
  [`GET /accounts/${acme}`]: { answers: { ...unproven, 'active user': 403, 'active app': 200 } },
};

const codes: Partial<Record<Condition, string>> = {
  'no token': 'session_required',
  garbage: 'invalid_session',
  pending: 'second_factor_required',
  enrolling: 'enrolment_required',
  expired: 'invalid_session',
  terminated: 'invalid_session',
};

const cases = Object.entries(routes).flatMap(([route, { body, answers }]) =>
  (['Bearer', 'Cookie'] as const).flatMap((carrier) =>
    Object.entries(answers).map(([condition, status]) => ({
      route,
      carrier,
      condition: condition as Condition,
      status,
      body,
    })),
  ),
);

describe('every route in every state of the session', () => {
  it.each(cases)('$route with $condition as $carrier answers $status', async (each) => {
    const app = await testApp();
    const headers = await conditions[each.condition](app, each.carrier);
    const [method, path] = each.route.split(' ') as ['GET' | 'POST', string];
    const answer = await (method === 'GET' ? app.get(path, headers) : app.post(path, each.body, headers));

    expect(answer.status).toBe(each.status);
    expect(app.unforeseen).toEqual([]);
    if (each.status !== 401) return;
    expect(answer.body.code).toBe(codes[each.condition]);
    const challenge = answer.headers['www-authenticate'];
    if (each.condition === 'no token') expect(challenge).toBe('Bearer');
    else if (each.condition === 'pending' || each.condition === 'enrolling') {
      expect(challenge).toBe('Bearer error="insufficient_user_authentication"');
    } else expect(challenge).toBe('Bearer error="invalid_token"');
  });

  const paths = ['auth', 'refresh', 'reauth', 'terminate', 'select_account'];
  it.each(paths)('session/%s answers every other HTTP method with 405 and Allow', async (path) => {
    const { default: supertest } = await import('supertest');
    const { app } = await testApp();
    for (const method of ['get', 'put', 'patch', 'delete', 'options'] as const) {
      const answer = await supertest(app)[method](`/sys/v1/session/${path}`);
      expect([method, answer.status, answer.headers.allow]).toEqual([method, 405, 'POST']);
    }
  });

  it('serves no path but its own: a trailing slash and another case are not routes', async () => {
    const { post } = await testApp();
    for (const path of ['/sys/v1/session/refresh/', '/sys/v1/session/REFRESH', '/sys/v1/session%2frefresh']) {
      expect((await post(path)).status).toBe(404);
    }
  });
});
