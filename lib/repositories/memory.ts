import { canonicalEmail } from '../wire/email.js';
import type {
  Account,
  AccountRepository,
  App,
  AppRepository,
  AwsPrincipal,
  DeviceRepository,
  IdentityProvider,
  IdentityProviderRepository,
  MfaDevice,
  SamlIdentityProvider,
  User,
  UserRepository,
} from './index.js';

/** A user to begin with; what is left out has the defaults enabled, no password, version 1, no accounts. */
export type UserSeed = Pick<User, 'id' | 'email'> & Partial<User>;

/** An app to begin with; it is enabled unless it says otherwise. */
export type AppSeed = Omit<App, 'enabled'> &
  Partial<Pick<App, 'enabled'>> & { awsPrincipals?: readonly KnownAwsPrincipal[] };

/** An identity at AWS as it is known here; without `uniqueId` whoever has its name. */
export type KnownAwsPrincipal = Omit<AwsPrincipal, 'uniqueId' | 'sessionName'> & { uniqueId?: string };

/** What {@link memoryRepositories} starts from. */
export interface MemorySeed {
  users?: readonly UserSeed[];
  apps?: readonly AppSeed[];
  accounts?: readonly Account[];
  identityProviders?: readonly IdentityProvider[];
}

/** The five repositories in memory, and the tables behind them for a host or a spec to change at run time. */
export interface MemoryRepositories {
  users: UserRepository & { table: Map<string, User> };
  apps: Required<AppRepository> & {
    table: Map<string, App & { awsPrincipals?: readonly KnownAwsPrincipal[] }>;
  };
  accounts: AccountRepository & { table: Map<string, Account> };
  devices: DeviceRepository;
  identityProviders: IdentityProviderRepository & {
    table: Map<string, IdentityProvider>;
  };
}

/**
 * Repositories that live in this process: the embedded default for demos, specs and hosts whose clients are a
 * fixed list. Each has a `table` by id, which may be changed while it runs. With `accounts` left out, every
 * account that a user or an app names exists and is enabled.
 *
 * @example
 * memoryRepositories({
 *   users: [{ id: '6f1c…', email: 'alice@example.com', passwordHash: await hashPassword('correct horse') }],
 * })
 */
export function memoryRepositories(seed: MemorySeed = {}): MemoryRepositories {
  return {
    users: memoryUsers(seed.users ?? []),
    apps: memoryApps(seed.apps ?? []),
    accounts: memoryAccounts(seed),
    devices: memoryDevices(),
    identityProviders: memoryIdentityProviders(seed.identityProviders ?? []),
  };
}

function memoryUsers(seed: readonly UserSeed[]): MemoryRepositories['users'] {
  const defaults = {
    enabled: true,
    passwordHash: null,
    credentialVersion: 1,
    accountIds: [],
  };
  const table = new Map(seed.map((user): [string, User] => [user.id, { ...defaults, ...user }]));
  const spelling = remembered(canonicalEmail, () => 2 * table.size + 100);
  const links = new Map<string, string>();
  const link = (idpId: string, subject: string) => JSON.stringify([idpId, subject]);

  return {
    table,
    findById(id) {
      return copyOf(table.get(id));
    },
    async findByEmail(email) {
      return find(table, (user) => spelling(user.email) === email);
    },
    async findByFederatedIdentity(idpId, subject) {
      return copyOf(table.get(links.get(link(idpId, subject)) ?? ''));
    },
    async linkFederatedIdentity(userId, { idpId, subject }) {
      if (!table.has(userId)) return false;
      const owner = links.get(link(idpId, subject));
      if (owner !== undefined) return owner === userId;
      const linked = [...links].some(([key, id]) => id === userId && JSON.parse(key)[0] === idpId);
      if (linked) return false;
      links.set(link(idpId, subject), userId);
      return true;
    },
    async savePasswordHash(id, previous, next) {
      const user = table.get(id);
      if (user === undefined || user.passwordHash !== previous) return false;
      table.set(id, { ...user, passwordHash: next });
      return true;
    },
  };
}

function memoryApps(seed: readonly AppSeed[]): MemoryRepositories['apps'] {
  const table = new Map(
    seed.map((app): [string, App & { awsPrincipals?: readonly KnownAwsPrincipal[] }] => [
      app.id,
      { enabled: true, ...app },
    ]),
  );
  return {
    table,
    findById(id) {
      return copyOf(table.get(id));
    },
    async findByName(accountId, name) {
      return find(table, (app) => app.accountId === accountId && app.name === name);
    },
    async findByAwsPrincipal(accountId, principal) {
      return find(
        table,
        (app) =>
          app.accountId === accountId && (app.awsPrincipals ?? []).some((each) => sameAws(each, principal)),
      );
    },
  };
}

function sameAws(one: KnownAwsPrincipal, other: AwsPrincipal): boolean {
  return (
    (one.uniqueId === undefined || one.uniqueId === other.uniqueId) &&
    one.partition === other.partition &&
    one.awsAccountId === other.awsAccountId &&
    one.type === other.type &&
    one.name === other.name
  );
}

function memoryAccounts({ accounts, users = [], apps = [] }: MemorySeed): MemoryRepositories['accounts'] {
  const named = [...users.flatMap((user) => user.accountIds ?? []), ...apps.map((app) => app.accountId)];
  const known = accounts ?? named.map((id): Account => ({ id, enabled: true }));
  const table = new Map(known.map((account): [string, Account] => [account.id, account]));
  return {
    table,
    findById(id) {
      return copyOf(table.get(id));
    },
  };
}

function memoryDevices(): DeviceRepository {
  const devices = new Map<string, MfaDevice[]>();
  const recoveryCodes = new Map<string, Set<string>>();
  const of = (userId: string) => devices.get(userId) ?? [];
  const named = (userId: string, name: string) => of(userId).find((device) => device.name === name);

  return {
    async listByUser(userId) {
      return of(userId).map((device) => ({ ...device }));
    },
    async findByCredentialId(credentialId) {
      return copyOf([...devices.values()].flat().find((device) => device.credentialId === credentialId));
    },
    async add(userId, device) {
      const taken = [...devices.values()].flat().some((each) => each.credentialId === device.credentialId);
      if (taken || named(userId, device.name)) return false;
      devices.set(userId, [...of(userId), { ...device, lastUsedAt: null }]);
      return true;
    },
    async rename(userId, oldName, newName) {
      const device = named(userId, oldName);
      if (device === undefined || named(userId, newName)) return false;
      device.name = newName;
      return true;
    },
    async remove(userId, name) {
      const device = named(userId, name);
      if (device === undefined) return false;
      devices.set(
        userId,
        of(userId).filter((each) => each !== device),
      );
      return true;
    },
    async recordUse(userId, credentialId, { from, to, backedUp, at }) {
      const device = of(userId).find((each) => each.credentialId === credentialId);
      if (device === undefined || device.counter !== from) return false;
      Object.assign(device, { counter: to, backedUp, lastUsedAt: at });
      return true;
    },
    async replaceRecoveryCodes(userId, hashes) {
      recoveryCodes.set(userId, new Set(hashes));
    },
    async hasRecoveryCode(userId, hash) {
      return recoveryCodes.get(userId)?.has(hash) ?? false;
    },
    async countRecoveryCodes(userId) {
      return recoveryCodes.get(userId)?.size ?? 0;
    },
    async consumeRecoveryCode(userId, hash) {
      return recoveryCodes.get(userId)?.delete(hash) ?? false;
    },
  };
}

function memoryIdentityProviders(seed: readonly IdentityProvider[]): MemoryRepositories['identityProviders'] {
  const table = new Map(seed.map((idp): [string, IdentityProvider] => [idp.id, idp]));
  const all = (wanted: (idp: IdentityProvider) => boolean) => [...table.values()].filter(wanted);
  return {
    table,
    async findById(idpId) {
      return copyOf(table.get(idpId));
    },
    async listSamlByEntityId(entityId) {
      return all((idp) => idp.kind === 'saml')
        .filter(isSaml)
        .filter((idp) => idp.entityId === entityId);
    },
    async listForEmail(email) {
      const domain = email.slice(email.lastIndexOf('@') + 1);
      return all((idp) => idp.enabled && idp.domains.includes(domain));
    },
    async listForAccount(accountId) {
      return all((idp) => idp.enabled && idp.accountId === accountId);
    },
  };
}

function isSaml(idp: IdentityProvider): idp is SamlIdentityProvider {
  return idp.kind === 'saml';
}

function find<T extends object>(table: Map<string, T>, wanted: (row: T) => boolean): T | null {
  for (const row of table.values()) if (wanted(row)) return copyOf(row);
  return null;
}

/** A function of text whose answers are kept, at most so many, since a search asks for the same again and again. */
function remembered<T>(of: (text: string) => T, most: () => number): (text: string) => T {
  const answers = new Map<string, T>();
  return (text) => {
    const known = answers.get(text);
    if (known !== undefined) return known;
    if (answers.size >= most()) answers.clear();
    const answer = of(text);
    answers.set(text, answer);
    return answer;
  };
}

/** A row as it is now: what a caller does with it, and what happens to it later, is the other's business. */
function copyOf<T extends object>(row: T | undefined): T | null {
  return row === undefined ? null : { ...row };
}
