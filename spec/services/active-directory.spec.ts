import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LdapIdentityProvider } from '../../lib/index.js';
import { bearer, type TestApp, type TestAppOptions } from '../support/app.js';
import { testClock } from '../support/clock.js';
import { directoryHost, directoryRecord, reasonsOf, signInByDirectory } from '../support/directory-host.js';
import { keyAndCertificate } from '../support/keys.js';
import { alice, bob, sue } from '../support/people.js';
import { base, dnOf, type Samba, samba } from '../support/samba.js';

const password = 'one in Active Directory: päss, "wörd"';
const wrong = `${password} `;
const keys = keyAndCertificate('localhost');
const serviceAccount = { dn: dnOf('service'), password };

let directory: Samba;

beforeAll(async () => {
  directory = await samba({
    ...{ keys, password },
    people: {
      alice: { userPrincipalName: 'Alice@Example.com', mail: 'Alice@Example.com' },
      ...{ bob: {}, sue: {}, service: {}, guessed: {} },
      disabled: { userAccountControl: '514' },
      expired: { accountExpires: '132223104000000000' },
      initial: { pwdLastSet: '0' },
      asleep: { logonHours: Buffer.alloc(21) },
      elsewhere: { userWorkstations: 'ELSEWHERE' },
    },
    groups: { inner: ['bob'], staff: ['alice', 'inner'] },
  });
  // To provision a domain is work, of which a busy machine has other too.
}, 120_000);

afterAll(() => directory?.stop());

const byUpn = (): Partial<LdapIdentityProvider> => ({ urls: [directory.ldaps] });
const byUpnAndStartTls = (): Partial<LdapIdentityProvider> => ({ urls: [directory.ldap] });
const byMail = (): Partial<LdapIdentityProvider> => ({
  ...{ urls: [directory.ldaps], dnResolution: { by: 'search-by-mail', objectClass: 'user' }, serviceAccount },
});
const ways = [
  ['userPrincipalName over ldaps', byUpn],
  ['userPrincipalName over StartTLS', byUpnAndStartTls],
  ['a search for the address', byMail],
] as const;

const hosted = (change: Partial<LdapIdentityProvider> = {}, options: TestAppOptions = {}) =>
  directoryHost(
    directoryRecord({
      ...{ urls: [directory.ldaps], tls: { ca: [keys.certificate] }, base },
      ...{ dnResolution: { by: 'upn' }, subjectAttribute: 'objectGUID' },
      ...change,
    }),
    options,
  );
const signIn = (app: TestApp, email: string, secret = password) => signInByDirectory(app, email, secret);

describe('Active Directory, as Samba serves it', () => {
  it.each(ways)('signs a user in by %s, and nobody by another password', async (_, way) => {
    const app = await hosted(way());
    for (const [email, id] of [
      [alice.email, alice.id],
      ['ALICE@example.com', alice.id],
      [bob.email, bob.id],
    ] as const) {
      const answer = await signIn(app, email);
      expect([email, answer.status, answer.body.entity_id]).toEqual([email, 200, id]);
    }
    for (const secret of [wrong, alice.password])
      expect((await signIn(app, alice.email, secret)).status).toBe(401);
    expect(await reasonsOf(app)).toEqual(['wrong_secret', 'wrong_secret']);
    expect((await signIn(app, 'nobody@example.com')).status).toBe(401);
    expect(directory.sent().includes(password)).toBe(false);
  });

  it('knows a user by the id that its own tool shows', async () => {
    const app = await hosted();
    expect((await signIn(app, alice.email)).status).toBe(200);
    const subject = await directory.guid('alice');
    expect(subject).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    const found = await app.repositories.users.findByFederatedIdentity?.('ldap', subject);
    expect(found?.id).toBe(alice.id);
  });

  it.each(ways)('refuses by %s whoever it lets in no more, and says why to the log only', async (_, way) => {
    const app = await hosted(way());
    const { status, body } = await signIn(app, 'nobody@example.com');
    expect(status).toBe(401);
    for (const [name, reason] of [
      ['disabled', 'disabled'],
      ['expired', 'disabled'],
      ['initial', 'password_expired'],
      ['asleep', 'refused_by_provider'],
      ['elsewhere', 'refused_by_provider'],
    ]) {
      const answer = await signIn(app, `${name}@example.com`);
      expect([name, answer.status, answer.body]).toEqual([name, status, body]);
      expect([name, (await reasonsOf(app)).at(-1)]).toEqual([name, reason]);
    }
  });

  it('locks an account by itself, with the same answer', async () => {
    const app = await hosted();
    const email = 'guessed@example.com';
    const { body } = await signIn(app, email, wrong);
    for (let n = 0; n < 2; n += 1) expect((await signIn(app, email, wrong)).status).toBe(401);
    const answer = await signIn(app, email);
    expect([answer.status, answer.body]).toEqual([401, body]);
    expect(await reasonsOf(app)).toEqual([...Array(3).fill('wrong_secret'), 'locked_by_provider']);
  });

  it.each(ways)('asks by %s for direct members of a group', async (_, way) => {
    const app = await hosted({ ...way(), requiredGroup: { dn: dnOf('staff') } });
    expect((await signIn(app, alice.email)).status).toBe(200);
    expect((await signIn(app, bob.email)).status).toBe(401);
    expect((await signIn(app, sue.email)).status).toBe(401);
    expect(await reasonsOf(app)).toEqual(['not_in_group', 'not_in_group']);
    const inner = await hosted({ ...way(), requiredGroup: { dn: dnOf('inner') } });
    expect((await signIn(inner, bob.email)).status).toBe(200);
  });

  it('signs nobody in by a name that the entry itself does not have', async () => {
    const app = await hosted({ domains: ['example.com', 'corp.example.com'] });
    // A name and the domain are a name to bind by, whatever the userPrincipalName is.
    expect((await signIn(app, 'alice@corp.example.com')).status).toBe(401);
    expect(await reasonsOf(app)).toEqual(['refused_by_provider']);
  });

  it('ends a session when the user is gone', async () => {
    const clock = testClock();
    const app = await hosted({ serviceAccount, validFor: 60 }, { testClock: clock });
    const headers = bearer((await signIn(app, sue.email)).body.access_token);
    clock.advance(61);
    expect((await app.get('/me', headers)).status).toBe(200);
    await directory.remove('sue');
    clock.advance(61);
    expect((await app.get('/me', headers)).status).toBe(401);
  });
});

describe('what Active Directory does not take of a record', () => {
  const served = (change: Partial<typeof serviceAccount>) => () => ({
    ...byMail(),
    serviceAccount: { ...serviceAccount, ...change },
  });
  it.each([
    ['the password of a service account', served({ password: wrong }), 'client_refused'],
    ['a service account that is disabled', served({ dn: dnOf('disabled') }), 'client_refused'],
    [
      'a password in the clear',
      () => ({ ...byUpnAndStartTls(), tls: { mode: 'disabled' as const } }),
      'nonsense',
    ],
  ])('is no wrong password of a user, and is not counted: %s', async (_, change, kind) => {
    const app = await hosted(change(), { lockout: { failures: 1 } });
    for (let n = 0; n < 2; n += 1) expect((await signIn(app, alice.email)).status).toBe(502);
    expect(await reasonsOf(app)).toEqual([]);
    expect(app.events.at(-1)).toMatchObject({ type: 'peer_failed', kind });
  });
});

describe('a certificate of Active Directory', () => {
  it.each(ways.slice(0, 2))('is verified by the authority of the record: %s', async (_, way) => {
    for (const tls of [{}, { ca: [keyAndCertificate('localhost').certificate] }])
      expect((await signIn(await hosted({ ...way(), tls }), alice.email)).status).toBe(503);
  });
});
