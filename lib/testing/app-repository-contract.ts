import assert from 'node:assert/strict';
import type { App, AppRepository, AwsPrincipal } from '../repositories/index.js';
import { type ContractCase, casesOf } from './contract-case.js';
import { accountRecord, appRecord } from './records.js';

const elsewhere = accountRecord(2).id;
const one = appRecord(1);
const twin = appRecord(2, { accountId: elsewhere, name: one.name });
const role: AwsPrincipal = { partition: 'aws', awsAccountId: '123456789012', type: 'role', name: 'deploy' };

/** What a case's {@link AppRepository} must hold: these apps, and which of them an AWS principal may sign in as. */
export interface AppSeedOfContract {
  apps: readonly App[];
  awsPrincipals: readonly { appId: string; principal: AwsPrincipal }[];
}

/**
 * What an {@link AppRepository} must do. `create` makes one that holds exactly this.
 *
 * @example for (const { name, run } of appRepositoryContract(({ apps }) => myRepositoryWith(apps))) it(name, run);
 */
export function appRepositoryContract(
  create: (seed: AppSeedOfContract) => AppRepository | Promise<AppRepository>,
): ContractCase[] {
  const seed = { apps: [one, twin], awsPrincipals: [{ appId: one.id, principal: role }] };
  return casesOf(() => create(seed), {
    async 'finds an app by id, secrets and all, and answers null for an unknown one'(apps) {
      assert.deepEqual((await apps.findById(one.id))?.secrets, one.secrets);
      assert.equal(await apps.findById(appRecord(99).id), null);
    },
    async 'finds an app by its account and its exact name'(apps) {
      assert.equal((await apps.findByName(one.accountId, one.name))?.id, one.id);
      assert.equal((await apps.findByName(elsewhere, one.name))?.id, twin.id);
      for (const name of [one.name.toUpperCase(), `${one.name} `, 'app%', 'app _', '']) {
        assert.equal(await apps.findByName(one.accountId, name), null);
      }
      assert.equal(await apps.findByName(accountRecord(3).id, one.name), null);
    },
    async 'finds an app by an AWS principal of its account, all of it compared'(apps) {
      assert.equal((await apps.findByAwsPrincipal(one.accountId, role))?.id, one.id);
      assert.equal(await apps.findByAwsPrincipal(elsewhere, role), null);
      const others: Partial<AwsPrincipal>[] = [
        { partition: 'aws-cn' },
        { awsAccountId: '210987654321' },
        { type: 'user' },
        { name: 'Deploy' },
      ];
      for (const other of others) {
        assert.equal(await apps.findByAwsPrincipal(one.accountId, { ...role, ...other }), null);
      }
    },
  });
}
