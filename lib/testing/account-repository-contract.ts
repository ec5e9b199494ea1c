import assert from 'node:assert/strict';
import type { Account, AccountRepository } from '../repositories/index.js';
import { type ContractCase, casesOf } from './contract-case.js';
import { accountRecord, idpRecord } from './records.js';

const open = accountRecord(1);
const strict = accountRecord(2, {
  signIn: { methods: ['password', 'basic'], idpIds: [idpRecord(2).id], secondFactor: 'require' },
});
const nobodys = accountRecord(3, { signIn: { methods: [] } });
const closed = accountRecord(4, { enabled: false });

/**
 * What an {@link AccountRepository} must do. `create` makes one that holds exactly these accounts.
 *
 * @example for (const { name, run } of accountRepositoryContract(({ accounts }) => myRepositoryWith(accounts))) it(name, run);
 */
export function accountRepositoryContract(
  create: (seed: { accounts: Account[] }) => AccountRepository | Promise<AccountRepository>,
): ContractCase[] {
  const seed = () => ({ accounts: [open, strict, nobodys, closed].map((account) => ({ ...account })) });
  return casesOf(() => create(seed()), {
    async 'finds an account by id, and answers null for an unknown one'(accounts) {
      assert.equal((await accounts.findById(open.id))?.id, open.id);
      assert.equal(await accounts.findById(accountRecord(99).id), null);
    },
    async 'says whether an account is enabled'(accounts) {
      assert.equal((await accounts.findById(open.id))?.enabled, true);
      assert.notEqual((await accounts.findById(closed.id))?.enabled, true);
    },
    async 'gives back the whole policy, and none where there is none'(accounts) {
      const policy = (await accounts.findById(strict.id))?.signIn;
      assert.deepEqual([...(policy?.methods ?? [])].sort(), ['basic', 'password']);
      assert.deepEqual([policy?.idpIds, policy?.secondFactor], [[idpRecord(2).id], 'require']);
      const none = (await accounts.findById(open.id))?.signIn;
      assert.deepEqual([none?.methods, none?.idpIds, none?.secondFactor], [undefined, undefined, undefined]);
    },
    async 'does not take an empty list of methods for no list'(accounts) {
      assert.deepEqual((await accounts.findById(nobodys.id))?.signIn?.methods, []);
    },
  });
}
