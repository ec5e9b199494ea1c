import { describe, expect, it } from '@jest/globals';
import { basic, bearer } from '../../support/app.js';
import { attack, type Node, type Target, type WireAnswer } from '../../support/attack.js';
import type { Fault } from '../../support/faults.js';
import { auth, codeOf, passwordOf, reach } from '../../support/owing.js';
import { alice, bob, robot, twin } from '../../support/people.js';

const timeout = 0.2;
const seen = (answer: WireAnswer) => (answer.status === 200 ? '200' : `${answer.status} ${codeOf(answer)}`);
const signIn = (node: Node, password: string = alice.password) =>
  node.call(auth, { ...passwordOf(alice), password });

/** Has a lookup of users answer something else; how it answers again as it did. */
function answering({ nodes }: Target, operation: 'findByEmail' | 'findById', answer: unknown): () => void {
  const { users } = nodes[0].repositories;
  const original: unknown = Reflect.get(users, operation);
  Reflect.set(users, operation, async () => answer);
  return () => void Reflect.set(users, operation, original);
}

describe('attacks by way of repositories that fail (FLT-*)', () => {
  it.each<Fault>(['throw', 'reject', 'hang', 'garbage', 'undefined'])(
    'FLT-09: where a lookup of users answers by %s nobody is signed in, and nobody is counted',
    (fault) =>
      attack({ dependencyTimeout: timeout, lockout: { failures: 3 } }, async (target) => {
        const { nodes } = target;
        target.expectSessionsOf(alice.id);
        target.expectFaults();
        for (const node of nodes) node.faults.users.break('findByEmail', fault);
        for (let n = 0; n < 5; n += 1) {
          expect(seen(await signIn(nodes[n % 2] ?? nodes[0]))).toBe('503 unavailable');
          expect(seen(await nodes[0].call(auth, undefined, basic(alice.email, 'x')))).toBe('503 unavailable');
        }
        expect(target.shared.rows.size).toBe(0);
        for (const node of nodes) node.faults.users.heal();
        expect(seen(await signIn(nodes[1]))).toBe('200');
      }),
  );

  it('FLT-09: two rows, a row of somebody else, one without an id and one without a state are nobody', () =>
    attack({ dependencyTimeout: timeout }, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id);
      target.expectFaults();
      const { table } = nodes[0].repositories.users;
      const [alices, bobs] = [table.get(alice.id), table.get(bob.id)];
      const odd: [string, unknown][] = [
        ['two rows', [alices, bobs]],
        ['a row in a list', [alices]],
        ['no id', { ...alices, id: undefined }],
        ['an id that is none', { ...alices, id: 'alice' }],
        ['no email', { ...alices, email: undefined }],
        ['no state', { ...alices, enabled: undefined }],
        ['a word for a state', { ...alices, enabled: 'true' }],
        ['no accounts', { ...alices, accountIds: undefined }],
      ];
      for (const [name, row] of odd) {
        const back = answering(target, 'findByEmail', row);
        expect([name, seen(await signIn(nodes[0]))]).toEqual([name, '503 unavailable']);
        back();
      }
      // A table that compares otherwise has found somebody else, and one that finds nobody has found nobody.
      for (const nobody of [{ ...bobs, passwordHash: alices?.passwordHash }, null]) {
        const back = answering(target, 'findByEmail', nobody);
        expect(seen(await signIn(nodes[1]))).toBe('401 invalid_credentials');
        back();
      }

      const signedIn = await signIn(nodes[0]);
      const headers = bearer(JSON.parse(signedIn.body).access_token);
      for (const [name, row] of odd) {
        const back = answering(target, 'findById', row);
        expect([name, await reach(nodes[1], headers)]).toEqual([name, 503]);
        back();
      }
      expect(await reach(nodes[1], headers)).toBe(200);
      answering(target, 'findById', null);
      expect(await reach(nodes[0], headers)).toBe(401);
    }));

  it.each(['reject', 'hang'] as const)(
    'FLT-07: while failures cannot be counted (%s) no password is looked at, and apps are guessed at within each process',
    (fault) =>
      attack(
        { dependencyTimeout: 0.05, throttle: { perApp: { failures: 5 }, perAddress: { failures: 1000 } } },
        async (target) => {
          const { nodes, shared } = target;
          target.expectSessionsOf(robot.id, twin.id);
          target.expectFaults();
          for (const operation of ['increment', 'get']) shared.faults.counters.break(operation, fault);
          const before = nodes[0].faults.users.calls.get('findByEmail') ?? 0;
          for (let n = 0; n < 5; n += 1) expect(seen(await signIn(nodes[0], 'x'))).toBe('503 unavailable');
          expect(nodes[0].faults.users.calls.get('findByEmail') ?? 0).toBe(before);
          const guesses: number[] = [];
          for (let n = 0; n < 8; n += 1)
            guesses.push((await nodes[0].call(auth, undefined, basic(robot.id, `guess ${n}`))).status);
          expect(guesses).toEqual([...Array(5).fill(401), ...Array(3).fill(429)]);
          expect((await nodes[0].call(auth, undefined, basic(twin.id, twin.secret))).status).toBe(200);
          shared.faults.counters.heal();
        },
      ),
  );
});
