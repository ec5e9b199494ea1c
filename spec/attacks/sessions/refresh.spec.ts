import { describe, expect, it } from '@jest/globals';
import { attack } from '../../support/attack.js';
import { codeOf } from '../../support/owing.js';
import { alice } from '../../support/people.js';
import {
  alter,
  carriers,
  everybody,
  idle,
  onBoth,
  paths,
  refresh,
  rowsOf,
  settled,
  signIn,
  typeOf,
} from '../../support/session-attack.js';
import { alices, presenting, sessionsOf } from '../../support/session-maker.js';
import { swiftly } from '../../support/swift.js';

describe('attacks on refresh (SES-12)', () => {
  it.each(carriers)('SES-12: a %s that is pending or enrolling has nothing to refresh', (carrier) =>
    swiftly({}, async (target) => {
      target.expectSessionsOf(alice.id);
      for (const state of ['pending', 'enrolling'] as const) {
        const session = await sessionsOf(target).start({ ...alices, carrier, state });
        const before = JSON.stringify([...target.shared.rows]);
        target.clock.advance(200);
        for (const node of target.nodes) {
          const answer = await refresh(node, presenting(session));
          const code = state === 'pending' ? 'second_factor_required' : 'enrolment_required';
          expect([answer.status, codeOf(answer)]).toEqual([401, code]);
        }
        expect(JSON.stringify([...target.shared.rows])).toBe(before);
        target.clock.advance(100);
        expect(codeOf(await refresh(target.nodes[0], presenting(session)))).toBe('invalid_session');
        await settled(target);
      }
    }),
  );

  it.each(everybody)(
    'SES-12: $name that has expired or was ended is not refreshed, on no node',
    ({ who, carrier }) =>
      attack({}, async (target) => {
        const { nodes, clock } = target;
        const [expired, ended] = [
          await signIn(target, { who, carrier }),
          await signIn(target, { who, carrier }),
        ];
        expect((await nodes[0].call(paths.terminate, undefined, ended.headers)).status).toBe(204);
        for (const node of nodes) expect((await refresh(node, ended.headers)).status).toBe(401);
        clock.advance(idle[typeOf(who)]);
        for (const node of nodes) expect((await refresh(node, expired.headers)).status).toBe(401);
        await settled(target);
        for (const { headers } of [expired, ended]) expect(await onBoth(target, headers)).toEqual([401, 401]);
      }),
  );

  it.each(everybody)(
    'SES-12: $name whose principal is disabled is not refreshed but ended',
    ({ who, carrier }) =>
      attack({}, async (target) => {
        const { nodes } = target;
        const { users, apps } = nodes[0].repositories;
        const switchTo = (enabled: boolean) =>
          'email' in who ? alter(users.table, who.id, { enabled }) : alter(apps.table, who.id, { enabled });
        const { headers } = await signIn(target, { who, carrier });
        switchTo(false);
        expect((await refresh(nodes[1], headers)).status).toBe(401);
        await settled(target);
        switchTo(true);
        for (const node of nodes) expect((await refresh(node, headers)).status).toBe(401);
      }),
  );

  it.each(everybody)(
    'SES-12: $name refreshed many times at once on two nodes is one session still',
    ({ who, carrier }) =>
      attack({}, async (target) => {
        const { nodes, clock } = target;
        const { headers } = await signIn(target, { who, carrier });
        const { absoluteAt } = rowsOf(target)[0] as { absoluteAt: number };
        clock.advance(300);
        const answers = await Promise.all(
          Array.from({ length: 6 }, (_, n) => refresh(nodes[n % 2] ?? nodes[0], headers)),
        );
        expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(204));
        for (const { body, headers } of answers)
          expect([body, headers['set-cookie']]).toEqual(['', undefined]);
        const idleAt = clock() + idle[typeOf(who)] * 1000;
        expect(rowsOf(target)).toMatchObject([{ idleAt, absoluteAt }]);
        expect(await onBoth(target, headers)).toEqual([200, 200]);
      }),
  );
});
