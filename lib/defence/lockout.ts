import { AuthError } from '../errors.js';
import type { Audit } from './audit.js';
import type { CounterStore } from './counters.js';
import { type Attempt, type FailureLimit, FailureWindow, unlimited } from './failure-window.js';

/** Locks e-mail addresses after too many failures, in whatever way they were guessed at; see {@link emailLock}. */
export interface EmailLock {
  /**
   * Takes a place for one guess at a canonical address.
   *
   * @throws AuthError `locked`, for known and unknown addresses alike
   */
  reserve(email: string, address: string): Promise<Attempt>;
  /** Forgets the failures at a canonical address; one that is locked stays so. */
  settle(email: string): Promise<void>;
}

/**
 * Makes the lock of e-mail addresses. It is asked before the password is looked at, and it does not know whether
 * the address belongs to anybody. While its counters are down nobody signs in with a password: AuthError
 * `unavailable`. Without limits nothing locks. Addresses are kept and told as `identify(email)`, a keyed hash.
 */
export function emailLock(
  counters: CounterStore,
  limits: FailureLimit | null,
  identify: (email: string) => string,
  audit: Audit,
): EmailLock {
  if (limits === null) return { reserve: async () => unlimited, settle: async () => {} };
  const failures = new FailureWindow(counters, 'email', limits);
  return {
    settle: (email) => failures.clear(identify(email)),
    async reserve(email, address) {
      const identifier = identify(email);
      const attempt = await failures.reserve(identifier);
      if ('closed' in attempt) {
        if (attempt.closed === 'failures') throw new AuthError('locked');
        throw new AuthError('too_many_requests', {
          retryAfter: attempt.retryAfter,
        });
      }
      return {
        ...attempt,
        async failed() {
          const reached = await attempt.failed();
          if (reached) audit({ type: 'locked', identifier, address });
          return reached;
        },
      };
    },
  };
}
