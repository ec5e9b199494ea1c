import { AuthError } from '../errors.js';
import type { Client } from './audit.js';
import type { Attempt } from './failure-window.js';
import type { EmailLock } from './lockout.js';
import type { Throttle } from './throttle.js';

/**
 * What a credential guesses at, so that failures are counted for it: the canonical e-mail address of a user, or
 * the key of an app. `null` when it names nobody who could exist.
 */
export type Guess = EmailGuess | { app: string } | null;

/** A guess at a user, and what was given to whoever has solved a captcha beside it. */
export interface EmailGuess {
  email: string;
  captcha?: string | null | undefined;
}

/** Limits guessing: by the addresses of clients, the e-mail addresses of users, and apps. */
export interface GuessLimits {
  /**
   * Refuses a client address from which too many have failed, at this app if one is named, before any work is done.
   *
   * @throws AuthError `too_many_requests`
   */
  check(client: Client, app?: string): Promise<void>;
  /**
   * Counts a discovery, and refuses a client address that asks for too many.
   *
   * @throws AuthError `too_many_requests`
   */
  discover(client: Client): Promise<void>;
  /**
   * Runs a guess from a client address, unless what it guesses at is locked or slowed down. A refusal counts; a success
   * that is complete forgets what failed before at the same target.
   *
   * @throws AuthError `locked` or `too_many_requests`
   */
  at<T>(guess: Guess, client: Client, work: () => Promise<T>, isComplete: (result: T) => boolean): Promise<T>;
  /**
   * Counts a guess at an app that was looked at already, and was wrong.
   *
   * @throws AuthError `invalid_credentials`, or `too_many_requests`
   */
  refuse(guess: { app: string }, client: Client): Promise<never>;
  /** Forgets what failed before at a user, whose sign-in has been completed now. It never fails. */
  settle(guess: { email: string }): Promise<void>;
}

/**
 * Makes the limits of guessing from the lock and the throttle. A place is taken when the credential has been read, and
 * not before: a client that sends its body slowly takes nobody's place.
 */
export function guessLimits(lock: EmailLock, throttle: Throttle): GuessLimits {
  const placeFor = (guess: Exclude<Guess, null>, client: Client): Promise<Attempt> =>
    'email' in guess ? lock.reserve(guess.email, client, guess.captcha) : throttle.app(client, guess.app);

  /** Runs a guess in a place of its address, and in one of what it guesses at. */
  const placed = async <T>(
    guess: Exclude<Guess, null>,
    client: Client,
    work: () => Promise<T>,
    isComplete: (result: T) => boolean,
  ): Promise<T> => {
    const targeted = async () => settled(await placeFor(guess, client), work, isComplete);
    return settled(await throttle.address(client), targeted, () => false);
  };

  return {
    check: (client, app) => throttle.check(client, app),
    discover: (client) => throttle.discover(client),
    async at(guess, client, work, isComplete) {
      if (guess === null) return settled(await throttle.address(client), work, () => false);
      await throttle.guess(client);
      return placed(guess, client, work, isComplete).catch(async (error: unknown) => {
        if (isWrong(error)) await throttle.failed(client).catch(() => {});
        throw error;
      });
    },
    refuse: (guess, client) =>
      placed(
        guess,
        client,
        async () => {
          throw new AuthError('invalid_credentials');
        },
        () => false,
      ),
    settle: ({ email }) => lock.settle(email).catch(() => {}),
  };
}

/**
 * Runs the work in its place and settles the place by what came of it. A place that cannot be settled stays taken
 * until its window ends, which is the safe side, so the outcome of the work stands.
 */
async function settled<T>(
  place: Attempt,
  work: () => Promise<T>,
  isComplete: (result: T) => boolean,
): Promise<T> {
  try {
    const result = await work();
    await (isComplete(result) ? place.cleared() : place.proven()).catch(() => {});
    return result;
  } catch (error) {
    await (isRefusal(error) ? place.failed() : place.forgiven()).catch(() => {});
    throw error;
  }
}

/** A wrong credential, or one for what is locked. What is malformed, and what failed on our side, does not count. */
function isRefusal(error: unknown): boolean {
  return isWrong(error) || (error instanceof AuthError && error.code === 'locked');
}

function isWrong(error: unknown): boolean {
  return error instanceof AuthError && error.code === 'invalid_credentials';
}
