import { describe, expect, it } from '@jest/globals';
import { testApp } from '../support/app.js';
import { acme, alice } from '../support/people.js';
import { type Condition, conditions } from '../support/session-maker.js';

type Row = Record<Condition, number>;

/** What every route answers to a session that is none, or no longer. */
const without = { 'no token': 401, garbage: 401, expired: 401, terminated: 401 };
const unproven = { ...without, pending: 401, enrolling: 401 };

/** An answer to a challenge that is good in form and signed by nobody. */
const unsigned = { id: 'AA', response: { clientDataJSON: 'AA', authenticatorData: 'AA', signature: 'AA' } };

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
  'POST /sys/v1/session/auth/2fa/fido2': {
    body: unsigned,
    answers: { ...without, pending: 401, enrolling: 401, 'active user': 403, 'active app': 403 },
  },
  'POST /sys/v1/session/auth/2fa/recovery_code': {
    body: { recovery_code: 'none' },
    answers: { ...without, pending: 401, enrolling: 401, 'active user': 403, 'active app': 403 },
  },
  // Nobody has switched it on.
  'POST /sys/v1/session/auth/2fa/u2f': {
    body: { keyHandle: 'AA', signatureData: 'AA', clientData: 'AA' },
    answers: { ...without, pending: 400, enrolling: 401, 'active user': 403, 'active app': 403 },
  },
  'POST /sys/v1/users/generate_recovery_codes': {
    answers: { ...unproven, 'active user': 403, 'active app': 403 },
  },
  'PATCH /sys/v1/session/config_2fa/devices': {
    body: { old_name: 'key', new_name: 'other' },
    answers: { ...unproven, 'active user': 403, 'active app': 403 },
  },
  'DELETE /sys/v1/session/config_2fa/devices': {
    body: { name: 'key' },
    answers: { ...unproven, 'active user': 403, 'active app': 403 },
  },
  'POST /sys/v1/session/config_2fa/auth': {
    body: { password: alice.password },
    answers: { ...unproven, 'active user': 200, 'active app': 403 },
  },
  'POST /sys/v1/session/config_2fa/new_challenge?protocol=fido2': {
    answers: { ...unproven, enrolling: 200, 'active user': 403, 'active app': 403 },
  },
  'POST /sys/v1/session/config_2fa/terminate': {
    answers: { ...unproven, 'active user': 204, 'active app': 403 },
  },
  'GET /sys/v1/session/config_2fa/devices': {
    answers: { ...unproven, 'active user': 200, 'active app': 403 },
  },
  'POST /sys/v1/session/config_2fa/devices': {
    body: {
      name: 'key',
      attestationResult: { ...unsigned, response: { clientDataJSON: 'AA', attestationObject: 'AA' } },
    },
    answers: { ...unproven, 'active user': 403, 'active app': 403 },
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

const forbidden = /^(?:wrong_principal|wrong_session_state|account_required|configuration_locked)$/;

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
    const [method, path] = each.route.split(' ') as ['GET' | 'POST' | 'PATCH' | 'DELETE', string];
    const asked = {
      GET: () => app.get(path, headers),
      POST: () => app.post(path, each.body, headers),
      PATCH: () => app.sendBy('patch', path, each.body, headers),
      DELETE: () => app.sendBy('delete', path, each.body, headers),
    };
    const answer = await asked[method]();

    expect(answer.status).toBe(each.status);
    if (each.status === 403) expect(answer.body.code).toMatch(forbidden);
    expect(app.unforeseen).toEqual([]);
    if (each.status !== 401) return;
    // The routes that serve this state find fault with what was posted, not with the session.
    const serving = { pending: /2fa\/(?:fido2|recovery_code)$/, enrolling: /^POST .*\/devices$/ } as const;
    const { condition, route } = each;
    const isServed = condition in serving && serving[condition as keyof typeof serving].test(route);
    expect(answer.body.code).toBe(isServed ? 'invalid_credentials' : codes[each.condition]);
    const challenge = answer.headers['www-authenticate'];
    if (isServed) expect(challenge).toBe('Bearer');
    else if (each.condition === 'no token') expect(challenge).toBe('Bearer');
    else if (each.condition === 'pending' || each.condition === 'enrolling') {
      expect(challenge).toBe('Bearer error="insufficient_user_authentication"');
    } else expect(challenge).toBe('Bearer error="invalid_token"');
  });

  const paths = [
    ...['auth', 'auth/discover', 'refresh', 'reauth', 'terminate', 'select_account', 'auth/2fa/fido2'],
    ...['config_2fa/auth', 'config_2fa/new_challenge', 'config_2fa/terminate', 'config_2fa/devices'],
    ...['auth/2fa/recovery_code', 'auth/2fa/u2f'],
  ];
  it.each(paths)('session/%s answers every other HTTP method with 405 and Allow', async (path) => {
    const { default: supertest } = await import('supertest');
    const { app } = await testApp();
    const allow = path.endsWith('devices') ? 'GET, HEAD, POST, PATCH, DELETE' : 'POST';
    for (const method of ['get', 'put', 'patch', 'delete', 'options'] as const) {
      if (allow.includes(method.toUpperCase())) continue;
      const answer = await supertest(app)[method](`/sys/v1/session/${path}`);
      expect([method, answer.status, answer.headers.allow]).toEqual([method, 405, allow]);
    }
  });

  it('has no routes for a second factor where nobody owes one', async () => {
    const { post } = await testApp({ secondFactor: false });
    for (const path of ['auth/2fa/fido2', 'config_2fa/auth', 'config_2fa/devices'])
      expect((await post(`/sys/v1/session/${path}`)).status).toBe(404);
  });

  it('serves no path but its own: a trailing slash and another case are not routes', async () => {
    const { post } = await testApp();
    for (const path of ['/sys/v1/session/refresh/', '/sys/v1/session/REFRESH', '/sys/v1/session%2frefresh']) {
      expect((await post(path)).status).toBe(404);
    }
  });
});
