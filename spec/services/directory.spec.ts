import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import LdapAuthStrategy from 'passport-ldapauth';
import type { LdapIdentityProvider, User } from '../../lib/index.js';
import { bearer, type TestAppOptions } from '../support/app.js';
import { testClock } from '../support/clock.js';
import {
  directoryHost,
  directoryRecord,
  reasonsOf,
  signInByDirectory,
  told,
} from '../support/directory-host.js';
import { auth, discover } from '../support/federation.js';
import { keyAndCertificate } from '../support/keys.js';
import { acme, alice, bob, people as everybody, globex } from '../support/people.js';
import { enrolledKey } from '../support/second-factor.js';
import {
  base,
  type DirectoryPerson,
  relay,
  type Slapd,
  serviceAccount,
  slapd,
  staff,
} from '../support/slapd.js';

const password = 'alice in the directory: päss, "wörd" {SSHA}';
const people: readonly DirectoryPerson[] = [
  {
    dn: `uid=alice,ou=people,${base}`,
    uid: 'alice',
    mail: ['alice@example.com', 'al@example.com'],
    password,
  },
  { dn: `uid=bob,ou=people,${base}`, uid: 'bob', mail: 'bob@example.com', password: 'bob in the directory' },
  // Every character that a DN or a filter knows, in a name and in an address.
  {
    dn: `uid=\\#o\\,d\\+d\\"\\\\\\<\\>\\;\\=*()\\ ,ou=people,${base}`,
    uid: '#o,d+d"\\<>;=*() ',
    mail: `o'd*d&|!@example.com`,
    password: 'odd in the directory',
  },
  { dn: `cn=one,ou=people,${base}`, uid: 'one', mail: 'twice@example.com', password: 'either' },
  { dn: `cn=two,ou=people,${base}`, uid: 'two', mail: 'twice@example.com', password: 'either' },
];
type Server = Extract<ConstructorParameters<typeof LdapAuthStrategy>[0], { server: unknown }>['server'];
const [keys, otherKeys] = [keyAndCertificate('localhost'), keyAndCertificate('localhost')];

let directory: Slapd;

beforeAll(async () => {
  directory = await slapd(people, { members: [people[0]?.dn ?? ''], keys });
});

afterAll(() => directory?.stop());

/** A directory of acme, authoritative for example.com, that is searched by its service account over ldaps. */
const record = (change: Partial<LdapIdentityProvider> = {}): LdapIdentityProvider =>
  directoryRecord({
    ...{ urls: [directory.ldaps], tls: { ca: [keys.certificate] }, base, serviceAccount },
    dnResolution: { by: 'search-by-mail' },
    ...change,
  });
const construct = {
  by: 'construct',
  patterns: { 'example.com': `uid={user},ou=people,${base}` },
} as const;

const hosted = (change: Partial<LdapIdentityProvider> = {}, options: TestAppOptions = {}) =>
  directoryHost(record(change), options);
const signIn = signInByDirectory;

describe('a directory of OpenLDAP', () => {
  it.each([
    ['search-by-mail', {}],
    ['construct', { dnResolution: construct, serviceAccount: undefined }],
  ])('signs a user in who is found by %s, and nobody by another password', async (_, change) => {
    const app = await hosted(change);
    const answer = await signIn(app, 'Alice@example.com', password);
    expect([answer.status, answer.body.entity_id]).toEqual([200, alice.id]);
    const me = await app.get('/me', bearer(answer.body.access_token));
    expect(me.body.session).toMatchObject({ method: 'ldap-basic-auth', idpId: 'ldap', accountId: acme });
    for (const [email, secret] of [
      [alice.email, 'wrong'],
      [alice.email, alice.password],
      [alice.email, `${password} `],
      ['nobody@example.com', password],
      ['alice@elsewhere.example', password],
      ['*@example.com', password],
      ['a*', password],
    ] as const) {
      expect([email, (await signIn(app, email, secret)).status]).toEqual([
        email,
        email.includes('@') ? 401 : 400,
      ]);
    }
    expect(new Set(await reasonsOf(app))).toEqual(new Set(['wrong_secret', 'unknown_principal']));
  });

  it.each([
    ['search-by-mail', {}],
    ['construct', { dnResolution: construct, serviceAccount: undefined }],
  ])('signs nobody in who must change the password first, by %s', async (_, change) => {
    const app = await hosted(change);
    const dn = people[0]?.dn ?? '';
    await directory.mustChange(dn, true);
    try {
      expect((await signIn(app, alice.email, password)).status).toBe(401);
      expect((await signIn(app, alice.email, 'wrong')).status).toBe(401);
      expect((await reasonsOf(app))[1]).toBe('wrong_secret');
      expect((await reasonsOf(app))[0]).toMatch(/^(?:password_expired|refused_by_provider)$/);
    } finally {
      await directory.mustChange(dn, false);
    }
    expect((await signIn(app, alice.email, password)).status).toBe(200);
  });

  it.each(['by * auth', 'by anonymous auth by users disclose'])(
    'signs users in who may do nothing but bind, where they are found by the service account: %s',
    async (others) => {
      const own = await slapd(people, { keys, others });
      try {
        const app = await hosted({ urls: [own.ldaps] });
        expect((await signIn(app, alice.email, password)).status).toBe(200);
        expect((await signIn(app, alice.email, 'wrong')).status).toBe(401);
        await own.mustChange(people[0]?.dn ?? '', true);
        expect((await signIn(app, alice.email, password)).status).toBe(401);
        expect(await reasonsOf(app)).toEqual(['wrong_secret', 'password_expired']);
      } finally {
        await own.stop();
      }
    },
  );

  it('finds somebody whose name and address have every odd character, and binds as nobody else', async () => {
    const app = await hosted();
    const odd = people[2]?.mail as string;
    app.repositories.users.table.set(bob.id, {
      ...(app.repositories.users.table.get(bob.id) as User),
      email: odd,
    });
    const answer = await signIn(app, odd, 'odd in the directory');
    expect([answer.status, answer.body.entity_id]).toEqual([200, bob.id]);
    expect((await signIn(app, odd, password)).status).toBe(401);
  });

  it('signs in by another address of the same entry the same user, and by one of two entries nobody', async () => {
    const app = await hosted();
    expect((await signIn(app, alice.email, password)).body.entity_id).toBe(alice.id);
    expect((await signIn(app, 'al@example.com', password)).body.entity_id).toBe(alice.id);
    expect((await signIn(app, 'twice@example.com', 'either')).status).toBe(401);
  });

  it('opens no connection for an empty password, or one with a NUL', async () => {
    const wire = await relay(directory.ldaps, 'ldaps');
    const app = await hosted({ urls: [wire.url] });
    for (const secret of ['', '\0', '\0abc', 'abc\0', null, false, 0, [], {}, undefined])
      expect([secret, (await signIn(app, alice.email, secret as never)).status]).toEqual([secret, 400]);
    expect(wire.count()).toBe(0);
    expect((await signIn(app, alice.email, password)).status).toBe(200);
    expect(wire.count()).toBe(1);
    wire.stop();
  });

  it('asks for the group that the record names', async () => {
    const app = await hosted({ requiredGroup: { dn: staff } });
    expect((await signIn(app, alice.email, password)).status).toBe(200);
    expect((await signIn(app, bob.email, 'bob in the directory')).status).toBe(401);
    expect(await reasonsOf(app)).toEqual(['not_in_group']);
    const none = await hosted({ requiredGroup: { dn: `cn=gone,${base}` } });
    expect((await signIn(none, alice.email, password)).status).toBe(401);
    const own = await hosted({ requiredGroup: { dn: staff }, dnResolution: construct });
    expect((await signIn(own, alice.email, password)).status).toBe(200);
    expect((await signIn(own, bob.email, 'bob in the directory')).status).toBe(401);
  });

  it('LDAP-14: provisions only who asks for an account in the account of the directory', async () => {
    const memory = await everybody();
    const made: unknown[] = [];
    const carol = { id: 'ca501000-0000-4000-8000-000000000009', email: 'al@example.com' };
    memory.users.provision = async (identity) => {
      made.push(identity);
      const user = { ...carol, enabled: true, passwordHash: null, credentialVersion: 1, accountIds: [acme] };
      memory.users.table.set(user.id, user);
      await memory.users.linkFederatedIdentity(user.id, identity);
      return user;
    };
    const app = await hosted({}, { memory });
    expect((await signIn(app, 'al@example.com', password)).status).toBe(401);
    expect((await signIn(app, 'al@example.com', password, { acct_id: globex })).status).toBe(401);
    expect((await signIn(app, 'al@example.com', password, { acct_id: null })).status).toBe(401);
    expect(made).toEqual([]);
    const answer = await signIn(app, 'al@example.com', password, { acct_id: acme });
    expect([answer.status, answer.body.entity_id, made.length]).toEqual([200, carol.id, 1]);
  });

  it('counts in the lock of the address, as its other methods do', async () => {
    const app = await hosted({}, { lockout: { failures: 3 } });
    for (let n = 0; n < 3; n += 1) expect((await signIn(app, alice.email, 'wrong')).status).toBe(401);
    expect((await signIn(app, alice.email, password)).status).toBe(423);
    const own = { method: 'password', email: alice.email, password: alice.password };
    expect((await app.post(auth, own)).status).toBe(423);
  });

  it('is a first factor: whoever has a security key owes it, though the record trusts', async () => {
    const app = await hosted({}, { secondFactor: {} });
    await enrolledKey(app);
    const answer = await signIn(app, alice.email, password);
    expect([answer.status, answer.body.allowed_mfa_methods.length]).toEqual([200, 1]);
    expect((await app.get('/me', bearer(answer.body.access_token))).status).toBe(401);
    expect((await signIn(app, bob.email, 'bob in the directory')).body.allowed_mfa_methods).toEqual([]);
  });

  it('is offered by discovery', async () => {
    const app = await hosted();
    const answer = await app.post(discover, { user_email: alice.email });
    expect(answer.body).toContainEqual({
      ...{ method: 'ldap-password', name: 'Directory', icon_url: '', idp_id: 'bGRhcA==' },
    });
  });
});

describe('passport-ldapauth in the place of ldap-basic-auth, for one provider', () => {
  /** What it finds, which is the entry with a DN and the attributes that were asked for. */
  const identify = (entry: unknown) => {
    const { entryUUID, mail } = entry as { entryUUID: string; mail: string | string[] };
    return { subject: entryUUID, email: [mail].flat()[0], emailProven: true };
  };
  const plugged = (server: Partial<Server> = {}) => {
    const strategy = new LdapAuthStrategy({
      server: {
        ...{ url: directory.ldaps, tlsOptions: { ca: [keys.certificate] } },
        ...{ bindDN: serviceAccount.dn, bindCredentials: serviceAccount.password },
        ...{ searchBase: base, searchFilter: '(mail={{username}})' },
        ...{ searchAttributes: ['entryUUID', 'mail'], timeout: 2000, connectTimeout: 2000 },
        ...server,
      },
    });
    return hosted(
      { urls: ['ldap://localhost:1'] },
      { methods: { 'ldap-basic-auth': { strategies: { ldap: { strategy, identify } } } } },
    );
  };

  it('signs in whom it finds, and nobody by another password', async () => {
    const app = await plugged();
    const answer = await signIn(app, alice.email, password);
    expect([answer.status, answer.body.entity_id]).toEqual([200, alice.id]);
    expect((await signIn(app, alice.email, 'wrong')).status).toBe(401);
    expect((await signIn(app, 'nobody@example.com', password)).status).toBe(401);
    expect(await reasonsOf(app)).toEqual(['refused_by_strategy', 'refused_by_strategy']);
  });

  it('is kept from what ends the process, or is taken from the query', async () => {
    const app = await plugged();
    for (const secret of [5, true, null, '', '\0abc', ['x'], {}])
      expect([secret, (await signIn(app, alice.email, secret as never)).status]).toEqual([secret, 400]);
    for (const email of [12345, "$'", ['a'], {}])
      expect([email, (await signIn(app, email as never, password)).status]).toEqual([email, 400]);
    for (const email of ["$'@example.com", '$&@example.com', '12345@example.com', '*@example.com'])
      expect([email, (await signIn(app, email, password)).status]).toEqual([email, 401]);
    const query = new URLSearchParams({ username: alice.email, password });
    const answer = await app.post(`${auth}?${query}`, {
      ...{ method: 'ldap-basic-auth', idp_id: 'bGRhcA==', email: bob.email, password: 'wrong' },
    });
    expect(answer.status).toBe(401);
    expect((await signIn(app, alice.email, password)).status).toBe(200);
    expect(app.unforeseen).toEqual([]);
  });

  it('is 503 while its directory is out of reach, and counts in the lock otherwise', async () => {
    const app = await plugged({ url: 'ldap://localhost:1' });
    expect((await signIn(app, alice.email, password)).status).toBe(503);
    expect(await reasonsOf(app)).toEqual([]);
  });
});

describe('a session that came through a directory', () => {
  it('ends when the directory does not know the user any more, or not in the group', async () => {
    for (const [how, lose] of [
      ['deleted', (own: Slapd) => own.remove(people[0]?.dn ?? '')],
      ['out of the group', (own: Slapd) => own.leave(people[0]?.dn ?? '')],
    ] as const) {
      const own = await slapd(people, { members: [people[0]?.dn ?? ''], keys });
      const clock = testClock();
      try {
        const app = await hosted(
          { urls: [own.ldaps], requiredGroup: { dn: staff }, validFor: 60 },
          { testClock: clock },
        );
        const headers = bearer((await signIn(app, alice.email, password)).body.access_token);
        expect([how, (await app.get('/me', headers)).status]).toEqual([how, 200]);
        await lose(own);
        clock.advance(59);
        expect([how, (await app.get('/me', headers)).status]).toEqual([how, 200]);
        clock.advance(1);
        expect([how, (await app.get('/me', headers)).status]).toEqual([how, 401]);
        await told();
        expect([how, app.shared.rows.size]).toEqual([how, 0]);
      } finally {
        await own.stop();
      }
    }
  });

  it('waits while the directory cannot be asked, and goes on when it can; whoever signs out waits for nobody', async () => {
    const own = await slapd(people, { keys });
    const clock = testClock();
    const app = await hosted({ urls: [own.ldaps], validFor: 60 }, { testClock: clock });
    const headers = bearer((await signIn(app, alice.email, password)).body.access_token);
    const leaving = bearer((await signIn(app, alice.email, password)).body.access_token);
    expect((await app.get('/me', headers)).status).toBe(200);
    own.signal('SIGSTOP');
    clock.advance(59);
    expect((await app.get('/me', headers)).status).toBe(200);
    clock.advance(2);
    expect((await app.get('/me', headers)).status).toBe(504);
    expect((await app.post('/sys/v1/session/terminate', undefined, leaving)).status).toBe(204);
    own.signal('SIGCONT');
    expect((await app.get('/me', headers)).status).toBe(200);
    await own.stop();
  });
});

describe('TLS to a directory', () => {
  it.each([
    ['ldaps', 'ldaps', {}],
    ['StartTLS', 'ldap', {}],
    ['StartTLS where it is known', 'ldap', { mode: 'opportunistic' as const }],
  ])('by %s hides the password, and goes on with a good certificate only', async (_, scheme, tls) => {
    const wire = await relay(scheme === 'ldaps' ? directory.ldaps : directory.ldap, scheme);
    const app = await hosted({ urls: [wire.url], tls: { ca: [keys.certificate], ...tls } });
    expect((await signIn(app, alice.email, password)).status).toBe(200);
    const bad = await hosted({ urls: [wire.url], tls: { ca: [otherKeys.certificate], ...tls } });
    expect((await signIn(bad, alice.email, password)).status).toBe(503);
    const unknown = await hosted({ urls: [wire.url], tls });
    expect((await signIn(unknown, alice.email, password)).status).toBe(503);
    const host = await hosted({
      urls: [wire.url.replace('localhost', '127.0.0.1')],
      tls: { ca: [keys.certificate], ...tls },
    });
    expect((await signIn(host, alice.email, password)).status).toBe(503);
    for (const secret of [password, serviceAccount.password, 'ou=people'])
      expect(wire.sent().includes(secret)).toBe(false);
    expect(wire.count()).toBe(4);
    wire.stop();
  });

  it.each([
    ['ldaps', 'ldaps'],
    ['StartTLS', 'ldap'],
  ] as const)('by %s proves this service, where the directory demands that', async (_, scheme) => {
    const authority = keyAndCertificate('authority');
    const client = keyAndCertificate('client', 2048, authority);
    const stranger = keyAndCertificate('client', 2048, keyAndCertificate('authority'));
    const own = await slapd(people, { keys, clientCa: authority.certificate });
    const ca = [keys.certificate];
    try {
      for (const change of [{}, { dnResolution: construct, serviceAccount: undefined }]) {
        const wire = await relay(own[scheme], scheme);
        const proven = { ...change, urls: [wire.url], tls: { ca, ...client } };
        const app = await hosted(proven, { lockout: { failures: 2 } });
        expect((await signIn(app, alice.email, password)).status).toBe(200);
        await told();
        const before = own.binds();
        expect(before).toBeGreaterThan(0);
        for (const [tls, status, kind] of [
          [{}, 503, 'unreachable'],
          [stranger, 503, 'unreachable'],
          [{ ...client, privateKey: stranger.privateKey }, 502, 'nonsense'],
          [{ ...client, privateKey: 'none' }, 502, 'nonsense'],
        ] as const) {
          app.repositories.identityProviders.table.set('ldap', record({ ...proven, tls: { ca, ...tls } }));
          expect((await signIn(app, alice.email, password)).status).toBe(status);
          expect(app.events.at(-1)).toMatchObject({ type: 'peer_failed', kind });
        }
        await told();
        // By TLS 1.3 a client may go on before its certificate is looked at: what it says then is not read.
        expect([own.binds(), await reasonsOf(app)]).toEqual([before, []]);
        expect(wire.sent().includes(password)).toBe(false);
        app.repositories.identityProviders.table.set('ldap', record(proven));
        expect((await signIn(app, alice.email, password)).status).toBe(200);
        wire.stop();
      }
    } finally {
      await own.stop();
    }
  });

  it('is required: nothing is said to a directory that has none, unless the record says so', async () => {
    const plain = await slapd(people);
    const wire = await relay(plain.ldap);
    try {
      const app = await hosted({ urls: [wire.url] });
      expect((await signIn(app, alice.email, password)).status).toBe(503);
      expect(wire.sent().includes(serviceAccount.password)).toBe(false);
      for (const mode of ['opportunistic', 'disabled'] as const) {
        const open = await hosted({ urls: [wire.url], tls: { mode } });
        expect([mode, (await signIn(open, alice.email, password)).status]).toEqual([mode, 200]);
      }
      expect(wire.sent().includes(password)).toBe(true);
    } finally {
      wire.stop();
      await plain.stop();
    }
  });
});

describe('a directory that is not there', () => {
  it('is passed over for the next one', async () => {
    const hole = await relay(null);
    const app = await hosted({ urls: ['ldap://localhost:1', hole.url, directory.ldaps] });
    expect((await signIn(app, alice.email, password)).status).toBe(200);
    hole.stop();
  });

  it('is no wrong password, and is not counted', async () => {
    const app = await hosted({ urls: ['ldap://localhost:1'] }, { lockout: { failures: 2 } });
    for (let n = 0; n < 4; n += 1) expect((await signIn(app, alice.email, password)).status).toBe(503);
    expect(await reasonsOf(app)).toEqual([]);
    expect(app.events.at(-1)).toMatchObject({
      type: 'peer_failed',
      peer: 'localhost:1',
      kind: 'unreachable',
    });
    app.repositories.identityProviders.table.set('ldap', record());
    expect((await signIn(app, alice.email, password)).status).toBe(200);
  });

  it('does not take our own account: that is our fault', async () => {
    const wrong = { ...serviceAccount, password: 'wrong' };
    const app = await hosted({ serviceAccount: wrong }, { lockout: { failures: 2 } });
    for (let n = 0; n < 3; n += 1) expect((await signIn(app, alice.email, password)).status).toBe(502);
    expect([await reasonsOf(app), app.events.at(-1)]).toEqual([
      [],
      expect.objectContaining({ type: 'peer_failed', kind: 'client_refused' }),
    ]);
  });

  it('is killed in the middle of a bind: nobody is signed in, and nothing counted', async () => {
    const own = await slapd(people);
    // The first that a client says in the clear is the bind itself, and its answer does not arrive.
    const wire = await relay(own.ldap, 'ldap', () => 'hold');
    const app = await hosted({ urls: [wire.url], tls: { mode: 'disabled' }, dnResolution: construct });
    const answered = signIn(app, alice.email, password).then(({ status }) => status);
    while (!wire.sent().includes(password)) await told();
    own.signal('SIGKILL');
    expect([await answered, await reasonsOf(app), app.shared.rows.size]).toEqual([503, [], 0]);
    wire.stop();
    await own.stop();
  });

  it('never answers: the login ends in its time, and others sign in at their speed', async () => {
    const hole = await relay(null);
    const app = await hosted({ urls: [hole.url] });
    const since = performance.now();
    const waiting = Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        signIn(app, `user${n}@example.com`, 'any').then((answer) => answer),
      ),
    );
    const own = { method: 'password', email: alice.email, password: alice.password };
    for (let n = 0; n < 5; n += 1) expect((await app.post(auth, own)).status).toBe(200);
    const took = performance.now() - since;
    expect((await waiting).map(({ status }) => status)).toEqual(Array(20).fill(504));
    expect(took).toBeLessThan(3000);
    hole.stop();
  });

  it('is left without a socket after 200 logins', async () => {
    const sockets = () => process.getActiveResourcesInfo().filter((each) => each === 'TCPSocketWrap').length;
    const app = await hosted();
    await signIn(app, alice.email, password);
    await told();
    const before = sockets();
    for (let n = 0; n < 20; n += 1) {
      const answers = Array.from({ length: 10 }, (_, each) =>
        signIn(app, `user${n}-${each}@example.com`, 'wrong'),
      );
      for (const { status } of await Promise.all(answers)) expect(status).toBe(401);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(sockets()).toBeLessThanOrEqual(before);
  });
});
