import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { bearer } from '../../support/app.js';
import { attack, type Target } from '../../support/attack.js';
import { auth, codeOf, owing, passwordOf, pay } from '../../support/owing.js';
import { acme, alice, bob, robot, twin } from '../../support/people.js';
import { enrolledKey } from '../../support/second-factor.js';
import {
  carriers,
  everybody,
  given,
  me,
  onBoth,
  paths,
  present,
  rowsOf,
  signed,
  signIn,
  tokenOf,
  type Who,
} from '../../support/session-attack.js';
import { alices, sessionsOf } from '../../support/session-maker.js';
import { swiftly } from '../../support/swift.js';

/** What a client may have in its cookie before it signs in, and what both nodes say to it before and after. */
const brought: Record<string, (target: Target) => Promise<[token: string, status: number]>> = {
  'a value of its own': async () => ['chosen-by-the-client', 401],
  'what has the form of a token': async () => [randomBytes(64).toString('base64url'), 401],
  'a genuine token of no session': async () => [signed(randomBytes(32), 'Cookie'), 401],
  'a session of another user': async (target) => [await tokenFor(target, bob), 200],
  'a session of another app': async (target) => [await tokenFor(target, twin), 200],
  'an older session of its own': async (target) => [await tokenFor(target, alice), 200],
  'a session that owes its factor': async (target) => {
    const { token } = await sessionsOf(target).start({ ...alices, carrier: 'Cookie', state: 'pending' });
    target.expectSessionsOf(alice.id);
    return [token, 401];
  },
  'a session that has expired': async (target) => {
    const token = await tokenFor(target, robot);
    target.clock.advance(601);
    return [token, 401];
  },
  'a session that was ended': async (target) => {
    const token = await tokenFor(target, robot);
    await target.nodes[0].control.sessions.end({ app: robot.id });
    return [token, 401];
  },
};

const tokenFor = async (target: Target, who: Who) => (await signIn(target, { who, carrier: 'Cookie' })).token;

describe('attacks by a session that was there before (SES-01)', () => {
  it.each(everybody)(
    'SES-01: whatever cookie comes before the sign-in of $name is no part of what it gives',
    ({ who, carrier }) =>
      swiftly({}, async (target) => {
        for (const [name, bring] of Object.entries(brought)) {
          const [token, status] = await bring(target);
          const before = [...target.shared.rows].filter(([, row]) => !isExpired(target, row));
          const cookie = present(token, 'Cookie');
          expect([name, await onBoth(target, cookie)]).toEqual([name, [status, status]]);
          const fresh = await signIn(target, { who, carrier, along: cookie });

          expect([name, fresh.token === token]).toEqual([name, false]);
          expect(fresh.token.slice(0, 43)).not.toBe(token.slice(0, 43));
          expect(await onBoth(target, fresh.headers)).toEqual([200, 200]);
          expect((await me(target.nodes[1], fresh.headers)).entityId).toBe(who.id);
          expect([name, await onBoth(target, cookie)]).toEqual([name, [status, status]]);
          const after = new Map(target.shared.rows);
          for (const [sid, row] of before) expect([name, after.get(sid)]).toEqual([name, row]);
          await target.nodes[0].control.sessions.end('email' in who ? { user: who.id } : { app: who.id });
        }
      }),
  );

  it('SES-01: a token in the Authorization header is a second credential, and gives nothing', () =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      const old = await signIn(target, { who: bob });
      const before = JSON.stringify([...target.shared.rows]);
      for (const token of [old.token, 'A'.repeat(86)]) {
        const answer = await nodes[0].call(auth, passwordOf(alice), bearer(token));
        expect([answer.status, codeOf(answer)]).toEqual([400, 'ambiguous_credentials']);
        expect((await nodes[0].call(auth, { token_type: 'Bearer' }, bearer(token))).status).toBe(401);
      }
      expect(JSON.stringify([...target.shared.rows])).toBe(before);
    }));

  it.each([
    ['keeps', 'Bearer'],
    ['rotates', 'Cookie'],
  ] as const)('SES-01: a completed second factor %s the token of a %s, on both nodes', (does, carrier) =>
    attack({}, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id);
      const stays = does === 'keeps';
      const key = await enrolledKey(nodes[0]);
      const pending = await owing(target, alice, carrier);
      const [pendingRow] = target.shared.rows.keys();
      const paid = await pay(nodes[1], pending, await key.get(pending.options));
      expect([paid.status, paid.body, paid.headers['set-cookie'] === undefined]).toEqual([204, '', stays]);
      const active = stays ? pending.headers : given(paid).headers;
      expect(tokenOf(active) === tokenOf(pending.headers)).toBe(stays);
      expect(await onBoth(target, active)).toEqual([200, 200]);
      expect(await onBoth(target, pending.headers)).toEqual(stays ? [200, 200] : [401, 401]);
      expect(target.shared.rows.size).toBe(1);
      expect(target.shared.rows.has(pendingRow ?? '')).toBe(stays);
    }),
  );

  it.each(carriers)('SES-01: a reauth gives a new %s and ends the old one on both nodes', (carrier) =>
    attack({}, async (target) => {
      const old = await signIn(target, { who: robot, carrier });
      const [oldRow] = target.shared.rows.keys();
      const fresh = given(await target.nodes[1].call(paths.reauth, undefined, old.headers));
      expect(fresh.token.slice(0, 43)).not.toBe(old.token.slice(0, 43));
      expect(await onBoth(target, old.headers)).toEqual([401, 401]);
      expect(await onBoth(target, fresh.headers)).toEqual([200, 200]);
      expect([target.shared.rows.size, target.shared.rows.has(oldRow ?? '')]).toEqual([1, false]);
    }),
  );

  it.each(carriers)('SES-01: refresh and select_account leave a %s its token, and give no other', (carrier) =>
    attack({}, async (target) => {
      const session = await signIn(target, { carrier });
      const rows = [...target.shared.rows.keys()];
      for (const [path, body] of [
        [paths.refresh, undefined],
        [paths.select, { acct_id: acme }],
      ] as const) {
        const answer = await target.nodes[1].call(path, body, session.headers);
        expect(answer.headers['set-cookie']).toBeUndefined();
        expect([204, 200]).toContain(answer.status);
        expect(answer.body).toBe(body === undefined ? '' : '{"cookie":null}');
        expect(await onBoth(target, session.headers)).toEqual([200, 200]);
      }
      expect([...target.shared.rows.keys()]).toEqual(rows);
    }),
  );

  it('SES-01: a cookie that comes along with a Bearer is neither used, nor changed, nor given back', () =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      const planted = await signIn(target, { who: twin, carrier: 'Cookie' });
      const before = rowsOf(target);
      const own = await signIn(target, { who: robot });
      const headers = { ...planted.headers, ...own.headers };
      expect((await me(nodes[1], headers)).entityId).toBe(robot.id);
      const fresh = await nodes[1].call(paths.reauth, undefined, headers);
      expect([fresh.status, fresh.headers['set-cookie']]).toEqual([200, undefined]);
      const ended = await nodes[0].call(paths.terminate, undefined, {
        ...planted.headers,
        ...given(fresh).headers,
      });
      expect([ended.status, ended.headers['set-cookie']]).toEqual([204, undefined]);
      expect(rowsOf(target)).toEqual(before);
      expect(await onBoth(target, planted.headers)).toEqual([200, 200]);
    }));
});

function isExpired({ clock }: Target, row: unknown): boolean {
  return (row as { idleAt: number }).idleAt <= clock();
}
