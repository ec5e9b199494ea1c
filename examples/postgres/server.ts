import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { passportControl } from 'passport-control';
import { embeddedDatabase } from './embedded.js';
import { poolDatabase } from './pool.js';
import { sqlRepositories } from './repositories.js';
import { seed } from './seed.js';
import { sqlStores } from './stores/index.js';
import { purgeEvery } from './stores/purge.js';

const {
  DATABASE_URL: connectionString,
  SEED,
  SECRET: secret = randomBytes(32),
  PORT: port = '3000',
} = process.env;
const hasServer =
  connectionString || ['PGHOST', 'PGPORT', 'PGDATABASE', 'PGUSER'].some((name) => process.env[name]);
const warn = (error: unknown) => console.warn(error instanceof Error ? error.message : error);

const database = hasServer
  ? poolDatabase(connectionString ? { connectionString } : {}, warn)
  : await embeddedDatabase();
await database.script(await readFile(new URL('schema.sql', import.meta.url), 'utf8'));
// Credentials that are in a README go into nobody's database unasked.
if (!hasServer || SEED) await seed(database);

const { store, stores } = sqlStores(database);
const control = passportControl({
  repositories: sqlRepositories(database),
  secret,
  relyingParty: { id: 'localhost', name: 'Postgres', origins: [`http://localhost:${port}`] },
  session: { store },
  stores,
});
const stopPurging = purgeEvery(60, database, warn);

const app = express();
app.use('/sys/v1', control.router);
app.get('/hello', control.requireSession(), (request, response) => {
  response.json({ hello: request.user?.id });
});
const server = app.listen(Number(port), 'localhost', () => {
  const where = hasServer ? 'the PostgreSQL server that the environment names' : 'PGlite, in memory';
  console.log(`The database is ${where}.`);
  if (typeof secret !== 'string') console.log('There is no SECRET: sessions are good in this process alone.');
  console.log(`listening on http://localhost:${(server.address() as AddressInfo).port}`);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, async () => {
    server.close();
    await control.close();
    stopPurging();
    await database.close();
  });
