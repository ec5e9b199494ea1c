import { describe, expect, it } from '@jest/globals';
import { type DeviceRepository, memoryRepositories, type UserRepository } from '../../lib/index.js';
import {
  accountRepositoryContract,
  appRepositoryContract,
  type ContractCase,
  deviceRepositoryContract,
  identityProviderRepositoryContract,
  userRepositoryContract,
} from '../../lib/testing/index.js';

const suites: Record<string, ContractCase[]> = {
  users: userRepositoryContract((seed) => memoryRepositories(seed).users),
  apps: appRepositoryContract(({ apps, awsPrincipals }) => {
    const withPrincipals = apps.map((app) => ({
      ...app,
      awsPrincipals: awsPrincipals.filter(({ appId }) => appId === app.id).map(({ principal }) => principal),
    }));
    return memoryRepositories({ apps: withPrincipals }).apps;
  }),
  accounts: accountRepositoryContract((seed) => memoryRepositories(seed).accounts),
  devices: deviceRepositoryContract(() => memoryRepositories().devices),
  identityProviders: identityProviderRepositoryContract((seed) => memoryRepositories(seed).identityProviders),
};

describe.each(Object.entries(suites))('memoryRepositories().%s', (_, cases) => {
  it.each(cases)('$name', ({ run }) => run());
});

/** The names of the cases that an implementation fails. */
async function failedBy(cases: ContractCase[]): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run } of cases) await run().catch(() => failed.push(name));
  return failed;
}

describe('the repository contracts', () => {
  const users = (change: (good: UserRepository) => Partial<UserRepository>) =>
    userRepositoryContract((seed) => {
      const good = memoryRepositories(seed).users;
      return { ...good, ...change(good) };
    });

  it('find a user repository that answers undefined for "there is none"', async () => {
    const absent = users((good) => ({
      findById: async (id) => (await good.findById(id)) ?? (undefined as never),
    }));
    expect(await failedBy(absent)).toEqual(['finds a user by id, and answers null for an unknown one']);
  });

  it('find a saver of hashes that looks, waits, and then writes', async () => {
    const racing = users((good) => ({
      async savePasswordHash(id, previous, next) {
        const stored = (await good.findById(id))?.passwordHash;
        await new Promise((resolve) => setImmediate(resolve));
        if (stored !== previous) return false;
        await good.savePasswordHash?.(id, (await good.findById(id))?.passwordHash ?? '', next);
        return true;
      },
    }));
    expect(await failedBy(racing)).toEqual([
      'lets exactly one of twenty parallel saves of a password hash win',
    ]);
  });

  it('find a provisioner that adopts an existing user', async () => {
    const adopting = users((good) => ({ provision: ({ email }) => good.findByEmail(email ?? '') }));
    expect(await failedBy(adopting)).toContain('never adopts a user who exists when it provisions');
  });

  it('find a recovery code that is good twice, and a counter that is set without a look', async () => {
    const broken = deviceRepositoryContract(() => {
      const good = memoryRepositories().devices;
      const change: Partial<DeviceRepository> = {
        consumeRecoveryCode: (userId, hash) => good.hasRecoveryCode(userId, hash),
        recordUse: async () => true,
      };
      return { ...good, ...change };
    });
    expect(await failedBy(broken)).toEqual([
      'records a use only over the counter that was seen',
      'lets exactly one of twenty parallel uses win',
      'lets exactly one of thirty parallel uses of a recovery code win',
    ]);
  });

  it('find a lookup by domain that takes subdomains', async () => {
    const lax = identityProviderRepositoryContract((seed) => ({
      ...memoryRepositories(seed).identityProviders,
      listForEmail: async (email) =>
        seed.identityProviders.filter(({ domains }) => domains.some((each) => email.endsWith(each))),
    }));
    expect(await failedBy(lax)).toEqual([
      'lists the providers of the domain of an address, and of no domain like it',
    ]);
  });
});
