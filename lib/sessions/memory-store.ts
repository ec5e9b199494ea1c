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
        const { cookie, ...row } = session;
        rows.set(sid, copyOf(row), expiryOf(cookie));
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

/** A copy, as JSON would have it. */
function copyOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('toJSON' in value && typeof value.toJSON === 'function') return value.toJSON();
  if (Array.isArray(value)) return value.map(copyOf);
  const copy: Record<string, unknown> = { ...value };
  for (const name in copy) if (typeof copy[name] === 'object') copy[name] = copyOf(copy[name]);
  return copy;
}

function expiryOf(cookie: { expires?: Date | string | null } | undefined): number {
  const expires = cookie?.expires;
  return expires ? new Date(expires).getTime() : Number.POSITIVE_INFINITY;
}
