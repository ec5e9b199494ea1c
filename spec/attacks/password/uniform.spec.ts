import { describe, expect, it } from '@jest/globals';
import { attack, type Target, type WireAnswer } from '../../support/attack.js';
import { changeUser, reasonsIn, shown, userWays } from '../../support/credentials.js';
import { aliceEntry, failure, type LdapStage, onLdap, password } from '../../support/ldap-attack.js';
import { acme, alice, bob, dan, globex, sue } from '../../support/people.js';
import { enrolledKey } from '../../support/second-factor.js';

describe('what a failed sign-in by password shows of its cause', () => {
  const nobody = 'nobody@example.com';
  /** Why a sign-in fails, by which address and password it does, and what was changed for it. */
  const causes: [string, string, string, (target: Target) => unknown][] = [
    ['wrong', alice.email, 'wrong', () => {}],
    ['the password of somebody else', alice.email, bob.password, () => {}],
    ['unknown', nobody, alice.password, () => {}],
    ['unknown by its domain', 'a@no.example', alice.password, () => {}],
    ['the longest address', `${'a'.repeat(64)}@${'b.'.repeat(92)}com`, 'wrong', () => {}],
    ['the longest password', alice.email, 'x'.repeat(1024), () => {}],
    ['disabled', dan.email, dan.password, () => {}],
    ['disabled and wrong', dan.email, 'wrong', () => {}],
    ['no password', sue.email, 'wrong', () => {}],
    ['an empty hash', sue.email, 'wrong', (target) => changeUser(target, sue, { passwordHash: '' })],
    ['no hash', sue.email, 'x', (target) => changeUser(target, sue, { passwordHash: 'x' })],
    ['a second factor', alice.email, 'wrong', ({ nodes }) => enrolledKey(nodes[0])],
    ['a closed account', alice.email, 'wrong', closeAccount],
    [
      'an account that wants another sign-in',
      alice.email,
      'wrong',
      ({ nodes }) =>
        nodes[0].repositories.accounts.table.set(acme, {
          ...{ id: acme, enabled: true },
          signIn: { methods: ['saml-response'], secondFactor: 'require' },
        }),
    ],
    ['deleted', bob.email, bob.password, ({ nodes }) => nodes[0].repositories.users.table.delete(bob.id)],
  ];

  it.each(userWays)('ENUM-02: every cause is the same to the last byte: %s', (_, way) =>
    attack({ lockout: false }, async (target) => {
      for (const more of [{}, { token_type: 'Cookie' }]) {
        const expected = shown(await way(target.nodes[0], nobody, 'wrong', more));
        expect(expected.status).toBe(401);
        for (const [at, [name, email, secret, change]] of causes.entries()) {
          await change(target);
          const answer = await way(target.nodes[at % 2] ?? target.nodes[0], email, secret, more);
          expect([name, shown(answer)]).toEqual([name, expected]);
          if (name === 'a second factor') await target.nodes[0].repositories.devices.remove(alice.id, 'key');
        }
      }
      // What the client is not told, the host is.
      const causesTold = new Set(reasonsIn(target));
      for (const reason of ['wrong_secret', 'unknown_principal', 'disabled', 'no_secret', 'unusable_hash'])
        expect([...causesTold]).toContain(reason);
    }),
  );
});

function closeAccount({ nodes }: Pick<Target, 'nodes'>): void {
  nodes[0].repositories.accounts.table.set(acme, { id: acme, enabled: false });
}

describe('what a failed sign-in by a directory shows of its cause', () => {
  const signInAlice = (stage: LdapStage) => stage.signIn(alice.email);
  const withChange = (change: (stage: LdapStage) => void) => (stage: LdapStage) => {
    change(stage);
    return signInAlice(stage);
  };
  const directorySays = (data: string) =>
    withChange((stage) =>
      stage.misbehave({
        bind: () =>
          failure(49, `80090308: LdapErr: DSID-0C090569, comment: AcceptSecurityContext, data ${data}`),
      }),
    );
  const base64 = (id: string) => Buffer.from(id).toString('base64');
  const causes: [string, (stage: LdapStage) => Promise<WireAnswer>][] = [
    ['unknown to the directory', (stage) => stage.signIn('nobody@example.com')],
    ['unknown, of another domain', (stage) => stage.signIn('nobody@no.example')],
    ['an unknown provider', (stage) => stage.signIn(alice.email, password, { idp_id: base64('other') })],
    ['a provider of another account', (stage) => stage.signIn(alice.email, password, { acct_id: globex })],
    ['a disabled provider', withChange(({ record }) => record({ enabled: false }))],
    ['a closed account', withChange(closeAccount)],
    ['an account that is gone', withChange(({ nodes }) => nodes[0].repositories.accounts.table.delete(acme))],
    [
      'an account that wants another sign-in',
      withChange(({ nodes }) =>
        nodes[0].repositories.accounts.table.set(acme, {
          ...{ id: acme, enabled: true },
          signIn: { methods: ['password'] },
        }),
      ),
    ],
    ['a user who is disabled', withChange((stage) => changeUser(stage, alice, { enabled: false }))],
    ['a user of no account', withChange((stage) => changeUser(stage, alice, { accountIds: [] }))],
    ['a user of another account', withChange((stage) => changeUser(stage, alice, { accountIds: [globex] }))],
    ['a user who is deleted', withChange(({ nodes }) => nodes[0].repositories.users.table.delete(alice.id))],
    ['a provider that may vouch for nobody', withChange(({ record }) => record({ authoritative: false }))],
    ['a provider of other domains', withChange(({ record }) => record({ domains: ['example.org'] }))],
    [
      'a user who is somebody else there',
      withChange(({ nodes }) =>
        nodes[0].repositories.users.linkFederatedIdentity(alice.id, { idpId: 'ldap', subject: 'other' }),
      ),
    ],
    ['two entries', withChange((stage) => stage.misbehave({ search: () => [aliceEntry, aliceEntry] }))],
    ['an account that is disabled there', directorySays('533')],
    ['a password that has expired there', directorySays('532')],
    ['a password that must be changed there', directorySays('773')],
    ['an account that has expired there', directorySays('701')],
    ['an account that is locked there', directorySays('775')],
    ['hours in which nobody signs in there', directorySays('530')],
  ];

  it('ENUM-02: every cause is the same to the last byte', () =>
    onLdap({}, async (stage) => {
      const { users, accounts } = stage.nodes[0].repositories;
      const expected = shown(await stage.signIn(alice.email, 'wrong'));
      expect(expected.status).toBe(401);
      const before = { users: [...users.table], accounts: [...accounts.table] };
      for (const [name, ask] of causes) {
        expect([name, shown(await ask(stage))]).toEqual([name, expected]);
        // All is put back, but for the link, which is the same for the rest.
        for (const [id, row] of before.users) users.table.set(id, row);
        for (const [id, row] of before.accounts) accounts.table.set(id, row);
        stage.misbehave({});
        stage.record({});
      }
      expect(new Set(stage.reasons()).size).toBeGreaterThan(8);
    }));

  it('ENUM-02: that a refusal is one is because of its cause alone', () =>
    onLdap({}, async (stage) => {
      stage.expectSessionsOf(alice.id);
      expect((await stage.signIn(alice.email)).status).toBe(200);
    }));
});
