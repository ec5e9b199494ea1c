import { describe, expect, it } from '@jest/globals';
import type { LdapIdentityProvider } from '../../../lib/index.js';
import { aliceEntry, base, onLdap } from '../../support/ldap-attack.js';
import { alice } from '../../support/people.js';

const group = { dn: `cn=staff,${base}` };
const ways: [string, Partial<LdapIdentityProvider>][] = [
  ['by a search', {}],
  ['by a search, in a group', { requiredGroup: group }],
  [
    'by construction',
    { dnResolution: { by: 'construct', patterns: { 'example.com': `uid={user},${base}` } } },
  ],
  ['by userPrincipalName', { dnResolution: { by: 'upn' } }],
];

describe('attacks by what a directory is asked, and how often', () => {
  it.each(ways)(
    'ENUM-01, ENUM-02: who is unknown, found twice or found by other letters costs what a wrong password does: %s',
    (_, record) =>
      onLdap(record, async (stage) => {
        const aliceIn = { ...aliceEntry, attributes: { ...aliceEntry.attributes } };
        const asked = async (email: string, entries?: (typeof aliceEntry)[]) => {
          stage.misbehave(entries === undefined ? {} : { search: () => entries });
          stage.operations.length = 0;
          const { status, body, headers } = await stage.signIn(email, 'wrong');
          const { date: _date, ...rest } = headers;
          return { status, body, headers: rest, operations: [...stage.operations] };
        };
        const wrong = await asked(alice.email);
        expect([wrong.status, wrong.operations.length > 0]).toEqual([401, true]);
        expect(await asked('nobody@example.com')).toEqual(wrong);
        if (record.dnResolution !== undefined) return;
        expect(await asked(alice.email, [aliceIn, aliceIn])).toEqual(wrong);
        const other = { ...aliceIn, attributes: { ...aliceIn.attributes, mail: 'other@example.com' } };
        expect(await asked(alice.email, [other])).toEqual(wrong);
      }),
  );
});
