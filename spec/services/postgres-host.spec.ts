import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import pg from 'pg';
import type { Database } from '../../examples/postgres/database.js';
import { poolDatabase } from '../../examples/postgres/pool.js';
import { sqlRepositories } from '../../examples/postgres/repositories.js';
import { sqlStores } from '../../examples/postgres/stores/index.js';
import { passportControl } from '../../lib/index.js';
import { bearer } from '../support/app.js';
import { type Example, root, start, stopAll, until } from '../support/example.js';
import { type PostgresServer, postgresServer } from '../support/postgres.js';

const run = promisify(execFile);
const path = 'examples/postgres/server.ts';
const auth = '/sys/v1/session/auth';
const password = { method: 'password', email: 'alice@example.com', password: 'correct horse battery staple' };
const nobodys = { DATABASE_URL: '', PGHOST: '', PGPORT: '', PGDATABASE: '', PGUSER: '' };

type Running = Example & { origin: string };
let server: PostgresServer;
let examples: Running[] = [];
let lines: string[] = [];

async function started(env: Record<string, string>): Promise<Running> {
  const example = start(path, 0, { ...nobodys, ...env });
  const said = async () => /^listening on (\S+)$/m.exec(example.said())?.[1];
  const origin = await until(example, said, 100);
  return { ...example, origin };
}

beforeAll(async () => {
  server = await postgresServer();
  const shared = { DATABASE_URL: server.url, SECRET: 'a secret of more than thirty-two bytes' };
  await asked(server.url, 'create database unseeded');
  const unseeded = { ...shared, DATABASE_URL: server.url.replace(/[^/]*$/, 'unseeded') };
  const [, ...all] = await Promise.all([unseeded, {}, { ...shared, SEED: 'yes' }, shared].map(started));
  examples = all;
  const readme = await readFile(`${root}examples/postgres/README.md`, 'utf8');
  lines = readme.match(/^(?:curl|TOKEN=).*$/gm) ?? [];
}, 120_000);
afterAll(async () => {
  await stopAll();
  await server?.stop();
});

/** Asks a database over a connection of its own. */
async function asked(connectionString: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

/** Runs lines of the README in one shell, against these nodes; the answer is the status and the body of each curl -i. */
async function shell(given: readonly string[], [one, other = one]: readonly string[]): Promise<string[]> {
  const here = given
    .join('\n')
    .replaceAll('http://localhost:3000', String(one))
    .replaceAll('http://localhost:3001', String(other));
  const { stdout } = await run('sh', ['-c', here], { cwd: root });
  return stdout
    .split(/(?=HTTP\/1\.1 )/)
    .map((answer) => `${answer.slice(9, 12)} ${answer.split('\r\n\r\n')[1] ?? ''}`);
}

describe('the example', () => {
  const hello = '200 {"hello":"a11ce000-0000-4000-8000-000000000001"}';
  const robot = expect.stringMatching(/^200 .*"entity_id":"a4400000-0000-4000-8000-000000000002"/);

  it('says which database it took', () => {
    const [alone, one] = examples.map(({ said }) => said());
    expect(alone).toMatch(/^The database is PGlite, in memory\.\nThere is no SECRET: [^\n]+\nlistening/);
    expect(one).toMatch(/^The database is the PostgreSQL server that the environment names\.\nlistening/);
  });

  it('signs in on PGlite with the lines of its README', async () => {
    const origin = examples[0]?.origin ?? '';
    expect(await shell(lines.slice(0, 3), [origin])).toEqual([hello, robot]);
  });

  it('writes no credentials that everybody knows into the database of a server unasked', async () => {
    const url = server.url.replace(/[^/]*$/, 'unseeded');
    expect(await asked(url, 'select id from users union all select id from apps')).toEqual([]);
    expect(await asked(server.url, 'select email from users')).toHaveLength(1);
  });

  it('is one service on two nodes of a PostgreSQL server, with the lines of its README', async () => {
    const origins = examples.slice(1).map(({ origin }) => origin);
    const answers = await shell(lines, origins);
    expect(answers).toEqual([hello, robot, hello, '204 ', expect.stringMatching(/^401 .*"invalid_session"/)]);
    expect(lines).toHaveLength(6);
  });
});

describe('a host on PostgreSQL', () => {
  let database: Database;
  let listening: Server;
  let url: string;
  const events: string[] = [];
  const lost: Error[] = [];

  beforeAll(async () => {
    // A second for each answer, so the waits of the pool are together less.
    const waits = { connectionTimeoutMillis: 500, statement_timeout: 400, query_timeout: 480 };
    database = poolDatabase({ connectionString: server.url, ...waits }, (error) => lost.push(error));
    const { store, stores } = sqlStores(database);
    const control = passportControl({
      ...{ repositories: sqlRepositories(database), session: { store }, stores, dependencyTimeout: 1 },
      secret: 'another secret of more than thirty-two bytes',
      relyingParty: { id: 'localhost', name: 'Host', origins: ['http://localhost'] },
      onEvent: ({ type }) => events.push(type),
    });
    const host = express();
    host.use('/sys/v1', control.router);
    host.get('/me', control.requireSession(), (_request, response) => void response.json('let in'));
    await control.ready;
    listening = host.listen(0, '127.0.0.1');
    await once(listening, 'listening');
    url = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    listening?.close();
    await database?.close();
  });

  async function call(method: string, to: string, headers: Record<string, string> = {}, body?: object) {
    const answer = await fetch(to.startsWith('http') ? to : `${url}${to}`, {
      ...{ method, headers: { ...headers, ...(body && { 'Content-Type': 'application/json' }) } },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? null : JSON.parse(text) };
  }
  const signIn = (at = '') => call('POST', `${at}${auth}`, {}, password);
  const me = async (headers: Record<string, string>) => (await call('GET', '/me', headers)).status;
  /** What the nodes share: how many sessions and claims there are, and how much is counted. */
  const shared = async () =>
    (
      await database.query(`select (select count(*)::int from session) as sessions,
        (select count(*)::int from one_time) as claims, (select sum(count)::int from counters) as counted`)
    ).rows;

  async function recovered(at = ''): Promise<void> {
    for (let n = 0; n < 50; n += 1) {
      if ((await signIn(at)).status === 200) return;
      await sleep(100);
    }
    throw new Error('the node does not find its database');
  }

  it('answers 503 while the server is down, and goes on by itself with what was confirmed', async () => {
    const headers = bearer((await signIn()).body.access_token);
    expect(await me(headers)).toBe(200);
    const before = await shared();
    events.length = 0;
    await server.kill();
    const answers = await Promise.all([
      signIn(),
      call('POST', auth, {}, { ...password, password: 'wrong' }),
      call('GET', '/me', headers),
      call('POST', '/sys/v1/session/terminate', headers),
      ...examples.slice(1).map(({ origin }) => signIn(origin)),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503, 503, 503]);
    expect(events).toContain('dependency_failed');
    expect(lost.length).toBeGreaterThan(0);

    await server.start();
    expect(await shared()).toEqual(before);
    expect(await me(headers)).toBe(200);
    await Promise.all(['', ...examples.slice(1).map(({ origin }) => origin)].map(recovered));
    expect(examples.map(({ child }) => child.exitCode)).toEqual([null, null, null]);
  });

  it.each(['session', 'counters'])(
    'does nothing later that it could not do while %s was locked by somebody',
    async (table) => {
      const headers = bearer((await signIn()).body.access_token);
      const before = await shared();
      const other = poolDatabase({ connectionString: server.url, statement_timeout: 0, max: 1 }, () => {});
      await other.query('begin');
      await other.query(`lock table ${table} in access exclusive mode`);
      expect((await signIn()).status).toBe(503);
      if (table !== 'counters') expect(await me(headers)).toBe(503);
      await other.query('rollback');
      await other.close();
      // A circuit that this has opened admits the next call after a tenth of a second.
      await sleep(150);
      expect(await shared()).toEqual(before);
      expect(await me(headers)).toBe(200);
      await recovered();
    },
  );
});
