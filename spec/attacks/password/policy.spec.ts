import { describe, expect, it } from '@jest/globals';
import type { SignInPolicy } from '../../../lib/index.js';
import { attack, type Node, type Target } from '../../support/attack.js';
import { changeUser, seen, sessionIn, shown, userWays, wrong } from '../../support/credentials.js';
import { onLdap } from '../../support/ldap-attack.js';
import { passwordOf } from '../../support/owing.js';
import { acme, alice, bob, globex } from '../../support/people.js';

const select = '/sys/v1/session/select_account';
const setPolicy = ({ nodes }: Pick<Target, 'nodes'>, id: string, signIn: SignInPolicy) =>
  nodes[0].repositories.accounts.table.set(id, { id, enabled: true, signIn });
const at = async (node: Node, path: string, headers: Record<string, string>) =>
  (await node.send({ method: 'GET', path, headers })).status;

const sso: [string, SignInPolicy][] = [
  ['another method', { methods: ['saml-response', 'oauth-auth-code', 'ldap-basic-auth'] }],
  ['no method at all', { methods: [] }],
  ['a method that is spelled alike', { methods: ['PASSWORD', 'passwords', 'Basic', 'pass', ''] }],
  ['an identity provider', { idpIds: ['saml'] }],
  ['an identity provider, and names the methods', { methods: ['password', 'basic'], idpIds: ['saml'] }],
  ['a provider without a name', { idpIds: ['', 'null', 'undefined'] }],
  ['a second factor', { secondFactor: 'require' }],
];
describe('attacks by a password on an account that wants another sign-in', () => {
  it.each(sso)('PWD-13, TEN-02: an account that wants %s is not opened by a password', (_, policy) =>
    attack({}, async (target) => {
      const [one, other] = target.nodes;
      setPolicy(target, globex, policy);
      target.expectSessionsOf(bob.id);
      for (const [, way] of userWays) {
        const answer = await way(one, bob.email, bob.password);
        expect(answer.status).toBe(200);
        const headers = sessionIn(answer);
        for (const path of ['/account', `/accounts/${globex}`, `/accounts/${acme}`])
          expect([path, await at(other, path, headers)]).toEqual([path, 403]);
        const refused = await other.call(select, { acct_id: globex }, headers);
        expect(seen(refused)).toBe('403 account_forbidden');
        expect(await at(one, `/accounts/${globex}`, headers)).toBe(403);

        // The user's other account is open, and stays what the session acts in.
        expect((await one.call(select, { acct_id: acme }, headers)).status).toBe(200);
        expect(seen(await one.call(select, { acct_id: globex }, headers))).toBe('403 account_forbidden');
        expect(await at(other, `/accounts/${acme}`, headers)).toBe(200);
        expect(await at(other, `/accounts/${globex}`, headers)).toBe(403);
      }
    }),
  );

  it.each(userWays)('PWD-13: what such an account wants shows before the password nowhere: %s', (_, way) =>
    attack({ lockout: false }, async (target) => {
      const [one] = target.nodes;
      const expected = shown(await way(one, alice.email, 'wrong'));
      expect(expected.status).toBe(401);
      for (const [name, policy] of sso) {
        setPolicy(target, acme, policy);
        for (const email of [alice.email, 'nobody@example.com'])
          expect([name, shown(await way(one, email, 'wrong'))]).toEqual([name, expected]);
      }
      // Nor does it matter that there is no password here.
      changeUser(target, alice, { passwordHash: null });
      expect(shown(await way(one, alice.email, alice.password))).toEqual(expected);
    }),
  );

  it.each(sso)(
    'PWD-13: a session in an account that wants %s from now on is over, on both nodes',
    (_, policy) =>
      attack({}, async (target) => {
        const [one, other] = target.nodes;
        target.expectSessionsOf(bob.id);
        const sessions = [];
        for (const [, way] of userWays) sessions.push(sessionIn(await way(one, bob.email, bob.password)));
        for (const headers of sessions)
          expect((await one.call(select, { acct_id: globex }, headers)).status).toBe(200);
        const elsewhere = sessionIn(await one.call('/sys/v1/session/auth', passwordOf(bob)));
        expect((await one.call(select, { acct_id: acme }, elsewhere)).status).toBe(200);
        setPolicy(target, globex, policy);
        for (const headers of sessions) {
          expect(await at(other, '/account', headers)).toBe(401);
          expect(await at(one, '/me', headers)).toBe(401);
        }
        expect(await at(other, '/account', elsewhere)).toBe(200);
        await new Promise((resolve) => setTimeout(resolve, 20));
        const told = target.nodes.flatMap(({ events }) =>
          events.flatMap((each) => (each.type === 'session_ended' ? [each.cause] : [])),
        );
        expect(new Set(told)).toEqual(new Set(['account_policy']));
      }),
  );

  it('PWD-13: an account that wants the one way is not opened by the other', () =>
    attack({}, async (target) => {
      const [one, other] = target.nodes;
      target.expectSessionsOf(bob.id);
      for (const [wanted, answers] of [
        ['password', ['200', '403 account_forbidden']],
        ['basic', ['403 account_forbidden', '200']],
      ] as const) {
        setPolicy(target, globex, { methods: [wanted] });
        const found: string[] = [];
        for (const [, way] of userWays) {
          const headers = sessionIn(await way(one, bob.email, bob.password));
          found.push(seen(await other.call(select, { acct_id: globex }, headers)));
        }
        expect([wanted, found]).toEqual([wanted, answers]);
      }
    }));

  it('PWD-13: a password of a directory opens no account that wants another sign-in', () =>
    onLdap({}, async (stage) => {
      for (const policy of [{ methods: ['saml-response'] }, { idpIds: ['saml'] }]) {
        setPolicy(stage, acme, policy);
        expect(seen(await stage.signIn(alice.email))).toBe(wrong);
      }
      expect(stage.reasons()).toEqual(['account_policy', 'account_policy']);
      setPolicy(stage, acme, { methods: ['ldap-basic-auth'], idpIds: ['ldap'] });
      stage.expectSessionsOf(alice.id);
      expect(seen(await stage.signIn(alice.email))).toBe('200');
    }));
});
