import { describe, expect, it } from '@jest/globals';
import ldap from 'ldapjs';
import { dnOf, escapedValue } from '../../lib/federation/distinguished-name.js';

type Parsed = { rdns: { attrs: Record<string, { value: string }> }[] };

describe('escapedValue', () => {
  // RFC 4514, section 2.4.
  it.each([
    ['alice', 'alice'],
    ['a,b', 'a\\,b'],
    ['a+b', 'a\\+b'],
    ['a"b', 'a\\"b'],
    ['a\\b', 'a\\\\b'],
    ['a<b>c', 'a\\<b\\>c'],
    ['a;b', 'a\\;b'],
    ['a=b', 'a\\=b'],
    ['#a', '\\#a'],
    ['a#', 'a\\#'],
    [' a', '\\ a'],
    ['a ', 'a\\ '],
    ['a b', 'a b'],
    ['  ', '\\ \\ '],
    [' ', '\\ '],
    ['a\0b', 'a\\00b'],
    ['Lučić', 'Lučić'],
    ['$&', '$&'],
    ['', ''],
  ])('makes of %j %j', (value, escaped) => expect(escapedValue(value)).toBe(escaped));

  it('is read back as the same value, whatever stands in it', () => {
    const odd = [' ', ',', '+', '"', '\\', '<', '>', ';', '=', '#', 'a', 'ü', '$', '*', '(', ')'];
    for (const one of odd)
      for (const two of odd)
        for (const three of odd) {
          const value = `${one}${two}${three}`;
          const { rdns } = ldap.parseDN(`uid=${escapedValue(value)},dc=example`) as unknown as Parsed;
          expect([value, rdns.length, rdns[0]?.attrs.uid?.value]).toEqual([value, 2, value]);
        }
  });
});

describe('dnOf', () => {
  it('puts the address, or what stands before the @, where the pattern says', () => {
    expect(dnOf('uid={user},mail={email},dc=x', 'a+b@example.com')).toBe(
      'uid=a\\+b,mail=a\\+b@example.com,dc=x',
    );
  });

  it('makes no pattern of what an address says', () => {
    expect(dnOf('uid={user},dc=x', '{email}@example.com')).toBe('uid={email},dc=x');
    expect(dnOf('uid={user},dc=x', "$'$&@example.com")).toBe("uid=$'$&,dc=x");
  });
});
