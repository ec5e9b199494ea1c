import type { GuardedDevices } from '../defence/guarded-devices.js';
import { AuthError } from '../errors.js';
import type { User } from '../repositories/index.js';
import { endOthers } from '../sessions/ending.js';
import { isFresh, type SessionRecord } from '../sessions/record.js';
import type { StoredSession } from '../sessions/session-types.js';
import type { Sessions } from '../sessions/sessions.js';

/** Seconds for which the configuration of the second factor stays unlocked. */
const unlockedFor = 600;

/** Seconds for which a sign-in is fresh. */
const freshFor = 300;

/** Who may change the second factors of a user, and what a change entails; see {@link configuration}. */
export interface Configuration {
  /** Unlocks it for ten minutes. */
  unlock(session: StoredSession): Promise<void>;
  /**
   * Unlocks it for a user who has neither a password nor a device to show, and has signed in just now.
   *
   * @throws AuthError `malformed_request` for a user who has one of them, `fresh_sign_in_required`
   */
  unlockFresh(session: StoredSession, user: User): Promise<void>;
  /** Locks it again and drops its challenge; nothing happens when it is locked. */
  lock(session: StoredSession): Promise<void>;
  /** Whether it is open to this session: unlocked in it, or the only thing that it is good for. */
  isOpen(record: SessionRecord): boolean;
  /**
   * Whether the session still may change something: it lives, and nobody has locked its configuration meanwhile.
   *
   * @throws AuthError `invalid_session` or `configuration_locked`
   */
  check(key: string): Promise<void>;
  /**
   * Makes a change, and ends the user's other sessions: those that there are before it, so that a change which cannot end them
   * is not made, and after it those that have begun meanwhile.
   *
   * @throws AuthError as {@link check} does
   */
  change<T>(session: StoredSession, work: () => Promise<T>): Promise<T>;
}

/** What the configuration is made from. `clock` is in milliseconds since the epoch. */
export interface ConfigurationDependencies {
  sessions: Sessions;
  devices: GuardedDevices;
  clock: () => number;
  /** Whether a change ends the user's other sessions. */
  endOtherSessionsOnChange: boolean;
}

/** Makes the configuration of second factors. */
export function configuration({
  sessions,
  devices,
  clock,
  endOtherSessionsOnChange,
}: ConfigurationDependencies): Configuration {
  const isOpen = ({ state, unlockedUntil }: SessionRecord) =>
    state === 'enrolling' || (unlockedUntil !== null && clock() < unlockedUntil);
  const check = async (key: string): Promise<void> => {
    const record = await sessions.load(key);
    if (record === null) throw new AuthError('invalid_session');
    if (!isOpen(record)) throw new AuthError('configuration_locked');
  };

  const unlock = async ({ key, record }: StoredSession): Promise<void> => {
    const unlockedUntil = clock() + unlockedFor * 1000;
    await sessions
      .change(key, () => ({ unlockedUntil }))
      .catch(async (error: unknown) => {
        // It may have been written all the same, and nobody was told so.
        await sessions.change(key, () => ({ unlockedUntil: record.unlockedUntil })).catch(() => {});
        throw error;
      });
  };

  return {
    isOpen,
    check,
    unlock,
    async unlockFresh(session, { id, passwordHash }) {
      const missing = (path: string, detail = 'is required') =>
        new AuthError('malformed_request', { fields: [{ path, detail }] });
      if (passwordHash !== null) throw missing('password');
      if ((await devices.listByUser(id)).length > 0)
        throw missing('assertion', 'is required, or a recovery_code');
      if (!isFresh(session.record, freshFor, clock()))
        throw new AuthError('fresh_sign_in_required', { maxAge: freshFor });
      await unlock(session);
    },
    async lock({ key, record }) {
      if (record.unlockedUntil === null && record.challenge === null) return;
      await sessions.change(key, () => ({ unlockedUntil: null, challenge: null }));
    },
    async change(session, work) {
      await check(session.key);
      if (!endOtherSessionsOnChange) return work();
      await endOthers(sessions, session, 'second_factor_changed');
      // That took its time, in which somebody may have ended this session.
      await check(session.key);
      const done = await work();
      await endOthers(sessions, session, 'second_factor_changed').catch(() => {});
      return done;
    },
  };
}
