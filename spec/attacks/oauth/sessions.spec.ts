import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { bearer } from '../../support/app.js';
import type { WireAnswer } from '../../support/attack.js';
import { samlRecordOf } from '../../support/federation.js';
import { keyAndCertificate } from '../../support/keys.js';
import { aliceClaims, begin, type OauthTarget, oauthAttack, redeem } from '../../support/oauth-attack.js';
import { acme, alice, bob, globex } from '../../support/people.js';
import { enrolledKey } from '../../support/second-factor.js';

const other = 'acc00000-0000-4000-8000-00000000000c';
const bobClaims = { sub: 'bob-1', email: bob.email, email_verified: true };

async function session(target: OauthTarget, claims = bobClaims, change = {}): Promise<WireAnswer> {
  target.expectSessionsOf(alice.id, bob.id);
  const begun = await begin(target.nodes[0]);
  const code = target.provider.authorize(begun.url.href, claims);
  const answer = await redeem(target.nodes[0], begun, code, change);
  expect(answer.status).toBe(200);
  return answer;
}
const headersOf = ({ body }: WireAnswer) => bearer(JSON.parse(body).access_token);
const statusOf = async ({ nodes }: OauthTarget, headers: Record<string, string>) =>
  (await nodes[1].send({ method: 'GET', path: '/me', headers })).status;
const causes = ({ nodes }: OauthTarget) =>
  nodes.flatMap(({ events }) =>
    events.flatMap((each) => (each.type === 'session_ended' ? [each.cause] : [])),
  );

/** What a session of bob's depends on, and what its loss is called. */
const losses: Record<string, [(target: OauthTarget) => void, string]> = {
  'the provider is disabled': [({ record }) => record({ enabled: false }), 'identity_provider_gone'],
  'the provider is deleted': [
    ({ nodes }) => nodes[0].repositories.identityProviders.table.delete('oidc'),
    'identity_provider_gone',
  ],
  'the link is gone': [
    ({ nodes }) => {
      nodes[0].repositories.users.findByFederatedIdentity = async () => null;
    },
    'principal_gone',
  ],
  'the link is somebody else’s': [
    ({ nodes }) => {
      const { users } = nodes[0].repositories;
      users.findByFederatedIdentity = async () => users.findById(alice.id);
    },
    'principal_gone',
  ],
  'the membership is gone': [
    ({ nodes }) => {
      const { table } = nodes[0].repositories.users;
      const row = table.get(bob.id);
      if (row) table.set(bob.id, { ...row, accountIds: [globex] });
    },
    'membership_gone',
  ],
  'the account is closed': [
    ({ nodes }) => nodes[0].repositories.accounts.table.set(acme, { id: acme, enabled: false }),
    'membership_gone',
  ],
  'the provider serves another account, of which the user is none': [
    ({ nodes, record }) => {
      nodes[0].repositories.accounts.table.set(other, { id: other, enabled: true });
      record({ accountId: other });
    },
    'membership_gone',
  ],
  'the provider serves an account that is closed': [
    ({ nodes, record }) => {
      nodes[0].repositories.accounts.table.set(other, { id: other, enabled: false });
      record({ accountId: other });
    },
    'identity_provider_gone',
  ],
  'its id is that of a provider of another kind': [
    ({ nodes }) => {
      const record = samlRecordOf(keyAndCertificate('idp'), { id: 'oidc' });
      nodes[0].repositories.identityProviders.table.set('oidc', record);
    },
    'identity_provider_gone',
  ],
  'the user is disabled': [
    ({ nodes }) => {
      const { table } = nodes[0].repositories.users;
      const row = table.get(bob.id);
      if (row) table.set(bob.id, { ...row, enabled: false });
    },
    'principal_gone',
  ],
  'the user is deleted': [({ nodes }) => nodes[0].repositories.users.table.delete(bob.id), 'principal_gone'],
};

describe('sessions that came through a provider (TEN-02, TEN-06)', () => {
  it.each(Object.entries(losses))('end on every node when %s', (_, [lose, cause]) =>
    oauthAttack({}, async (target) => {
      const headers = headersOf(await session(target));
      expect(await statusOf(target, headers)).toBe(200);
      lose(target);
      expect(await statusOf(target, headers)).toBe(401);
      // The row is removed behind the answer, which does not wait for it.
      for (let wait = 0; wait < 100 && target.shared.rows.size > 0; wait += 1) await sleep(5);
      await sleep(20);
      expect(causes(target)).toEqual([cause]);
      expect(target.shared.rows.size).toBe(0);
      expect((await target.nodes[0].send({ method: 'GET', path: '/me', headers })).status).toBe(401);
    }),
  );

  it('outlive a new password: that credential is not theirs', () =>
    oauthAttack({}, async (target) => {
      const headers = headersOf(await session(target));
      const { table } = target.nodes[0].repositories.users;
      const row = table.get(bob.id);
      if (row) table.set(bob.id, { ...row, credentialVersion: 2 });
      expect(await statusOf(target, headers)).toBe(200);
    }));

  it('are of the account of the provider, and of no other that asks for nothing', () =>
    oauthAttack({}, async (target) => {
      const headers = headersOf(await session(target));
      const me = await target.nodes[1].send({ method: 'GET', path: '/me', headers });
      expect(JSON.parse(me.body).session).toMatchObject({ accountId: acme, idpId: 'oidc' });
      const select = (acct_id: string) =>
        target.nodes[0].call('/sys/v1/session/select_account', { acct_id }, headers);
      expect((await select(globex)).status).toBe(403);
      expect((await select(acme)).status).toBe(200);
    }));

  it('end with the membership that the provider vouched for, in whatever account they act', () =>
    oauthAttack({}, async (target) => {
      const { accounts, users } = target.nodes[0].repositories;
      accounts.table.set(globex, { id: globex, enabled: true, signIn: { idpIds: ['oidc'] } });
      const headers = headersOf(await session(target));
      const selected = await target.nodes[0].call(
        '/sys/v1/session/select_account',
        { acct_id: globex },
        headers,
      );
      expect([selected.status, await statusOf(target, headers)]).toEqual([200, 200]);
      const row = users.table.get(bob.id);
      if (row) users.table.set(bob.id, { ...row, accountIds: [globex] });
      expect(await statusOf(target, headers)).toBe(401);
      await sleep(20);
      expect(causes(target)).toEqual(['membership_gone']);
    }));

  it('owe the second factor that the record asks for', () =>
    oauthAttack({ record: { secondFactor: 'require' } }, async (target) => {
      const enrolling = headersOf(await session(target));
      expect(await statusOf(target, enrolling)).toBe(401);
      const key = await enrolledKey(target.nodes[0], alice);
      const answer = await session(target, { ...bobClaims, ...aliceClaims });
      const pending = headersOf(answer);
      const { fido2_assertion_options: options } = JSON.parse(answer.body);
      expect(await statusOf(target, pending)).toBe(401);
      const paid = await target.nodes[1].call(
        '/sys/v1/session/auth/2fa/fido2',
        await key.get(options),
        pending,
      );
      expect([paid.status, await statusOf(target, pending)]).toEqual([204, 200]);
    }));

  it('ask for a cookie only from the pages of this service', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider } = target;
      const begun = await begin(nodes[0]);
      const code = provider.authorize(begun.url.href, bobClaims);
      const change = { token_type: 'Cookie' };
      for (const headers of [{ Origin: 'https://evil.example' }, { 'Sec-Fetch-Site': 'cross-site' }]) {
        const own = { ...begun, cookie: { ...begun.cookie, ...headers } };
        expect((await redeem(nodes[0], own, code, change)).status).toBe(403);
      }
      target.expectSessionsOf(bob.id);
      const answer = await redeem(nodes[0], begun, code, change);
      expect([answer.status, JSON.parse(answer.body).access_token]).toEqual([200, undefined]);
      expect(answer.headers['set-cookie']?.[0]).toMatch(/^__Host-session=[\w-]{86}; /);
    }));
});
