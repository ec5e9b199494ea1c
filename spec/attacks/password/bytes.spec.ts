import { describe, expect, it } from '@jest/globals';
import { givePassword, seen, userWays, wrong } from '../../support/credentials.js';
import { auth } from '../../support/owing.js';
import { bob } from '../../support/people.js';
import { swiftly } from '../../support/swift.js';

const good72 = 'good72bytes+'.repeat(6);
const full = 'x'.repeat(1023);
const composed = 'Caf\u00e9 \u1e9b\u0323 \u00c5ngstr\u00f6m';

/** A row, what is stored, and what is another password. */
const cases: [row: string, name: string, stored: string, others: string[]][] = [
  ['PWD-06', 'nothing behind 72 bytes', good72, [`${good72}x`, `${good72}\0`, good72.slice(0, -1)]],
  ['PWD-06', 'another end behind 72 bytes', `${good72}end`, [`${good72}enD`, `${good72}`, `${good72}end.`]],
  ['PWD-06', 'nothing behind a NUL', 'pass word', ['pass word\0', 'pass word\0junk', '\0pass word']],
  ['PWD-06', 'another end behind a NUL', 'pass\0real', ['pass', 'pass\0', 'pass\0fake', 'pass\0real\0']],
  ['PWD-06', 'a NUL alone', '\0', ['\0\0', ' ', '0']],
  ['PWD-06', 'the last of 1,024 bytes', `${full}a`, [`${full}b`, full]],
  ['PWD-06', '1,024 bytes of two to a letter', '\u00e4'.repeat(512), ['\u00e4'.repeat(511)]],
  [
    'PWD-07',
    'composed letters',
    composed.normalize('NFC'),
    [composed.normalize('NFD'), composed.normalize('NFKC'), composed.normalize('NFKD')],
  ],
  [
    'PWD-07',
    'decomposed letters',
    composed.normalize('NFD'),
    [composed.normalize('NFC'), composed.normalize('NFKD')],
  ],
  [
    'PWD-07',
    'letters of half width',
    'p@ss',
    ['\uff50\uff20\uff53\uff53', 'p\uff20ss', 'p@s\u017f', 'p@\u00df'],
  ],
  ['PWD-07', 'letters of full width', '\uff50\uff20\uff53\uff53', ['p@ss']],
  ['PWD-07', 'a ligature', '\ufb01ne', ['fine']],
  ['PWD-07', 'the Kelvin sign', '\u212aelvin', ['Kelvin', 'kelvin']],
  ['PWD-07', 'marks in another order', 'a\u0323\u0301', ['a\u0301\u0323']],
  ['PWD-07', 'nothing invisible', 'passe', ['pass\u00ade', 'pas\u200bse', '\ufeffpasse', 'passe\ufe0f']],
  ['PWD-16', 'no spaces', 'a word', [' a word', 'a word ', 'a  word', 'a word\n', '\ta word', 'a\u00a0word']],
  ['PWD-16', 'spaces around', ' a word ', ['a word', ' a word', 'a word ', '\u2003a word\u2003']],
  ['PWD-16', 'small letters', 'straße', ['STRASSE', 'Straße', 'strasse', 'STRAßE']],
  ['PWD-16', 'capitals', 'ÀB C', ['àb c', 'àB C', 'AB C']],
  ['PWD-16', 'letters that need no escape', 'pass/"\\', ['\\u0070ass/"\\', 'pass\\/\\"\\\\', 'pass/"']],
  ['PWD-16', 'letters and a per cent sign', 'a%20b+c', ['a b+c', 'a%20b c', 'a b c', 'a%2520b+c']],
  ['PWD-16', 'a reference', 'a&amp;b', ['a&b', 'a&#38;b']],
  ['PWD-16', 'colons', ':a:b:', [':a:b', 'a:b:', ':a', 'b:']],
];

describe('attacks by passwords that are nearly right', () => {
  it.each(cases)('%s: %s is a password of its own', (_row, _name, stored, others) =>
    swiftly({ lockout: false }, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(bob.id);
      await givePassword(target, bob, stored);
      for (const [title, way] of userWays) {
        for (const other of others)
          expect([title, other, seen(await way(nodes[0], bob.email, other))]).toEqual([title, other, wrong]);
        expect([title, seen(await way(nodes[1], bob.email, stored))]).toEqual([title, '200']);
      }
    }),
  );

  it.each(userWays)('PWD-06: more than 1,024 bytes are 400, though so many letters are fewer: %s', (_, way) =>
    swiftly({}, async (target) => {
      target.expectSessionsOf(bob.id);
      await givePassword(target, bob, `${full}a`);
      for (const long of [`${full}aa`, '\u00e4'.repeat(513), '\u20ac'.repeat(342), '\u{1f600}'.repeat(257)])
        expect(seen(await way(target.nodes[0], bob.email, long))).toBe('400 malformed_request');
      expect(seen(await way(target.nodes[1], bob.email, `${full}a`))).toBe('200');
    }),
  );

  it('PWD-16: the same password by other escapes of JSON is the same password', () =>
    swiftly({}, async (target) => {
      const [node] = target.nodes;
      target.expectSessionsOf(bob.id);
      await givePassword(target, bob, 'p\u00e4ss/\u{1f600}');
      for (const text of [
        'p\u00e4ss/\u{1f600}',
        '\\u0070\\u00e4ss\\/\\ud83d\\ude00',
        'p\\u00E4\\u0073s/\u{1f600}',
      ])
        expect(
          seen(await node.call(auth, `{"method":"password","email":"${bob.email}","password":"${text}"}`)),
        ).toBe('200');
    }));
});
