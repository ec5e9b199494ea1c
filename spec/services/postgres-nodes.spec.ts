import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Database } from '../../examples/postgres/database.js';
import { poolDatabase } from '../../examples/postgres/pool.js';
import { sqlRepositories } from '../../examples/postgres/repositories.js';
import { sqlStores } from '../../examples/postgres/stores/index.js';
import { purge } from '../../examples/postgres/stores/purge.js';
import type { Awaitable } from '../../lib/awaitable.js';
import { accountRecord, deviceRecord, idpRecord, userRecord } from '../../lib/testing/index.js';
import { type PostgresServer, postgresServer } from '../support/postgres.js';
import { migrate, patient } from '../support/postgres-contracts.js';
import { emptied, insertAccounts, insertIdentityProviders, insertUsers } from '../support/postgres-rows.js';

const users = Array.from({ length: 20 }, (_, n) => userRecord(n));
const alice = userRecord(1).id;
const idpId = idpRecord(1).id;

let server: PostgresServer;
let databases: readonly Database[] = [];
let nodes: readonly ReturnType<typeof node>[] = [];

function node(database: Database) {
  return { ...sqlRepositories(database), ...sqlStores(database).stores };
}

beforeAll(async () => {
  server = await postgresServer();
  databases = [0, 1].map(() => poolDatabase({ connectionString: server.url, ...patient }, () => {}));
  nodes = databases.map(node);
  // Both nodes make the tables when they start.
  await Promise.all(databases.map(migrate));
}, 60_000);
afterAll(async () => {
  await Promise.all(databases.map((database) => database.close()));
  await server?.stop();
});
beforeEach(async () => {
  for (const database of databases.slice(0, 1)) {
    await emptied(database);
    await insertAccounts(database, [accountRecord(1)]);
    await insertUsers(database, users);
    await insertIdentityProviders(database, [idpRecord(1)]);
  }
});

type Node = ReturnType<typeof node>;

/** Runs the same thing on both nodes in turn, all at once, and answers what came of each. */
function onBoth<T>(times: number, work: (node: Node, n: number) => Awaitable<T>): Promise<T[]> {
  return Promise.all(
    Array.from({ length: times }, (_, n) => {
      const chosen = nodes[n % 2];
      if (chosen === undefined) throw new Error('there are no nodes');
      return work(chosen, n);
    }),
  );
}
const rounds = Array.from({ length: 10 }, (_, round) => round);

const contests: Record<string, (node: Node, round: number, n: number) => Awaitable<boolean>> = {
  'claims of a key': ({ oneTime }, round, n) => oneTime.claim(`key ${round}`, `owner ${n}`, 60),
  'claims of a key whose time is over': ({ oneTime }, round, n) =>
    oneTime.claim(`ended ${round}`, `owner ${n}`, 60),
  'uses of a recovery code': ({ devices }, round) => devices.consumeRecoveryCode(alice, `code ${round}`),
  'uses of a counter': ({ devices }, round, n) =>
    devices.recordUse(alice, deviceRecord(1).credentialId, {
      ...{ from: round, to: round + 1, backedUp: false, at: n },
    }),
  'additions of a credential id': ({ devices }, round, n) =>
    devices.add(users[n]?.id ?? alice, deviceRecord(100 + round, { name: `key ${round} ${n}` })),
  'additions of a name': ({ devices }, round, n) =>
    devices.add(alice, deviceRecord(1000 + round * 100 + n, { name: `name ${round}` })),
  'links of a subject': (each, round, n) =>
    each.users.linkFederatedIdentity(users[n]?.id ?? alice, { idpId, subject: `subject ${round}` }),
};

describe('two nodes on one PostgreSQL', () => {
  it.each(Object.entries(contests))('let exactly one of twenty %s win', async (name, attempt) => {
    const [one] = nodes;
    await one?.devices.add(alice, deviceRecord(1));
    await one?.devices.replaceRecoveryCodes(
      alice,
      rounds.map((round) => `code ${round}`),
    );
    for (const round of rounds) await one?.oneTime.put(`ended ${round}`, 'before', 0);
    for (const round of rounds) {
      if (name === 'links of a subject') await databases[0]?.script('truncate user_identities');
      const won = await onBoth(20, (each, n) => attempt(each, round, n));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(won.filter((each) => typeof each !== 'boolean')).toEqual([]);
    }
  });

  it('answer the same link with yes, and the same identity with one user', async () => {
    for (const round of rounds) {
      const identity = { idpId, subject: `subject ${round}` };
      const linked = await onBoth(20, ({ users: { linkFederatedIdentity } }) =>
        linkFederatedIdentity(users[round]?.id ?? alice, identity),
      );
      expect(linked).toEqual(Array(20).fill(true));

      const fresh = { idpId, subject: `new ${round}`, accountId: accountRecord(1).id, attributes: {} };
      const made = await onBoth(20, ({ users: { provision } }, n) =>
        provision({ ...fresh, email: `new${round}-${n % 3}@example.com` }),
      );
      expect(new Set(made.map((user) => user?.id)).size).toBe(1);
      expect(made[0]?.accountIds).toEqual([accountRecord(1).id]);
    }
    const left = await databases[0]?.query(`select from users where email like 'new%'`);
    expect(left?.rowCount).toBe(rounds.length);
  });

  it('leave the recovery codes of one replacement', async () => {
    for (const round of rounds) {
      await onBoth(10, ({ devices }, n) => devices.replaceRecoveryCodes(alice, [`${round} ${n}`, `${n}`]));
      expect(await nodes[1]?.devices.countRecoveryCodes(alice)).toBe(2);
    }
  });

  it('count together, and lose nothing', async () => {
    const counts = await onBoth(100, ({ counters }) => counters.increment('key', 60));
    expect(counts.map(({ count }) => count).sort((one, other) => one - other)).toEqual(
      Array.from({ length: 100 }, (_, n) => n + 1),
    );
    await onBoth(99, ({ counters }) => counters.decrement('key'));
    expect((await nodes[1]?.counters.get('key'))?.count).toBe(1);
    await onBoth(5, ({ counters }) => counters.decrement('key'));
    expect((await nodes[0]?.counters.increment('key', 60))?.count).toBe(1);
  });

  it('keep to the limit of sessions, and tell each that was taken out once', async () => {
    for (const round of rounds) {
      const entity = `user:${round}`;
      const added = await onBoth(20, ({ index }, n) => index.add(entity, `${n}`, Date.now() + 60_000 + n, 5));
      const left = (await nodes[0]?.index.list(entity)) ?? [];
      expect(left).toHaveLength(5);
      expect([...added.flat(), ...left].map(Number).sort((one, other) => one - other)).toEqual(
        Array.from({ length: 20 }, (_, n) => n),
      );
    }
  });

  it('give what makes tables more time than what a request waits for', async () => {
    const waits = { ...patient, statement_timeout: 150 };
    const hurried = poolDatabase({ connectionString: server.url, ...waits }, () => {});
    try {
      await hurried.script('select pg_sleep(0.3); select pg_sleep(0.3)');
      await expect(hurried.query('select pg_sleep(0.3)')).rejects.toMatchObject({ code: '57014' });
    } finally {
      await hurried.close();
    }
  });

  it('purge at once, take each row out once, and take no claim that was made anew', async () => {
    await databases[0]?.query(
      `insert into one_time select n::text, 'ended', now() - interval '1 second' from generate_series(1, 5000) as n`,
    );
    const claims = onBoth(200, ({ oneTime }, n) => oneTime.claim(`${n + 1}`, 'anew', 60));
    const taken = await Promise.all(databases.map(purge));
    const won = await claims;
    expect(won).toEqual(Array(200).fill(true));
    const left = await databases[0]?.query<{ value: string }>('select value from one_time');
    expect(left?.rows.map(({ value }) => value)).toEqual(Array(200).fill('anew'));
    expect(taken.reduce((one, other) => one + other)).toBeGreaterThanOrEqual(4800);
    expect(taken.reduce((one, other) => one + other)).toBeLessThanOrEqual(5000);
  });
});
