import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { SoftwareAuthenticator } from '../../../lib/testing/index.js';
import { attack, type Target, type WireAnswer } from '../../support/attack.js';
import { auth, codeOf, owing, passwordOf, pay, reach, statesOf } from '../../support/owing.js';
import { alice, bob } from '../../support/people.js';
import { enrolledKey, type PendingSession } from '../../support/second-factor.js';
import { swiftly } from '../../support/swift.js';

const guess = (key: SoftwareAuthenticator, { options }: PendingSession) =>
  key.get(options, { signed: () => Buffer.from('a guess') });
const seen = (answers: readonly WireAnswer[]) => answers.map((each) => `${each.status} ${codeOf(each)}`);
const wrong = '401 invalid_credentials';
const over = '401 invalid_session';
const locked = '423 locked';

/** Posts so many wrong answers to a session, on both nodes. */
async function fail(
  { nodes }: Target,
  session: PendingSession,
  key: SoftwareAuthenticator,
  times: number,
): Promise<string[]> {
  const guesses = Array.from({ length: times }, async (_, at) =>
    pay(nodes[at % 2] ?? nodes[0], session, await guess(key, session)),
  );
  return seen(await Promise.all(guesses));
}

async function paid({ nodes }: Target, session: PendingSession, key: SoftwareAuthenticator): Promise<string> {
  const { status } = await pay(nodes[1], session, await key.get(session.options));
  return String(status);
}

async function eventsOf({ nodes }: Target) {
  await sleep(10);
  return nodes.flatMap(({ events }) => events);
}

describe('attacks by guessing at the second factor (MFA-05, MFA-06)', () => {
  it.each(['Bearer', 'Cookie'] as const)(
    'MFA-05: the fifth failure ends a pending %s, on both nodes and for good',
    (carrier) =>
      swiftly({}, async (target) => {
        const { nodes } = target;
        target.expectSessionsOf(alice.id);
        const key = await enrolledKey(nodes[0]);
        const session = await owing(target, alice, carrier);
        expect(await fail(target, session, key, 5)).toEqual(Array(5).fill(wrong));
        for (const node of nodes) {
          const genuine = await pay(node, session, await key.get(session.options));
          expect(seen([genuine])).toEqual([over]);
          expect(await reach(node, session.headers)).toBe(401);
        }
        expect(statesOf(target)).toEqual([]);
        expect(await nodes[1].control.sessions.list({ user: alice.id })).toEqual([]);
        expect(await eventsOf(target)).toContainEqual(
          expect.objectContaining({
            type: 'session_ended',
            cause: 'second_factor_failed',
            entityId: alice.id,
          }),
        );
        expect(await paid(target, await owing(target), key)).toBe('204');
      }),
  );

  it('MFA-05: failures count for the user, over fresh sessions; the tenth locks, and 15 minutes open again', () =>
    swiftly({}, async (target) => {
      const { nodes, clock } = target;
      target.expectSessionsOf(alice.id, bob.id);
      const key = await enrolledKey(nodes[0]);
      const bobs = await enrolledKey(nodes[0], bob);
      for (const times of [4, 4, 2]) {
        const session = await owing(target, alice, times === 2 ? 'Cookie' : 'Bearer');
        expect(await fail(target, session, key, times)).toEqual(Array(times).fill(wrong));
      }
      const session = await owing(target);
      for (const node of nodes) {
        const genuine = await pay(node, session, await key.get(session.options));
        expect(seen([genuine])).toEqual([locked]);
      }
      expect(await fail(target, session, key, 2)).toEqual([locked, locked]);
      expect(await reach(nodes[0], session.headers)).toBe(401);
      const locks = (await eventsOf(target)).filter(({ type }) => type === 'second_factor_locked');
      expect(locks).toMatchObject([{ entityId: alice.id }]);
      expect(await paid(target, await owing(target, bob), bobs)).toBe('204');

      clock.advance(899);
      expect(await fail(target, await owing(target), key, 1)).toEqual([locked]);
      clock.advance(1);
      expect(await paid(target, await owing(target), key)).toBe('204');
    }));

  it('MFA-06: a first factor that is good in between resets nothing', () =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(nodes[0]);
      const answers: string[] = [];
      for (let round = 0; round < 5; round += 1)
        answers.push(...(await fail(target, await owing(target), key, 2)));
      expect(answers).toEqual(Array(10).fill(wrong));
      expect(await paid(target, await owing(target), key)).toBe('423');
    }));

  it('MFA-06: a sign-in that is complete forgets the failures before it', () =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(nodes[0]);
      for (const carrier of ['Bearer', 'Cookie'] as const) {
        const others = [owing(target), owing(target)].map(async (each) => fail(target, await each, key, 4));
        expect(await Promise.all(others)).toEqual([Array(4).fill(wrong), Array(4).fill(wrong)]);
        const last = await owing(target, alice, carrier);
        await fail(target, last, key, 1);
        expect(await paid(target, last, key)).toBe('204');
      }
      for (const times of [4, 4, 1]) await fail(target, await owing(target), key, times);
      expect(await paid(target, await owing(target), key)).toBe('204');
    }));

  it('MFA-05: what is malformed is no failure, nor is an answer to a session that is over', () =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(nodes[0]);
      const done = await owing(target);
      expect(await paid(target, done, key)).toBe('204');
      const session = await owing(target);
      const odd = Array.from({ length: 12 }, async () => [
        (await pay(nodes[0], session, { id: 'A' })).status,
        (await pay(nodes[1], done, await guess(key, done))).status,
      ]);
      expect(await Promise.all(odd)).toEqual(Array(12).fill([400, 403]));
      expect(await paid(target, session, key)).toBe('204');
    }));

  it('MFA-05, RACE-13: of fifty wrong answers at once to one session five are looked at, and it is over', () =>
    attack({}, async (target) => {
      const { nodes } = target;
      const key = await enrolledKey(nodes[0]);
      const session = await owing(target);
      const guesses = Array.from({ length: 50 }, () => guess(key, session));
      const answers = await Promise.all(
        (await Promise.all(guesses)).map((each, at) => pay(nodes[at % 2] ?? nodes[0], session, each)),
      );
      const statuses = seen(answers);
      expect(statuses.filter((each) => each === wrong)).toHaveLength(5);
      expect(statuses.filter((each) => each === over)).toHaveLength(45);
      expect(seen([await pay(nodes[0], session, await key.get(session.options))])).toEqual([over]);
      const failed = (await eventsOf(target)).filter(({ type }) => type === 'second_factor_failed');
      expect([failed.length, statesOf(target)]).toEqual([5, []]);
    }));

  it('MFA-05, RACE-13: of fifty wrong answers at once to five sessions ten are looked at, and no more', () =>
    attack({}, async (target) => {
      const { nodes, clock } = target;
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(nodes[0], alice, { counts: false });
      const sessions = await Promise.all(Array.from({ length: 5 }, () => owing(target)));
      const guesses = Array.from({ length: 10 }, () => sessions).flat();
      const answers = await Promise.all(
        guesses.map(async (session, at) =>
          pay(nodes[at % 2] ?? nodes[0], session, await guess(key, session)),
        ),
      );
      const statuses = seen(answers);
      expect(statuses.filter((each) => each === wrong)).toHaveLength(10);
      expect(statuses.filter((each) => each !== wrong && each !== locked && each !== over)).toEqual([]);
      const events = await eventsOf(target);
      const reasons = events.flatMap((each) => (each.type === 'second_factor_failed' ? [each.reason] : []));
      expect(reasons.filter((reason) => reason !== 'locked')).toEqual(Array(10).fill('not_verified'));
      expect(events.filter(({ type }) => type === 'second_factor_locked')).toHaveLength(1);
      expect(await paid(target, await owing(target), key)).toBe('423');
      clock.advance(900);
      expect(await paid(target, await owing(target), key)).toBe('204');
    }));

  it('MFA-05: without a lock of users a session still ends with its fifth failure', () =>
    swiftly({ lockout: false }, async (target) => {
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(target.nodes[0]);
      for (let round = 0; round < 3; round += 1) {
        const session = await owing(target);
        expect(await fail(target, session, key, 5)).toEqual(Array(5).fill(wrong));
        expect(await fail(target, session, key, 1)).toEqual([over]);
      }
      expect(await paid(target, await owing(target), key)).toBe('204');
    }));

  it('MFA-05: failures at the factor lock no password, and wrong passwords no factor', () =>
    swiftly({}, async (target) => {
      const [node] = target.nodes;
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(node);
      const session = await owing(target);
      const wrongly = Array.from({ length: 10 }, () =>
        node.call(auth, { ...passwordOf(alice), password: 'wrong' }),
      );
      expect(seen(await Promise.all(wrongly))).toEqual(Array(10).fill(wrong));
      expect((await node.call(auth, passwordOf(alice))).status).toBe(423);
      expect(await paid(target, session, key)).toBe('204');
    }));

  it('MFA-06: wrong passwords are forgotten when the sign-in is complete, and not before', () =>
    swiftly({}, async (target) => {
      const [node] = target.nodes;
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(node);
      const wrongly = async () => (await node.call(auth, { ...passwordOf(alice), password: 'wrong' })).status;
      const times = (count: number) => Promise.all(Array.from({ length: count }, wrongly));
      expect(await times(9)).toEqual(Array(9).fill(401));
      expect(await paid(target, await owing(target), key)).toBe('204');
      expect(await times(9)).toEqual(Array(9).fill(401));
      await owing(target);
      expect((await times(2)).sort()).toEqual([401, 423]);
    }));
});
