import type { Request } from 'express';
import { AuthError } from '../errors.js';

/** Refuses unsafe requests that a browser says come from another site; see {@link sameOriginCheck}. */
export type SameOriginCheck = (request: Request) => void;

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/**
 * Makes the check for requests that use or ask for a cookie. It trusts what only browsers send and no page can
 * forge: `Origin` must be the app's own or one of `origins`, and `Sec-Fetch-Site` may speak of another site only
 * when the origin is listed. A client that sends neither is no browser and carries nobody's cookies.
 *
 * The app's own origin is the scheme of the request, by the host's `trust proxy` setting, and its Host header. The check throws AuthError
 * `cross_site_request`.
 */
export function sameOriginCheck(origins: readonly string[]): SameOriginCheck {
  const listed = new Set(origins);
  return (request) => {
    if (safeMethods.has(request.method)) return;
    const { origin, 'sec-fetch-site': site } = request.headers;
    const known = origin !== undefined && listed.has(origin);
    const own = origin === undefined || origin === `${request.protocol}://${request.headers.host}`;
    const near = site === undefined || site === 'same-origin' || site === 'none';
    if (!known && !(own && near)) throw new AuthError('cross_site_request');
  };
}
