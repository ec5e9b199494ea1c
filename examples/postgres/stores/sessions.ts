import connectPgSimple from 'connect-pg-simple';
import session from 'express-session';
import type { SessionStore } from 'passport-control';
import type { Pool } from 'pg';
import type { Database } from '../database.js';

const PgStore = connectPgSimple(session);

/** The rows of sessions, by connect-pg-simple. It ends them by whole seconds, rounded up; passport-control by the record. */
export function sessionStore(database: Database): SessionStore {
  // Of a pool it asks for `query` alone.
  const pool = { query: (text: string, values: unknown[]) => database.query(text, values) };
  return new PgStore({
    pool: pool as unknown as Pool,
    // Ended rows are taken out by purge.ts, with those of the other tables; its own timer would tell errors to the console.
    pruneSessionInterval: false,
  });
}
