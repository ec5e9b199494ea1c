import type { Database } from '../../examples/postgres/database.js';
import { type Account, canonicalEmail, type IdentityProvider, type User } from '../../lib/index.js';
import type { AppSeedOfContract } from '../../lib/testing/index.js';

const tables = ['accounts', 'users', 'session', 'one_time', 'counters', 'session_index'];

/** Empties all tables of the example: what is not named belongs to what is. For few rows this is quicker than `truncate`. */
export async function emptied(database: Database): Promise<void> {
  for (const table of tables) await database.query(`delete from ${table}`);
}

export async function insertAccounts(database: Database, accounts: readonly Account[]): Promise<void> {
  for (const { id, enabled, signIn = {} } of accounts)
    await database.query('insert into accounts values ($1, $2, $3, $4, $5)', [
      ...[id, enabled, signIn.methods ?? null, signIn.idpIds ?? null, signIn.secondFactor ?? null],
    ]);
}

export async function insertUsers(database: Database, users: readonly User[]): Promise<void> {
  for (const { id, email, enabled, passwordHash, credentialVersion, accountIds } of users) {
    await database.query('insert into users values ($1, $2, $3, $4, $5)', [
      ...[id, canonicalEmail(email), enabled, passwordHash, credentialVersion],
    ]);
    await database.query('insert into account_members select $1, unnest($2::uuid[])', [id, accountIds]);
  }
}

export async function insertApps(
  database: Database,
  { apps, awsPrincipals }: AppSeedOfContract,
): Promise<void> {
  for (const { id, accountId, name, enabled, secrets } of apps) {
    await database.query('insert into apps values ($1, $2, $3, $4)', [id, accountId, name, enabled]);
    for (const { id: secretId, hash, validUntil } of secrets)
      await database.query('insert into app_secrets values ($1, $2, $3, $4)', [
        ...[id, secretId, hash, validUntil === undefined ? null : new Date(validUntil)],
      ]);
  }
  for (const { appId, principal } of awsPrincipals)
    await database.query(
      'insert into app_aws_principals select id, account_id, $2, $3, $4, $5, $6 from apps where id = $1',
      [
        ...[appId, principal.partition, principal.awsAccountId, principal.type, principal.name],
        principal.uniqueId,
      ],
    );
}

export async function insertIdentityProviders(
  database: Database,
  identityProviders: readonly IdentityProvider[],
): Promise<void> {
  for (const each of identityProviders) {
    const { id, accountId, kind, name, iconUrl, enabled, domains, authoritative, secondFactor, ...settings } =
      each;
    await database.query('insert into identity_providers values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)', [
      ...[id, accountId, kind, name, iconUrl, enabled, domains, authoritative, secondFactor, settings],
    ]);
  }
}
