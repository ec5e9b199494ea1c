import type { OneTimeStore } from 'passport-control';
import { type Database, first } from '../database.js';

/** Claims, leases and tombstones. All nodes go by one clock, the database's. */
export function oneTimeStore(database: Database): OneTimeStore {
  return {
    async claim(key, owner, ttl) {
      // Who comes second waits for the first, and then finds a row that has not ended.
      const claimed = await database.query(
        `insert into one_time as held (key, value, ends_at) values ($1, $2, now() + $3 * interval '1 second')
         on conflict (key) do update set value = excluded.value, ends_at = excluded.ends_at
           where held.ends_at <= now()`,
        [key, owner, ttl],
      );
      return claimed.rowCount === 1;
    },
    async release(key, owner) {
      await database.query('delete from one_time where key = $1 and value = $2', [key, owner]);
    },
    async put(key, value, ttl) {
      await database.query(
        `insert into one_time (key, value, ends_at) values ($1, $2, now() + $3 * interval '1 second')
         on conflict (key) do update set value = excluded.value, ends_at = excluded.ends_at`,
        [key, value, ttl],
      );
    },
    async get(key) {
      const found = await database.query<{ value: string }>(
        'select value from one_time where key = $1 and ends_at > now()',
        [key],
      );
      return first(found)?.value ?? null;
    },
    async getAll(keys) {
      const found = await database.query<{ key: string; value: string }>(
        'select key, value from one_time where key = any($1) and ends_at > now()',
        [keys],
      );
      const values = new Map(found.rows.map(({ key, value }) => [key, value]));
      return keys.map((key) => values.get(key) ?? null);
    },
  };
}
