import { BoundedMap } from '../defence/bounded-map.js';
import type { LdapIdentityProvider } from '../repositories/index.js';
import type { LdapClient } from './ldap-client.js';

/** Whether a directory still knows a user whom it knew at a time, in milliseconds since the epoch. */
export type DirectoryCheck = (
  idp: LdapIdentityProvider,
  subject: string,
  knownAt: number,
) => Promise<boolean>;

/** Users whose last check is kept. */
const cacheLimit = 10_000;

/**
 * Makes the check of users who came through a directory whose record says for how long its word is good. Requests that come
 * together ask once. A directory that cannot be asked is a failure, and neither a yes nor the end of a session.
 */
export function directoryCheck(client: Pick<LdapClient, 'knows'>, clock: () => number): DirectoryCheck {
  const asked = new BoundedMap<{ at: number; isKnown: Promise<boolean> }>(cacheLimit);
  return async (idp, subject, knownAt) => {
    const { validFor } = idp;
    if (validFor === undefined) return true;
    const isFresh = (at: number) => clock() >= at && clock() < at + validFor * 1000;
    if (isFresh(knownAt)) return true;
    const key = JSON.stringify([idp, subject]);
    const last = asked.get(key);
    if (last !== undefined && isFresh(last.at)) return last.isKnown;
    const entry = { at: clock(), isKnown: client.knows(idp, subject) };
    asked.set(key, entry);
    // What could not be asked is asked again by the next request.
    entry.isKnown.catch(() => asked.set(key, { ...entry, at: Number.NEGATIVE_INFINITY }));
    return entry.isKnown;
  };
}
