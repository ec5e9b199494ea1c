import assert from 'node:assert/strict';
import type { FederatedIdentity, User, UserRepository } from '../repositories/index.js';
import { type ContractCase, casesOf, winnersOf } from './contract-case.js';
import { accountRecord, userRecord } from './records.js';

const [one, two, three] = [userRecord(1), userRecord(2), userRecord(3, { email: 'Three@Example.com' })];
const unknown = userRecord(99);

const identity = (subject: string, email: string | null = null): FederatedIdentity => ({
  ...{ idpId: 'idp 1', subject, email, accountId: accountRecord(1).id, attributes: {} },
});

/**
 * What a {@link UserRepository} must do. `create` makes one that holds exactly these users.
 *
 * @example
 * for (const { name, run } of userRepositoryContract(({ users }) => myRepositoryWith(users))) it(name, run);
 */
export function userRepositoryContract(
  create: (seed: { users: readonly User[] }) => UserRepository | Promise<UserRepository>,
): ContractCase[] {
  return casesOf(() => create({ users: [one, two, three] }), {
    async 'finds a user by id, and answers null for an unknown one'(users) {
      assert.equal((await users.findById(one.id))?.email, one.email);
      assert.equal(await users.findById(unknown.id), null);
    },
    async 'finds a user by canonical e-mail address, in whatever case the row has it'(users) {
      assert.equal((await users.findByEmail(two.email))?.id, two.id);
      assert.equal((await users.findByEmail('three@example.com'))?.id, three.id);
      assert.equal(await users.findByEmail(unknown.email), null);
    },
    async 'does not take an address for a pattern'(users) {
      for (const email of ['%@example.com', '_ser1@example.com', 'user.@example.com', '*', `' or '1'='1`]) {
        assert.equal(await users.findByEmail(email), null);
      }
    },
    async 'links a subject to a user, and finds the user by it'(users) {
      assert.equal(await users.findByFederatedIdentity('idp 1', 'subject'), null);
      assert.equal(await users.linkFederatedIdentity(one.id, { idpId: 'idp 1', subject: 'subject' }), true);
      assert.equal((await users.findByFederatedIdentity('idp 1', 'subject'))?.id, one.id);
    },
    async 'answers true for a link that exists already'(users) {
      const link = () => users.linkFederatedIdentity(one.id, { idpId: 'idp 1', subject: 'subject' });
      assert.deepEqual([await link(), await link()], [true, true]);
    },
    async 'does not link a subject to a second user'(users) {
      await users.linkFederatedIdentity(one.id, { idpId: 'idp 1', subject: 'subject' });
      assert.equal(await users.linkFederatedIdentity(two.id, { idpId: 'idp 1', subject: 'subject' }), false);
      assert.equal((await users.findByFederatedIdentity('idp 1', 'subject'))?.id, one.id);
    },
    async 'does not link a user to a second subject of one provider'(users) {
      await users.linkFederatedIdentity(one.id, { idpId: 'idp 1', subject: 'subject' });
      assert.equal(await users.linkFederatedIdentity(one.id, { idpId: 'idp 1', subject: 'other' }), false);
      assert.equal(await users.findByFederatedIdentity('idp 1', 'other'), null);
    },
    async 'keeps the subjects of two providers apart'(users) {
      await users.linkFederatedIdentity(one.id, { idpId: 'idp 1', subject: 'subject' });
      assert.equal(await users.findByFederatedIdentity('idp 2', 'subject'), null);
      assert.equal(await users.linkFederatedIdentity(two.id, { idpId: 'idp 2', subject: 'subject' }), true);
      assert.equal(await users.linkFederatedIdentity(one.id, { idpId: 'idp 2', subject: 'another' }), true);
    },
    async 'lets exactly one of many parallel links of one subject win'(users) {
      const owners = [one, two, three];
      const winners = await winnersOf(3, (index) =>
        users.linkFederatedIdentity((owners[index] ?? one).id, { idpId: 'idp 1', subject: 'subject' }),
      );
      assert.equal(winners, 1);
    },
    async 'provisions an identity once, if it provisions at all'(users) {
      if (users.provision === undefined) return;
      const made = await Promise.all(
        Array.from({ length: 5 }, () => users.provision?.(identity('new', 'new@example.com'))),
      );
      const ids = new Set(made.map((user) => user?.id));
      assert.equal(ids.size, 1);
      const [id] = ids;
      if (id !== undefined) assert.equal((await users.findByFederatedIdentity('idp 1', 'new'))?.id, id);
    },
    async 'never adopts a user who exists when it provisions'(users) {
      const user = await users.provision?.(identity('stranger', one.email));
      assert.notEqual(user?.id, one.id);
      assert.equal((await users.findByEmail(one.email))?.id, one.id);
    },
    async 'saves a password hash only over the previous one'(users) {
      if (users.savePasswordHash === undefined) return;
      assert.equal(await users.savePasswordHash(one.id, 'another hash', 'next'), false);
      assert.equal((await users.findById(one.id))?.passwordHash, one.passwordHash);
      assert.equal(await users.savePasswordHash(one.id, one.passwordHash ?? '', 'next'), true);
      assert.equal((await users.findById(one.id))?.passwordHash, 'next');
    },
    async 'lets exactly one of twenty parallel saves of a password hash win'(users) {
      const { savePasswordHash } = users;
      if (savePasswordHash === undefined) return;
      const winners = await winnersOf(20, (index) =>
        savePasswordHash.call(users, one.id, one.passwordHash ?? '', `next ${index}`),
      );
      assert.equal(winners, 1);
    },
  });
}
