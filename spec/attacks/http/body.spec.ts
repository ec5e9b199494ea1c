import { describe, expect, it } from '@jest/globals';
import { basic } from '../../support/app.js';
import type { Node, Target, WireAnswer } from '../../support/attack.js';
import { activeSession, config } from '../../support/configuring.js';
import { auth, codeOf, passwordOf } from '../../support/owing.js';
import { acme, alice, bob, robot } from '../../support/people.js';
import { swiftly } from '../../support/swift.js';

const json = { 'Content-Type': 'application/json' };
const seen = (answer: WireAnswer) => `${answer.status} ${codeOf(answer)}`;
const malformed = '400 malformed_request';
const raw = (node: Node, body: string, headers: Record<string, string> = json) =>
  node.send({ headers, body });

/** Bodies of each credential, complete and as good as they can be without the peer. */
const credentials: Record<string, object> = {
  password: { ...passwordOf(alice), recaptcha_response: 'x' },
  'auth-by-app-name': { acct_id: acme, name: robot.name, password: robot.secret },
  'ldap-basic-auth': { idp_id: 'bGRhcA==', email: alice.email, password: 'x', acct_id: acme },
  'oauth-auth-code': { idp_id: 'b2lkYw==', code: 'x', email: alice.email, state: 'x' },
  'saml-response': { id: 'x', response: 'eA==' },
  'aws-iam': { region: 'eu-west-1', acct_id: acme, headers: {} },
};
const fieldsOf = (body: object) => Object.keys(body).filter((name) => name !== 'method');
/** What may stand in the place of a text: every other type, and what a query language would read into it. */
const odd: unknown[] = [0, 1, true, false, [], ['a', 'b'], {}, { $ne: null }, { $gt: '' }, { toString: 'x' }];

/** The calls to repositories that a case made. */
const reads = ({ nodes }: Target) =>
  nodes.flatMap(({ faults }) => Object.values(faults).flatMap(({ calls }) => [...calls.values()]));

describe('attacks on the body (HTTP-*)', () => {
  it('HTTP-02: no body, an empty one and other HTTP methods are no sign-in', () =>
    swiftly({}, async (target) => {
      const [node] = target.nodes;
      expect(seen(await node.send({ method: 'POST', path: auth }))).toBe('401 credentials_required');
      expect(seen(await raw(node, ''))).toBe('401 credentials_required');
      const empty = await node.send({ method: 'POST', path: auth, headers: { 'Content-Length': '0' } });
      expect(seen(empty)).toBe('401 credentials_required');
      for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'HEAD']) {
        const answer = await node.send({ method, path: auth, headers: json });
        expect([method, answer.status, answer.headers.allow]).toEqual([method, 405, 'POST']);
      }
    }));

  it('HTTP-03: what is cut off, no object or no JSON is 400, and nothing of it is said again', () =>
    swiftly({}, async (target) => {
      const bodies = [
        '{"method":"marker-of-the-body"',
        'null',
        '[]',
        '"marker-of-the-body"',
        '1',
        'true',
        '{',
        '{"method":}',
        "{'method':'marker-of-the-body'}",
        '{"method":"password",}',
        '{"method":"password"} {"marker-of-the-body":1}',
        '\u0000',
        'NaN',
        '[{"method":"password"}]',
      ];
      for (const body of bodies) {
        const answer = await raw(target.nodes[0], body);
        expect([body, seen(answer)]).toEqual([body, malformed]);
        expect(answer.body).not.toContain('marker');
      }
      expect(reads(target)).toEqual([]);
    }));

  it('HTTP-05: no key of a body becomes the prototype of anything', () =>
    swiftly({}, async (target) => {
      const [node] = target.nodes;
      const good = JSON.stringify(passwordOf(alice)).slice(1);
      const polluted = [
        `{"__proto__":{"method":"password","email":"${bob.email}","password":"${bob.password}"}}`,
        `{"__proto__":{"verified":true,"state":"active","isAdmin":true},"method":"password"}`,
        `{"constructor":{"prototype":{"isAdmin":true}},"method":"password"}`,
      ];
      for (const body of polluted) expect((await raw(node, body)).status).toBeGreaterThanOrEqual(400);
      expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
      target.expectSessionsOf(alice.id);
      for (const extra of [
        '"__proto__":{"entityId":"x","accountId":"x"}',
        '"constructor":{"prototype":{"x":1}}',
      ]) {
        const answer = await raw(node, `{${extra},${good}`);
        expect([answer.status, JSON.parse(answer.body).entity_id]).toEqual([200, alice.id]);
      }
      const [row] = [...target.shared.rows.values()] as { accountId: unknown; state: unknown }[];
      expect([row?.accountId, row?.state]).toEqual([null, 'active']);
    }));

  it('HTTP-06, HTTP-07: a method is one of the names, letter by letter, and no property of anything', () =>
    swiftly({}, async (target) => {
      const [node] = target.nodes;
      const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'basic', ''];
      const spelt = [
        'PASSWORD',
        ' password',
        'password ',
        'password\u0000',
        'pass\u200bword',
        'x'.repeat(50_000),
      ];
      for (const method of [...names, ...spelt]) {
        const answer = await node.call(auth, { ...passwordOf(alice), method });
        expect([method.slice(0, 20), seen(answer)]).toEqual([method.slice(0, 20), '400 unknown_method']);
      }
      for (const method of [['password'], { password: 1 }, 5, true]) {
        const answer = await node.call(auth, { ...passwordOf(alice), method });
        expect([method, seen(answer)]).toEqual([method, malformed]);
      }
      expect(reads(target)).toEqual([]);
    }));

  it.each(Object.keys(credentials))(
    'HTTP-08: each field of %s is a text and nothing else, and nothing is asked for what is none',
    (method) =>
      swiftly({}, async (target) => {
        const [node] = target.nodes;
        const body = { method, ...credentials[method] };
        for (const field of fieldsOf(body)) {
          if (field === 'headers') continue;
          for (const value of odd) {
            const answer = await node.call(auth, { ...body, [field]: value });
            expect([field, value, answer.status]).toEqual([field, value, 400]);
          }
        }
        expect(reads(target)).toEqual([]);
      }),
  );

  it('HTTP-08: nor is any field of the other routes anything but what it is', () =>
    swiftly({}, async (target) => {
      target.expectSessionsOf(alice.id);
      const headers = await activeSession(target, alice);
      const bodies: [path: string, body: Record<string, unknown>][] = [
        ['/sys/v1/session/select_account', { acct_id: acme }],
        [config.auth, { password: alice.password }],
        ['/sys/v1/session/auth/discover', { user_email: alice.email }],
      ];
      for (const [path, body] of bodies) {
        for (const field of Object.keys(body)) {
          for (const value of odd) {
            const answer = await target.nodes[0].call(path, { ...body, [field]: value }, headers);
            expect([path, value, seen(answer)]).toEqual([path, value, malformed]);
          }
        }
      }
    }));

  it('HTTP-14: nothing in a query is a credential, or changes one', () =>
    swiftly({}, async (target) => {
      const [node] = target.nodes;
      target.expectSessionsOf(alice.id);
      const query = new URLSearchParams({
        ...{ method: 'password', email: bob.email, password: bob.password, username: bob.email },
        ...{ code: 'x', error: 'access_denied', access_token: 'x', token_type: 'Cookie' },
      });
      const alone = await node.send({ method: 'POST', path: `${auth}?${query}` });
      expect(seen(alone)).toBe('401 credentials_required');
      const beside = await node.send({
        ...{ method: 'POST', path: `${auth}?${query}`, headers: json },
        body: JSON.stringify(passwordOf(alice)),
      });
      const answer = JSON.parse(beside.body);
      expect([beside.status, answer.entity_id, answer.token_type]).toEqual([200, alice.id, 'Bearer']);
      for (const method of ['oauth-auth-code', 'ldap-basic-auth', 'saml-response'])
        expect((await node.call(`${auth}?${query}`, { method })).status).toBe(400);
    }));

  it('HTTP-18: unknown fields reach nothing, and a token type is one of two', () =>
    swiftly({}, async (target) => {
      const [node] = target.nodes;
      for (const token_type of ['bearer', 'COOKIE', ['Bearer'], '__proto__', '', 5, null]) {
        const answer = await node.call(auth, { ...passwordOf(alice), token_type });
        expect([token_type, seen(answer)]).toEqual([token_type, malformed]);
      }
      target.expectSessionsOf(alice.id);
      const more = {
        ...{
          user_id: bob.id,
          entity_id: bob.id,
          acct_id: acme,
          accountId: acme,
          mfa: true,
          groups: ['admin'],
        },
        ...{ state: 'active', secondFactor: true, principalType: 'app', credentialId: 'x', idleAt: 9e15 },
      };
      const answer = await node.call(auth, { ...passwordOf(alice), ...more });
      const rows = [...target.shared.rows.values()] as Record<string, unknown>[];
      expect(answer.status).toBe(200);
      expect(rows).toMatchObject([
        { entityId: alice.id, accountId: null, secondFactor: false, principalType: 'user', state: 'active' },
      ]);
      expect(Object.keys(rows[0] ?? {})).not.toContain('groups');
    }));

  it('HTTP-20: what goes wrong is said in our own words and by a code', () =>
    swiftly({}, async (target) => {
      const [node] = target.nodes;
      const answers = [
        await raw(node, '{"method":'),
        await node.call(auth, { ...passwordOf(alice), password: 'wrong' }),
        await node.call(auth, undefined, basic('nobody@example.com', 'wrong')),
        await node.call(auth, undefined, { Authorization: 'Basic %%%' }),
        await node.call(auth, undefined, { Authorization: 'Bearer x' }),
        ...(await Promise.all(
          Object.entries(credentials).map(([method, body]) =>
            node.call(auth, { method, ...body, response: 'x' }),
          ),
        )),
      ];
      for (const { status, body, headers } of answers) {
        if (status < 400) continue;
        const problem = JSON.parse(body);
        expect(headers['content-type']).toMatch(/^application\/problem\+json/);
        const known = ['code', 'detail', 'errors', 'status', 'title', 'type'];
        expect(Object.keys(problem).filter((name) => !known.includes(name))).toEqual([]);
        expect(body).not.toMatch(/node_modules|\bat .*:\d+|Unexpected token|JSON\.parse|ZodError|argon2/);
      }
      target.expectSessionsOf(alice.id, robot.id);
    }));
});
