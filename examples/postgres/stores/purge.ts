import type { Database } from '../database.js';

// A purge waits for nobody: a row that is being written is left for the next one. So it stands in nobody's way for long, and
// two nodes may purge at once.
const batch = 'limit 1000 for update skip locked';
const statements = [
  `delete from one_time where key = any (array(
     select key from one_time where ends_at <= now() ${batch}))`,
  `delete from counters where key = any (array(
     select key from counters where ends_at <= now() ${batch}))`,
  `delete from session where sid = any (array(
     select sid from session where expire < now() ${batch}))`,
  `with ended as materialized (
     select entity, key from session_index where ends_at <= now() ${batch})
   delete from session_index using ended
   where session_index.entity = ended.entity and session_index.key = ended.key`,
];

/** Takes out the rows that have ended, and answers how many they were. */
export async function purge(database: Database): Promise<number> {
  let taken = 0;
  for (const statement of statements) {
    for (let last = 1; last > 0; taken += last) last = (await database.query(statement)).rowCount;
  }
  return taken;
}

/** Purges every so many seconds, until it is told to stop. */
export function purgeEvery(
  seconds: number,
  database: Database,
  onError: (error: unknown) => void,
): () => void {
  let busy = false;
  const timer = setInterval(async () => {
    if (busy) return;
    busy = true;
    await purge(database).catch(onError);
    busy = false;
  }, seconds * 1000);
  timer.unref();
  return () => clearInterval(timer);
}
