import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import type { Database } from '../../examples/postgres/database.js';
import { sqlRepositories } from '../../examples/postgres/repositories.js';
import { sqlStores } from '../../examples/postgres/stores/index.js';
import { purge } from '../../examples/postgres/stores/purge.js';
import {
  accountRecord,
  accountRepositoryContract,
  appRepositoryContract,
  type ContractCase,
  counterStoreContract,
  deviceRepositoryContract,
  identityProviderRepositoryContract,
  idpRecord,
  oneTimeStoreContract,
  sessionIndexContract,
  sessionRaceContract,
  sessionStoreContract,
  userRecord,
  userRepositoryContract,
} from '../../lib/testing/index.js';
import { root } from './example.js';
import {
  emptied,
  insertAccounts,
  insertApps,
  insertIdentityProviders,
  insertUsers,
} from './postgres-rows.js';

/** The waits of a pool on a machine that has much else to do. */
export const patient = { connectionTimeoutMillis: 20_000, statement_timeout: 20_000, query_timeout: 20_000 };

/** The tables that nodes share, and what tells the end of a row. */
const ends = { session: 'expire', one_time: 'ends_at', counters: 'ends_at', session_index: 'ends_at' };

/** Makes the tables of the example, as its server does. */
export async function migrate(database: Database): Promise<void> {
  await database.script(await readFile(`${root}examples/postgres/schema.sql`, 'utf8'));
}

/** Has the repositories and stores of a database do all that they must do. */
export function meetContracts(database: () => Database): void {
  const repositories = () => sqlRepositories(database());
  const accounts = [1, 2, 3, 4].map((n) => accountRecord(n));
  /** The tables with nothing in them but the accounts that records belong to. */
  const tenants = async () => {
    await emptied(database());
    await insertAccounts(database(), accounts);
  };
  const stores = async () => {
    await emptied(database());
    return sqlStores(database());
  };
  /** Time passes by moving all ends. */
  const sleep = async (seconds: number) => {
    for (const [table, end] of Object.entries(ends))
      await database().query(`update ${table} set ${end} = ${end} - $1 * interval '1 second'`, [seconds]);
  };

  const suites: Record<string, ContractCase[]> = {
    users: userRepositoryContract(async ({ users }) => {
      await tenants();
      await insertUsers(database(), users);
      await insertIdentityProviders(database(), [idpRecord(1), idpRecord(2)]);
      return repositories().users;
    }),
    apps: appRepositoryContract(async (seed) => {
      await tenants();
      await insertApps(database(), seed);
      return repositories().apps;
    }),
    accounts: accountRepositoryContract(async (seed) => {
      await emptied(database());
      await insertAccounts(database(), seed.accounts);
      return repositories().accounts;
    }),
    devices: deviceRepositoryContract(async () => {
      await tenants();
      await insertUsers(database(), [userRecord(1), userRecord(2)]);
      return repositories().devices;
    }),
    'identity providers': identityProviderRepositoryContract(async ({ identityProviders }) => {
      await tenants();
      await insertIdentityProviders(database(), identityProviders);
      return repositories().identityProviders;
    }),
    'session store': sessionStoreContract(async () => (await stores()).store),
    'one-time store': oneTimeStoreContract(async () => (await stores()).stores.oneTime, { sleep }),
    counters: counterStoreContract(async () => (await stores()).stores.counters, { sleep }),
    index: sessionIndexContract(async () => (await stores()).stores.index, { sleep }),
    races: sessionRaceContract(async () => {
      const { store, stores: others } = await stores();
      return { store, ...others };
    }),
  };
  describe.each(Object.entries(suites))('%s', (_, cases) => {
    for (const { name, run } of cases) it(name, run);
  });

  it('have an end for every row that nodes share, and a purge takes out those that have ended', async () => {
    const { store, stores: shared } = await stores();
    for (const [name, seconds] of Object.entries({ short: 30, long: 600 })) {
      const expires = new Date(Date.now() + seconds * 1000);
      await shared.oneTime.claim(`${name} claim`, 'owner', seconds);
      await shared.oneTime.put(`${name} value`, 'value', seconds);
      await shared.counters.increment(name, seconds);
      await shared.index.add(name, 'key', expires.getTime(), 10);
      await new Promise((done) => store.set(name, { cookie: { expires } }, done));
    }
    expect(await purge(database())).toBe(0);
    await sleep(60);
    expect(await purge(database())).toBe(5);
    const left = Object.entries(ends).map(async ([table, end]) => {
      const within = `${end} between now() and now() + interval '600 seconds'`;
      const { rows } = await database().query<{ row: string; within: boolean }>(
        `select ${table}::text as row, ${within} as within from ${table}`,
      );
      return rows.map((each) => [each.within, each.row.includes('long')]);
    });
    expect((await Promise.all(left)).flat()).toEqual(Array(5).fill([true, true]));
  });
}
