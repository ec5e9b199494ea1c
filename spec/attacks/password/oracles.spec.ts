import { describe, expect, it } from '@jest/globals';
import type { WireAnswer } from '../../support/attack.js';
import { attack } from '../../support/attack.js';
import { lookUps, seen, shown, userWays, wrong } from '../../support/credentials.js';
import { discover } from '../../support/federation.js';
import { ldapRecord } from '../../support/ldap-attack.js';
import { auth, passwordOf } from '../../support/owing.js';
import { acme, alice, bob, dan, globex, robot, sue, twin } from '../../support/people.js';
import { swiftly } from '../../support/swift.js';

describe('what discovery shows of who exists', () => {
  const addresses = [alice, bob, sue, dan].map(({ email }) => email);
  const strangers = ['nobody@example.com', 'alice+x@example.com', 'a@example.com'];
  /** What is shown, without the value of the cookie, which is random. */
  const known = (answer: WireAnswer) => {
    const { headers, ...rest } = shown(answer);
    const cookies = (headers['set-cookie'] ?? []).map((each) => each.replace(/=[\w-]{78};/, '=…;'));
    return { ...rest, headers: { ...headers, 'set-cookie': cookies } };
  };

  it.each(['without a directory', 'with a directory'])(
    'ENUM-09: it says of an address that exists what it says of one that does not: %s',
    (how) =>
      attack({ lockout: { failures: 3 } }, async (target) => {
        const { nodes } = target;
        const { identityProviders, users } = nodes[0].repositories;
        if (how === 'with a directory') identityProviders.table.set('ldap', ldapRecord(389));
        await users.linkFederatedIdentity(alice.id, { idpId: 'ldap', subject: 'alice-1' });
        for (let n = 0; n < 3; n += 1) await nodes[0].call(auth, { ...passwordOf(bob), password: 'wrong' });
        expect((await nodes[1].call(auth, passwordOf(bob))).status).toBe(423);
        const before = lookUps(target);

        for (const query of ['', `?acct_id=${acme}`, `?acct_id=${globex}`]) {
          const ask = async (user_email: string, n = 0) =>
            known(await (nodes[n % 2] ?? nodes[0]).call(`${discover}${query}`, { user_email }));
          const expected = await ask('nobody.else@example.com');
          expect(expected.status).toBe(200);
          const all = await Promise.all([...addresses, ...strangers].map(ask));
          expect(all).toEqual(all.map(() => expected));
          const isOffered = how === 'with a directory' && !query.includes(globex);
          expect(expected.body.includes('ldap-password')).toBe(isOffered);
        }
        expect(lookUps(target)).toBe(before);
      }),
  );

  it('ENUM-09: it says of an account that exists what it says of one that does not', () =>
    attack({}, async ({ nodes: [one, other] }) => {
      const unknown = 'acc00000-0000-4000-8000-00000000000f';
      for (const body of [undefined, {}, { user_email: alice.email }]) {
        const expected = known(await one.call(`${discover}?acct_id=${unknown}`, body));
        expect(expected.status).toBe(200);
        for (const id of [acme, globex])
          expect(known(await other.call(`${discover}?acct_id=${id}`, body))).toEqual(expected);
      }
    }));
});

describe('what a refusal of a locked or throttled guess shows', () => {
  const nobody = 'nobody@example.com';

  it.each(userWays)('ENUM-10: a locked address is 423 and no more, whatever is guessed: %s', (_, way) =>
    swiftly({}, async ({ nodes, clock }) => {
      const locked: WireAnswer[] = [];
      for (const [at, email] of [alice.email, dan.email, sue.email, nobody].entries()) {
        for (let n = 0; n < 10; n += 1) expect(seen(await way(nodes[0], email, 'wrong'))).toBe(wrong);
        // The locks are of different ages.
        clock.advance(at * 60);
      }
      for (const email of [alice.email, dan.email, sue.email, nobody])
        for (const password of ['wrong', alice.password, dan.password])
          locked.push(await way(nodes[1], email, password));
      const [first] = locked.map(shown);
      expect(first?.status).toBe(423);
      expect(Object.keys(first?.headers ?? {})).not.toContain('retry-after');
      expect(locked.map(shown)).toEqual(locked.map(() => first));
    }),
  );

  it.each(userWays)('ENUM-10: from a throttled address nobody sees what is locked: %s', (_, way) =>
    swiftly({ throttle: { perAddress: { failures: 15 } } }, async ({ nodes, clock }) => {
      for (let n = 0; n < 10; n += 1) await way(nodes[0], alice.email, 'wrong');
      expect(seen(await way(nodes[1], alice.email, alice.password))).toBe('423 locked');
      clock.advance(300);
      for (let n = 0; n < 4; n += 1)
        expect(seen(await way(nodes[0], `user${n}@example.com`, 'x'))).toBe(wrong);

      const answers: WireAnswer[] = [];
      for (const email of [alice.email, bob.email, nobody, dan.email])
        for (const password of ['wrong', alice.password, bob.password])
          answers.push(await way(nodes[1], email, password));
      const [first] = answers.map(shown);
      expect(first?.status).toBe(429);
      // It is the end of the window of the address, which began with the first failure of all.
      expect(first?.headers['retry-after']).toBe('600');
      expect(answers.map(shown)).toEqual(answers.map(() => first));
      // The lock is over, or not: nobody is told before the window ends.
      clock.advance(599);
      expect((await way(nodes[0], alice.email, alice.password)).status).toBe(429);
      clock.advance(601);
    }),
  );

  it('ENUM-10: a throttled app is 429 as one that does not exist is, and never 423', () =>
    swiftly({ throttle: { perApp: { failures: 4 } } }, async ({ nodes, clock }) => {
      const byName = (acct_id: string, name: string, n = 0) =>
        (nodes[n % 2] ?? nodes[0]).call(auth, {
          ...{ method: 'auth-by-app-name', acct_id, name, password: robot.secret },
        });
      const shownLast: object[] = [];
      for (const [account, name] of [
        [globex, twin.name],
        [globex, 'no app'],
        ['acc00000-0000-4000-8000-00000000000f', twin.name],
      ] as const) {
        const answers: WireAnswer[] = [];
        for (let n = 0; n < 7; n += 1) answers.push(await byName(account, name, n));
        expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 429, 429, 429]);
        shownLast.push(...answers.slice(4).map(shown));
      }
      expect(shownLast).toEqual(shownLast.map(() => shownLast[0]));
      clock.advance(300);
    }));
});
