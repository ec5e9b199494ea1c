import { describe, expect, it } from '@jest/globals';
import type { FederatedIdentity, SamlIdentityProvider } from '../../../lib/index.js';
import { type SamlProvider, type SamlResponseOptions, samlProvider } from '../../../lib/testing/index.js';
import { bearer, type TestApp, testApp } from '../../support/app.js';
import { auth, samlRecordOf, serviceProvider } from '../../support/federation.js';
import { acme, alice, bob, globex } from '../../support/people.js';
import { type Provisioning, provisioning } from '../../support/provisioned.js';
import { type Begun, begin, entityId, idpKeys } from '../../support/saml.js';
import { enrolledKey, fido2 } from '../../support/second-factor.js';

interface Host extends Provisioning {
  app: TestApp;
  provider: SamlProvider;
  begin(): Promise<Begun>;
  respond(begun: Begun, change: Partial<SamlResponseOptions>): Promise<string>;
  post(begun: Begun, response: string): ReturnType<TestApp['post']>;
  /** A sign-in from the beginning. */
  signIn(change: Partial<SamlResponseOptions>): Promise<{ status: number; id?: string; token?: string }>;
}

async function host(
  change: Partial<SamlIdentityProvider> = {},
  wanted?: (identity: FederatedIdentity) => boolean,
): Promise<Host> {
  const given = provisioning(wanted);
  const app = await testApp({ serviceProvider, memory: given.memory });
  given.memory.identityProviders.table.set('saml', samlRecordOf(idpKeys, change));
  const provider = samlProvider({ entityId, ...idpKeys, clock: app.clock });
  const own: Host = {
    ...{ ...given, app, provider },
    begin: () =>
      begin({
        async call(path, body) {
          const answer = await app.post(path, body);
          return { status: answer.status, headers: answer.headers, body: answer.text };
        },
      }),
    respond: ({ id }, said) =>
      provider.response({
        ...{ subject: 'new-1', audience: serviceProvider.entityId, acsUrl: serviceProvider.acsUrl },
        ...{ inResponseTo: id, attributes: { mail: 'new@example.com' } },
        ...said,
      }),
    post: ({ id, headers }, response) => app.post(auth, { method: 'saml-response', id, response }, headers),
    async signIn(said) {
      const begun = await own.begin();
      const { status, body } = await own.post(begun, await own.respond(begun, said));
      return { status, id: body.entity_id, token: body.access_token };
    },
  };
  return own;
}

describe('attacks by somebody new (TEN-08)', () => {
  it('TEN-08: a new user is made in the account of the provider and in no other', async () => {
    const { signIn, asked, memory } = await host();
    const attributes = {
      ...{
        mail: 'new@example.com',
        role: 'admin',
        accountId: globex,
        acct_id: globex,
        accountIds: [globex, acme],
      },
      ...{
        enabled: 'true',
        credentialVersion: '7',
        id: bob.id,
        entity_id: bob.id,
        passwordHash: 'x',
        __proto__x: 'y',
      },
    };
    const { status, id } = await signIn({ attributes });
    expect(status).toBe(200);
    expect([alice.id, bob.id]).not.toContain(id);
    expect(memory.users.table.get(id ?? '')).toEqual({
      ...{ id, email: 'new@example.com', enabled: true, passwordHash: null },
      ...{ credentialVersion: 1, accountIds: [acme] },
    });
    const identity = { idpId: 'saml', subject: 'new-1', email: 'new@example.com', accountId: acme };
    expect(asked).toEqual([{ ...identity, attributes }]);
  });

  it('TEN-08: attributes with names of objects are only names', async () => {
    const { signIn, asked } = await host();
    const names = Object.fromEntries([
      ['mail', 'new@example.com'],
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
    expect((await signIn({ attributes: names })).status).toBe(200);
    const [identity] = asked;
    expect(Object.entries(identity?.attributes ?? {}).sort()).toEqual(Object.entries(names).sort());
    expect(Object.getPrototypeOf(identity?.attributes)).toBeNull();
    expect(Reflect.get({}, 'x')).toBeUndefined();
  });

  it('TEN-08: nobody is adopted, and nobody is made, by an address that is not proven', async () => {
    const taken = await host({ authoritative: false });
    for (const mail of [
      alice.email,
      'ALICE@example.com',
      bob.email,
      'new@other.example',
      'new@sub.example.com',
      '',
    ])
      expect([mail, (await taken.signIn({ attributes: { mail } })).status]).toEqual([mail, 401]);
    expect([taken.asked, taken.links.size, taken.app.shared.rows.size]).toEqual([[], 0, 0]);
    expect(taken.memory.users.table.size).toBe(2);
  });

  it('TEN-08: whom the host does not want is refused like anybody else', async () => {
    const refusing = await host({}, () => false);
    expect((await refusing.signIn({})).status).toBe(401);
    expect([refusing.asked.length, refusing.links.size, refusing.app.shared.rows.size]).toEqual([1, 0, 0]);
  });

  it('makes one user of somebody new who comes twice at once, and finds that user later', async () => {
    const { begin: start, respond, post, signIn, memory, links } = await host();
    const [one, other] = [await start(), await start()];
    const responses = await Promise.all([respond(one, {}), respond(other, {})]);
    const answers = await Promise.all([post(one, responses[0]), post(other, responses[1])]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    const ids = new Set(answers.map(({ body }) => body.entity_id));
    expect([ids.size, memory.users.table.size, links.size]).toEqual([1, 3, 1]);
    const later = await signIn({ attributes: { mail: 'renamed@example.com' } });
    expect([later.status, ids.has(later.id)]).toEqual([200, true]);
    const another = await signIn({ subject: 'new-2', attributes: { mail: 'second@example.com' } });
    expect([another.status, ids.has(another.id)]).toEqual([200, false]);
  });

  it('makes a user of somebody without an address', async () => {
    const { signIn, asked } = await host();
    const { status, id } = await signIn({ attributes: {} });
    expect([status, asked.map(({ email }) => email)]).toEqual([200, [null]]);
    expect((await signIn({ attributes: {} })).id).toBe(id);
  });
});

describe('links and sessions of a provider (TEN-06, SAML-29)', () => {
  it('links alice at her first sign-in, and finds her by her subject ever after', async () => {
    const { signIn, links, memory } = await host();
    expect(await signIn({ subject: 'alice-1', attributes: { mail: alice.email } })).toMatchObject({
      id: alice.id,
    });
    expect([...links]).toEqual([['["saml","alice-1"]', alice.id]]);
    memory.users.table.set(alice.id, {
      ...memory.users.table.get(alice.id),
      email: 'married@example.com',
    } as never);
    expect(await signIn({ subject: 'alice-1', attributes: { mail: alice.email } })).toMatchObject({
      id: alice.id,
    });
    const second = await signIn({ subject: 'alice-2', attributes: { mail: 'married@example.com' } });
    expect(second.status).toBe(401);
  });

  it('TEN-06: a session ends when its link is taken away', async () => {
    const { signIn, unlink, app } = await host();
    const { token = '' } = await signIn({ subject: 'alice-1', attributes: { mail: alice.email } });
    expect((await app.get('/me', bearer(token))).body.id).toBe(alice.id);
    unlink('saml', 'alice-1');
    expect((await app.get('/me', bearer(token))).status).toBe(401);
    expect(app.shared.rows.size).toBe(0);
  });

  it('TEN-06: a session ends when its subject is linked to somebody else', async () => {
    const { signIn, links, app } = await host();
    const { token = '' } = await signIn({ subject: 'alice-1', attributes: { mail: alice.email } });
    links.set('["saml","alice-1"]', bob.id);
    expect((await app.get('/me', bearer(token))).status).toBe(401);
    const next = await signIn({ subject: 'alice-1', attributes: { mail: alice.email } });
    expect([next.status, next.id]).toEqual([200, bob.id]);
  });

  it.each(['Bearer', 'Cookie'])(
    'SAML-29: a %s session ends with that of the provider, though a second factor was completed',
    async (carrier) => {
      const { app, begin: start, respond } = await host({ secondFactor: 'require' });
      const key = await enrolledKey(app);
      const begun = await start();
      const sessionEndsAt = app.clock() + 1_200_000;
      const said = { subject: 'alice-1', attributes: { mail: alice.email }, sessionEndsAt };
      const response = await respond(begun, said);
      const body = { method: 'saml-response', id: begun.id, response, token_type: carrier };
      const answer = await app.post(auth, body, begun.headers);
      expect([answer.status, answer.body.entity_id]).toEqual([200, alice.id]);
      const presenting = (found: typeof answer): Record<string, string> => {
        const cookies = (found.headers['set-cookie'] ?? []) as unknown as string[];
        return carrier === 'Bearer'
          ? bearer(answer.body.access_token)
          : { Cookie: cookies[0]?.split(';')[0] ?? '' };
      };
      expect((await app.get('/me', presenting(answer))).status).toBe(401);
      const assertion = await key.get(answer.body.fido2_assertion_options);
      const paid = await app.post(fido2, assertion, presenting(answer));
      expect(paid.status).toBe(204);
      const headers = presenting(paid);
      app.clock.advance(1199);
      expect((await app.get('/me', headers)).body.id).toBe(alice.id);
      expect((await app.post('/sys/v1/session/refresh', undefined, headers)).status).toBe(204);
      app.clock.advance(1);
      expect((await app.get('/me', headers)).status).toBe(401);
      expect(app.shared.rows.size).toBe(0);
    },
  );

  it('owes a second factor where the record requires it, and none where it is trusted', async () => {
    for (const [secondFactor, expected] of [
      ['require', 401],
      ['trust', 200],
    ] as const) {
      const { app, signIn } = await host({ secondFactor });
      await enrolledKey(app);
      const { token = '' } = await signIn({ subject: 'alice-1', attributes: { mail: alice.email } });
      expect([secondFactor, (await app.get('/me', bearer(token))).status]).toEqual([secondFactor, expected]);
    }
  });
});
