import { describe, expect, it } from '@jest/globals';
import { basic } from '../../support/app.js';
import { attack } from '../../support/attack.js';
import {
  changeUser,
  lookUps,
  reasonsIn,
  seen,
  sessionIn,
  shown,
  userWays,
  wrong,
} from '../../support/credentials.js';
import { auth, reach } from '../../support/owing.js';
import { alice, bob, dan, sue } from '../../support/people.js';
import { swiftly } from '../../support/swift.js';

const unlocked = { lockout: false } as const;

describe('attacks on users who have no password', () => {
  const stored: [string, object][] = [
    ['null', { passwordHash: null }],
    ['empty', { passwordHash: '' }],
    ['blank', { passwordHash: ' ' }],
  ];
  const blank = [' ', '\t', '\0', '   ', '\u00a0', '\u200b', 'null', 'undefined', '$argon2id$', sue.email];

  it.each(stored)('PWD-01: nothing signs in whose hash is %s', (_, row) =>
    swiftly(unlocked, async (target) => {
      const { nodes } = target;
      changeUser(target, sue, row);
      target.expectSessionsOf(alice.id);
      for (const [, way] of userWays) {
        for (const password of blank)
          expect([password, seen(await way(nodes[0], sue.email, password))]).toEqual([password, wrong]);
        expect(seen(await way(nodes[1], sue.email, ''))).toBe('400 malformed_request');
        expect(seen(await way(nodes[1], alice.email, alice.password))).toBe('200');
      }
    }),
  );

  it('PWD-01: a password that is empty, missing or no text is 400, and nobody is looked up', () =>
    attack({}, async (target) => {
      const [one, other] = target.nodes;
      const { email } = sue;
      for (const body of [{}, { password: '' }, { password: null }, { password: [] }, { password: {} }]) {
        const answer = await one.call(auth, { method: 'password', email, ...body });
        expect([body, seen(answer)]).toEqual([body, '400 malformed_request']);
      }
      for (const credentials of [email, `${email}:`]) {
        const Authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
        expect(seen(await other.call(auth, undefined, { Authorization }))).toBe('400 malformed_request');
      }
      expect(lookUps(target)).toBe(0);
    }));

  it('PWD-01: a row without the column is an answer that makes no sense, and nobody signs in by it', () =>
    attack({}, async (target) => {
      target.expectFaults();
      changeUser(target, sue, { passwordHash: undefined });
      for (const [, way] of userWays)
        for (const password of [' ', 'undefined'])
          expect((await way(target.nodes[0], sue.email, password)).status).toBeGreaterThanOrEqual(502);
    }));
});

describe('attacks with the right password of who may not sign in', () => {
  it.each(userWays)('PWD-12: disabled and deleted users are told what a wrong password is: %s', (_, way) =>
    attack({}, async (target) => {
      const { nodes } = target;
      const refused = async (email: string, password: string) =>
        Promise.all(nodes.map(async (node) => shown(await way(node, email, password))));
      const expected = await refused(alice.email, 'wrong');
      expect(expected).toMatchObject([{ status: 401 }, { status: 401 }]);
      expect(await refused(dan.email, dan.password)).toEqual(expected);
      expect(await refused(dan.email, 'wrong')).toEqual(expected);

      changeUser(target, bob, { enabled: false });
      expect(await refused(bob.email, bob.password)).toEqual(expected);
      nodes[0].repositories.users.table.delete(bob.id);
      expect(await refused(bob.email, bob.password)).toEqual(expected);
      expect(target.shared.rows.size).toBe(0);
    }),
  );

  it.each(['disabled', 'deleted'])(
    'PWD-12: who is %s while the password is looked at can do nothing',
    (how) =>
      attack({}, async (target) => {
        const [node, other] = target.nodes;
        const { users } = node.repositories;
        const find = users.findByEmail;
        users.findByEmail = async (email) => {
          const found = await find(email);
          if (how === 'deleted') users.table.delete(bob.id);
          else changeUser(target, bob, { enabled: false });
          return found;
        };
        const answer = await node.call(auth, undefined, basic(bob.email, bob.password));
        users.findByEmail = find;
        // Whether the sign-in has seen it or not: there is no session of any use.
        if (answer.status === 200) expect(await reach(other, sessionIn(answer))).toBe(401);
        else expect(seen(answer)).toBe(wrong);
      }),
  );
});

describe('attacks by what is stored', () => {
  const salt = 'c2FsdHNhbHRzYWx0c2FsdA';
  const output = 'MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI';
  const phc = (costs: string, ...rest: string[]) => ['', 'argon2id', 'v=19', costs, ...rest].join('$');
  const unusable: [string, string][] = [
    ['4 GiB', phc('m=4194304,t=2,p=1', salt, output)],
    ['a million passes', phc('m=19456,t=1000000,p=1', salt, output)],
    ['all the numbers there are', phc('m=4294967295,t=4294967295,p=16777215', salt, output)],
    ['a number that is too long', phc('m=99999999999999999999,t=2,p=1', salt, output)],
    ['no passes', phc('m=19456,t=0,p=1', salt, output)],
    ['no lanes', phc('m=19456,t=2,p=0', salt, output)],
    ['no memory', phc('m=0,t=2,p=1', salt, output)],
    ['a letter', 'x'],
    ['the name alone', '$argon2id$'],
    ['no output', phc('m=19456,t=2,p=1', salt)],
    ['an empty output', phc('m=19456,t=2,p=1', salt, '')],
    ['an empty salt', phc('m=19456,t=2,p=1', '', output)],
    ['argon2i', `$argon2i$v=19$m=19456,t=2,p=1$${salt}$${output}`],
    ['bcrypt', '$2b$12$C6UzMDM.H6dfI/f/IKcEeO2xbp5k4RS4bZ1gqFQh3z1d2s3q4u5vW'],
    ['MD5', '5f4dcc3b5aa765d61d8327deb882cf99'],
    ['no text', '\0\uffff\ud800'],
    ['a megabyte', `$argon2id$v=19$${'m'.repeat(1_000_000)}`],
  ];
  const odd: [string, string][] = [
    ['an endless salt', phc('m=19456,t=2,p=1', 'A'.repeat(200_000), output)],
    ['an endless output', phc('m=19456,t=2,p=1', salt, 'A'.repeat(200_000))],
    ['a parameter that nobody knows', phc('m=19456,t=2,p=1,keyid=AAAA', salt, output)],
  ];

  it.each(userWays)('PWD-15: hostile and malformed hashes are never right, and soon so: %s', (_, way) =>
    swiftly(unlocked, async (target) => {
      const { nodes } = target;
      const expected = shown(await way(nodes[0], alice.email, 'wrong'));
      for (const [at, [name, passwordHash]] of [...unusable, ...odd].entries()) {
        changeUser(target, bob, { passwordHash });
        const asked = Date.now();
        for (const password of [bob.password, passwordHash.slice(0, 300).toWellFormed() || 'x']) {
          const answer = await way(nodes[at % 2] ?? nodes[0], bob.email, password);
          expect([name, shown(answer)]).toEqual([name, expected]);
        }
        expect([name, Date.now() - asked < 4000]).toEqual([name, true]);
      }
      const alarms = reasonsIn(target).filter((reason) => reason === 'unusable_hash');
      expect(alarms.length).toBeGreaterThanOrEqual(unusable.length * 2);

      target.expectSessionsOf(alice.id);
      expect(seen(await way(nodes[1], alice.email, alice.password))).toBe('200');
    }),
  );
});
