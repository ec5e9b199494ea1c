import assert from 'node:assert/strict';
import type { FederatedIdentity, User, UserRepository } from '../repositories/index.js';
import { canonicalEmail } from '../wire/email.js';
import { type ContractCase, casesOf, oneWinnerOf, winnersOf } from './contract-case.js';
import { accountRecord, idpRecord, userRecord } from './records.js';

const one = userRecord(1, { accountIds: [accountRecord(1).id, accountRecord(2).id] });
const [two, three] = [userRecord(2), userRecord(3, { email: 'Three@Example.com' })];
const disabled = userRecord(4, { enabled: false, passwordHash: null, accountIds: [] });
const crowd = Array.from({ length: 20 }, (_, index) => userRecord(11 + index));
const unknown = userRecord(99);

const [idpId, otherIdpId] = [idpRecord(1).id, idpRecord(2).id];
const subject = 'subject';

/**
 * What a {@link UserRepository} must do. `create` makes one that holds exactly these users. They belong to the accounts
 * of `accountRecord(1)` and `accountRecord(2)`, and are linked to the providers of `idpRecord(1)` and `idpRecord(2)`,
 * should it need to know them. What is optional and absent is not asked for.
 *
 * @example
 * for (const { name, run } of userRepositoryContract(({ users }) => myRepositoryWith(users))) it(name, run);
 */
export function userRepositoryContract(
  create: (seed: { users: User[] }) => UserRepository | Promise<UserRepository>,
): ContractCase[] {
  const fresh = () => create({ users: [one, two, three, disabled, ...crowd].map((user) => ({ ...user })) });
  return [
    ...casesOf(fresh, lookups),
    ...casesOf(fresh, links),
    ...casesOf(fresh, provisioning),
    ...casesOf(fresh, passwordHashes),
  ];
}

type Table = Record<string, (users: UserRepository) => Promise<void>>;

const lookups: Table = {
  async 'finds a user by id, and answers null for an unknown one'(users) {
    assert.equal((await users.findById(one.id))?.id, one.id);
    assert.equal(await users.findById(unknown.id), null);
  },
  async 'gives back all that sign-ins and sessions depend on'(users) {
    assert.deepEqual(dependedOn(await users.findById(one.id)), dependedOn(one));
    assert.deepEqual(dependedOn(await users.findByEmail(one.email)), dependedOn(one));
    assert.notEqual((await users.findById(disabled.id))?.enabled, true);
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
  async 'does not take another letter for an ASCII one'(users) {
    for (const email of ['uſer1@example.com', 'üser1@example.com', 'user１@example.com']) {
      assert.equal(await users.findByEmail(email), null);
    }
  },
};

const links: Table = {
  async 'links a subject to a user, and finds the user by it'(users) {
    assert.equal(await users.findByFederatedIdentity(idpId, subject), null);
    assert.equal(await users.linkFederatedIdentity(one.id, { idpId, subject }), true);
    assert.equal((await users.findByFederatedIdentity(idpId, subject))?.id, one.id);
  },
  async 'answers true for a link that exists already, parallel ones too'(users) {
    const link = () => users.linkFederatedIdentity(one.id, { idpId, subject });
    assert.equal((await winnersOf(10, link)).length, 10);
    assert.equal(await link(), true);
  },
  async 'does not link a subject to a second user'(users) {
    await users.linkFederatedIdentity(one.id, { idpId, subject });
    assert.equal(await users.linkFederatedIdentity(two.id, { idpId, subject }), false);
    assert.equal((await users.findByFederatedIdentity(idpId, subject))?.id, one.id);
  },
  async 'does not link a user to a second subject of one provider'(users) {
    await users.linkFederatedIdentity(one.id, { idpId, subject });
    assert.equal(await users.linkFederatedIdentity(one.id, { idpId, subject: 'other' }), false);
    assert.equal(await users.findByFederatedIdentity(idpId, 'other'), null);
  },
  async 'keeps the subjects of two providers apart'(users) {
    await users.linkFederatedIdentity(one.id, { idpId, subject });
    assert.equal(await users.findByFederatedIdentity(otherIdpId, subject), null);
    assert.equal(await users.linkFederatedIdentity(two.id, { idpId: otherIdpId, subject }), true);
    assert.equal(await users.linkFederatedIdentity(one.id, { idpId: otherIdpId, subject: 'other' }), true);
    assert.equal((await users.findByFederatedIdentity(idpId, subject))?.id, one.id);
    assert.equal((await users.findByFederatedIdentity(otherIdpId, subject))?.id, two.id);
  },
  async 'compares subjects exactly'(users) {
    await users.linkFederatedIdentity(one.id, { idpId, subject });
    for (const like of ['Subject', 'subject ', 'sübject', 'sub%', '']) {
      assert.equal(await users.findByFederatedIdentity(idpId, like), null);
    }
    assert.equal(await users.linkFederatedIdentity(two.id, { idpId, subject: 'Subject' }), true);
  },
  async 'lets exactly one of 20 parallel links of one subject win'(users) {
    const owners = crowd.map(({ id }) => id);
    const winner = await oneWinnerOf(20, (index) =>
      users.linkFederatedIdentity(owners[index] ?? one.id, { idpId, subject }),
    );
    assert.equal((await users.findByFederatedIdentity(idpId, subject))?.id, owners[winner]);
  },
  async 'lets exactly one of 20 parallel subjects of one provider be linked to a user'(users) {
    const winner = await oneWinnerOf(20, (index) =>
      users.linkFederatedIdentity(one.id, { idpId, subject: `subject ${index}` }),
    );
    for (let index = 0; index < 20; index += 1) {
      const found = await users.findByFederatedIdentity(idpId, `subject ${index}`);
      assert.equal(found?.id, index === winner ? one.id : undefined);
    }
  },
};

const provisioning: Table = {
  async 'provisions one user for an identity, however often it is asked and whatever the address is then'(
    users,
  ) {
    if (users.provision === undefined) return;
    const asked = Array.from({ length: 10 }, () => users.provision?.(identity('new', 'new@example.com')));
    const made = await Promise.all(asked);
    const again = await users.provision(identity('new', 'changed@example.com'));
    const ids = new Set([...made, again].map((user) => (user === null ? null : user?.id)));
    assert.equal(ids.size, 1, `${ids.size} answers for one identity`);
    const [id] = ids;
    assert.notEqual(id, undefined);
    assert.equal((await users.findByFederatedIdentity(idpId, 'new'))?.id ?? null, id);
  },
  async 'provisions a user of its own for each identity, into the account of the provider alone'(users) {
    if (users.provision === undefined) return;
    const made = [
      await users.provision(identity('first', 'first@example.com')),
      await users.provision(identity('second', 'second@example.com')),
    ].filter((user) => user !== null);
    assert.equal(new Set(made.map(({ id }) => id)).size, made.length);
    for (const { accountIds } of made) assert.deepEqual(accountIds, [accountRecord(1).id]);
  },
  async 'never adopts a user who exists when it provisions'(users) {
    if (users.provision === undefined) return;
    for (const existing of [one, three]) {
      const stranger = identity(`stranger ${existing.id}`, canonicalEmail(existing.email));
      assert.notEqual((await users.provision(stranger))?.id, existing.id);
      assert.notEqual((await users.findByFederatedIdentity(idpId, stranger.subject))?.id, existing.id);
    }
    assert.equal((await users.findByEmail(one.email))?.id, one.id);
  },
};

const passwordHashes: Table = {
  async 'saves a password hash only over the previous one'(users) {
    if (users.savePasswordHash === undefined) return;
    assert.equal(await users.savePasswordHash(one.id, 'another hash', 'next'), false);
    assert.equal((await users.findById(one.id))?.passwordHash, one.passwordHash);
    assert.equal(await users.savePasswordHash(one.id, one.passwordHash ?? '', 'next'), true);
    assert.equal((await users.findById(one.id))?.passwordHash, 'next');
    assert.equal((await users.findById(two.id))?.passwordHash, two.passwordHash);
  },
  async 'gives no password hash to a user who has none, nor to nobody'(users) {
    if (users.savePasswordHash === undefined) return;
    assert.equal(await users.savePasswordHash(disabled.id, '', 'next'), false);
    assert.equal((await users.findById(disabled.id))?.passwordHash ?? null, null);
    assert.equal(await users.savePasswordHash(unknown.id, '', 'next'), false);
  },
  async 'lets exactly one of 20 parallel saves of a password hash win'(users) {
    const { savePasswordHash } = users;
    if (savePasswordHash === undefined) return;
    const winner = await oneWinnerOf(20, (index) =>
      savePasswordHash.call(users, one.id, one.passwordHash ?? '', `next ${index}`),
    );
    assert.equal((await users.findById(one.id))?.passwordHash, `next ${winner}`);
  },
};

function identity(of: string, email: string | null): FederatedIdentity {
  return { idpId, subject: of, email, accountId: accountRecord(1).id, attributes: {} };
}

function dependedOn(user: User | null): object | null {
  if (user === null) return null;
  const { id, email, enabled, passwordHash, credentialVersion, accountIds } = user;
  return {
    ...{ id, enabled, passwordHash },
    email: canonicalEmail(email),
    credentialVersion: String(credentialVersion),
    accountIds: [...accountIds].sort(),
  };
}
