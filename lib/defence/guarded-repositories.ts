import type { Awaitable } from '../awaitable.js';
import type {
  Account,
  App,
  AppSecret,
  AwsPrincipal,
  Repositories,
  User,
  UserRepository,
} from '../repositories/index.js';
import { canonicalEmail } from '../wire/email.js';
import { isUuid } from '../wire/ids.js';
import { boolean, type Dependency } from './dependency.js';
import { type GuardedDevices, guardDevices } from './guarded-devices.js';
import { type GuardedIdentityProviders, guardIdentityProviders } from './guarded-identity-providers.js';

/** The repositories of the host behind the guard: what they answer has been looked at before it is believed. */
export interface GuardedRepositories {
  users: GuardedUsers | null;
  apps: GuardedApps | null;
  accounts: { findById(id: string): Awaitable<Account | null> } | null;
  devices: GuardedDevices | null;
  identityProviders: GuardedIdentityProviders | null;
}

/** The user lookups behind the guard. */
export interface GuardedUsers {
  findById(id: string): Awaitable<User | null>;
  findByEmail(email: string): Promise<User | null>;
  savePasswordHash?(id: string, previous: string, next: string): Promise<boolean>;
  /** Whom identity providers vouch for; `null` where the host has no such lookups. */
  federated: Pick<UserRepository, 'findByFederatedIdentity' | 'linkFederatedIdentity' | 'provision'> | null;
}

/** The app lookups behind the guard. */
export interface GuardedApps {
  findById(id: string): Awaitable<App | null>;
  findByName(accountId: string, name: string): Promise<App | null>;
  findByAwsPrincipal?(accountId: string, principal: AwsPrincipal): Promise<App | null>;
}

/**
 * Puts the host's repositories behind `dependency`: deadlines, and a look at every answer. A record of another
 * id than was asked for, or with a field of the wrong type, is an answer that makes no sense; one of another name or
 * address than was asked for is nobody.
 */
export function guardRepositories(hosts: Repositories, dependency: Dependency): GuardedRepositories {
  const { users, apps, accounts, devices, identityProviders } = hosts;
  return {
    users: users
      ? {
          findById: (id) =>
            dependency.atOnce(
              'users.findById',
              () => users.findById(id),
              record(isUser, (user) => user.id === id),
            ),
          findByEmail: (email) =>
            dependency(
              'users.findByEmail',
              () => users.findByEmail(email),
              named(isUser, (user) => canonicalEmail(user.email) === email),
            ),
          ...(users.savePasswordHash === undefined
            ? {}
            : {
                savePasswordHash: (id, previous, next) =>
                  dependency(
                    'users.savePasswordHash',
                    () => users.savePasswordHash?.(id, previous, next),
                    boolean,
                  ),
              }),
          federated: guardFederated(users, dependency),
        }
      : null,
    apps: apps
      ? {
          findById: (id) =>
            dependency.atOnce(
              'apps.findById',
              () => apps.findById(id),
              record(isApp, (app) => app.id === id),
            ),
          findByName: (accountId, name) =>
            dependency(
              'apps.findByName',
              () => apps.findByName(accountId, name),
              named(isApp, (app) => app.accountId === accountId && app.name === name),
            ),
          ...(apps.findByAwsPrincipal === undefined
            ? {}
            : {
                findByAwsPrincipal: (accountId, principal) =>
                  dependency(
                    'apps.findByAwsPrincipal',
                    async () => apps.findByAwsPrincipal?.(accountId, principal),
                    record(isApp, (app) => app.accountId === accountId),
                  ),
              }),
        }
      : null,
    accounts: accounts
      ? {
          findById: (id) =>
            dependency.atOnce(
              'accounts.findById',
              () => accounts.findById(id),
              record(isAccount, (each) => each.id === id),
            ),
        }
      : null,
    devices: devices ? guardDevices(devices, dependency) : null,
    identityProviders: identityProviders ? guardIdentityProviders(identityProviders, dependency) : null,
  };
}

/** The lookups of federated identities, where the host has them. */
function guardFederated(users: UserRepository, dependency: Dependency): GuardedUsers['federated'] {
  if (typeof users.findByFederatedIdentity !== 'function') return null;
  if (typeof users.linkFederatedIdentity !== 'function') return null;
  const user = record(isUser, () => true);
  return {
    findByFederatedIdentity: (idpId, subject) =>
      dependency('users.findByFederatedIdentity', () => users.findByFederatedIdentity(idpId, subject), user),
    linkFederatedIdentity: (userId, identity) =>
      dependency('users.linkFederatedIdentity', () => users.linkFederatedIdentity(userId, identity), boolean),
    ...(users.provision === undefined
      ? {}
      : {
          provision: (identity) => dependency('users.provision', () => users.provision?.(identity), user),
        }),
  };
}

/** An answer to a natural key: a well-formed record of another spelling, as lax collations find it, is none. */
function named<T>(is: (answer: unknown) => answer is T, asked: (answer: T) => boolean) {
  return (answer: unknown): T | null | undefined => {
    if (answer === null || !is(answer)) return answer === null ? null : undefined;
    return asked(answer) ? answer : null;
  };
}

function record<T>(is: (answer: unknown) => answer is T, asked: (answer: T) => boolean) {
  return (answer: unknown): T | null | undefined =>
    answer === null || (is(answer) && asked(answer)) ? answer : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isUser(value: unknown): value is User {
  return (
    isObject(value) &&
    isUuid(value.id) &&
    typeof value.email === 'string' &&
    typeof value.enabled === 'boolean' &&
    (value.passwordHash === null || typeof value.passwordHash === 'string') &&
    (typeof value.credentialVersion === 'number' || typeof value.credentialVersion === 'string') &&
    Array.isArray(value.accountIds) &&
    value.accountIds.every(isUuid)
  );
}

function isApp(value: unknown): value is App {
  return (
    isObject(value) &&
    isUuid(value.id) &&
    isUuid(value.accountId) &&
    typeof value.name === 'string' &&
    typeof value.enabled === 'boolean' &&
    Array.isArray(value.secrets) &&
    value.secrets.every(isAppSecret)
  );
}

function isAppSecret(value: unknown): value is AppSecret {
  return (
    isObject(value) &&
    typeof value.id === 'string' &&
    typeof value.hash === 'string' &&
    /^[0-9a-f]{64}$/.test(value.hash) &&
    (value.validUntil === undefined || Number.isFinite(value.validUntil))
  );
}

function isAccount(value: unknown): value is Account {
  return (
    isObject(value) &&
    isUuid(value.id) &&
    typeof value.enabled === 'boolean' &&
    (value.signIn === undefined || isSignInPolicy(value.signIn))
  );
}

function isSignInPolicy(value: unknown): boolean {
  return (
    isObject(value) &&
    (value.methods === undefined || isStrings(value.methods)) &&
    (value.idpIds === undefined || isStrings(value.idpIds)) &&
    (value.secondFactor === undefined || value.secondFactor === 'require')
  );
}

function isStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}
