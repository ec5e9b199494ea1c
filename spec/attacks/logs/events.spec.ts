import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import express, { type RequestHandler } from 'express';
import supertest from 'supertest';
import { auditLog } from '../../../lib/defence/audit.js';
import { type AuditEvent, memoryRepositories, passportControl } from '../../../lib/index.js';
import { basic, testSecret } from '../../support/app.js';
import { attack, type Node } from '../../support/attack.js';
import { auth, passwordOf } from '../../support/owing.js';
import { acme, alice, robot } from '../../support/people.js';
import { swiftly } from '../../support/swift.js';

const told = () => new Promise((resolve) => setTimeout(resolve, 20));
/** What splits lines, colours terminals or ends strings in a log that does not encode. */
const hostile = [
  '\r\nFAKE',
  '\u001b[31mred',
  '\u2028',
  '\u2029',
  '","type":"signed_in',
  '%0d%0a',
  '$' + '{jndi:ldap://x}',
  '\u0000',
];
const controls = ['\r', '\n', '\u001b', '\u2028', '\u2029', '\0'];

describe('attacks on the audit log (LOG-*)', () => {
  it('LOG-03: nothing that a client writes splits an event or makes another of it', () =>
    swiftly({}, async ({ nodes }) => {
      const [node] = nodes;
      const sent: [name: string, request: () => Promise<{ status: number }>][] = hostile.flatMap((text) => [
        [
          'email',
          () => node.call(auth, { ...passwordOf(alice), email: `${text}@example.com`, password: 'x' }),
        ],
        ['user name', () => node.call(auth, undefined, basic(`${text}@example.com`, 'x'))],
        ['password', () => node.call(auth, { ...passwordOf(alice), password: text })],
        [
          'provider',
          () =>
            node.call(auth, {
              ...{ method: 'oauth-auth-code', code: 'x', email: '' },
              idp_id: Buffer.from(text).toString('base64'),
            }),
        ],
        ['user agent', () => node.call(auth, passwordOf(bobWith(text)), { 'User-Agent': 'x"}\u00a0' })],
      ]);
      for (const [name, request] of sent) {
        nodes[0].events.length = 0;
        const { status } = await request();
        await told();
        const events = node.events.filter(({ type }) => type !== 'locked');
        expect([name, status, events.length]).toEqual([name, status, status === 400 ? 0 : 1]);
        const texts = events.flatMap((each) => Object.values(each).map(String));
        expect(texts.filter((each) => controls.some((character) => each.includes(character)))).toEqual([]);
        const line = texts.join();
        expect(line).not.toContain('FAKE');
        expect(line).not.toContain('jndi');
      }
    }));

  it('LOG-05: each sign-in, lock, replay, fault and end is told, of whom, by what, from where and in which request', () => {
    let n = 0;
    const before: RequestHandler = (request, _response, next) => {
      n += 1;
      Object.assign(request, { id: `request-${n}` });
      next();
    };
    const captcha = { verify: async (response: string) => response === 'solved' };
    return swiftly({ before: [before], lockout: { failures: 2 }, captcha }, async (target) => {
      const [node] = target.nodes;
      target.expectSessionsOf(alice.id, robot.id);
      const heard = async () => {
        await told();
        return node.events.splice(0).map(({ at, ...event }) => {
          expect(at).toBe(target.clock());
          return event;
        });
      };
      const by = { address: '127.0.0.1', requestId: expect.stringMatching(/^request-\d+$/) };
      const failed = { type: 'sign_in_failed', method: 'password', idpId: null, ...by };
      const identifier = expect.stringMatching(/^[\w-]{22}$/);
      const guess = (password: string, more: object = {}) =>
        node.call(auth, { ...passwordOf(alice), password, ...more });

      const signedIn = await guess(alice.password);
      const known = { principalType: 'user', entityId: alice.id };
      const session = expect.any(String);
      expect(await heard()).toEqual([
        { type: 'signed_in', method: 'password', idpId: null, state: 'active', session, ...known, ...by },
      ]);
      await guess('x');
      expect(await heard()).toEqual([{ ...failed, reason: 'wrong_secret', identifier, entityId: alice.id }]);
      await guess('x');
      await guess(alice.password);
      await guess(alice.password, { recaptcha_response: 'other' });
      await guess(alice.password, { recaptcha_response: 'solved' });
      expect(await heard()).toEqual([
        { ...failed, reason: 'wrong_secret', identifier, entityId: alice.id },
        { type: 'locked', what: 'guesses', identifier, ...by },
        { ...failed, reason: 'locked', identifier, entityId: null },
        { type: 'captcha_refused', reason: 'not_solved', identifier, ...by },
        { ...failed, reason: 'locked', identifier, entityId: null },
        { type: 'unlocked', identifier, ...by },
        expect.objectContaining({ type: 'signed_in' }),
      ]);
      await node.call(auth, undefined, basic(robot.id, 'x'));
      await node.send({ method: 'GET', path: '/key', headers: basic(robot.id, 'x') });
      expect(await heard()).toEqual([
        { ...failed, method: 'basic', reason: 'wrong_secret', identifier, entityId: robot.id },
        { type: 'rejected_api_key', reason: 'wrong_secret', entityId: robot.id, ...by },
      ]);
      const headers = { Authorization: `Bearer ${JSON.parse(signedIn.body).access_token}` };
      await node.call('/sys/v1/session/select_account', { acct_id: acme }, headers);
      await node.call('/sys/v1/session/terminate', undefined, headers);
      expect(await heard()).toEqual([
        { type: 'account_selected', accountId: acme, entityId: alice.id, session, ...by },
        { type: 'session_ended', cause: 'terminated', successor: null, session, ...known },
      ]);
      target.expectFaults();
      node.repositories.users.findByEmail = () => Promise.reject(new RangeError('of the driver'));
      await guess(alice.password);
      expect(await heard()).toMatchObject([
        { type: 'dependency_failed', operation: 'users.findByEmail', kind: 'threw', error: 'RangeError' },
      ]);
    });
  });

  it('LOG-06: a hundred thousand events to a listener that never answers take little time and little memory', async () => {
    let heard = 0;
    const audit = auditLog(() => {
      heard += 1;
      return new Promise(() => {});
    }, Date.now);
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    collect();
    const before = process.memoryUsage().heapUsed;
    const started = performance.now();
    for (let n = 0; n < 100_000; n += 1)
      audit({ type: 'throttled', scope: 'address', address: '192.0.2.1', requestId: null });
    expect(performance.now() - started).toBeLessThan(2000);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(heard).toBe(100_000);
    collect();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(10_000_000);
  });

  it('LOG-06: a flood of failures and a listener that never answers keep nobody out, and leave nothing behind', () => {
    let heard = 0;
    const onEvent = (event: AuditEvent) => {
      if (event.type === 'sign_in_failed') heard += 1;
      return new Promise(() => {});
    };
    return attack({ onEvent, lockout: false, hashing: { queue: 2000 } }, async (target) => {
      target.expectSessionsOf(alice.id);
      const fail = (node: Node) =>
        node.call(auth, { method: 'oauth-auth-code', idp_id: 'eA==', code: 'x', email: '' });
      for (let round = 0; round < 20; round += 1) {
        const answers = await Promise.all(
          Array.from({ length: 50 }, (_, n) => fail(target.nodes[n % 2] ?? target.nodes[0])),
        );
        expect(answers.filter(({ status }) => status !== 401)).toEqual([]);
      }
      expect((await target.nodes[0].call(auth, passwordOf(alice))).status).toBe(200);
      await told();
      expect(heard).toBe(1000);
      expect(target.shared.rows.size).toBe(1);
    });
  });

  it('LOG-07: what nobody foresaw shows nothing of it on the error page of Express', async () => {
    const marker = 'MARKER-of-the-random-source';
    const { users, devices } = memoryRepositories({
      users: [{ id: alice.id, email: alice.email, passwordHash: null }],
    });
    const control = passportControl({
      ...{ repositories: { users, devices }, secret: testSecret, secondFactor: false },
      randomBytes: () => {
        throw Object.assign(new Error(marker), { headers: { authorization: marker } });
      },
    });
    const host = express();
    host.use(control.router);
    const logged: unknown[] = [];
    const { error } = console;
    console.error = (...given: unknown[]) => void logged.push(...given);
    try {
      const page = await supertest(host).post('/session/auth/discover').send({ user_email: 'x@example.com' });
      expect([page.status, page.type]).toEqual([500, 'text/html']);
      expect(page.text).toContain('passport-control: unforeseen Error');
      expect(`${page.text}${JSON.stringify(page.headers)}${logged.map(String)}`).not.toContain(marker);
    } finally {
      console.error = error;
    }
  });
});

/** A sign-in of somebody whom nobody knows, by whatever password. */
function bobWith(password: string) {
  return { id: '', email: 'somebody@example.com', password };
}
