import { describe, expect, it } from '@jest/globals';
import { attack } from '../../support/attack.js';
import { type AwsStage, knownRole, onAws, setPrincipals, user } from '../../support/aws.js';
import { appBy, changeApp, changeUser, seen, sessionIn, wrong } from '../../support/credentials.js';
import { aliceEntry, type LdapStage, onLdap, password } from '../../support/ldap-attack.js';
import { acme, alice, globex, robot, twin } from '../../support/people.js';
import { saboteur } from '../../support/sabotage.js';

const nowhere = 'acc00000-0000-4000-8000-00000000000f';

describe('attacks across accounts by apps', () => {
  it('TEN-04: an app is found in its own account alone, and its session acts in no other', () =>
    attack({}, async (target) => {
      const [one, other] = target.nodes;
      changeApp(target, twin, { name: 'twin' });
      for (const [app, secret, accountId] of [
        [robot, robot.secret, globex],
        [{ ...twin, name: 'twin' }, twin.secret, acme],
        [robot, robot.secret, nowhere],
      ] as const)
        expect(seen(await appBy.name(one, { ...app, accountId }, secret))).toBe(wrong);
      expect(target.shared.rows.size).toBe(0);

      target.expectSessionsOf(robot.id);
      for (const way of [appBy.name, appBy.header]) {
        const headers = sessionIn(await way(one, robot, robot.secret));
        const at = async (path: string) => (await other.send({ method: 'GET', path, headers })).status;
        expect([await at(`/accounts/${acme}`), await at(`/accounts/${globex}`)]).toEqual([200, 403]);
      }
    }));

  it('TEN-04: a table that gives the app of another account gives nobody', () =>
    attack({}, async (target) => {
      const [one, other] = target.nodes;
      const { apps } = one.repositories;
      apps.findByName = async () => apps.findById(robot.id);
      const answer = await appBy.name(other, { ...robot, accountId: globex }, robot.secret);
      expect(seen(answer)).toBe(wrong);
    }));
});

describe('attacks across accounts by an identity at AWS', () => {
  const entity = ({ body }: { body: string }) => JSON.parse(body).entity_id;
  const inGlobex = (stage: AwsStage, headers: unknown, node: 0 | 1 = 1) =>
    stage.signIn(headers, { acct_id: globex }, node);

  it('TEN-04: who is an app in two accounts is the one of the account that is named, once a signature', () =>
    onAws(async (stage) => {
      stage.expectSessionsOf(robot.id, twin.id);
      changeApp(stage, twin, { awsPrincipals: [knownRole] });
      const first = await stage.headers();
      const answer = await stage.signIn(first, {}, 0);
      expect(entity(answer)).toBe(robot.id);
      expect(seen(await inGlobex(stage, first))).toBe(wrong);
      expect(seen(await inGlobex(stage, first, 0))).toBe(wrong);

      const second = await stage.headers({ headers: { 'content-type': 'text/second' } });
      const twins = await inGlobex(stage, second);
      expect(entity(twins)).toBe(twin.id);
      expect(seen(await stage.signIn(second))).toBe(wrong);

      const at = async (path: string, from: typeof answer) =>
        (await stage.nodes[0].send({ method: 'GET', path, headers: sessionIn(from) })).status;
      expect([await at(`/accounts/${acme}`, answer), await at(`/accounts/${globex}`, answer)]).toEqual([
        200, 403,
      ]);
      expect([await at(`/accounts/${acme}`, twins), await at(`/accounts/${globex}`, twins)]).toEqual([
        403, 200,
      ]);
      // The link in the one account is not the link in the other.
      setPrincipals(stage, []);
      expect([await at('/app', answer), await at('/app', twins)]).toEqual([401, 200]);
    }));

  it('TEN-04: of one signature that is posted for two accounts at once, one signs in', () =>
    onAws(async (stage) => {
      stage.expectSessionsOf(robot.id, twin.id);
      changeApp(stage, twin, { awsPrincipals: [knownRole] });
      const headers = await stage.headers();
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, n) =>
          n % 2 ? stage.signIn(headers, {}, n % 3 ? 0 : 1) : inGlobex(stage, headers, n % 3 ? 1 : 0),
        ),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(401)]);
      expect(stage.shared.rows.size).toBe(1);
    }));

  it('TEN-04: who is an app in one account is nobody in another, and has used nothing up by trying', () =>
    onAws(async (stage) => {
      const headers = await stage.headers();
      for (const acct_id of [globex, nowhere])
        expect(seen(await stage.signIn(headers, { acct_id }))).toBe(wrong);
      for (const acct_id of [acme.toUpperCase(), [acme], '*', null, ''])
        expect(seen(await stage.signIn(headers, { acct_id }))).toBe('400 malformed_request');
      expect(seen(await stage.signIn(await stage.headers({ by: user })))).toBe(wrong);
      stage.expectSessionsOf(robot.id);
      expect(entity(await stage.signIn(headers))).toBe(robot.id);
    }));
});

describe('attacks across accounts by a directory', () => {
  it('TEN-04: it signs in, and provisions, for its own account alone', () => {
    // Repositories that know how to provision from the start.
    const { options, attach } = saboteur(2);
    const { repositories } = options;
    const drive = async (stage: LdapStage) => {
      attach(stage);
      const { users } = stage.nodes[0].repositories;
      const provisioned: string[] = [];
      users.provision = async ({ accountId }) => {
        provisioned.push(accountId);
        return null;
      };
      for (const acct_id of [globex, nowhere])
        expect(seen(await stage.signIn(alice.email, password, { acct_id }))).toBe(wrong);
      for (const acct_id of [acme.toUpperCase(), [acme], {}, '*', '', `{${acme}}`, '../'])
        expect(seen(await stage.signIn(alice.email, password, { acct_id }))).toBe('400 malformed_request');
      expect([stage.shared.rows.size, provisioned]).toEqual([0, []]);

      stage.expectSessionsOf(alice.id);
      for (const acct_id of [acme, null, undefined])
        expect(seen(await stage.signIn(alice.email, password, { acct_id }))).toBe('200');

      // Somebody whom the directory knows and nobody here.
      const mail = 'new@example.com';
      const entry = { ...aliceEntry, attributes: { ...aliceEntry.attributes, entryUUID: 'new-1', mail } };
      stage.misbehave({ search: () => [entry] });
      for (const acct_id of [globex, null, acme])
        expect(seen(await stage.signIn(mail, password, { acct_id }))).toBe(wrong);
      expect(provisioned).toEqual([acme]);
    };
    return onLdap({}, drive, repositories === undefined ? {} : { repositories });
  });

  it('TEN-04: a user of another account is nobody, though the address is of its domain', () =>
    onLdap({}, async (stage) => {
      changeUser(stage, alice, { accountIds: [globex] });
      for (const acct_id of [acme, globex, null])
        expect(seen(await stage.signIn(alice.email, password, { acct_id }))).toBe(wrong);
      const { users } = stage.nodes[0].repositories;
      expect(await users.findByFederatedIdentity('ldap', 'alice-1')).toBeNull();
    }));
});
