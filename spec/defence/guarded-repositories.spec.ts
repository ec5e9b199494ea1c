import { describe, expect, it } from '@jest/globals';
import { dependencyGuard } from '../../lib/defence/dependency.js';
import { type GuardedRepositories, guardRepositories } from '../../lib/defence/guarded-repositories.js';
import type { MfaDevice, Repositories } from '../../lib/index.js';
import { appRecord, deviceRecord, idpRecord, userRecord } from '../../lib/testing/index.js';
import { acme, globex } from '../support/people.js';

const told: object[] = [];
const dependency = dependencyGuard(0.05, (event) => told.push(event));

/** Repositories of which every lookup and every save gives the same answer. */
function answering(answer: unknown): GuardedRepositories {
  const give = async () => answer;
  const all = {
    users: { findById: give, findByEmail: give, savePasswordHash: give },
    apps: { findById: give, findByName: give },
    accounts: { findById: give },
    devices: {
      ...{ listByUser: give, findByCredentialId: give, add: give, recordUse: give },
      ...{ remove: give, countRecoveryCodes: give },
    },
    identityProviders: { findById: give },
  };
  return guardRepositories(all as unknown as Repositories, dependency);
}

const user = userRecord(1);
const app = appRecord(1);
const account = { id: acme, enabled: true };
const idp = { ...idpRecord(1), id: 'idp 1', accountId: acme };
const device: MfaDevice = { ...deviceRecord(1), lastUsedAt: null };

/** Every lookup by its name, with a record that it may answer, and questions that this record is no answer to. */
const lookups: Record<
  string,
  {
    ask: (guarded: GuardedRepositories) => Promise<unknown> | undefined;
    good: Record<string, unknown>;
    elsewhere: Record<string, unknown>[];
    /** Whether a record of another spelling, as lax collations find it, is nobody rather than nonsense. */
    lax?: boolean;
  }
> = {
  'users.findById': {
    ask: async ({ users }) => users?.findById(user.id),
    good: { ...user },
    elsewhere: [{ id: userRecord(2).id }, { id: `{${user.id}}` }],
  },
  'users.findByEmail': {
    ask: ({ users }) => users?.findByEmail(user.email),
    good: { ...user },
    elsewhere: [{ email: userRecord(2).email }, { email: `x${user.email}` }, { email: '' }],
    lax: true,
  },
  'apps.findById': {
    ask: async ({ apps }) => apps?.findById(app.id),
    good: { ...app },
    elsewhere: [{ id: appRecord(2).id }],
  },
  'apps.findByName': {
    ask: ({ apps }) => apps?.findByName(app.accountId, app.name),
    good: { ...app },
    elsewhere: [{ name: app.name.toUpperCase() }, { name: `${app.name} ` }, { accountId: globex }],
    lax: true,
  },
  'accounts.findById': {
    ask: async ({ accounts }) => accounts?.findById(acme),
    good: { ...account },
    elsewhere: [{ id: globex }],
  },
  'identityProviders.findById': {
    ask: ({ identityProviders }) => identityProviders?.findById(idp.id),
    good: { ...idp },
    elsewhere: [{ id: 'idp 2' }],
  },
};

/** What is no record of any kind. */
const nothings = [undefined, false, true, 0, 1, '', 'a text', [], [null], {}, () => {}, Symbol('x'), 1n];
/** What no field of a record may be. */
const odd = [undefined, null, 1, 0, 'yes', '', [], {}, true];
const isRight: Record<string, (value: unknown) => boolean> = {
  enabled: (value) => typeof value === 'boolean',
  authoritative: (value) => typeof value === 'boolean',
  domains: (value) => Array.isArray(value),
  passwordHash: (value) => value === null || typeof value === 'string',
  credentialVersion: (value) => typeof value === 'number' || typeof value === 'string',
  accountIds: (value) => Array.isArray(value),
  secrets: (value) => Array.isArray(value),
};

async function expectImpossible(
  operation: string,
  answer: unknown,
  ask: (guarded: GuardedRepositories) => Promise<unknown> | undefined,
): Promise<void> {
  told.length = 0;
  await expect(ask(answering(answer))).rejects.toMatchObject({ code: 'unavailable', status: 503 });
  expect(told).toEqual([{ type: 'dependency_failed', operation, kind: 'impossible_answer', error: null }]);
}

/** Fields in which any text will do. */
const free = /^(?:email|name|iconUrl|clientId|redirectUri|issuer)$/;

describe.each(Object.entries(lookups))('%s', (operation, { ask, good, elsewhere, lax = false }) => {
  it('answers the record as it is, with the columns of the host', async () => {
    const row = { ...good, city: 'Bern' };
    expect(await ask(answering(row))).toBe(row);
  });

  it('answers null for none', async () => {
    expect(await ask(answering(null))).toBeNull();
  });

  it('takes nothing else for a record', async () => {
    for (const nothing of nothings) await expectImpossible(operation, nothing, ask);
    await expectImpossible(operation, [good], ask);
    await expectImpossible(operation, Promise.resolve, ask);
  });

  it('takes no record of another for the one that was asked for', async () => {
    for (const change of elsewhere) {
      if (lax) expect(await ask(answering({ ...good, ...change }))).toBeNull();
      else await expectImpossible(operation, { ...good, ...change }, ask);
    }
  });

  it('takes no record with a field of another type, or without it', async () => {
    for (const field of Object.keys(good)) {
      for (const value of odd) {
        if (free.test(field) && typeof value === 'string') continue;
        if (isRight[field]?.(value)) continue;
        await expectImpossible(operation, { ...good, [field]: value }, ask);
      }
    }
  });

  it('fails when the host does', async () => {
    const failing = async () => {
      throw new Error('down');
    };
    const all = { findById: failing, findByEmail: failing, findByName: failing };
    const guarded = guardRepositories(
      { users: all, apps: all, accounts: all, identityProviders: all } as unknown as Repositories,
      dependency,
    );
    told.length = 0;
    await expect(ask(guarded)).rejects.toMatchObject({ code: 'unavailable' });
    expect(told).toEqual([{ type: 'dependency_failed', operation, kind: 'threw', error: 'Error' }]);
  });
});

describe('an e-mail address', () => {
  it('may be stored in any spelling that has the canonical form that was asked for', async () => {
    for (const email of [user.email.toUpperCase(), user.email]) {
      const answer = await answering({ ...user, email }).users?.findByEmail(user.email);
      expect(answer?.id).toBe(user.id);
    }
  });
});

describe('the accounts of a user and the secrets of an app', () => {
  it.each([[['x']], [[acme, null]], [[acme.toUpperCase()]], ['x'], [{ 0: acme }]])(
    'accountIds %j is impossible',
    (accountIds) =>
      expectImpossible(
        'users.findById',
        { ...user, accountIds },
        lookups['users.findById']?.ask ?? (() => undefined),
      ),
  );

  const secret = { id: 'a', hash: '0'.repeat(64) };
  it.each([
    null,
    'secret',
    {},
    { ...secret, id: 5 },
    { ...secret, hash: '0'.repeat(63) },
    { ...secret, hash: 'F'.repeat(64) },
    { ...secret, hash: '$argon2id$' },
    { ...secret, hash: null },
    { ...secret, validUntil: '2026-01-01' },
    { ...secret, validUntil: Number.NaN },
    { ...secret, validUntil: new Date() },
  ])('the secret %j is impossible, beside a good one', (bad) =>
    expectImpossible(
      'apps.findById',
      { ...app, secrets: [secret, bad] },
      lookups['apps.findById']?.ask ?? (() => undefined),
    ),
  );

  it('may be none, and may have an end', async () => {
    for (const secrets of [[], [{ ...secret, validUntil: 0 }], [secret, { ...secret, id: 'b' }]])
      expect(await answering({ ...app, secrets }).apps?.findById(app.id)).toMatchObject({ secrets });
  });
});

describe('the policy of an account', () => {
  const ask = async ({ accounts }: GuardedRepositories) => accounts?.findById(acme);

  it.each([
    null,
    'require',
    [],
    { methods: 'password' },
    { methods: [1] },
    { idpIds: {} },
    { secondFactor: 'requred' },
    { secondFactor: true },
    { secondFactor: null },
  ])('%j is impossible: a misread policy would be none', (signIn) => {
    if (Array.isArray(signIn)) return; // An empty list asks for nothing.
    return expectImpossible('accounts.findById', { ...account, signIn }, ask);
  });

  it('may be absent or ask for anything that there is', async () => {
    for (const signIn of [
      undefined,
      {},
      { methods: ['saml-response'], idpIds: ['x'], secondFactor: 'require' },
    ])
      expect(await ask(answering({ ...account, signIn }))).toMatchObject({ id: acme });
  });
});

describe('devices.listByUser', () => {
  const ask = ({ devices }: GuardedRepositories) => devices?.listByUser(user.id);

  it('answers the list', async () => {
    expect(await ask(answering([]))).toEqual([]);
    expect(await ask(answering([device]))).toEqual([device]);
  });

  it.each([
    undefined,
    null,
    {},
    'none',
    0,
    [null],
    [device, {}],
    [{ ...device, name: 5 }],
    [{ ...device, name: 'two\nlines' }],
    [{ ...device, name: ' ' }],
    [device, device],
    [device, { ...device, name: 'another name' }],
    [device, { ...device, credentialId: 'YW5vdGhlcg' }],
    new Set(),
    { length: 0 },
  ])('takes %j for no list: "no devices" would be no second factor', (answer) =>
    expectImpossible('devices.listByUser', answer, ask),
  );
});

describe('a device', () => {
  const ask = ({ devices }: GuardedRepositories) => devices?.findByCredentialId(device.credentialId);

  it('is answered as it is', async () => {
    const buffer = { ...device, publicKey: Buffer.from([1]), lastUsedAt: 1, origin: null, type: 'U2f' };
    expect(await ask(answering(buffer))).toEqual(buffer);
    expect(await ask(answering(null))).toBeNull();
  });

  const wrong: Record<keyof MfaDevice, unknown[]> = {
    name: [null, 5],
    type: ['fido2', null],
    credentialId: ['another', `${device.credentialId}=`, 'a+/b', 5],
    publicKey: ['AQID', [1, 2, 3], null],
    counter: [-1, 1.5, '1', null, Number.NaN],
    transports: [null, 'usb', [1]],
    backupEligible: [null, 0],
    backedUp: [undefined, 'no'],
    createdAt: ['2026-01-01', Number.NaN, 1e300],
    lastUsedAt: [undefined, '2026-01-01'],
    origin: [undefined, 5],
  };
  const cases = Object.entries(wrong).flatMap(([field, values]) => values.map((value) => ({ field, value })));
  it.each(cases)('is impossible with $value for $field', ({ field, value }) =>
    expectImpossible('devices.findByCredentialId', { ...device, [field]: value }, ask),
  );
});

describe('what a device repository did', () => {
  const { lastUsedAt: _, ...added } = device;
  const use = { from: 0, to: 1, backedUp: false, at: 0 };
  const asks: Record<string, (guarded: GuardedRepositories) => Promise<unknown> | undefined> = {
    'devices.add': ({ devices }) => devices?.add(user.id, added),
    'devices.remove': ({ devices }) => devices?.remove(user.id, device.name),
    'devices.recordUse': ({ devices }) => devices?.recordUse(user.id, device.credentialId, use),
  };

  it.each(Object.keys(asks))('is yes or no: %s', async (operation) => {
    const ask = asks[operation] ?? (() => undefined);
    expect([await ask(answering(true)), await ask(answering(false))]).toEqual([true, false]);
    for (const answer of [undefined, null, 1, 'true', { affectedRows: 1 }])
      await expectImpossible(operation, answer, ask);
  });

  it('is a whole number of recovery codes', async () => {
    const ask = ({ devices }: GuardedRepositories) => devices?.countRecoveryCodes(user.id);
    expect(await ask(answering(0))).toBe(0);
    for (const answer of [undefined, null, -1, '3', 1.5, Number.NaN])
      await expectImpossible('devices.countRecoveryCodes', answer, ask);
  });
});

describe('users.savePasswordHash', () => {
  const ask = ({ users }: GuardedRepositories) => users?.savePasswordHash?.(user.id, 'a', 'b');

  it('answers whether it was saved', async () => {
    expect([await ask(answering(true)), await ask(answering(false))]).toEqual([true, false]);
  });

  it.each([undefined, null, 1, 'true', { affectedRows: 1 }])('takes %j for neither', (answer) =>
    expectImpossible('users.savePasswordHash', answer, ask),
  );

  it('is absent where the host has none', () => {
    const { users } = guardRepositories(
      { users: { findById: async () => null, findByEmail: async () => null } } as unknown as Repositories,
      dependency,
    );
    expect(users).not.toHaveProperty('savePasswordHash');
  });
});

describe('repositories that the host does not have', () => {
  it('are null', () => {
    expect(guardRepositories({}, dependency)).toEqual({
      ...{ users: null, apps: null, accounts: null },
      ...{ devices: null, identityProviders: null },
    });
  });
});

describe('an id with a NUL in it', () => {
  it('is that of no identity provider, and no database is asked what it cannot hold', async () => {
    const asked: string[] = [];
    const identityProviders = {
      findById: async (id: string) => {
        asked.push(id);
        throw new Error('invalid byte sequence');
      },
    };
    const guarded = guardRepositories({ identityProviders } as unknown as Repositories, dependency);
    expect(await guarded.identityProviders?.findById('idp\0')).toBeNull();
    expect(asked).toEqual([]);
  });
});

describe('a repository that is a class', () => {
  it('is asked as the object that it is', async () => {
    class Users {
      private readonly row = { ...user };
      async findById() {
        return this.row;
      }
      async findByEmail() {
        return this.row;
      }
      async savePasswordHash() {
        return this.row !== undefined;
      }
    }
    const { users } = guardRepositories(
      { users: new Users() as unknown as Repositories['users'] } as Repositories,
      dependency,
    );
    expect((await users?.findById(user.id))?.id).toBe(user.id);
    expect((await users?.findByEmail(user.email))?.id).toBe(user.id);
    expect(await users?.savePasswordHash?.(user.id, 'a', 'b')).toBe(true);
  });
});
