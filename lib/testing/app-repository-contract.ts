import assert from 'node:assert/strict';
import type { App, AppRepository, AwsPrincipal } from '../repositories/index.js';
import { type ContractCase, casesOf } from './contract-case.js';
import { accountRecord, appRecord } from './records.js';

const elsewhere = accountRecord(2).id;
const one = appRecord(1, {
  secrets: [
    { id: 'first', hash: '1'.padStart(64, '0'), validUntil: 1_767_225_600_000 },
    { id: 'second', hash: '2'.padStart(64, '0') },
  ],
});
const twin = appRecord(2, { accountId: elsewhere, name: one.name });
const disabled = appRecord(3, { enabled: false });
const role: AwsPrincipal = {
  ...{ partition: 'aws', awsAccountId: '123456789012', type: 'role', name: 'deploy' },
  ...{ uniqueId: 'AROAEXAMPLEEXAMPLE01', sessionName: 'one' },
};
const user: AwsPrincipal = {
  ...{ partition: 'aws', awsAccountId: '210987654321', type: 'user', name: 'deploy' },
  ...{ uniqueId: 'AIDAEXAMPLEEXAMPLE01', sessionName: null },
};

/**
 * What a case's {@link AppRepository} must hold: these apps, and which AWS principals may sign in as them.
 *
 * @example const seed: AppSeedOfContract = { apps: [appRecord(1)], awsPrincipals: [] };
 */
export interface AppSeedOfContract {
  apps: App[];
  awsPrincipals: { appId: string; principal: AwsPrincipal }[];
}

/**
 * What an {@link AppRepository} must do. `create` makes one that holds exactly this; the apps belong to the accounts
 * of `accountRecord(1)` and `accountRecord(2)`, should it need to know them.
 *
 * @example for (const { name, run } of appRepositoryContract((seed) => myRepositoryWith(seed))) it(name, run);
 */
export function appRepositoryContract(
  create: (seed: AppSeedOfContract) => AppRepository | Promise<AppRepository>,
): ContractCase[] {
  const seed = (): AppSeedOfContract => ({
    apps: [one, twin, disabled].map((app) => ({ ...app })),
    awsPrincipals: [
      { appId: one.id, principal: role },
      { appId: twin.id, principal: user },
    ],
  });
  return casesOf(() => create(seed()), {
    async 'finds an app by id, and answers null for an unknown one'(apps) {
      assert.equal((await apps.findById(one.id))?.name, one.name);
      assert.equal(await apps.findById(appRecord(99).id), null);
    },
    async 'gives back all that sign-ins and sessions depend on'(apps) {
      assert.deepEqual(dependedOn(await apps.findById(one.id)), dependedOn(one));
      assert.deepEqual(dependedOn(await apps.findByName(one.accountId, one.name)), dependedOn(one));
      assert.notEqual((await apps.findById(disabled.id))?.enabled, true);
    },
    async 'finds an app by its account and its exact name'(apps) {
      assert.equal((await apps.findByName(one.accountId, one.name))?.id, one.id);
      assert.equal((await apps.findByName(elsewhere, one.name))?.id, twin.id);
      for (const name of [one.name.toUpperCase(), `${one.name} `, 'äpp 1', 'app%', 'app _', '']) {
        assert.equal(await apps.findByName(one.accountId, name), null);
      }
      assert.equal(await apps.findByName(elsewhere, disabled.name), null);
    },
    async 'finds an app by an AWS principal of its account, all of it compared but for what a session is called'(
      apps,
    ) {
      // Without the method there is no aws-iam, and nothing to compare.
      if (apps.findByAwsPrincipal === undefined) return;
      const renamed = { ...role, sessionName: 'another' };
      assert.equal((await apps.findByAwsPrincipal(one.accountId, renamed))?.id, one.id);
      assert.equal((await apps.findByAwsPrincipal(one.accountId, role))?.id, one.id);
      assert.equal((await apps.findByAwsPrincipal(elsewhere, user))?.id, twin.id);
      assert.equal(await apps.findByAwsPrincipal(elsewhere, role), null);
      const others: Partial<AwsPrincipal>[] = [
        { partition: 'aws-cn' },
        { awsAccountId: user.awsAccountId },
        { type: 'user' },
        { name: 'Deploy' },
        { name: 'depl%' },
        { uniqueId: 'AROAEXAMPLEEXAMPLE02' },
      ];
      for (const other of others) {
        assert.equal(await apps.findByAwsPrincipal(one.accountId, { ...role, ...other }), null);
      }
    },
  });
}

function dependedOn(app: App | null): object | null {
  if (app === null) return null;
  const { id, accountId, name, enabled, secrets } = app;
  return {
    ...{ id, accountId, name, enabled },
    secrets: secrets.map((secret) => [secret.id, secret.hash, secret.validUntil]).sort(),
  };
}
