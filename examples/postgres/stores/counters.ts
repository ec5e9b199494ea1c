import type { Count, CounterStore } from 'passport-control';
import { type Database, first } from '../database.js';

const endsIn = '(extract(epoch from ends_at - now()) * 1000)::float8 as "endsIn"';

/** Counters in fixed windows. One that is down to zero is as good as none, so the next increment opens a window. */
export function counterStore(database: Database): CounterStore {
  return {
    async increment(key, window) {
      const { rows } = await database.query<Count>(
        `insert into counters as open (key, count, ends_at) values ($1, 1, now() + $2 * interval '1 second')
         on conflict (key) do update set
           count = case when open.ends_at > now() then open.count + 1 else 1 end,
           ends_at = case when open.ends_at > now() and open.count > 0 then open.ends_at else excluded.ends_at end
         returning count, ${endsIn}`,
        [key, window],
      );
      const [count] = rows;
      if (count === undefined) throw new Error('the database has counted nothing');
      return count;
    },
    async decrement(key) {
      await database.query(
        'update counters set count = count - 1 where key = $1 and count > 0 and ends_at > now()',
        [key],
      );
    },
    async get(key) {
      return first(
        await database.query<Count>(
          `select count, ${endsIn} from counters where key = $1 and count > 0 and ends_at > now()`,
          [key],
        ),
      );
    },
    async clear(key) {
      await database.query('delete from counters where key = $1', [key]);
    },
  };
}
