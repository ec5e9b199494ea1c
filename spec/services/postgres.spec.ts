import { afterAll, beforeAll, describe } from '@jest/globals';
import type { Database } from '../../examples/postgres/database.js';
import { embeddedDatabase } from '../../examples/postgres/embedded.js';
import { poolDatabase } from '../../examples/postgres/pool.js';
import { type PostgresServer, postgresServer } from '../support/postgres.js';
import { meetContracts, migrate, patient } from '../support/postgres-contracts.js';

let server: PostgresServer;
let pooled: Database;
let embedded: Database;

beforeAll(async () => {
  [server, embedded] = await Promise.all([postgresServer(), embeddedDatabase()]);
  pooled = poolDatabase({ connectionString: server.url, ...patient }, () => {});
  await Promise.all([pooled, embedded].map(migrate));
}, 120_000);
afterAll(async () => {
  await Promise.all([pooled, embedded].map((database) => database?.close()));
  await server?.stop();
});

describe('a PostgreSQL server', () => meetContracts(() => pooled));

describe('PGlite', () => meetContracts(() => embedded));
