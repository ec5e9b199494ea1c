import pg from 'pg';
import type { Database } from './database.js';

/**
 * A PostgreSQL server, by a pool of connections. Without a `connectionString` it is where the PG* variables say. TLS is the
 * connection string's business: `?sslmode=verify-full`.
 *
 * A statement waits for a connection, and then for the server; the two together stay below `dependencyTimeout` (3 seconds),
 * so that a server that runs does nothing for a request that was answered already. One that was frozen does, when it goes on, what
 * it had been sent.
 */
export function poolDatabase(config: pg.PoolConfig, onError: (error: Error) => void): Database {
  const pool = new pg.Pool({
    connectionTimeoutMillis: 1000,
    // The server ends a statement that takes longer, so it is not done later; a server that says nothing is given up on.
    statement_timeout: 1500,
    query_timeout: 1800,
    keepAlive: true,
    application_name: 'passport-control',
    ...config,
  });
  // A connection that breaks while nobody uses it is told here; an 'error' without a listener would end the process.
  pool.on('error', onError);
  return {
    async query<Row>(text: string, values: readonly unknown[] = []) {
      const { rows, rowCount } = await pool.query<Row & pg.QueryResultRow>(text, [...values]);
      return { rows, rowCount: rowCount ?? 0 };
    },
    async script(text) {
      // Tables may take their time, and a node waits for another one that makes the same.
      const client = new pg.Client({ ...config, statement_timeout: 60_000, query_timeout: 60_000 });
      await client.connect();
      try {
        await client.query(text);
      } finally {
        await client.end();
      }
    },
    close: () => pool.end(),
  };
}
