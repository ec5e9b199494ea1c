import assert from 'node:assert/strict';
import type { Account, AccountRepository } from '../repositories/index.js';
import { type ContractCase, casesOf } from './contract-case.js';
import { accountRecord } from './records.js';

const open = accountRecord(1, { signIn: { methods: ['password'], secondFactor: 'require' } });
const closed = accountRecord(2, { enabled: false });

/** What an {@link AccountRepository} must do. `create` makes one that holds exactly these accounts. */
export function accountRepositoryContract(
  create: (seed: { accounts: readonly Account[] }) => AccountRepository | Promise<AccountRepository>,
): ContractCase[] {
  return casesOf(() => create({ accounts: [open, closed] }), {
    async 'finds an account with its policy, and answers null for an unknown one'(accounts) {
      const found = await accounts.findById(open.id);
      assert.deepEqual(
        [found?.enabled, found?.signIn?.methods, found?.signIn?.secondFactor],
        [true, ['password'], 'require'],
      );
      assert.equal((await accounts.findById(closed.id))?.enabled, false);
      assert.equal(await accounts.findById(accountRecord(99).id), null);
    },
  });
}
