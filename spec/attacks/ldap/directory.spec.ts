import type { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import ldap from 'ldapjs';
import {
  aliceEntry,
  base,
  type Entry,
  failure,
  ldapRecord,
  onLdap,
  password,
  rawServer,
  service,
} from '../../support/ldap-attack.js';
import { acme, alice, bob, globex } from '../../support/people.js';

/** A DN, as the library of the double reads it. */
type Parsed = { rdns: { attrs: Record<string, { value: string }> }[] };

const refused = { status: 401, code: 'invalid_credentials' };
const seen = ({ status, body }: { status: number; body: string }) => ({
  status,
  code: status === 200 ? JSON.parse(body).entity_id : JSON.parse(body).code,
});
const signedIn = { status: 200, code: alice.id };
const entry = (attributes: Entry['attributes'], dn = aliceEntry.dn): Entry => ({
  dn,
  attributes: { ...aliceEntry.attributes, ...attributes },
});
const construct = { by: 'construct', patterns: { 'example.com': `uid={user},ou={email},${base}` } } as const;

describe('attacks on what a directory is asked', () => {
  it('LDAP-01, LDAP-02: a password that is none is malformed, and the directory hears nothing of it', () =>
    onLdap({}, async (stage) => {
      for (const secret of [
        '',
        null,
        false,
        true,
        0,
        5,
        [],
        ['x'],
        {},
        '\0',
        '\0\0abc',
        'abc\0',
        '\ud800',
        'x'.repeat(1025),
      ])
        expect([secret, seen(await stage.signIn(alice.email, secret))]).toEqual([
          secret,
          { status: 400, code: 'malformed_request' },
        ]);
      expect(stage.connections()).toBe(0);
    }));

  it('LDAP-03, LDAP-04: an address is compared as it is, whatever a filter or a template makes of it', () =>
    onLdap({}, async (stage) => {
      for (const email of [
        '*@example.com',
        'a*@example.com',
        "$'@example.com",
        '$&@example.com',
        '$`@example.com',
        '{user}@example.com',
        '12345@example.com',
        '|a=b@example.com',
      ]) {
        expect([email, seen(await stage.signIn(email))]).toEqual([email, refused]);
        const literal = email.replace('*', '\\2a');
        expect(stage.filters.at(-1)).toBe(`(&(mail=${literal}))`);
      }
      for (const email of [
        ')(uid=*',
        'x)(|(mail=*@example.com',
        '\\2a',
        '\0@example.com',
        5,
        ['a@example.com'],
        {},
      ])
        expect([email, seen(await stage.signIn(email)).status]).toEqual([email, 400]);
      expect(stage.binds).toEqual([]);
    }));

  it('LDAP-05: an address in a DN is a value, and no more of a name', () =>
    onLdap({ dnResolution: construct }, async (stage) => {
      for (const local of ['a+b', '#a', 'a=b', "o'x", 'a/b', '{email}', '$&', 'a&b|c', '*'])
        expect([local, seen(await stage.signIn(`${local}@example.com`, 'wrong'))]).toEqual([local, refused]);
      const parsed = stage.binds.map(({ name }) => ldap.parseDN(name) as unknown as Parsed);
      expect(parsed.map(({ rdns }) => rdns.length)).toEqual(Array(9).fill(4));
      const values = parsed.map(({ rdns }) => rdns[0]?.attrs.uid?.value);
      expect(values).toEqual(['a+b', '#a', 'a=b', "o'x", 'a/b', '{email}', '$&', 'a&b|c', '*']);
      expect(seen(await stage.signIn('alice@elsewhere.example'))).toEqual(refused);
      expect(seen(await stage.signIn('älice@example.com'))).toEqual(refused);
      expect(stage.binds.length).toBe(9);
    }));

  it('LDAP-16, LDAP-17: the password comes as it is, in one bind', () =>
    onLdap({}, async (stage) => {
      for (const secret of [' spaces ', 'päss 🔑', '{SSHA}abc', 'x'.repeat(1024), '\n', '*)(uid=*']) {
        stage.secret(secret.trim() === '' ? 'päss 🔑' : secret);
        expect(seen(await stage.signIn(alice.email, secret))).toEqual(refused);
        expect(stage.binds.splice(0)).toEqual([
          { name: expect.stringMatching(/^uid=alice, ?dc=/), password: secret },
        ]);
      }
    }));
});

describe('attacks by what a directory answers', () => {
  it.each<[string, Entry[], string]>([
    ['nobody', [], 'unknown_principal'],
    ['two', [aliceEntry, entry({}, `uid=other,${base}`)], 'unknown_principal'],
    ['the same twice', [aliceEntry, aliceEntry], 'unknown_principal'],
    [
      'a thousand',
      Array.from({ length: 1000 }, (_, n) => entry({}, `uid=u${n},${base}`)),
      'unknown_principal',
    ],
    ['somebody of another address', [entry({ mail: bob.email })], 'unknown_principal'],
    ['somebody without an address', [entry({ mail: [] })], 'unknown_principal'],
    [
      'an address that a directory takes for the same',
      [entry({ mail: 'ªlice@example.com' })],
      'unknown_principal',
    ],
    ['no id', [entry({ entryUUID: [] })], 'no_subject'],
    ['two ids', [entry({ entryUUID: ['alice-1', 'alice-2'] })], 'no_subject'],
    ['an empty id', [entry({ entryUUID: '' })], 'no_subject'],
    ['an id with white space', [entry({ entryUUID: ' alice-1' })], 'no_subject'],
    ['an id with a NUL', [entry({ entryUUID: 'alice-1\0' })], 'no_subject'],
    ['an id that is no UTF-8', [entry({ entryUUID: Buffer.from([0xff, 0xfe]) })], 'no_subject'],
    ['an id of 256 characters', [entry({ entryUUID: 'x'.repeat(256) })], 'no_subject'],
  ])('LDAP-06: a search that finds %s signs nobody in', async (_, entries, reason) =>
    onLdap({}, async (stage) => {
      stage.misbehave({ search: () => entries });
      expect(seen(await stage.signIn(alice.email))).toEqual(refused);
      expect(stage.reasons()).toEqual([reason]);
      stage.misbehave({});
      stage.expectSessionsOf(alice.id);
      expect(seen(await stage.signIn(alice.email))).toEqual(signedIn);
    }),
  );

  it.each<[string, string]>([
    ['525', 'unknown_principal'],
    ['52e', 'wrong_secret'],
    ['530', 'refused_by_provider'],
    ['532', 'password_expired'],
    ['533', 'disabled'],
    ['701', 'disabled'],
    ['773', 'password_expired'],
    ['775', 'locked_by_provider'],
    ['fff', 'wrong_secret'],
  ])(
    'LDAP-11: the code %s of Active Directory is the same refusal, and is told as %s',
    async (code, reason) =>
      onLdap({}, async (stage) => {
        const message = `80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data ${code}, v2580`;
        const usual = await stage.signIn(alice.email, 'wrong');
        stage.misbehave({ bind: () => failure(49, message) });
        const answer = await stage.signIn(alice.email);
        expect([answer.status, answer.body]).toEqual([401, usual.body]);
        expect(stage.reasons()).toEqual(['wrong_secret', reason]);
      }),
  );

  it('LDAP-10, LDAP-12: of all codes one is a success, those of the user are refusals, and the rest is no answer', () =>
    onLdap({}, async (stage) => {
      stage.expectFaults();
      const codes = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);
      const refusals = new Set([19, 32, 34, 48, 49, 50, 53]);
      const overload = new Set([3, 11, 51, 52]);
      for (const code of [...codes(1, 81), 118, 119, 4096]) {
        stage.misbehave({ bind: () => failure(code) });
        const { status } = await stage.signIn(alice.email);
        const wanted = refusals.has(code) ? 401 : overload.has(code) || code > 127 ? 503 : 502;
        expect([code, status]).toEqual([code, wanted]);
      }
      const count = stage.reasons().length;
      expect(count).toBe(refusals.size);
      for (const code of [1, 2, 3, 10, 11, 14, 32, 49, 50, 51, 52, 53, 80]) {
        stage.misbehave({ search: () => failure(code) });
        const { status } = await stage.signIn(alice.email);
        expect([code, status >= 502]).toEqual([code, true]);
      }
      expect([stage.reasons().length, stage.shared.rows.size]).toEqual([count, 0]);
      stage.misbehave({});
      stage.expectSessionsOf(alice.id);
      expect(seen(await stage.signIn(alice.email))).toEqual(signedIn);
    }));

  it('LDAP-10: what a directory says of the group is no word on the user, but for a group that is not there', () =>
    onLdap({ requiredGroup: { dn: `cn=staff,${base}` } }, async (stage) => {
      stage.expectFaults();
      for (const code of [1, 19, 34, 48, 49, 50, 51, 53, 80]) {
        let searches = 0;
        stage.misbehave({
          search: () => {
            searches += 1;
            return searches === 1 ? [aliceEntry] : failure(code);
          },
        });
        const { status } = await stage.signIn(alice.email);
        expect([code, status >= 502]).toEqual([code, true]);
      }
      expect([stage.reasons(), stage.binds]).toEqual([[], []]);
      let searches = 0;
      stage.misbehave({
        search: () => {
          searches += 1;
          return searches === 1 ? [aliceEntry] : failure(32);
        },
      });
      expect(seen(await stage.signIn(alice.email))).toEqual(refused);
      expect(stage.reasons()).toEqual(['not_in_group']);
    }));

  it('LDAP-03: an address in other letters binds as nobody, so that every guess is counted in one place', () =>
    onLdap({}, async (stage) => {
      stage.misbehave({ search: () => [aliceEntry] });
      for (const email of ['ªlice@example.com', 'ａlice@example.com', 'álice@example.com'])
        expect([email, seen(await stage.signIn(email))]).toEqual([email, refused]);
      stage.record({ dnResolution: { by: 'upn' } });
      expect(seen(await stage.signIn('álice@example.com'))).toEqual(refused);
      expect(stage.binds).toEqual([]);
    }));

  it('LDAP-12: a password that binds and may do nothing else signs nobody in where nothing else has named the user', () =>
    onLdap(
      { dnResolution: { by: 'construct', patterns: { 'example.com': `uid={user},${base}` } } },
      async (stage) => {
        stage.misbehave({
          search: () => failure(50, 'Operations are restricted'),
        });
        expect(seen(await stage.signIn(alice.email))).toEqual(refused);
        expect(stage.reasons()).toEqual(['refused_by_provider']);
        stage.misbehave({});
        stage.expectSessionsOf(alice.id);
        expect(seen(await stage.signIn(alice.email))).toEqual(signedIn);
      },
    ));

  it('LDAP-13: nothing is remembered of a sign-in: what the directory says no to now is no', () =>
    onLdap({}, async (stage) => {
      stage.expectSessionsOf(alice.id);
      expect(seen(await stage.signIn(alice.email))).toEqual(signedIn);
      stage.misbehave({ bind: () => failure(49, '80090308: LdapErr, data 533, v2580') });
      expect(seen(await stage.signIn(alice.email))).toEqual(refused);
      stage.misbehave({ search: () => [] });
      expect(seen(await stage.signIn(alice.email))).toEqual(refused);
      stage.record({ enabled: false });
      stage.misbehave({});
      expect(seen(await stage.signIn(alice.email))).toEqual(refused);
      expect(stage.reasons()).toEqual(['disabled', 'unknown_principal', 'unknown_identity_provider']);
      stage.record({});
      expect(seen(await stage.signIn(alice.email))).toEqual(signedIn);
      expect(stage.binds).toHaveLength(3);
    }));

  it('LDAP-14: acct_id asks for the account of the provider, and opens no other', () =>
    onLdap({}, async (stage) => {
      for (const acct_id of [globex, '00000000-0000-4000-8000-000000000000'])
        expect([acct_id, seen(await stage.signIn(alice.email, password, { acct_id }))]).toEqual([
          acct_id,
          refused,
        ]);
      expect([stage.binds, stage.connections()]).toEqual([[], 0]);
      stage.expectSessionsOf(alice.id);
      expect(seen(await stage.signIn(alice.email, password, { acct_id: acme }))).toEqual(signedIn);
      for (const odd of ['', 'acme', 5, [acme], acme.toUpperCase()])
        expect([odd, (await stage.signIn(alice.email, password, { acct_id: odd })).status]).toEqual([
          odd,
          400,
        ]);
    }));

  it('LDAP-15: a service account that is refused is our failure, and no guess of anybody’s', () =>
    onLdap(
      {},
      async (stage) => {
        stage.expectFaults();
        stage.record({ serviceAccount: { ...service, password: 'of last year' } });
        for (let n = 0; n < 4; n += 1) expect((await stage.signIn(alice.email)).status).toBe(502);
        await new Promise((resolve) => setTimeout(resolve, 20));
        const kinds = stage.nodes.flatMap(({ events }) =>
          events.flatMap((each) => (each.type === 'peer_failed' ? [each.kind] : [])),
        );
        expect([stage.reasons(), new Set(kinds), stage.binds]).toEqual([[], new Set(['client_refused']), []]);
        stage.record({});
        stage.expectSessionsOf(alice.id);
        expect(seen(await stage.signIn(alice.email))).toEqual(signedIn);
      },
      { lockout: { failures: 2 } },
    ));

  it('takes an id of Active Directory for what it is, and a name that is an address', () =>
    onLdap({ dnResolution: { by: 'upn' }, subjectAttribute: 'objectGUID' }, async (stage) => {
      const objectGUID = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
      const upn = { userPrincipalName: alice.email };
      for (const bad of [{}, { objectGUID: Buffer.alloc(15) }, { objectGUID: [objectGUID, objectGUID] }]) {
        stage.misbehave({ search: () => [entry({ ...upn, ...bad })] });
        expect([bad, seen(await stage.signIn(alice.email))]).toEqual([bad, refused]);
      }
      stage.misbehave({ search: () => [entry({ userPrincipalName: bob.email, objectGUID })] });
      expect(seen(await stage.signIn(alice.email))).toEqual(refused);
      stage.misbehave({ search: () => [entry({ ...upn, objectGUID })] });
      stage.expectSessionsOf(alice.id);
      expect(seen(await stage.signIn(alice.email))).toEqual(signedIn);
      const { users } = stage.nodes[0].repositories;
      const subject = '33221100-5544-7766-8899-aabbccddeeff';
      expect((await users.findByFederatedIdentity('ldap', subject))?.id).toBe(alice.id);
    }));
});

describe('attacks by bytes that no directory would send (LDAP-09, LDAP-10)', () => {
  /** The answer to a bind with this message id. */
  const bound = (id: number) =>
    Buffer.from([0x30, 0x0c, 0x02, 0x01, id, 0x61, 0x07, 0x0a, 0x01, 0x00, 0x04, 0x00, 0x04, 0x00]);
  const once = (bytes: Buffer) => (socket: Socket) => void socket.once('data', () => socket.write(bytes));
  const endless = (piece: Buffer) => (socket: Socket) => {
    const write = () => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.once('data', write);
    socket.on('drain', write);
  };

  it.each<[string, (socket: Socket) => void, number[]]>([
    ['hangs up at once', (socket) => void socket.destroy(), [503]],
    ['hangs up when it is asked', (socket) => void socket.once('data', () => socket.destroy()), [503]],
    ['says nothing that is LDAP', once(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')), [503, 504]],
    ['says half a message', once(bound(2).subarray(0, 7)), [504]],
    ['lies about a length', once(Buffer.from('300e02010261090a0100040004008705', 'hex')), [503]],
    ['lies about an entry', once(Buffer.from('300b0201026406040030820fff', 'hex')), [503]],
    ['lies about a reference', once(Buffer.from('3009020102738203ff0400', 'hex')), [503]],
    ['lies about controls', once(Buffer.from('301002010261070a010004000400a0820fff', 'hex')), [503]],
    ['has no code', once(Buffer.from('30050201026100', 'hex')), [503]],
    ['has a code of no byte', once(Buffer.from('300b02010261060a0004000400', 'hex')), [503]],
    ['ends a search that nobody has begun', once(Buffer.from('300c02010265070a010004000400', 'hex')), [503]],
    ['answers what nobody asked', once(bound(77)), [503]],
    ['sends zeros', endless(Buffer.alloc(65_536)), [503, 504]],
    [
      'sends one long message',
      endless(Buffer.concat([Buffer.from([0x30, 0x84, 0x7f, 0xff, 0xff, 0xff]), Buffer.alloc(65_530)])),
      [503, 504],
    ],
    [
      'sends a hundred thousand small ones',
      once(Buffer.concat(Array.from({ length: 70_000 }, () => bound(77)))),
      [503, 504],
    ],
    [
      'nests without end',
      once(Buffer.concat(Array.from({ length: 20_000 }, () => Buffer.from([0x30, 0x80])))),
      [503, 504],
    ],
  ])('one that %s signs nobody in, and the process goes on', async (_, answers, statuses) =>
    onLdap({}, async (stage) => {
      stage.expectFaults();
      const raw = await rawServer(answers);
      stage.peer(raw.port);
      stage.record({ urls: [`ldap://127.0.0.1:${raw.port}`] });
      const before = process.memoryUsage().rss;
      const answered = await Promise.all([1, 2, 3].map(() => stage.signIn(alice.email)));
      for (const { status } of answered) expect(statuses).toContain(status);
      expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000);
      await raw.stop();
      expect(stage.reasons()).toEqual([]);
      stage.record({});
      stage.expectSessionsOf(alice.id);
      expect(seen(await stage.signIn(alice.email))).toEqual(signedIn);
    }),
  );

  it('LDAP-08: what is said before TLS counts for nothing', () =>
    onLdap({}, async (stage) => {
      stage.expectFaults();
      // StartTLS is answered, and in the same breath a good bind, for whatever is asked then.
      const started = Buffer.from([
        0x30, 0x0c, 0x02, 0x01, 0x02, 0x78, 0x07, 0x0a, 0x01, 0x00, 0x04, 0x00, 0x04, 0x00,
      ]);
      const sent: Buffer[] = [];
      const raw = await rawServer((socket) => {
        socket.on('data', (chunk) => {
          sent.push(chunk);
          if (sent.length === 1) socket.write(Buffer.concat([started, ...[2, 3, 4, 5].map(bound)]));
        });
      });
      stage.peer(raw.port);
      stage.record({ urls: [`ldap://127.0.0.1:${raw.port}`], tls: {} });
      expect([503, 504]).toContain((await stage.signIn(alice.email)).status);
      const all = Buffer.concat(sent);
      for (const secret of [password, service.password]) expect(all.includes(secret)).toBe(false);
      await raw.stop();
    }));

  it('LDAP-10: a reference leads nowhere', () =>
    onLdap({}, async (stage) => {
      let visits = 0;
      const canary = await rawServer(() => {
        visits += 1;
      });
      const uri = `ldap://127.0.0.1:${canary.port}/${base}`;
      stage.misbehave({ references: [uri] });
      stage.expectSessionsOf(alice.id);
      expect(seen(await stage.signIn(alice.email))).toEqual(signedIn);
      stage.expectFaults();
      stage.misbehave({ bind: () => failure(10, uri) });
      expect((await stage.signIn(alice.email)).status).toBe(502);
      expect(visits).toBe(0);
      await canary.stop();
    }));

  it('LDAP-09: twenty that wait for a directory end in time, with no connection left', () =>
    onLdap({}, async (stage) => {
      stage.expectFaults();
      const open = new Set<Socket>();
      const raw = await rawServer((socket) => {
        open.add(socket);
        socket.on('data', () => {});
        socket.on('close', () => open.delete(socket));
      });
      stage.peer(raw.port);
      stage.record({ urls: [`ldap://127.0.0.1:${raw.port}`] });
      const answers = await Promise.all(Array.from({ length: 20 }, () => stage.signIn(alice.email)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([504]));
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(open.size).toBe(0);
      await raw.stop();
    }));

  it('a record that lacks what its way needs is a failed dependency, and never a bind without a password', () =>
    onLdap({}, async (stage) => {
      stage.expectFaults();
      for (const change of [
        { serviceAccount: { dn: '', password: '' } },
        { serviceAccount: { ...service, password: '' } },
        { serviceAccount: undefined },
        { base: undefined },
        { urls: 'ldap://127.0.0.1' as never },
        { dnResolution: { by: 'construct', patterns: { 'example.com': '' } } as const },
        { dnResolution: { by: 'construct', patterns: { 'example.com': `uid=one,${base}` } } as const },
        { dnResolution: { by: 'other' } as never },
        { validFor: -1 },
      ]) {
        stage.record(change);
        expect([change, (await stage.signIn(alice.email)).status]).toEqual([change, 503]);
      }
      for (const url of ['http://127.0.0.1', 'ldap://', 'none', 'ldapi:///tmp/x']) {
        stage.record({ ...ldapRecord(1), urls: [url] });
        expect([url, (await stage.signIn(alice.email)).status >= 502]).toEqual([url, true]);
      }
      expect(stage.connections()).toBe(0);
    }));
});
