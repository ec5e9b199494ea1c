import type { FailureLimit } from '../defence/failure-window.js';
import type { ThrottleLimits } from '../defence/throttle.js';
import type { PassportControlOptions, RateOptions } from './public.js';

/** When an e-mail address is locked; `null`: never. */
export function lockoutOf(lockout: PassportControlOptions['lockout'] = {}): FailureLimit | null {
  if (lockout === false) return null;
  return { ...limitOf(lockout, 10, 900), closedFor: lockout.duration ?? 900 };
}

/** When clients are slowed down; `null`: never. */
export function throttleOf(throttle: PassportControlOptions['throttle'] = {}): ThrottleLimits | null {
  if (throttle === false) return null;
  const { perAddress, perApp, discoveries, overall } = throttle;
  const window = overall?.window ?? 60;
  return {
    perAddress: limitOf(perAddress, 100, 900),
    perApp: limitOf(perApp, 20, 300),
    discoveries: { limit: discoveries?.requests ?? 120, window: discoveries?.window ?? 60 },
    overall: {
      failures: { limit: overall?.failures ?? 10_000, window },
      discoveries: { limit: overall?.discoveries ?? 60_000, window },
    },
  };
}

function limitOf({ failures, window }: RateOptions = {}, limit: number, seconds: number): FailureLimit {
  return { limit: failures ?? limit, window: window ?? seconds };
}
