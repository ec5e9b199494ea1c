import { ExpiringMap } from '../defence/expiring-map.js';
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
  const rows = new ExpiringMap<string>(clock, maxSessions);
  return {
    get(sid, callback) {
      const text = rows.get(sid);
      if (text === undefined) callback();
      else callback(null, JSON.parse(text));
    },
    set(sid, session, callback) {
      try {
        rows.set(sid, JSON.stringify(session), expiryOf(session));
      } catch (error) {
        callback?.(error);
        return;
      }
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
