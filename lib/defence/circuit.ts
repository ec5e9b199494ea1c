/**
 * Keeps callers from waiting, one after the other, for a dependency that answers nothing at all; see {@link circuit}.
 */
export interface Circuit {
  /** Whether the dependency may be asked now. While it is silent, one caller now and then finds out whether it still is. */
  admits(): boolean;
  /** It has answered something, in time or late. */
  answered(): void;
  /** A call that began then was not answered in time, or has failed only after so long that somebody else has waited in vain. */
  silent(since: number): void;
}

/**
 * Makes a circuit breaker. It opens when two calls that did not begin together were met by silence, and
 * nothing was answered since the first of them began: what one request lost on its way, or one slow query among good
 * ones, is no silence. It closes with the first answer, a late one too.
 *
 * @param deadline milliseconds that one call may take
 * @param now milliseconds on a clock that never goes back
 */
export function circuit(deadline: number, now: () => number = () => performance.now()): Circuit {
  /** Between two who find out. Long enough that the rest of a request is refused with its first call, short enough for the rest. */
  const pause = deadline / 10;
  let heardAt = Number.NEGATIVE_INFINITY;
  /** When the first call began that nothing was answered to since; `null` after an answer. */
  let silentSince: number | null = null;
  let isOpen = false;
  let askAgainAt = 0;
  return {
    admits() {
      if (!isOpen) return true;
      if (now() < askAgainAt) return false;
      askAgainAt = now() + pause;
      return true;
    },
    answered() {
      heardAt = now();
      silentSince = null;
      isOpen = false;
    },
    silent(since) {
      if (heardAt >= since) return;
      silentSince ??= since;
      isOpen ||= since >= silentSince + pause;
      askAgainAt = now() + pause;
    },
  };
}
