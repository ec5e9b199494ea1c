import type { Audit, Client, FactorAttempt, FactorFailure } from '../defence/audit.js';
import type { CounterStore } from '../defence/counters.js';
import { type Attempt, type FailureLimit, FailureWindow, unlimited } from '../defence/failure-window.js';
import { AuthError } from '../errors.js';
import type { StoredSession } from '../sessions/session-types.js';
import type { Sessions } from '../sessions/sessions.js';

/** How an attempt to pay the second factor ended. */
export type FactorOutcome<T> =
  | { kind: 'completed'; result: T }
  /** The factor was not good: a failure, and it counts. */
  | { kind: 'refused'; reason: FactorFailure }
  /** The factor was good, and somebody was faster; or it answers what nobody asks any more: no failure. */
  | { kind: 'raced'; reason?: FactorFailure };

/** Which factor is tried, for what, and from where. */
export interface Trial extends Pick<FactorAttempt, 'factor' | 'purpose'> {
  client: Client;
}

/** Limits the attempts at second factors; see {@link factorAttempts}. */
export interface FactorAttempts {
  /**
   * Runs one attempt in a session.
   *
   * @throws AuthError `locked`, `invalid_session`, `too_many_requests`, and `invalid_credentials` for what was refused
   */
  at<T>(session: StoredSession, trial: Trial, work: () => Promise<FactorOutcome<T>>): Promise<T>;
}

/** What limiting attempts is made from. */
export interface AttemptDependencies {
  counters: CounterStore;
  sessions: Sessions;
  /** Failures of one user, in all sessions and by all factors; `null`: any number. */
  perUser: FailureLimit | null;
  /** Seconds for which a session may be pending. */
  pendingTimeout: number;
  audit: Audit;
}

/** With the fifth failure a pending session ends. */
const failuresPerSession = 5;

/**
 * Makes the limits of second factors: failures are counted for each pending session, which ends with the fifth, and for
 * each user over all sessions and factors. A first factor that was good resets neither; a completed sign-in does.
 */
export function factorAttempts({
  counters,
  sessions,
  perUser,
  pendingTimeout,
  audit,
}: AttemptDependencies): FactorAttempts {
  const ofUser = perUser === null ? null : new FailureWindow(counters, 'factor', perUser);
  const ofSession = new FailureWindow(counters, 'pending', {
    limit: failuresPerSession,
    window: pendingTimeout,
  });

  const placeOf = async (window: FailureWindow, key: string, closed: 'locked' | 'invalid_session') => {
    const place = await window.reserve(key);
    if (!('closed' in place)) return place;
    if (place.closed === 'failures') throw new AuthError(closed);
    throw new AuthError('too_many_requests', { retryAfter: place.retryAfter });
  };
  const places = async ({ key, record }: StoredSession) => {
    const user = ofUser === null ? unlimited : await placeOf(ofUser, record.entityId, 'locked');
    if (record.state !== 'pending') return { user, session: unlimited };
    try {
      return { user, session: await placeOf(ofSession, key, 'invalid_session') };
    } catch (error) {
      await user.forgiven().catch(() => {});
      throw error;
    }
  };

  return {
    async at(session, trial, work) {
      const { key, record } = session;
      const { entityId } = record;
      const { client, ...tried } = trial;
      const told = { session: key, entityId, ...tried, ...client };
      const place = await places(session).catch((error: unknown) => {
        if (error instanceof AuthError && error.code === 'locked')
          audit({ type: 'second_factor_failed', reason: 'locked', ...told });
        throw error;
      });
      const settle = (how: (attempt: Attempt) => Promise<unknown>) =>
        // A place that cannot be settled stays taken until its window ends, which is the safe side.
        Promise.all([place.user, place.session].map((each) => how(each).catch(() => false)));
      const outcome = await work().catch(async (error: unknown) => {
        await settle((each) => each.forgiven());
        throw error;
      });
      if (outcome.kind === 'completed') {
        // What failed before is forgotten by a sign-in that is completed, and by nothing else.
        await settle((each) => (record.state === 'pending' ? each.cleared() : each.forgiven()));
        audit({ type: 'second_factor_completed', ...told });
        return outcome.result;
      }
      const reason = outcome.reason ?? 'raced';
      audit({ type: 'second_factor_failed', reason, ...told });
      if (outcome.kind === 'raced') {
        await settle((each) => each.forgiven());
      } else {
        const [userLocked, sessionOver] = await settle((each) => each.failed());
        if (userLocked) audit({ type: 'second_factor_locked', entityId, ...client });
        if (sessionOver) await sessions.end(session, 'second_factor_failed');
      }
      throw new AuthError('invalid_credentials');
    },
  };
}
