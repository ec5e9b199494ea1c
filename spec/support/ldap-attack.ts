import { type AddressInfo, createServer, type Socket } from 'node:net';
import ldap from 'ldapjs';
import type { LdapIdentityProvider } from '../../lib/index.js';
import { attack, type Target, type WireAnswer } from './attack.js';
import { auth } from './federation.js';
import { acme, alice } from './people.js';

export const base = 'dc=example,dc=com';
export const service = { dn: `cn=service,${base}`, password: 'service of the specs' };
/** The password of everybody in the directory of the specs. */
export const password = 'in the directory';

/** An entry as the directory of the specs has it. */
export interface Entry {
  dn: string;
  attributes: Record<string, string | Buffer | readonly (string | Buffer)[]>;
}

/** An answer by a result code of RFC 4511. */
export interface LdapFailure {
  code: number;
  message: string;
}

export function failure(code: number, message = 'as the spec says'): LdapFailure {
  return Object.assign(new Error(message), { code });
}

/** What the library of the double hands over, as far as it is used. */
interface Asked {
  dn: string | { toString(): string; equals(dn: string): boolean };
  credentials: string;
  scope: string;
  filter: { toString(): string; matches(attributes: object): boolean };
}
interface Answered {
  send(message: object): void;
  end(): void;
}
type Next = (error: unknown) => void;

/** What the directory does differently. */
export interface Misbehaviour {
  /** Ends the bind of a user. `undefined` leaves it to the directory. */
  bind?: (name: string) => LdapFailure | undefined;
  /** Ends a search, or answers it with these entries. */
  search?: () => LdapFailure | readonly Entry[] | undefined;
  /** What is sent along with a search: a reference to elsewhere. */
  references?: readonly string[];
}

/** A case with a directory in the process. */
export interface LdapStage extends Target {
  /** What the directory was asked to do, in its order. */
  operations: ('bind' | 'search')[];
  /** What users have bound as, and by which password. */
  binds: { name: string; password: string }[];
  /** The filters that came, as the directory reads them. */
  filters: string[];
  misbehave(how: Misbehaviour): void;
  record(change: Partial<LdapIdentityProvider>): void;
  /** How many connections came. */
  connections(): number;
  signIn(email: unknown, secret?: unknown, more?: object): Promise<WireAnswer>;
  reasons(): string[];
}

export const aliceEntry: Entry = {
  dn: `uid=alice,${base}`,
  attributes: { objectClass: 'person', entryUUID: 'alice-1', mail: alice.email },
};

/** Runs an attack with a directory that does as it is told; see `attack`. */
export function onLdap(
  change: Partial<LdapIdentityProvider>,
  drive: (stage: LdapStage) => Promise<void>,
  options: Parameters<typeof attack>[0] = {},
): Promise<void> {
  return attack({ secondFactor: false, lockout: false, ...options }, async (target) => {
    const { nodes } = target;
    const [binds, filters]: [LdapStage['binds'], string[]] = [[], []];
    const operations: LdapStage['operations'] = [];
    let [how, count]: [Misbehaviour, number] = [{}, 0];
    // A name that is no DN, as Active Directory takes it, comes as it is.
    const server = ldap.createServer({ strictDN: false } as never);
    server.bind('', (request: Asked, response: Answered, next: Next) => {
      const name = String(request.dn);
      operations.push('bind');
      if (name === ldap.parseDN(service.dn).toString()) {
        if (request.credentials === service.password) response.end();
        else next(new ldap.InvalidCredentialsError());
        return;
      }
      // What is asked where nobody was found, to ask as often.
      if (name.startsWith('cn=nobody-of')) return next(new ldap.InvalidCredentialsError());
      binds.push({ name, password: request.credentials });
      const own = how.bind?.(name);
      if (own !== undefined) return next(own);
      if (request.credentials !== password) return next(new ldap.InvalidCredentialsError());
      response.end();
    });
    server.search('', (request: Asked, response: Answered, next: Next) => {
      operations.push('search');
      filters.push(request.filter.toString());
      const own = how.search?.();
      if (own !== undefined && 'code' in own) return next(own);
      const matching = [aliceEntry].filter(({ dn, attributes }) =>
        request.scope === 'base' && typeof request.dn !== 'string'
          ? request.dn.equals(dn)
          : request.filter.matches(attributes),
      );
      for (const { dn, attributes } of own ?? matching) response.send({ dn, attributes });
      for (const uri of how.references ?? [])
        response.send(Object.assign(new SearchReference(), { uris: [uri] }));
      response.end();
    });
    server.on('error', () => {});
    Reflect.get(server, 'server').on('connection', (socket: Socket) => {
      count += 1;
      socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = Reflect.get(server, 'server').address() as AddressInfo;
    target.peer(port);
    const record: LdapStage['record'] = (changed) =>
      void nodes[0].repositories.identityProviders.table.set('ldap', ldapRecord(port, changed));
    record(change);
    target.secret(service.password);
    try {
      await drive({
        ...target,
        ...{ operations, binds, filters, record },
        misbehave: (next) => {
          how = next;
        },
        connections: () => count,
        signIn: (email, secret = password, more = {}) =>
          nodes[1].call(auth, {
            ...{ method: 'ldap-basic-auth', idp_id: 'bGRhcA==', email },
            ...{ password: secret, ...more },
          }),
        reasons: () =>
          nodes.flatMap(({ events }) =>
            events.flatMap((each) =>
              each.type === 'sign_in_failed' && each.method === 'ldap-basic-auth' ? [each.reason] : [],
            ),
          ),
      });
    } finally {
      await new Promise<void>((resolve) => server.close(() => resolve()));
    }
  });
}

const { SearchReference } = ldap as unknown as { SearchReference: new () => object };

/** A directory on this port that is searched in the clear. */
export function ldapRecord(port: number, change: Partial<LdapIdentityProvider> = {}): LdapIdentityProvider {
  return {
    ...{ id: 'ldap', accountId: acme, kind: 'ldap', name: 'Directory', iconUrl: '', enabled: true },
    ...{ domains: ['example.com'], authoritative: true, secondFactor: 'trust' },
    ...{ urls: [`ldap://127.0.0.1:${port}`], tls: { mode: 'disabled' }, base, serviceAccount: service },
    dnResolution: { by: 'search-by-mail' },
    ...change,
  };
}

/** A server that answers whatever comes first with these bytes, and what comes then with the next. */
export async function rawServer(
  answers: (socket: Socket) => void,
): Promise<{ port: number; stop(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    answers(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
