import session from 'express-session';
import { type Awaitable, allThere, whenThere } from '../awaitable.js';
import { type Dependency, fromCallback } from '../defence/dependency.js';
import type { GuardedOneTimeStore } from '../defence/guarded-stores.js';
import { endOf, readRecord, type SessionRecord } from './record.js';

/**
 * The part of express-session's `Store` that is used here, so any connect-* store fits. A row is the record with
 * the `cookie` that such stores read their time to live from.
 */
export interface SessionStore {
  get(sid: string, callback: (error?: unknown, session?: unknown) => void): void;
  // biome-ignore lint/suspicious/noExplicitAny: express-session's own type asks for a whole SessionData here
  set(sid: string, session: any, callback?: (error?: unknown) => void): void;
  destroy(sid: string, callback?: (error?: unknown) => void): void;
}

/** The rows of the session store, behind deadlines and a look at every answer. */
export interface SessionRows {
  /** The session with this key, or `null` when there is none, it was closed, or its row is older than it should be. */
  read(key: string): Awaitable<SessionRecord | null>;
  /** Writes a row and waits for the store's confirmation. `false`: the session was closed meanwhile, the row is gone. */
  write(key: string, record: SessionRecord): Promise<boolean>;
  /** Writes a changed state; from then on no row of an earlier version is believed. */
  change(key: string, record: SessionRecord): Promise<boolean>;
  /**
   * Closes a session, atomically: it is dead from here on, until its absolute end (milliseconds since the epoch) and
   * beyond. `false` when it has been closed already.
   */
  close(key: string, absoluteAt: number, by: string): Promise<boolean>;
  /** Closes a session that somebody else has closed, so that they cannot reopen it. */
  seal(key: string, absoluteAt: number, by: string): Promise<void>;
  /** Takes a close back, for the one who made it, when what should replace the session could not be saved. */
  reopen(key: string, by: string): Promise<void>;
  /** Whether somebody has closed the session. */
  isClosed(key: string): Promise<boolean>;
  /** How a close is signed by whoever starts another session in the place of this one. */
  naming(by: string, successor: string): string;
  /** The session that is started in the place of a closed one; `null` where there is none. */
  successor(key: string): Promise<string | null>;
  /** Removes the row. */
  destroy(key: string): Promise<void>;
}

/** Seconds that a tombstone outlives the session it stands for, for clocks that differ. */
const margin = 600;

/**
 * Makes the layer that reads and writes rows. An express-session store has no compare-and-set, so what must not be
 * undone by a late write stands in the one-time store beside it: a tombstone for each closed session, and the
 * version of each changed one. Row, tombstone and version are read together, and the row loses.
 */
export function sessionRows(
  store: SessionStore,
  oneTime: GuardedOneTimeStore,
  dependency: Dependency,
  clock: () => number,
): SessionRows {
  const sid = (key: string) => `passport-control:${key}`;
  const tombstone = (key: string) => `ended:{${key}}`;
  const fence = (key: string) => `version:{${key}}`;
  const lifetime = (absoluteAt: number) => Math.max(0, Math.ceil((absoluteAt - clock()) / 1000)) + margin;
  const done = () => true;

  const get = (key: string) =>
    dependency.atOnce(
      'session.store.get',
      () => fromCallback((callback) => store.get(sid(key), callback)),
      (row) => (row === undefined || row === null ? null : readRow(key, row)),
    );
  const set = (key: string, record: SessionRecord) => {
    const cookie = new session.Cookie();
    cookie.maxAge = Math.max(1000, endOf(record) - clock());
    const row = { ...record, key, cookie };
    return dependency(
      'session.store.set',
      () => fromCallback((callback) => store.set(sid(key), row, callback)),
      done,
    );
  };

  /** The session as its row, its tombstone and its version together have it; `undefined` when the row is older than its version. */
  const latestOf = (key: string) =>
    whenThere(
      allThere([get(key), oneTime.getAll([tombstone(key), fence(key)])]),
      ([record, [closed = null, latest = null]]) => {
        if (record === null || closed !== null) return null;
        return isSuperseded(record, latest) ? undefined : record;
      },
    );

  const rows: SessionRows = {
    read: (key) =>
      whenThere(latestOf(key), (record) => {
        if (record !== undefined) return record;
        // The row may have been read just before a change and its version just after it: another look tells.
        return whenThere(latestOf(key), (again) => again ?? null);
      }),
    async write(key, record) {
      await set(key, record);
      // Whoever closed the session while this was being written did not see this row.
      const open = (await oneTime.get(tombstone(key))) === null;
      if (!open) await rows.destroy(key);
      return open;
    },
    async change(key, record) {
      const open = await rows.write(key, record);
      await oneTime.put(fence(key), `${record.version} ${record.writer}`, lifetime(record.absoluteAt));
      return open;
    },
    close: (key, absoluteAt, by) => oneTime.claim(tombstone(key), by, lifetime(absoluteAt)),
    seal: (key, absoluteAt, by) => oneTime.put(tombstone(key), by, lifetime(absoluteAt)),
    reopen: (key, by) => oneTime.release(tombstone(key), by),
    isClosed: async (key) => (await oneTime.get(tombstone(key))) !== null,
    naming: (by, successor) => `${by} ${successor}`,
    async successor(key) {
      const [, successor = null] = (await oneTime.get(tombstone(key)))?.split(' ') ?? [];
      return successor;
    },
    async destroy(key) {
      await dependency(
        'session.store.destroy',
        () => fromCallback((callback) => store.destroy(sid(key), callback)),
        done,
      );
    },
  };
  return rows;
}

/** Whether a row is of an older version than the latest change, or of another write of the same version. */
function isSuperseded({ version, writer }: SessionRecord, latest: string | null): boolean {
  if (latest === null) return false;
  const [number, by] = latest.split(' ');
  return version < Number(number) || (version === Number(number) && writer !== by);
}

/** The record of a row, if it is the row of this key: a store that mixes rows up has no answer. */
function readRow(key: string, row: unknown): SessionRecord | undefined {
  const own = typeof row === 'object' && row !== null && 'key' in row && row.key === key;
  return own ? readRecord(row) : undefined;
}
