import { describe, expect, it } from '@jest/globals';
import { attack, type WireAnswer } from '../../support/attack.js';
import { codeOf, owing, pay, reach, statesOf } from '../../support/owing.js';
import { alice } from '../../support/people.js';
import { enrolledKey, type PendingSession } from '../../support/second-factor.js';
import { presentingAnswer } from '../../support/sign-in.js';

const carriers = ['Bearer', 'Cookie'] as const;
const statuses = (answers: readonly WireAnswer[]) => answers.map(({ status }) => status);

/** The headers of a session that this answer completed. */
function completed({ headers }: PendingSession, answer: WireAnswer): Record<string, string> {
  return headers.Cookie === undefined ? headers : presentingAnswer({ body: {}, headers: answer.headers });
}

describe('attacks on the second factor by timing (RACE-*)', () => {
  it.each(carriers)('MFA-16: a double click and a second tab cost the first %s nothing', (carrier) =>
    attack({}, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(nodes[0]);
      const session = await owing(target, alice, carrier);
      const assertions = [await key.get(session.options), await key.get(session.options)];
      const answers = await Promise.all(
        assertions.map((assertion, at) => pay(nodes[at] ?? nodes[0], session, assertion)),
      );
      expect(statuses(answers).sort()).toEqual([204, 401]);
      const winner = answers.find(({ status }) => status === 204);
      expect(await reach(nodes[0], winner ? completed(session, winner) : {})).toBe(200);
      expect(statesOf(target)).toEqual(['active']);
    }),
  );

  it.each(carriers)(
    'RACE-07: two pending sessions completed at once by one key: the one that loses tries again',
    (carrier) =>
      attack({}, async (target) => {
        const { nodes } = target;
        target.expectSessionsOf(alice.id);
        const key = await enrolledKey(nodes[0]);
        for (let round = 0; round < 2; round += 1) {
          const sessions = await Promise.all([owing(target, alice, carrier), owing(target, alice, carrier)]);
          const answers = await Promise.all(
            sessions.map(async (session, at) =>
              pay(nodes[at] ?? nodes[0], session, await key.get(session.options)),
            ),
          );
          expect(statuses(answers)).toContain(204);
          for (const [at, session] of sessions.entries()) {
            let answer = answers[at];
            if (answer?.status !== 204) answer = await pay(nodes[1], session, await key.get(session.options));
            expect(answer.status).toBe(204);
            expect(await reach(nodes[0], completed(session, answer))).toBe(200);
          }
          const [device] = await nodes[0].repositories.devices.listByUser(alice.id);
          expect(device?.counter).toBe(key.credentials[0]?.counter);
        }
        expect(statesOf(target)).toEqual(Array(4).fill('active'));
      }),
  );

  it('MFA-16: twenty sessions of one user with a passkey that never counts are all completed at once', () =>
    attack({ lockout: false }, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(nodes[0], alice, { counts: false });
      const sessions = await Promise.all(Array.from({ length: 20 }, () => owing(target)));
      const answers = await Promise.all(
        sessions.map(async (session, at) =>
          pay(nodes[at % 2] ?? nodes[0], session, await key.get(session.options)),
        ),
      );
      expect(statuses(answers)).toEqual(Array(20).fill(204));
      expect(await nodes[0].control.sessions.list({ user: alice.id })).toHaveLength(20);
    }));

  it('RACE-06: a terminate that was held up until the Cookie was rotated ends the rotated one', () =>
    attack({}, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(nodes[0]);
      const session = await owing(target, alice, 'Cookie');
      const assertion = await key.get(session.options);
      const { oneTime } = target.shared.stores;
      const { claim } = oneTime;
      const paid: WireAnswer[] = [];
      // What terminate does first with the row that it has read.
      oneTime.claim = async (...given) => {
        oneTime.claim = claim;
        paid.push(await pay(nodes[0], session, assertion));
        return claim(...given);
      };
      const ended = await nodes[1].call('/sys/v1/session/terminate', undefined, session.headers);
      expect([ended.status, ...statuses(paid)]).toEqual([204, 204]);
      const [answer] = paid;
      expect(await reach(nodes[0], answer ? completed(session, answer) : {})).toBe(401);
    }));

  it.each(carriers)(
    'RACE-13: wrong answers beside the genuine one neither stop it nor outlive it: %s',
    (carrier) =>
      attack({}, async (target) => {
        const { nodes } = target;
        target.expectSessionsOf(alice.id);
        const key = await enrolledKey(nodes[0]);
        const session = await owing(target, alice, carrier);
        const wrong = await key.get(session.options, { signed: () => Buffer.from('x') });
        const good = await key.get(session.options);
        const answers = await Promise.all(
          [wrong, wrong, good, wrong, wrong].map((each, at) => pay(nodes[at % 2] ?? nodes[0], session, each)),
        );
        expect(answers[2]?.status).toBe(204);
        expect(statuses(answers).filter((status) => status === 204)).toHaveLength(1);
        const headers = answers[2] ? completed(session, answers[2]) : {};
        expect([await reach(nodes[0], headers), statesOf(target)]).toEqual([200, ['active']]);
        expect(answers.map(codeOf).filter((code) => code === 'locked')).toEqual([]);
      }),
  );

  it('RACE-11, MFA-07: a device that is removed while its answer is on the way opens nothing after that', () =>
    attack({}, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id);
      const { devices } = nodes[0].repositories;
      const key = await enrolledKey(nodes[0]);
      const session = await owing(target);
      const { listByUser } = devices;
      devices.listByUser = async (id) => {
        const listed = await listByUser(id);
        await devices.remove(alice.id, 'key');
        return listed;
      };
      const answer = await pay(nodes[0], session, await key.get(session.options));
      devices.listByUser = listByUser;
      expect([answer.status, await reach(nodes[1], session.headers)]).toEqual([401, 401]);
      expect(statesOf(target)).toEqual(['pending']);
    }));

  it('RACE-12: sessions that owe their factor put out none that is complete', () =>
    attack({ session: { maxPerEntity: 3 } }, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(nodes[0]);
      const kept = await owing(target);
      expect((await pay(nodes[0], kept, await key.get(kept.options))).status).toBe(204);
      const pending = await Promise.all(Array.from({ length: 8 }, () => owing(target)));
      expect(await reach(nodes[1], kept.headers)).toBe(200);
      expect(statesOf(target).filter((state) => state === 'pending').length).toBeLessThanOrEqual(3);
      const alive = [];
      for (const session of pending) {
        const answer = await pay(nodes[1], session, await key.get(session.options));
        if (answer.status === 204) alive.push(session);
        else expect(codeOf(answer)).toBe('invalid_session');
      }
      expect(alive).toHaveLength(3);
      expect(statesOf(target)).toEqual(['active', 'active', 'active']);
      expect(await reach(nodes[0], kept.headers)).toBe(401);
    }));
});
