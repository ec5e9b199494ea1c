import { describe, expect, it } from '@jest/globals';
import { basic } from '../../support/app.js';
import type { Node, Target, WireAnswer } from '../../support/attack.js';
import { auth, codeOf, owing, passwordOf, pay, reach, statesOf } from '../../support/owing.js';
import { acme, alice, bob, robot } from '../../support/people.js';
import { enrolledKey, fido2 } from '../../support/second-factor.js';
import { presentingAnswer } from '../../support/sign-in.js';
import { swiftly } from '../../support/swift.js';

const mount = '/sys/v1';
const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
/** The routes of the host that are for active sessions. */
const hosts = ['/me', '/user', '/app', '/key', '/account', `/accounts/${acme}`];

/** The paths of the API, as its router has them. */
function pathsOf({ control }: Node): string[] {
  const { stack } = control.router as unknown as { stack: { route?: { path: string } }[] };
  return stack.flatMap(({ route }) => (route === undefined ? [] : [mount + route.path]));
}

/** A path as somebody writes it who hopes that the check reads it otherwise than the router. */
const spellings: Record<string, (path: string) => string> = {
  'as it is': (path) => path,
  'with a slash behind': (path) => `${path}/`,
  'in capitals': (path) => path.toUpperCase().replace(mount.toUpperCase(), mount),
  'with a slash encoded': (path) => path.replace(/(?!^)\/([^/]*)$/, '%2f$1'),
  'with a slash more': (path) => path.replace('/session', '//session'),
  'with a way round': (path) => path.replace('/session', '/session/auth/2fa/../..'),
  'with a parameter': (path) => `${path};x=/session/auth/2fa/fido2`,
  'with a query': (path) => `${path}?_method=POST&path=/session/auth/2fa/fido2`,
};

/** What each route is asked to do, for it to have no other reason to refuse. */
const bodies: Record<string, unknown> = {
  [`${mount}/session/select_account`]: { acct_id: acme },
  [`${mount}/session/config_2fa/auth`]: { password: alice.password },
  [fido2]: { id: 'AA', response: { clientDataJSON: 'AA', authenticatorData: 'AA', signature: 'AA' } },
};
const body = (path: string) => (path in bodies ? JSON.stringify(bodies[path]) : undefined);

const rowsOf = ({ shared }: Target) => JSON.stringify([...shared.rows]);

describe('attacks on the state of a pending session (MFA-*)', () => {
  it.each(['Bearer', 'Cookie'] as const)(
    'MFA-01: a pending %s opens no route but the one that completes it and the one that ends it',
    (carrier) =>
      swiftly({}, async (target) => {
        const { nodes } = target;
        target.expectSessionsOf(alice.id);
        const key = await enrolledKey(nodes[0]);
        const session = await owing(target, alice, carrier);
        const before = rowsOf(target);
        const paths = pathsOf(nodes[0]);
        expect(paths.length).toBeGreaterThanOrEqual(9);

        // Discovery is for anybody, and knows of no session.
        const anybody = `POST ${mount}/session/auth/discover`;
        const factors = ['recovery_code', 'u2f'].map((name) => `POST ${mount}/session/auth/2fa/${name}`);
        const own = new Set([anybody, `POST ${mount}/session/terminate`, `POST ${fido2}`, ...factors]);
        const requests = [...paths, ...hosts]
          .flatMap((path) => methods.map((method) => ({ path, method })))
          .flatMap((each) => Object.entries(spellings).map(([how, spell]) => ({ ...each, how, spell })))
          .filter(({ path, method, how }) => !own.has(`${method} ${path}`) || !/is$|query/.test(how));
        const opened: unknown[] = [];
        for (let from = 0; from < requests.length; from += 100) {
          const some = requests.slice(from, from + 100).map(async ({ path, method, how, spell }, at) => {
            const text = method === 'POST' ? body(path) : undefined;
            const answer = await (nodes[at % 2] ?? nodes[0]).send({
              ...{ method, path: spell(path), headers: session.headers },
              ...(text === undefined ? {} : { body: text }),
            });
            const refused = [401, 403, 404, 405].includes(answer.status);
            const options = method === 'OPTIONS' && hosts.includes(path) && answer.status === 200;
            if (!refused && !options) opened.push([method, path, how, answer.status]);
          });
          await Promise.all(some);
        }
        expect(opened).toEqual([]);
        expect(rowsOf(target)).toBe(before);
        expect((await pay(nodes[1], session, await key.get(session.options))).status).toBe(204);
      }),
  );

  it('MFA-01, MFA-04: a refresh of a pending session mints nothing, and nothing makes it live longer', () =>
    swiftly({}, async (target) => {
      const { nodes, clock } = target;
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(nodes[0]);
      const [session, late] = await Promise.all([owing(target), owing(target, alice, 'Cookie')]);
      const before = rowsOf(target);
      const bad = () => key.get(session.options, { signed: () => Buffer.from('x') });
      for (let minute = 0; minute < 4; minute += 1) {
        clock.advance(60);
        for (const { headers } of [session, late]) {
          const answer = await nodes[0].call(`${mount}/session/refresh`, undefined, headers);
          expect([answer.status, codeOf(answer), answer.headers['set-cookie']]).toEqual([
            ...[401, 'second_factor_required', undefined],
          ]);
          expect(await reach(nodes[1], headers)).toBe(401);
        }
        expect((await pay(nodes[0], session, await bad())).status).toBe(401);
      }
      expect(rowsOf(target)).toBe(before);
      clock.advance(59);
      expect((await pay(nodes[1], session, await key.get(session.options))).status).toBe(204);
      clock.advance(1);
      const answer = await pay(nodes[1], late, await key.get(late.options));
      expect([answer.status, codeOf(answer)]).toEqual([401, 'invalid_session']);
      expect(statesOf(target)).toEqual(['active']);
    }));

  it('FIDO-05: a challenge ends with its session, after the time that was set for it', () =>
    swiftly({ session: { pendingTimeout: 30 } }, async (target) => {
      const { nodes, clock } = target;
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(nodes[0]);
      const [soon, late] = await Promise.all([owing(target), owing(target)]);
      clock.advance(29);
      expect((await pay(nodes[0], soon, await key.get(soon.options))).status).toBe(204);
      clock.advance(1);
      expect((await pay(nodes[0], late, await key.get(late.options))).status).toBe(401);
      expect([await reach(nodes[0], soon.headers), await reach(nodes[1], late.headers)]).toEqual([200, 401]);
    }));

  it('MFA-02: an active session of alice upgrades no pending one of bob, wherever that is named', () =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id, bob.id);
      const key = await enrolledKey(nodes[0]);
      const bobs = await enrolledKey(nodes[0], bob);
      const hers = await owing(target);
      expect((await pay(nodes[0], hers, await key.get(hers.options))).status).toBe(204);
      for (const carrier of ['Bearer', 'Cookie'] as const) {
        const his = await owing(target, bob, carrier);
        const token = Object.values(his.headers)[0] ?? '';
        const assertion = await bobs.get(his.options);
        const named = { ...assertion, access_token: token, session: token, entity_id: bob.id };
        const active = await pay(nodes[0], hers, named);
        expect([active.status, codeOf(active)]).toEqual([403, 'wrong_session_state']);
        const both = { ...his, headers: { ...his.headers, ...hers.headers } };
        if (carrier === 'Cookie') expect((await pay(nodes[0], both, assertion)).status).toBe(403);
        const foreign = await key.get(
          { ...his.options, allowCredentials: [] },
          { json: (answer) => ({ ...(answer as object), entity_id: alice.id }) },
        );
        expect((await pay(nodes[0], his, foreign)).status).toBe(401);
        expect(await reach(nodes[1], his.headers)).toBe(401);
        expect((await pay(nodes[1], his, assertion)).status).toBe(204);
      }
    }));

  it('MFA-03: a Bearer keeps its value and its session is new; a Cookie is rotated, and the old one is dead', () =>
    swiftly({}, async (target) => {
      const { nodes, clock, shared } = target;
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(nodes[0]);
      const bearer = await owing(target);
      clock.advance(100);
      expect((await pay(nodes[0], bearer, await key.get(bearer.options))).status).toBe(204);
      for (const node of nodes) expect(await reach(node, bearer.headers)).toBe(200);
      expect([...shared.rows.values()]).toMatchObject([{ challenge: null, createdAt: clock() }]);

      const cookie = await owing(target, alice, 'Cookie');
      const paid = await pay(nodes[0], cookie, await key.get(cookie.options));
      const rotated = presentingAnswer({ body: {}, headers: paid.headers });
      expect([paid.status, paid.body, rotated]).toEqual([204, '', { Cookie: expect.any(String) }]);
      for (const node of nodes) {
        expect([await reach(node, cookie.headers), await reach(node, rotated)]).toEqual([401, 200]);
        const again = await pay(node, cookie, await key.get(cookie.options));
        expect([again.status, codeOf(again)]).toEqual([401, 'invalid_session']);
      }
      expect(statesOf(target)).toEqual(['active', 'active']);
      expect(await nodes[1].control.sessions.list({ user: alice.id })).toHaveLength(2);
    }));

  it('MFA-07: a user who is disabled while pending is out, and stays out when enabled again', () =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(nodes[0]);
      const session = await owing(target);
      const { table } = nodes[0].repositories.users;
      const row = table.get(alice.id);
      if (row === undefined) throw new Error('no alice');
      table.set(alice.id, { ...row, enabled: false });
      const assertion = await key.get(session.options);
      const out = await pay(nodes[0], session, assertion);
      table.set(alice.id, row);
      const later = await pay(nodes[1], session, assertion);
      expect([out, later].map(codeOf)).toEqual(['invalid_session', 'invalid_session']);
      expect(statesOf(target)).toEqual([]);
    }));

  it('MFA-07: the password that changes while the factor is owed ends the session', () =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(nodes[0]);
      const session = await owing(target);
      const { table } = nodes[0].repositories.users;
      const row = table.get(alice.id);
      if (row) table.set(alice.id, { ...row, credentialVersion: 2 });
      const answer = await pay(nodes[1], session, await key.get(session.options));
      expect([answer.status, codeOf(answer), statesOf(target)]).toEqual([401, 'invalid_session', []]);
    }));

  it('MFA-07: a device that is enrolled after a sign-in leaves that session as it is', () =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id);
      const answer = await nodes[0].call(auth, passwordOf(alice));
      const headers = presentingAnswer({ body: JSON.parse(answer.body), headers: answer.headers });
      await enrolledKey(nodes[0]);
      expect(await reach(nodes[1], headers)).toBe(200);
      await owing(target);
      expect(statesOf(target).sort()).toEqual(['active', 'pending']);
    }));

  it('MFA-14: whichever way the password is sent, the factor is owed; apps owe none', () =>
    swiftly({}, async (target) => {
      const [node, other] = target.nodes;
      target.expectSessionsOf(alice.id, robot.id);
      await enrolledKey(node);
      const { email, password } = alice;
      const ways: (() => Promise<WireAnswer>)[] = [
        () => node.call(auth, passwordOf(alice)),
        () => node.call(auth, { ...passwordOf(alice), token_type: 'Cookie' }),
        () => node.call(auth, undefined, basic(email, password)),
        () => node.call(auth, { token_type: 'Cookie' }, basic(email, password)),
        () => node.call(auth, { ...passwordOf(alice), email: email.toUpperCase() }),
        () => node.call(auth, { ...passwordOf(alice), state: 'active', secondFactor: true, mfa: false }),
      ];
      for (const way of ways) {
        const answer = await way();
        const body = JSON.parse(answer.body);
        expect([answer.status, body.expires_in, body.allowed_mfa_methods?.length]).toEqual([200, 300, 1]);
        const headers = presentingAnswer({ body, headers: answer.headers });
        expect([await reach(node, headers), await reach(other, headers)]).toEqual([401, 401]);
      }
      const robots = await node.call(auth, undefined, basic(robot.id, robot.secret));
      expect(JSON.parse(robots.body).allowed_mfa_methods).toEqual([]);
      expect(statesOf(target)).toEqual(ways.map(() => 'pending'));
      expect(await node.call('/key', undefined, basic(email, password))).toMatchObject({ status: 404 });
      const key = await node.send({ method: 'GET', path: '/key', headers: basic(email, password) });
      expect(key.status).toBe(401);
    }));
});
