import { describe, expect, it } from '@jest/globals';
import { memoryRepositories, passportControl } from '../../lib/index.js';
import { deviceRecord } from '../../lib/testing/index.js';
import { testApp, testSecret } from '../support/app.js';
import { acme, alice, bob, globex, robot } from '../support/people.js';
import { signInAlice } from '../support/sign-in.js';

describe('memoryRepositories', () => {
  it('begins with what is left out as its docstring says', async () => {
    const { users, apps } = memoryRepositories({
      users: [{ id: alice.id, email: alice.email }],
      apps: [{ id: robot.id, accountId: acme, name: robot.name, secrets: [] }],
    });
    expect(await users.findById(alice.id)).toEqual({
      ...{ id: alice.id, email: alice.email, enabled: true },
      ...{ passwordHash: null, credentialVersion: 1, accountIds: [] },
    });
    expect(await apps.findById(robot.id)).toMatchObject({ enabled: true, secrets: [] });
  });

  it('is empty without a seed, and good enough for a control', async () => {
    const { users, apps, accounts, devices, identityProviders } = memoryRepositories();
    expect(await users.findById(alice.id)).toBeNull();
    expect(await apps.findByName(acme, robot.name)).toBeNull();
    expect(await accounts.findById(acme)).toBeNull();
    expect(await devices.listByUser(alice.id)).toEqual([]);
    expect(await identityProviders.listForEmail(alice.email)).toEqual([]);
    const control = () =>
      passportControl({ repositories: memoryRepositories(), secret: testSecret, secondFactor: false });
    expect(control).not.toThrow();
  });

  it('has every account that a user or an app names, where none are listed, and else only those listed', async () => {
    const seed = {
      users: [{ id: bob.id, email: bob.email, accountIds: [globex] }],
      apps: [{ id: robot.id, accountId: acme, name: robot.name, secrets: [] }],
    };
    const derived = memoryRepositories(seed).accounts;
    expect(await derived.findById(acme)).toEqual({ id: acme, enabled: true });
    expect(await derived.findById(globex)).toEqual({ id: globex, enabled: true });
    const listed = memoryRepositories({ ...seed, accounts: [{ id: acme, enabled: false }] }).accounts;
    expect([await listed.findById(acme), await listed.findById(globex)]).toEqual([
      { id: acme, enabled: false },
      null,
    ]);
  });

  it('finds a user by the canonical form of the address that was stored, whatever its spelling', async () => {
    const { users } = memoryRepositories({ users: [{ id: alice.id, email: 'Alice@EXAMPLE.com' }] });
    expect((await users.findByEmail('alice@example.com'))?.id).toBe(alice.id);
    expect(await users.findByEmail('Alice@EXAMPLE.com')).toBeNull();
  });

  it('does not change the seed, and is not changed through it', async () => {
    const seed = { users: [{ id: alice.id, email: alice.email }] };
    const { users } = memoryRepositories(seed);
    const row = users.table.get(alice.id);
    if (row) users.table.set(alice.id, { ...row, enabled: false });
    seed.users[0] = { id: bob.id, email: bob.email };
    expect(seed.users).toEqual([{ id: bob.id, email: bob.email }]);
    expect((await users.findById(alice.id))?.enabled).toBe(false);
    expect(await users.findById(bob.id)).toBeNull();
  });

  it('takes changes of its tables while a control runs', async () => {
    const app = await testApp();
    const headers = await signInAlice(app);
    app.repositories.users.table.delete(alice.id);
    expect((await app.get('/me', headers)).status).toBe(401);
  });

  it('hands out devices that nobody can change from outside', async () => {
    const { devices } = memoryRepositories();
    const device = deviceRecord(1);
    await devices.add(alice.id, device);
    const [listed] = await devices.listByUser(alice.id);
    const found = await devices.findByCredentialId(device.credentialId);
    for (const each of [listed, found]) Object.assign(each ?? {}, { name: 'changed', counter: 999 });
    expect(await devices.listByUser(alice.id)).toEqual([{ ...device, lastUsedAt: null }]);
  });
});
