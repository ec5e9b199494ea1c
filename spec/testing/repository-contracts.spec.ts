import { describe, it } from '@jest/globals';
import { memoryRepositories } from '../../lib/index.js';
import {
  type AppSeedOfContract,
  accountRepositoryContract,
  appRepositoryContract,
  type ContractCase,
  deviceRepositoryContract,
  identityProviderRepositoryContract,
  userRepositoryContract,
} from '../../lib/testing/index.js';
import { provisioning } from './provisioning.js';

const appsOf = ({ apps, awsPrincipals }: AppSeedOfContract) => {
  const principalsOf = (id: string) =>
    awsPrincipals.filter(({ appId }) => appId === id).map(({ principal }) => principal);
  const seed = apps.map((app) => ({ ...app, awsPrincipals: principalsOf(app.id) }));
  return memoryRepositories({ apps: seed }).apps;
};

const suites: Record<string, ContractCase[]> = {
  'memoryRepositories().users': userRepositoryContract((seed) => memoryRepositories(seed).users),
  'users in memory who are provisioned': userRepositoryContract((seed) =>
    provisioning(memoryRepositories(seed).users),
  ),
  'memoryRepositories().apps': appRepositoryContract(appsOf),
  'memoryRepositories().accounts': accountRepositoryContract((seed) => memoryRepositories(seed).accounts),
  'memoryRepositories().devices': deviceRepositoryContract(() => memoryRepositories().devices),
  'memoryRepositories().identityProviders': identityProviderRepositoryContract(
    (seed) => memoryRepositories(seed).identityProviders,
  ),
};

describe.each(Object.entries(suites))('%s', (_, cases) => {
  it.each(cases)('$name', ({ run }) => run());
});
