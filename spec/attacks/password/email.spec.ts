import { describe, expect, it } from '@jest/globals';
import { basic } from '../../support/app.js';
import { attack } from '../../support/attack.js';
import { givePassword, lookUps, seen, userWays, wrong } from '../../support/credentials.js';
import { discover } from '../../support/federation.js';
import { onLdap } from '../../support/ldap-attack.js';
import { auth } from '../../support/owing.js';
import { alice, bob } from '../../support/people.js';

const { email, password } = alice;
const malformed: [string, string][] = [
  ['a line of a header', `${email}\r\nBcc: bob@example.com`],
  ['a line end', `${email}\n`],
  ['a carriage return', `${email}\r`],
  ['a line end before', `\n${email}`],
  ['a line end within', 'alice\n@example.com'],
  ['a line of Unicode', `${email}\u2028`],
  ['a NUL', `${email}\0`],
  ['a NUL and more', `${email}\0@evil.com`],
  ['a NUL within', 'alice\0@example.com'],
  ['DEL', 'alice\u007f@example.com'],
  ['a name to display', '"Alice" <alice@example.com>'],
  ['angle brackets', `<${email}>`],
  ['a name without quotes', `Alice <${email}>`],
  ['a quoted local part', '"alice"@example.com'],
  ['a quoted local part with a space', '"alice x"@example.com'],
  ['a quoted local part with an @', '"alice@x"@example.com'],
  ['a backslash', 'al\\ice@example.com'],
  ['a second @', 'alice@evil.com@example.com'],
  ['a second @ behind', `${email}@evil.com`],
  ['two @ at once', 'alice@@example.com'],
  ['an @ in another script', `${email}\uff20evil.com`],
  ['a comment', 'alice(x)@example.com'],
  ['two addresses', `${email},${bob.email}`],
  ['two addresses by a semicolon', `${email};${bob.email}`],
  ['a space before', ` ${email}`],
  ['a space behind', `${email} `],
  ['a space within', 'al ice@example.com'],
  ['a space of no width', 'alice\u200b@example.com'],
  ['a mark of direction', '\u202ealice@example.com'],
  ['a URL', `mailto:${email}`],
  ['a route', '@evil.com:alice@example.com'],
  ['an address of the network', 'alice@[127.0.0.1]'],
  ['no domain', 'alice@'],
  ['no local part', '@example.com'],
  ['10 KB', `${'a'.repeat(10_000)}@example.com`],
  ['10 KB of domain', `alice@${'a.'.repeat(5000)}com`],
  ['65 bytes of local part', `${'a'.repeat(65)}@example.com`],
  ['half a letter', 'alice\ud800@example.com'],
];

describe('attacks by the form of an e-mail address', () => {
  it('PWD-09: what is no address is 400, and nobody is looked up', () =>
    attack({}, async (target) => {
      const [one, other] = target.nodes;
      for (const [name, odd] of malformed) {
        const answer = await one.call(auth, { method: 'password', email: odd, password });
        expect([name, seen(answer)]).toEqual([name, '400 malformed_request']);
        const found = await other.call(discover, { user_email: odd });
        expect([name, seen(found)]).toEqual([name, '400 malformed_request']);
      }
      expect(lookUps(target)).toBe(0);
    }));

  it('PWD-09: what is no address is nobody in a Basic header', () =>
    attack({}, async (target) => {
      for (const [at, [name, odd]] of malformed.entries()) {
        // Neither comes through a header as it is.
        if (odd.includes(':') || !odd.isWellFormed()) continue;
        const { status } = await (target.nodes[at % 2] ?? target.nodes[0]).call(
          auth,
          undefined,
          basic(odd, password),
        );
        expect([name, status === 400 || status === 401]).toEqual([name, true]);
      }
      expect(lookUps(target)).toBe(0);
    }));

  it('PWD-09: what is no address reaches no directory', () =>
    onLdap({}, async (stage) => {
      for (const [name, odd] of malformed)
        expect([name, seen(await stage.signIn(odd))]).toEqual([name, '400 malformed_request']);
      expect([stage.connections(), lookUps(stage)]).toEqual([0, 0]);
    }));

  it.each(userWays)('PWD-09: an address with a tag is an address of its own: %s', (_, way) =>
    attack({ lockout: false }, async (target) => {
      const [one, other] = target.nodes;
      target.expectSessionsOf(alice.id, bob.id);
      const tagged = 'alice+news@example.com';
      for (const near of [tagged, 'alice+@example.com', '+alice@example.com', 'al.ice@example.com'])
        expect([near, seen(await way(one, near, password))]).toEqual([near, wrong]);

      const { table } = one.repositories.users;
      const row = table.get(bob.id);
      if (row !== undefined) table.set(bob.id, { ...row, email: tagged });
      await givePassword(target, bob, 'of the tagged one');
      expect(seen(await way(one, tagged, password))).toBe(wrong);
      expect(seen(await way(one, email, 'of the tagged one'))).toBe(wrong);
      const answer = await way(other, tagged, 'of the tagged one');
      expect(JSON.parse(answer.body).entity_id).toBe(bob.id);
      expect(JSON.parse((await way(other, email, password)).body).entity_id).toBe(alice.id);
    }),
  );

  it.each(userWays)('PWD-09: what a lax table takes for an address is not that address: %s', (_, way) =>
    attack({ lockout: false }, async (target) => {
      const [one, other] = target.nodes;
      const { users } = one.repositories;
      // As a collation does that ignores accents, width and what is behind a plus.
      users.findByEmail = async () => users.findById(alice.id);
      for (const near of ['al\u00edce@example.com', '\uff41lice@example.com', 'alice+x@example.com'])
        expect([near, seen(await way(other, near, password))]).toEqual([near, wrong]);
      target.expectSessionsOf(alice.id);
      expect(seen(await way(one, 'ALICE@Example.COM', password))).toBe('200');
    }),
  );
});
