import type { Request } from 'express';
import type passport from 'passport';
import { AuthError } from '../errors.js';

/** How a strategy ended when Passport ran it. */
export type Run =
  | { kind: 'success'; user: unknown; info: unknown }
  | { kind: 'fail'; info: unknown }
  | { kind: 'error'; error: unknown };

/**
 * Runs a strategy that is registered by name, as `passport.authenticate` does, and waits for its end. A redirect
 * and a pass are refusals, since this API neither redirects nor lets anybody through unproven. A strategy that
 * has not ended after `seconds` is a peer that did not answer; how it ends after that is told to `late` alone.
 *
 * @throws AuthError `gateway_timeout`
 */
export function run(
  authenticator: passport.Authenticator,
  name: string,
  request: Request,
  seconds: number,
  late: (ended: Run) => void = () => {},
): Promise<Run> {
  return new Promise((resolve, reject) => {
    let isLate = false;
    const deadline = setTimeout(() => {
      isLate = true;
      reject(new AuthError('gateway_timeout'));
    }, seconds * 1000);
    const end = (ended: Run) => {
      clearTimeout(deadline);
      if (isLate) late(ended);
      else resolve(ended);
    };
    const refused = () => end({ kind: 'fail', info: undefined });
    const callback = (error: unknown, user?: unknown, info?: unknown) => {
      if (error) end({ kind: 'error', error });
      else if (user) end({ kind: 'success', user, info });
      else end({ kind: 'fail', info });
    };
    try {
      // In place of the response stands one that only ever says "refused", so no strategy can answer by itself.
      const response = { setHeader() {}, end: refused, redirect: refused };
      authenticator.authenticate(name, { session: false }, callback)(request, response, refused);
    } catch (error) {
      end({ kind: 'error', error });
    }
  });
}
