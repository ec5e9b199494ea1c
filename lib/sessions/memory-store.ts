import type { SessionStore } from './rows.js';

/** Settings of {@link memorySessionStore}. */
export interface MemorySessionStoreOptions {
  /** Sessions that are kept at most. @default 1_000_000 */
  maxSessions?: number;
  /** Milliseconds since the epoch, as the `cookie.expires` of a row has it. @default Date.now */
  clock?: () => number;
}

/**
 * A session store for one process. It drops sessions that have expired and never evicts a live one: when it is
 * full, the next sign-in is refused (503). Rows are kept as text, so nobody shares an object with it.
 */
export function memorySessionStore({
  maxSessions = 1_000_000,
  clock = Date.now,
}: MemorySessionStoreOptions = {}): SessionStore {
  const rows = new Map<string, { text: string; expiresAt: number }>();
  let sweepAt = 1024;
  /** Each time the number of rows has doubled, and whenever it is full, the expired ones are dropped. */
  const sweep = () => {
    if (rows.size < Math.min(sweepAt, maxSessions)) return;
    const now = clock();
    for (const [sid, row] of rows) if (row.expiresAt <= now) rows.delete(sid);
    sweepAt = Math.max(1024, rows.size * 2);
  };

  return {
    get(sid, callback) {
      const row = rows.get(sid);
      if (row === undefined) return callback();
      if (row.expiresAt <= clock()) {
        rows.delete(sid);
        return callback();
      }
      callback(null, JSON.parse(row.text));
    },
    set(sid, session, callback) {
      if (!rows.has(sid)) sweep();
      if (!rows.has(sid) && rows.size >= maxSessions)
        return callback?.(new Error('the session store is full'));
      rows.set(sid, {
        text: JSON.stringify(session),
        expiresAt: expiryOf(session),
      });
      callback?.();
    },
    destroy(sid, callback) {
      rows.delete(sid);
      callback?.();
    },
  };
}

function expiryOf(session: { cookie?: { expires?: Date | string | null } }): number {
  const expires = session.cookie?.expires;
  return expires ? new Date(expires).getTime() : Number.POSITIVE_INFINITY;
}
