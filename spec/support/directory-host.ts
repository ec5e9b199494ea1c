import type { LdapIdentityProvider } from '../../lib/index.js';
import { type TestApp, type TestAppOptions, testApp } from './app.js';
import { auth } from './federation.js';
import { acme } from './people.js';

/** A directory of acme that is authoritative for example.com; it is told where it is and how it is asked. */
export function directoryRecord(
  given: Partial<LdapIdentityProvider> & Pick<LdapIdentityProvider, 'urls' | 'base' | 'dnResolution'>,
): LdapIdentityProvider {
  return {
    ...{ id: 'ldap', accountId: acme, kind: 'ldap', name: 'Directory', iconUrl: '', enabled: true },
    ...{ domains: ['example.com'], authoritative: true, secondFactor: 'trust' },
    ...given,
  };
}

/** An app whose people are in such a directory, by the clock of the machine. */
export async function directoryHost(
  record: LdapIdentityProvider,
  options: TestAppOptions = {},
): Promise<TestApp> {
  const time = options.testClock === undefined ? { clock: Date.now } : {};
  const app = await testApp({ secondFactor: false, ...time, ...options });
  app.repositories.identityProviders.table.set(record.id, record);
  return app;
}

/** Signs somebody in by that directory. */
export function signInByDirectory(
  { post }: Pick<TestApp, 'post'>,
  email: string,
  password: string,
  more: object = {},
) {
  return post(auth, { method: 'ldap-basic-auth', idp_id: 'bGRhcA==', email, password, ...more });
}

/** Until the listener of events was told what has happened. */
export const told = () => new Promise((resolve) => setTimeout(resolve, 20));

/** Why sign-ins have failed until now. */
export async function reasonsOf({ events }: TestApp): Promise<string[]> {
  await told();
  return events.flatMap((each) => (each.type === 'sign_in_failed' ? [each.reason] : []));
}
