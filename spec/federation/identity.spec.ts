import { describe, expect, it } from '@jest/globals';
import { dependencyGuard } from '../../lib/defence/dependency.js';
import { type GuardedRepositories, guardRepositories } from '../../lib/defence/guarded-repositories.js';
import { type FederatedClaim, federatedUser, idpIdOf, openProvider } from '../../lib/federation/identity.js';
import type { FederatedIdentity, MemoryRepositories, Repositories, User } from '../../lib/index.js';
import { oidcRecord } from '../support/federation.js';
import { acme, alice, bob, dan, globex, people } from '../support/people.js';

const claim = (change: Partial<FederatedClaim> = {}): FederatedClaim => ({
  ...{ subject: 'alice-1', email: alice.email, emailProven: true, attributes: {}, once: [] },
  ...change,
});
const idp = oidcRecord();

interface Made {
  memory: MemoryRepositories;
  guarded: GuardedRepositories;
  of(change?: Partial<FederatedClaim>, record?: Partial<typeof idp>): Promise<string>;
  linked(subject?: string): Promise<string | null>;
}

/** Repositories behind the guard, and what comes of a claim there: the user's id, or the reason and whose it is. */
async function made(
  provision?: (identity: FederatedIdentity, users: Map<string, User>) => User | null,
): Promise<Made> {
  const memory = await people();
  if (provision !== undefined) {
    const { table } = memory.users;
    Object.assign(memory.users, { provision: async (each: FederatedIdentity) => provision(each, table) });
  }
  const guarded = guardRepositories(
    memory,
    dependencyGuard(2, () => {}),
  );
  return {
    ...{ memory, guarded },
    async of(change = {}, record = {}) {
      if (guarded.users === null) throw new Error('there are no users');
      const verdict = await federatedUser(guarded.users, oidcRecord(record), claim(change));
      return 'user' in verdict ? verdict.user.id : `${verdict.reason} ${verdict.entityId}`;
    },
    async linked(subject = 'alice-1') {
      return (await memory.users.findByFederatedIdentity('oidc', subject))?.id ?? null;
    },
  };
}

describe('federatedUser', () => {
  it('selects by a proven address of the provider’s own domain, and links', async () => {
    const { of, linked } = await made();
    expect(await of({ email: 'ALICE@EXAMPLE.com' })).toBe(alice.id);
    expect(await linked()).toBe(alice.id);
  });

  it('finds by the subject from then on, whatever the address is', async () => {
    const { of } = await made();
    await of();
    for (const change of [
      { email: null },
      { email: bob.email },
      { email: bob.email, emailProven: false },
      { email: 'not an address' },
      { email: 'alice@example.org', emailProven: false },
    ])
      expect([change, await of(change)]).toEqual([change, alice.id]);
    expect(await of({}, { authoritative: false, domains: [] })).toBe(alice.id);
  });

  it.each<[string, Partial<FederatedClaim>, Partial<typeof idp>, string]>([
    ['an address that is not proven', { emailProven: false }, {}, `email_not_proven ${alice.id}`],
    ['a provider that is not authoritative', {}, { authoritative: false }, `email_not_proven ${alice.id}`],
    ['a provider of other domains', {}, { domains: ['example.org'] }, `email_not_proven ${alice.id}`],
    [
      'a provider of a part of the domain',
      {},
      { domains: ['com', 'xample.com'] },
      `email_not_proven ${alice.id}`,
    ],
    [
      'a provider of the domain in capitals',
      {},
      { domains: ['EXAMPLE.COM'] },
      `email_not_proven ${alice.id}`,
    ],
    ['an address of no domain', { email: 'alice' }, {}, 'email_not_proven null'],
    ['two addresses', { email: `${alice.email},${bob.email}` }, {}, 'email_not_proven null'],
    ['an address of another domain', { email: 'alice@example.org' }, {}, 'email_not_proven null'],
    ['an address of a subdomain', { email: 'alice@x.example.com' }, {}, 'email_not_proven null'],
    ['an address of nobody', { email: 'nobody@example.com' }, {}, 'unknown_principal null'],
    ['no address', { email: null, emailProven: true }, {}, 'unknown_principal null'],
    ['a provider of another account', {}, { accountId: globex }, `not_a_member ${alice.id}`],
    ['a user who is disabled', { email: dan.email, subject: 'dan-1' }, {}, `disabled ${dan.id}`],
  ])('refuses %s, and links nobody', async (_, change, record, reason) => {
    const { of, linked } = await made();
    expect(await of(change, record)).toBe(reason);
    expect([await linked(), await linked('dan-1')]).toEqual([null, null]);
  });

  it('gives nobody a second subject of one provider, and no subject a second user', async () => {
    const { of, linked } = await made();
    await of();
    expect(await of({ subject: 'alice-2' })).toBe(`linked_elsewhere ${alice.id}`);
    expect(await of({ subject: 'alice-1', email: bob.email })).toBe(alice.id);
    expect([await linked('alice-1'), await linked('alice-2')]).toEqual([alice.id, null]);
    // Another provider has subjects of its own.
    expect(await of({ subject: 'alice-2' }, { id: 'other' })).toBe(alice.id);
  });

  it('refuses a linked user who is disabled, or no member any more', async () => {
    const { of, memory } = await made();
    await of();
    const { table } = memory.users;
    const row = table.get(alice.id) as User;
    table.set(alice.id, { ...row, enabled: false });
    expect(await of()).toBe(`disabled ${alice.id}`);
    table.set(alice.id, { ...row, accountIds: [globex] });
    expect(await of()).toBe(`not_a_member ${alice.id}`);
    table.set(alice.id, row);
    expect(await of()).toBe(alice.id);
  });

  it('provisions who is new, by what was proven and by the account of the provider', async () => {
    const asked: FederatedIdentity[] = [];
    const { of, linked } = await made((identity, users) => {
      asked.push(identity);
      const user: User = {
        ...{ id: 'eee00000-0000-4000-8000-000000000001', email: identity.email ?? '', enabled: true },
        ...{ passwordHash: null, credentialVersion: 1, accountIds: [identity.accountId] },
      };
      users.set(user.id, user);
      return user;
    });
    const attributes = { role: 'admin', accountId: globex };
    const fresh = { subject: 'new-1', email: 'New@Example.COM', attributes };
    expect(await of(fresh, { authoritative: false })).toBe('eee00000-0000-4000-8000-000000000001');
    expect(asked).toEqual([
      { idpId: 'oidc', subject: 'new-1', email: 'new@example.com', accountId: acme, attributes },
    ]);
    expect(await linked('new-1')).toBe('eee00000-0000-4000-8000-000000000001');
    await of(fresh);
    expect(asked).toHaveLength(1);
  });

  it('asks the host for nobody who exists, or whose address proves nothing', async () => {
    let asked = 0;
    const { of } = await made(() => {
      asked += 1;
      return null;
    });
    expect(await of({}, { authoritative: false })).toBe(`email_not_proven ${alice.id}`);
    expect(await of({ email: 'new@example.com', emailProven: false })).toBe('email_not_proven null');
    expect(await of({ email: 'new@example.org' })).toBe('email_not_proven null');
    expect(asked).toBe(0);
    expect(await of({ email: 'new@example.com' })).toBe('unknown_principal null');
    expect(asked).toBe(1);
  });

  it('is not in use where the host has no such lookups, and unavailable where they fail', async () => {
    const { guarded, memory, of } = await made();
    const { federated: _, ...users } = guarded.users ?? {};
    const plain = { ...users, federated: null } as NonNullable<GuardedRepositories['users']>;
    await expect(federatedUser(plain, idp, claim())).rejects.toMatchObject({ code: 'method_not_configured' });
    memory.users.linkFederatedIdentity = async () => 'yes' as unknown as boolean;
    await expect(of()).rejects.toMatchObject({ code: 'unavailable' });
    memory.users.findByFederatedIdentity = async () => ({ id: alice.id }) as unknown as User;
    await expect(of()).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('openProvider', () => {
  it('answers a provider of the kind that is asked for, while it and its account are open', async () => {
    const { guarded, memory } = await made();
    const { table } = memory.identityProviders;
    const open = (kind: 'oauth' | 'saml', id = 'oidc') => openProvider(guarded, kind, id, 'oauth-auth-code');
    table.set('oidc', idp);
    expect(await open('oauth')).toEqual(idp);
    expect([await open('saml'), await open('oauth', 'none'), await open('oauth', '__proto__')]).toEqual([
      ...[null, null, null],
    ]);
    table.set('oidc', oidcRecord({ enabled: false }));
    expect(await open('oauth')).toBeNull();
    table.set('oidc', oidcRecord({ accountId: 'acc00000-0000-4000-8000-00000000000f' }));
    expect(await open('oauth')).toBeNull();
    table.set('oidc', idp);
    memory.accounts.table.set(acme, { id: acme, enabled: false });
    expect(await open('oauth')).toBeNull();
  });

  it('asks for no account where the host has none, and knows nobody without providers', async () => {
    const { memory } = await made();
    memory.identityProviders.table.set('oidc', idp);
    const { accounts: _, ...rest } = memory;
    const guard = (repositories: Repositories) =>
      guardRepositories(
        repositories,
        dependencyGuard(2, () => {}),
      );
    expect(await openProvider(guard(rest), 'oauth', 'oidc', 'oauth-auth-code')).toEqual(idp);
    const { identityProviders: __, ...none } = memory;
    expect(await openProvider(guard(none), 'oauth', 'oidc', 'oauth-auth-code')).toBeNull();
  });
});

describe('idpIdOf', () => {
  it.each([
    ['oidc', 'b2lkYw=='],
    ['ü/ï', 'w7wvw68='],
    ['🙂', '8J+Zgg=='],
  ])('is standard base64 of UTF-8: %s', (id, wire) => {
    expect(idpIdOf({ id })).toBe(wire);
  });
});
