import ldap from 'ldapjs';
import type { LdapIdentityProvider } from 'passport-control';
import { people } from '../people.js';
import { selfSigned } from './certificate.js';

const base = 'dc=example,dc=com';
const service = { dn: `cn=console,${base}`, password: 'the console searches by this' };

/** A directory in this process, which knows alice, bob and a service account; and its record. */
export async function startDirectory(accountId: string): Promise<LdapIdentityProvider> {
  const { privateKey, certificate } = await selfSigned('localhost');
  const server = ldap.createServer({ certificate, key: privateKey });
  const entries = [people.alice, people.bob].map(({ id, email, directoryPassword }) => ({
    dn: `uid=${email.split('@')[0]},${base}`,
    attributes: { objectClass: ['person'], entryUUID: id, mail: email },
    password: directoryPassword,
  }));

  server.bind(base, (request: Asked, response: Answer, next: Next) => {
    const bound = [...entries, service].find(({ dn }) => request.dn.equals(dn));
    if (bound?.password !== request.credentials) return next(new ldap.InvalidCredentialsError());
    response.end();
    return next();
  });
  server.search(base, (request: Asked, response: Answer, next: Next) => {
    const found = entries.filter(({ attributes }) => request.filter.matches(attributes));
    for (const { dn, attributes } of found) response.send({ dn, attributes });
    response.end();
    return next();
  });
  const url = await new Promise<string>((resolve) => {
    server.listen(0, 'localhost', () => resolve(`ldaps://localhost:${new URL(server.url).port}`));
  });

  return {
    ...{
      id: 'acme-directory',
      accountId,
      kind: 'ldap',
      name: 'Acme’s directory',
      iconUrl: '',
      enabled: true,
    },
    ...{ domains: ['example.com'], authoritative: true, secondFactor: 'trust' },
    ...{ urls: [url], tls: { ca: [certificate] }, base, serviceAccount: service },
    dnResolution: { by: 'search-by-mail' },
  };
}

/** What ldapjs hands over, as far as it is used. */
interface Asked {
  dn: { equals(dn: string): boolean };
  credentials: string;
  filter: { matches(attributes: object): boolean };
}
interface Answer {
  send(entry: object): void;
  end(): void;
}
type Next = (error?: unknown) => void;
