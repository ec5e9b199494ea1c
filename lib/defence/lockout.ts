import { AuthError } from '../errors.js';
import type { Audit, Client } from './audit.js';
import type { CaptchaCheck } from './captcha.js';
import type { CounterStore } from './counters.js';
import { type Attempt, type Closed, type FailureLimit, FailureWindow, unlimited } from './failure-window.js';

/** Locks e-mail addresses after too many failures, in whatever way they were guessed at; see {@link emailLock}. */
export interface EmailLock {
  /**
   * Takes a place for one guess at a canonical address. While it is locked, a captcha that is good takes one in a window of
   * its own, and a guess that is right there opens the lock.
   *
   * @throws AuthError `locked`, for known and unknown addresses alike; `too_many_requests`, and as the captcha does
   */
  reserve(email: string, client: Client, captcha?: string | null): Promise<Attempt>;
  /** Forgets the failures at a canonical address; one that is locked stays so. */
  settle(email: string): Promise<void>;
}

/** What the lock is made from. */
export interface EmailLockDependencies {
  counters: CounterStore;
  /** `null`: nothing locks. */
  limits: FailureLimit | null;
  /** `null`: no captcha opens a lock. */
  captcha: CaptchaCheck | null;
  /** A keyed hash of a canonical address, under which it is kept and told. */
  identify: (email: string) => string;
  audit: Audit;
}

/**
 * Makes the lock of e-mail addresses. It is asked before the password is looked at, and it does not know whether
 * the address belongs to anybody. While its counters are down nobody signs in with a password: AuthError
 * `unavailable`.
 */
export function emailLock({ counters, limits, captcha, identify, audit }: EmailLockDependencies): EmailLock {
  if (limits === null) return { reserve: async () => unlimited, settle: async () => {} };
  const failures = new FailureWindow(counters, 'email', limits);
  const afterCaptcha = new FailureWindow(counters, 'captcha', limits);

  const refuse = ({ closed, retryAfter }: Closed): never => {
    if (closed === 'failures') throw new AuthError('locked');
    throw new AuthError('too_many_requests', { retryAfter });
  };
  /** The failure of an attempt, which is told of where it was the last that is allowed. */
  const toldOf = (attempt: Attempt, identifier: string, client: Client, what: 'guesses' | 'captcha') => ({
    async failed() {
      const reached = await attempt.failed();
      if (reached) audit({ type: 'locked', what, identifier, ...client });
      return reached;
    },
  });
  const isSolved = async (identifier: string, response: string | null | undefined, client: Client) => {
    if (captcha === null || !response) return false;
    const refusal = await captcha(response, client.address);
    if (refusal !== null) audit({ type: 'captcha_refused', reason: refusal, identifier, ...client });
    return refusal === null;
  };
  /** A place for a guess at a locked address: the right password opens it. */
  const placeToOpen = async (identifier: string, client: Client): Promise<Attempt> => {
    const attempt = await afterCaptcha.reserve(identifier);
    if ('closed' in attempt) return refuse(attempt);
    const open = async () => {
      await Promise.all([failures.open(identifier), afterCaptcha.clear(identifier)]);
      audit({ type: 'unlocked', identifier, ...client });
    };
    return { ...attempt, ...toldOf(attempt, identifier, client, 'captcha'), proven: open, cleared: open };
  };

  return {
    async settle(email) {
      const identifier = identify(email);
      await Promise.all([failures.clear(identifier), afterCaptcha.clear(identifier)]);
    },
    async reserve(email, client, response) {
      const identifier = identify(email);
      // Looked at first, so that who is locked out takes no place that would have to be given back.
      const attempt = (await failures.closed(identifier)) ?? (await failures.reserve(identifier));
      if (!('closed' in attempt)) return { ...attempt, ...toldOf(attempt, identifier, client, 'guesses') };
      const isOpened = attempt.closed === 'failures' && (await isSolved(identifier, response, client));
      return isOpened ? placeToOpen(identifier, client) : refuse(attempt);
    },
  };
}
