import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { Account } from '../../../lib/index.js';
import { bearer } from '../../support/app.js';
import { attack, type Node, type Target, type WireAnswer } from '../../support/attack.js';
import { crowd, eitherOrder } from '../../support/crowd.js';
import { begin, oauthAttack, redeem } from '../../support/oauth-attack.js';
import { codeOf, owing, pay } from '../../support/owing.js';
import { acme, alice, bob, globex, robot } from '../../support/people.js';
import { Outcomes, repeatedly, some } from '../../support/repeated.js';
import { enrolledKey } from '../../support/second-factor.js';
import {
  alter,
  carriers,
  type Headers,
  me,
  onBoth,
  paths,
  settled,
  signIn,
} from '../../support/session-attack.js';
import { alices, presenting, sessionsOf } from '../../support/session-maker.js';
import { swiftly } from '../../support/swift.js';

const select = (node: Node, headers: Headers, acct_id: unknown): Promise<WireAnswer> =>
  node.call(paths.select, { acct_id }, headers);
const seen = (answer: WireAnswer) => `${answer.status} ${codeOf(answer)}`;
const forbidden = '403 account_forbidden';

/** Expects that both nodes refuse an account, and that the session acts where it did before. */
async function expectForbidden({ nodes }: Target, headers: Headers, acct_id: string): Promise<void> {
  const before = await me(nodes[0], headers);
  for (const node of nodes)
    expect([acct_id, seen(await select(node, headers, acct_id))]).toEqual([acct_id, forbidden]);
  const { accountId } = await me(nodes[1], headers);
  expect(accountId).toBe(before.accountId);
}

const setAccount = ({ nodes: [node] }: Pick<Target, 'nodes'>, id: string, change: Partial<Account>) =>
  node.repositories.accounts.table.set(id, { id, enabled: true, ...change });
const setMember = ({ nodes: [node] }: Pick<Target, 'nodes'>, id: string, accountIds: string[]) =>
  alter(node.repositories.users.table, id, { accountIds });

describe('attacks on the account that a session acts in (SES-14)', () => {
  it.each(carriers)(
    'SES-14: a %s of no member, of a closed account or of none is refused, and stays as it was',
    (carrier) =>
      swiftly({}, async (target) => {
        const { headers } = await signIn(target, { carrier });
        const unknown = 'acc00000-0000-4000-8000-0000000000ff';
        setAccount(target, unknown, {});
        target.nodes[0].repositories.accounts.table.delete(unknown);
        for (const id of [globex, unknown, robot.id, alice.id]) await expectForbidden(target, headers, id);

        expect((await select(target.nodes[0], headers, acme)).status).toBe(200);
        await expectForbidden(target, headers, globex);
        expect((await me(target.nodes[1], headers)).accountId).toBe(acme);

        const his = await signIn(target, { who: bob, carrier });
        setAccount(target, globex, { enabled: false });
        await expectForbidden(target, his.headers, globex);
        target.nodes[0].repositories.accounts.table.delete(globex);
        await expectForbidden(target, his.headers, globex);
        expect(await me(target.nodes[1], his.headers)).toMatchObject({ accountId: null });
        setAccount(target, globex, {});
      }),
  );

  it.each(carriers)('SES-14: a policy that the sign-in of a %s does not meet keeps it out', (carrier) =>
    swiftly({}, async (target) => {
      const { headers } = await signIn(target, { who: bob, carrier });
      for (const policy of [
        { methods: ['saml-response'] },
        { methods: [] },
        { idpIds: ['oidc'] },
        { idpIds: [] },
        { secondFactor: 'require' },
        { methods: ['password'], secondFactor: 'require' },
      ] satisfies Account['signIn'][]) {
        setAccount(target, globex, { signIn: policy });
        await expectForbidden(target, headers, globex);
      }
      setAccount(target, globex, { signIn: { methods: ['password'] } });
      expect((await select(target.nodes[1], headers, globex)).status).toBe(200);
    }),
  );

  it.each<[string, Account['signIn'], string]>([
    ['asks for nothing', undefined, forbidden],
    ['wants another provider', { idpIds: ['other'] }, forbidden],
    ['wants another method', { methods: ['password'] }, forbidden],
    ['wants a second factor', { idpIds: ['oidc'], secondFactor: 'require' }, forbidden],
    ['wants just that', { idpIds: ['oidc'], methods: ['oauth-auth-code'] }, '200 undefined'],
  ])('SES-14: a session of one account’s provider in another account, which %s', (_, policy, expected) =>
    oauthAttack({}, async (target) => {
      const { nodes, provider } = target;
      target.expectSessionsOf(bob.id);
      setAccount(target, globex, policy === undefined ? {} : { signIn: policy });
      const begun = await begin(nodes[0]);
      const claims = { sub: 'bob-1', email: bob.email, email_verified: true };
      const answer = await redeem(nodes[0], begun, provider.authorize(begun.url.href, claims));
      const headers = bearer(JSON.parse(answer.body).access_token);
      expect((await me(nodes[1], headers)).accountId).toBe(acme);
      if (expected === forbidden) await expectForbidden(target, headers, globex);
      else expect(seen(await select(nodes[1], headers, globex))).toBe(expected);
      expect((await me(nodes[1], headers)).accountId).toBe(expected === forbidden ? acme : globex);
    }),
  );

  it.each(carriers)(
    'SES-14: a %s that is pending or enrolling selects nothing, and has nothing selected after',
    (carrier) =>
      swiftly({}, async (target) => {
        const { nodes } = target;
        target.expectSessionsOf(alice.id);
        const enrolling = await sessionsOf(target).start({ ...alices, carrier, state: 'enrolling' });
        expect(seen(await select(nodes[1], presenting(enrolling), acme))).toBe('401 enrolment_required');
        const key = await enrolledKey(nodes[0]);
        const pending = await owing(target, alice, carrier);
        expect(seen(await select(nodes[1], pending.headers, acme))).toBe('401 second_factor_required');
        expect((await pay(nodes[0], pending, await key.get(pending.options))).status).toBe(204);
        expect(
          [...target.shared.rows.values()].map((row) => (row as { accountId: unknown }).accountId),
        ).toEqual([null, null]);
      }),
  );

  it('SES-14: an app has the account that it has', () =>
    swiftly({}, async (target) => {
      const { headers } = await signIn(target, { who: robot });
      for (const id of [acme, globex]) expect((await select(target.nodes[1], headers, id)).status).toBe(403);
      expect((await me(target.nodes[0], headers)).accountId).toBe(acme);
    }));

  it('SES-14: what is not one id is malformed, and is never looked for', () =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      const { headers } = await signIn(target, { who: bob });
      for (const id of [
        ...[[acme], [acme, globex], [[acme]], { 0: acme }, { $ne: null }, null, true, 1, ''],
        ...[
          `${acme},${globex}`,
          `${acme} `,
          ` ${acme}`,
          `${acme}\0`,
          acme.toUpperCase(),
          '__proto__',
          '*',
          '%',
        ],
      ])
        expect([id, (await select(nodes[1], headers, id)).status]).toEqual([id, 400]);
      const twice = await nodes[0].call(
        paths.select,
        `{"acct_id":"${globex}","acct_id":["${acme}"]}`,
        headers,
      );
      expect(twice.status).toBe(400);
      for (const body of [[], [{ acct_id: acme }], 'null', '"x"', {}, { account_id: acme }])
        expect([body, (await nodes[0].call(paths.select, body, headers)).status]).toEqual([body, 400]);
      expect((await me(nodes[0], headers)).accountId).toBeNull();
    }));

  it.each(carriers)(
    'SES-14: a membership that ends after the sign-in of a %s is no membership, on either node',
    (carrier) =>
      attack({}, async (target) => {
        const { nodes } = target;
        const [early, late] = [
          await signIn(target, { who: bob, carrier }),
          await signIn(target, { who: bob, carrier }),
        ];
        expect((await select(nodes[0], early.headers, globex)).status).toBe(200);
        setMember(target, bob.id, [acme]);
        expect(seen(await select(nodes[1], late.headers, globex))).toBe(forbidden);
        expect((await me(nodes[1], late.headers)).accountId).toBeNull();
        expect(seen(await select(nodes[1], early.headers, acme))).toBe('401 invalid_session');
        await settled(target, 1);
        setMember(target, bob.id, [acme, globex]);
        expect(await onBoth(target, early.headers)).toEqual([401, 401]);
      }),
  );
});

describe('attacks by selecting an account at the wrong moment (RACE-09)', () => {
  it('RACE-09: of a session that is ended while it selects an account nothing is left, fifty times', () =>
    attack({}, async (target) => {
      const { nodes, shared } = target;
      const sessions = sessionsOf(target);
      const outcomes = new Outcomes();
      await repeatedly(async (n) => {
        const carrier = carriers[n % 2] ?? 'Bearer';
        const headers = presenting(await sessions.start({ ...alices, carrier, entityId: bob.id }));
        const [one, other] = eitherOrder(nodes);
        const selecting = select(one, headers, globex);
        await sleep(some(120));
        const ended = await other.call(paths.terminate, undefined, headers);
        expect(ended.status).toBe(204);
        expect(await onBoth(target, headers)).toEqual([401, 401]);
        const { status } = await selecting;
        outcomes.note(status);
        expect([200, 401]).toContain(status);
        expect(await onBoth(target, headers)).toEqual([401, 401]);
      });
      outcomes.expectEach(200, 401);
      expect(shared.rows.size).toBe(0);
    }));

  it('RACE-09: no session acts in an account whose membership ended while it was selected, fifty times', () =>
    attack({}, async (target) => {
      const { nodes } = target;
      const sessions = sessionsOf(target);
      const users = crowd(target);
      const outcomes = new Outcomes();
      const path = `/accounts/${globex}`;
      await repeatedly(async (n) => {
        const { id = '' } = users[n] ?? {};
        setMember(target, id, [acme, globex]);
        const carrier = carriers[n % 2] ?? 'Bearer';
        const headers = presenting(await sessions.start({ ...alices, carrier, entityId: id }));
        const [one, other] = eitherOrder(nodes);
        const selecting = select(one, headers, globex);
        await sleep(some(120));
        setMember(target, id, [acme]);
        const during = other.send({ method: 'GET', path, headers });
        const selected = await selecting;
        outcomes.note(selected.status);
        expect([200, 401, 403]).toContain(selected.status);
        expect([401, 403]).toContain((await during).status);
        for (const node of nodes)
          expect([401, 403]).toContain((await node.send({ method: 'GET', path, headers })).status);
        const left = await sessions.list('user', id);
        expect(left.map(({ record }) => record?.accountId)).toEqual(left.map(() => null));
      });
      outcomes.expectEach(200, 403);
    }));
});
