import type { Audit } from '../defence/audit.js';
import { PeerError, peerFailure } from '../defence/outbound.js';
import { loadOnce } from '../load-once.js';
import type { LdapIdentityProvider } from '../repositories/index.js';
import { dnOf } from './distinguished-name.js';
import { LdapDirectory, type LdapVerdict } from './ldap-directory.js';
import { subjectAttributeOf, subjectOf, subjectValueOf } from './ldap-entry.js';
import { failureOf } from './ldap-errors.js';

type Library = typeof import('ldapts');

/** Asks directories; see {@link ldapClient}. */
export interface LdapClient {
  /** Loads the library. */
  ready(): Promise<void>;
  /**
   * Binds as the user of this address, once, on one connection that is closed after it.
   *
   * @throws AuthError `bad_gateway`, `unavailable` or `gateway_timeout`
   */
  verify(idp: LdapIdentityProvider, email: string, password: string): Promise<LdapVerdict>;
  /**
   * Whether the directory still knows a user, in the group that is asked for.
   *
   * @throws AuthError `bad_gateway`, `unavailable` or `gateway_timeout`
   */
  knows(idp: LdapIdentityProvider, subject: string): Promise<boolean>;
}

/** Milliseconds for a login with all that belongs to it. */
const budget = 8000;

/** Makes the client of directories, on ldapts. */
export function ldapClient(audit: Audit): LdapClient {
  const load = loadOnce((): Promise<Library> => import('ldapts'));

  /** Does something with a directory, tells of it when it fails, and leaves no connection behind. */
  const within = async <T>(
    idp: LdapIdentityProvider,
    work: (directory: LdapDirectory, library: Library) => Promise<T>,
  ): Promise<T> => {
    const library = await load();
    const directory = new LdapDirectory(library, idp, performance.now() + budget);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new PeerError('timed_out')), budget);
    });
    try {
      return await Promise.race([late, work(directory, library)]);
    } catch (error) {
      const failure = failureOf(error);
      audit({ type: 'peer_failed', peer: directory.peer, kind: failure.kind });
      throw peerFailure(failure);
    } finally {
      clearTimeout(timer);
      directory.close();
    }
  };

  return {
    async ready() {
      await load();
    },
    verify: (idp, email, password) =>
      within(idp, async (directory, library) => {
        const { dnResolution } = idp;
        switch (dnResolution.by) {
          case 'construct': {
            const domain = email.slice(email.lastIndexOf('@') + 1);
            const { patterns } = dnResolution;
            if (!isPlain(email) || !Object.hasOwn(patterns, domain)) return { reason: 'unknown_principal' };
            const dn = dnOf(patterns[domain] ?? '', email);
            await directory.open();
            const refused = await directory.bindUser(dn, password);
            return refused ?? directory.judge(await directory.read(dn), email, null);
          }
          case 'search-by-mail': {
            await directory.openServed();
            const { mailAttribute = 'mail', objectClass } = dnResolution;
            const wanted = [
              new library.EqualityFilter({ attribute: mailAttribute, value: email }),
              ...(objectClass === undefined
                ? []
                : [new library.EqualityFilter({ attribute: 'objectClass', value: objectClass })]),
            ];
            const entry = await directory.find(wanted, mailAttribute);
            if (entry === null) return directory.actAsIfFound();
            const verdict = await directory.judge(entry, email, mailAttribute);
            // Found by a spelling that is not the entry's: guesses at it would be counted elsewhere.
            if ('reason' in verdict && verdict.reason === 'unknown_principal')
              return directory.actAsIfFound();
            const refused = await directory.bindUser(entry.dn, password);
            return refused ?? (await directory.holdsBack(entry.dn)) ?? verdict;
          }
          case 'upn': {
            if (!isPlain(email)) return { reason: 'unknown_principal' };
            await directory.open();
            const refused = await directory.bindUser(email, password);
            if (refused !== null) return refused;
            const { upnAttribute = 'userPrincipalName' } = dnResolution;
            const own = new library.EqualityFilter({ attribute: upnAttribute, value: email });
            return directory.judge(await directory.find([own], upnAttribute), email, upnAttribute);
          }
        }
      }),
    knows: (idp, subject) =>
      within(idp, async (directory, library) => {
        await directory.openServed();
        const attribute = subjectAttributeOf(idp);
        const value = subjectValueOf(attribute, subject);
        const entry = await directory.find([new library.EqualityFilter({ attribute, value })]);
        return entry !== null && subjectOf(entry, attribute) === subject && directory.isInGroup(entry.dn);
      }),
  };
}

/** A directory may take other letters for the same, and an address of them is somebody else's. */
function isPlain(email: string): boolean {
  return /^[!-~]+$/.test(email);
}
