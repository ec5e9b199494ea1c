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
 * full, the next sign-in is refused (503). Rows are copied in and out, so nobody shares an object with it.
 */
export function memorySessionStore({
  maxSessions = 1_000_000,
  clock = Date.now,
}: MemorySessionStoreOptions = {}): SessionStore {
  const rows = new ExpiringMap<unknown>(clock, maxSessions);
  return {
    get(sid, callback) {
      const row = rows.get(sid);
      if (row === undefined) callback();
      else callback(null, copyOf(row));
    },
    set(sid, session, callback) {
      try {
        // When it ends is kept beside it, so the cookie that says so is not.
        rows.set(sid, JSON.parse(JSON.stringify({ ...session, cookie: undefined })), expiryOf(session));
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

/** A copy of what JSON can say. */
function copyOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyOf);
  const copy: Record<string, unknown> = { ...value };
  for (const name in copy) if (typeof copy[name] === 'object') copy[name] = copyOf(copy[name]);
  return copy;
}

function expiryOf(session: { cookie?: { expires?: Date | string | null } }): number {
  const expires = session.cookie?.expires;
  return expires ? new Date(expires).getTime() : Number.POSITIVE_INFINITY;
}
