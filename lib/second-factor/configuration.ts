import { AuthError } from '../errors.js';
import { endOthers } from '../sessions/ending.js';
import type { SessionRecord } from '../sessions/record.js';
import type { StoredSession } from '../sessions/session-types.js';
import type { Sessions } from '../sessions/sessions.js';

/** Seconds for which the configuration of the second factor stays unlocked. */
const unlockedFor = 600;

/** Who may change the second factors of a user, and what a change entails; see {@link configuration}. */
export interface Configuration {
  /** Unlocks it for ten minutes. */
  unlock(session: StoredSession): Promise<void>;
  /** Locks it again and drops its challenge; nothing happens when it is locked. */
  lock(session: StoredSession): Promise<void>;
  /** Whether it is unlocked in this session. */
  isUnlocked(record: SessionRecord): boolean;
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
  clock: () => number;
  /** Whether a change ends the user's other sessions. */
  endOtherSessionsOnChange: boolean;
}

/** Makes the configuration of second factors. */
export function configuration({
  sessions,
  clock,
  endOtherSessionsOnChange,
}: ConfigurationDependencies): Configuration {
  const isUnlocked = ({ unlockedUntil }: SessionRecord) => unlockedUntil !== null && clock() < unlockedUntil;
  const check = async (key: string): Promise<void> => {
    const record = await sessions.load(key);
    if (record === null) throw new AuthError('invalid_session');
    if (!isUnlocked(record)) throw new AuthError('configuration_locked');
  };

  return {
    isUnlocked,
    check,
    async unlock({ key }) {
      await sessions.change(key, () => ({ unlockedUntil: clock() + unlockedFor * 1000 }));
    },
    async lock({ key, record }) {
      if (record.unlockedUntil === null && record.challenge === null) return;
      await sessions.change(key, () => ({ unlockedUntil: null, challenge: null }));
    },
    async change(session, work) {
      await check(session.key);
      if (!endOtherSessionsOnChange) return work();
      await endOthers(sessions, session, 'second_factor_changed');
      const done = await work();
      await endOthers(sessions, session, 'second_factor_changed').catch(() => {});
      return done;
    },
  };
}
