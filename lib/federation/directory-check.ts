import { BoundedMap } from '../defence/bounded-map.js';
import type { LdapIdentityProvider } from '../repositories/index.js';
import type { LdapClient } from './ldap-client.js';

/** Whether a directory knows a user, by an answer that is not older than its record allows. */
export type DirectoryCheck = (idp: LdapIdentityProvider, subject: string) => Promise<boolean>;

/** Users whose last check is kept. */
const cacheLimit = 10_000;

/**
 * Makes the check of users who came through a directory whose record says for how long its word is good. Requests that come
 * together ask once. A directory that cannot be asked is a failure, and neither a yes nor the end of a session.
 */
export function directoryCheck(client: Pick<LdapClient, 'knows'>, clock: () => number): DirectoryCheck {
  const asked = new BoundedMap<{ at: number; isKnown: Promise<boolean> }>(cacheLimit);
  return async (idp, subject) => {
    const { validFor, id, accountId, urls, base, requiredGroup, subjectAttribute } = idp;
    if (validFor === undefined) return true;
    const key = JSON.stringify([id, accountId, urls, base, requiredGroup, subjectAttribute, subject]);
    const last = asked.get(key);
    const age = last === undefined ? -1 : clock() - last.at;
    if (last !== undefined && age >= 0 && age < validFor * 1000) return last.isKnown;
    const entry = { at: clock(), isKnown: client.knows(idp, subject) };
    asked.set(key, entry);
    // A yes is kept. A no is for those who asked together, since somebody may be back; a failure is no answer at all.
    const forget = () => {
      if (asked.get(key) === entry) asked.delete(key);
    };
    entry.isKnown.then((isKnown) => isKnown || forget(), forget);
    return entry.isKnown;
  };
}
