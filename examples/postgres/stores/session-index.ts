import type { SessionIndex } from 'passport-control';
import type { Database } from '../database.js';

/** Which sessions an entity has. What `add` does as one is the function `file_session` of schema.sql. */
export function sessionIndex(database: Database): SessionIndex {
  return {
    async add(entity, key, endsAt, limit) {
      const evicted = await database.query<{ key: string }>('select file_session($1, $2, $3, $4) as key', [
        ...[entity, key, new Date(endsAt), limit],
      ]);
      return evicted.rows.map((row) => row.key);
    },
    async remove(entity, key) {
      await database.query('delete from session_index where entity = $1 and key = $2', [entity, key]);
    },
    async list(entity) {
      const found = await database.query<{ key: string }>(
        'select key from session_index where entity = $1 and ends_at > now() order by ends_at, key',
        [entity],
      );
      return found.rows.map((row) => row.key);
    },
  };
}
