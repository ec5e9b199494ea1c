import { PGlite } from '@electric-sql/pglite';
import type { Database } from './database.js';

/** PostgreSQL in this process, in memory: for a look, and for specs. It has one connection, so statements take turns. */
export async function embeddedDatabase(): Promise<Database> {
  const database = await PGlite.create();
  return {
    async query<Row>(text: string, values: readonly unknown[] = []) {
      const { rows, rowCount } = await database.query<Row>(text, [...values]);
      return { rows, rowCount: rowCount ?? 0 };
    },
    async script(text) {
      await database.exec(text);
    },
    close: () => database.close(),
  };
}
