import type { Repositories } from 'passport-control';
import { accountRepository } from './accounts.js';
import { appRepository } from './apps.js';
import type { Database } from './database.js';
import { deviceRepository } from './devices.js';
import { identityProviderRepository } from './identity-providers.js';
import { userRepository } from './users.js';

/** All five repositories on one database. */
export function sqlRepositories(database: Database) {
  return {
    users: userRepository(database),
    apps: appRepository(database),
    accounts: accountRepository(database),
    devices: deviceRepository(database),
    identityProviders: identityProviderRepository(database),
  } satisfies Repositories;
}
