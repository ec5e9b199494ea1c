import { describe, expect, it } from '@jest/globals';
import { SoftwareAuthenticator } from '../../../lib/testing/index.js';
import { origin } from '../../support/app.js';
import { attack, type Target } from '../../support/attack.js';
import { activeSession, addDevice, attested, unlock } from '../../support/configuring.js';
import { aliceClaims, begin, oauthAttack, redeem } from '../../support/oauth-attack.js';
import { codeOf, owing, pay } from '../../support/owing.js';
import { acme, alice, bob, globex, robot, twin } from '../../support/people.js';
import { enrolledKey } from '../../support/second-factor.js';
import {
  alter,
  carriers,
  given,
  onBoth,
  paths,
  refresh,
  settled,
  signIn,
  type Who,
} from '../../support/session-attack.js';
import { swiftly } from '../../support/swift.js';

const repositoriesOf = ({ nodes: [node] }: Pick<Target, 'nodes'>) => node.repositories;

/** What ends the sessions of whom, and the cause that is told. */
const changes: [name: string, who: Who, change: (target: Target) => void, cause: string][] = [
  [
    'the credential version of a user changes',
    alice,
    (target) => alter(repositoriesOf(target).users.table, alice.id, { credentialVersion: 2 }),
    'credential_changed',
  ],
  [
    'the credential version of a user goes back',
    alice,
    (target) => alter(repositoriesOf(target).users.table, alice.id, { credentialVersion: 0 }),
    'credential_changed',
  ],
  [
    'a user is disabled',
    alice,
    (target) => alter(repositoriesOf(target).users.table, alice.id, { enabled: false }),
    'principal_gone',
  ],
  [
    'a user is deleted',
    alice,
    (target) => repositoriesOf(target).users.table.delete(alice.id),
    'principal_gone',
  ],
  [
    'the secret of an app is removed',
    robot,
    (target) => {
      const { table } = repositoriesOf(target).apps;
      const secrets = table.get(robot.id)?.secrets ?? [];
      alter(table, robot.id, { secrets: secrets.filter(({ id }) => id !== 'first') });
    },
    'credential_changed',
  ],
  [
    'the secret of an app runs out',
    robot,
    (target) => {
      const { table } = repositoriesOf(target).apps;
      const secrets = table.get(robot.id)?.secrets ?? [];
      alter(table, robot.id, { secrets: secrets.map((each) => ({ ...each, validUntil: target.clock() })) });
    },
    'credential_changed',
  ],
  [
    'an app is disabled',
    robot,
    (target) => alter(repositoriesOf(target).apps.table, robot.id, { enabled: false }),
    'principal_gone',
  ],
  [
    'the account of an app is closed',
    robot,
    (target) => repositoriesOf(target).accounts.table.set(acme, { id: acme, enabled: false }),
    'membership_gone',
  ],
];

const causes = ({ nodes }: Pick<Target, 'nodes'>) =>
  nodes.flatMap(({ events }) =>
    events.flatMap((each) => (each.type === 'session_ended' ? [each.cause] : [])),
  );

describe('attacks with a session whose ground is gone (SES-16)', () => {
  it.each(changes)(
    'SES-16: when %s, its sessions end at the next request on either node, for good',
    (_, who, change, cause) =>
      attack({}, async (target) => {
        const { nodes, clock } = target;
        const sessions = [];
        for (const [n, carrier] of carriers.entries())
          sessions.push(await signIn(target, { who, carrier, at: nodes[n % 2] ?? nodes[0] }));
        const other = await signIn(target, { who: bob });
        for (const { headers } of sessions) expect(await onBoth(target, headers)).toEqual([200, 200]);

        const { users, apps, accounts } = repositoriesOf(target);
        const before = [users.table, apps.table, accounts.table].map((table) => [...table]) as [
          string,
          never,
        ][][];
        change(target);
        for (const [n, { headers }] of sessions.entries()) {
          const node = nodes[n === 0 ? 1 : 0];
          const answer =
            n === 0 ? await node.send({ method: 'GET', path: '/me', headers }) : await refresh(node, headers);
          expect([answer.status, codeOf(answer)]).toEqual([401, 'invalid_session']);
        }
        await settled(target, 1);
        expect(causes(target)).toEqual([cause, cause]);

        for (const [at, table] of [users.table, apps.table, accounts.table].entries())
          for (const [id, row] of before[at] ?? []) table.set(id, row);
        clock.advance(1);
        for (const { headers } of sessions) expect(await onBoth(target, headers)).toEqual([401, 401]);
        expect(await onBoth(target, other.headers)).toEqual([200, 200]);
      }),
  );

  it.each(carriers)('SES-16: a pending %s does not outlive its ground either', (carrier) =>
    attack({}, async (target) => {
      const { nodes } = target;
      const key = await enrolledKey(nodes[0]);
      target.expectSessionsOf(alice.id);
      const pending = await owing(target, alice, carrier);
      alter(repositoriesOf(target).users.table, alice.id, { credentialVersion: 2 });
      const answer = await pay(nodes[1], pending, await key.get(pending.options));
      expect([answer.status, codeOf(answer)]).toEqual([401, 'invalid_session']);
      await settled(target);
    }),
  );

  it.each(carriers)(
    'SES-16: a %s whose identity link is removed ends, and the other identity’s does not',
    (carrier) =>
      oauthAttack({}, async (target) => {
        const { nodes, provider } = target;
        target.expectSessionsOf(alice.id, bob.id);
        const enter = async (claims: typeof aliceClaims) => {
          const begun = await begin(nodes[0]);
          const code = provider.authorize(begun.url.href, claims);
          return given(await redeem(nodes[0], begun, code, { token_type: carrier }));
        };
        const hers = await enter(aliceClaims);
        const his = await enter({ sub: 'bob-1', email: bob.email, email_verified: true });
        const { users } = repositoriesOf(target);
        const { findByFederatedIdentity } = users;
        users.findByFederatedIdentity = async (idp, subject) =>
          subject === 'alice-1' ? null : findByFederatedIdentity(idp, subject);
        expect(await onBoth(target, hers.headers)).toEqual([401, 401]);
        await settled(target, 1);
        users.findByFederatedIdentity = findByFederatedIdentity;
        expect(await onBoth(target, hers.headers)).toEqual([401, 401]);
        expect(await onBoth(target, his.headers)).toEqual([200, 200]);
      }),
  );

  it.each(carriers)('SES-16: a %s acts no more in an account that its user has left', (carrier) =>
    attack({}, async (target) => {
      const { nodes } = target;
      const { headers } = await signIn(target, { who: bob, carrier });
      expect((await nodes[0].call(paths.select, { acct_id: globex }, headers)).status).toBe(200);
      alter(repositoriesOf(target).users.table, bob.id, { accountIds: [acme] });
      expect(await onBoth(target, headers)).toEqual([401, 401]);
      await settled(target);
    }),
  );

  it('SES-16: a new device ends the other sessions of its user, on both nodes, and nobody else’s', () =>
    attack({}, async (target) => {
      const { nodes } = target;
      const others = [await signIn(target), await signIn(target, { carrier: 'Cookie', at: nodes[1] })];
      const his = await signIn(target, { who: bob });
      const own = await activeSession(target);
      expect((await unlock(nodes[0], own)).status).toBe(200);
      const key = new SoftwareAuthenticator({ origin });
      expect((await addDevice(nodes[0], own, await attested(nodes[0], own, key))).status).toBe(201);
      for (const { headers } of others) expect(await onBoth(target, headers)).toEqual([401, 401]);
      for (const headers of [own, his.headers]) expect(await onBoth(target, headers)).toEqual([200, 200]);
      await settled(target, 2);
    }));
});

describe('attacks by many sessions (SES-17)', () => {
  it.each<[string, Who]>([
    ['a user', alice],
    ['an app', robot],
  ])('SES-17: with one too many the oldest of %s ends, on both nodes', (_, who) =>
    attack({ session: { maxPerEntity: 3 } }, async (target) => {
      const { nodes, clock } = target;
      const other = await signIn(target, { who: twin });
      const sessions = [];
      for (let n = 0; n < 6; n += 1) {
        clock.advance(1);
        const carrier = carriers[n % 2] ?? 'Bearer';
        sessions.push(await signIn(target, { who, carrier, at: nodes[(n >> 1) % 2] ?? nodes[0] }));
        const living = sessions.slice(-3);
        for (const session of sessions.slice(-4)) {
          const status = living.includes(session) ? 200 : 401;
          expect([n, await onBoth(target, session.headers)]).toEqual([n, [status, status]]);
        }
      }
      expect(target.shared.rows.size).toBe(4);
      expect(await onBoth(target, other.headers)).toEqual([200, 200]);
      expect(causes(target)).toEqual(Array(3).fill('evicted'));
    }),
  );

  it('SES-17: hundreds of sign-ins of one app leave as many sessions as it may have', () =>
    swiftly({ session: { maxPerEntity: 5 } }, async (target) => {
      const { nodes } = target;
      const living = await signIn(target, { who: twin });
      let last = living;
      for (let n = 0; n < 300; n += 1)
        last = await signIn(target, { who: robot, at: nodes[n % 2] ?? nodes[0] });
      expect(target.shared.rows.size).toBe(6);
      expect(await onBoth(target, last.headers)).toEqual([200, 200]);
      expect(await onBoth(target, living.headers)).toEqual([200, 200]);
    }));

  it('SES-17: whoever knows a password alone ends no session that was proven', () =>
    swiftly({ session: { maxPerEntity: 2 } }, async (target) => {
      const { nodes } = target;
      const key = await enrolledKey(nodes[0]);
      const own = [
        await activeSession(target, alice, { key }),
        await activeSession(target, alice, { key, carrier: 'Cookie' }),
      ];
      const pending = [];
      for (let n = 0; n < 5; n += 1) {
        target.clock.advance(1);
        pending.push(await owing(target));
      }
      for (const headers of own) expect(await onBoth(target, headers)).toEqual([200, 200]);
      expect(target.shared.rows.size).toBe(4);
      const [first, last] = [pending[0], pending[4]];
      if (first === undefined || last === undefined) throw new Error('there is none');
      expect(codeOf(await pay(nodes[1], first, await key.get(first.options)))).toBe('invalid_session');
      expect((await pay(nodes[1], last, await key.get(last.options))).status).toBe(204);
    }));
});
