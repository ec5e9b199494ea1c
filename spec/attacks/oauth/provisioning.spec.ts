import { describe, expect, it } from '@jest/globals';
import type { FederatedIdentity, OauthIdentityProvider, User } from '../../../lib/index.js';
import { type OauthProvider, oauthProvider } from '../../../lib/testing/index.js';
import { type TestApp, testApp } from '../../support/app.js';
import { testClock } from '../../support/clock.js';
import { auth, browser, oidcRecord } from '../../support/federation.js';
import { aliceClaims, type Subject, uniform } from '../../support/oauth-attack.js';
import { acme, alice, bob, globex, people } from '../../support/people.js';
import { sharedStores } from '../../support/shared.js';

type Provision = (identity: FederatedIdentity) => Promise<User | null>;
interface Deployment {
  nodes: readonly [TestApp, TestApp];
  provider: OauthProvider;
  asked: FederatedIdentity[];
}

const news: Subject = { sub: 'new-1', email: 'new@example.com', email_verified: true };
const made: User = {
  ...{ id: 'eee00000-0000-4000-8000-000000000001', email: 'new@example.com', enabled: true },
  ...{ passwordHash: null, credentialVersion: 1, accountIds: [acme] },
};

/** Two nodes over users whom `provision` makes. */
async function deployment(
  provision: (users: Map<string, User>) => Provision,
  record: Partial<OauthIdentityProvider> = {},
): Promise<Deployment> {
  const clock = testClock();
  const [shared, memory] = [sharedStores(clock, { latency: true }), await people()];
  const asked: FederatedIdentity[] = [];
  const make = provision(memory.users.table);
  const users = Object.assign(memory.users, {
    provision(identity: FederatedIdentity) {
      asked.push(identity);
      return make(identity);
    },
  });
  memory.identityProviders.table.set('oidc', oidcRecord(record));
  const provider = oauthProvider({ clientId: 'host', clock });
  const node = () =>
    testApp({ shared, testClock: clock, memory: { ...memory, users }, fetch: provider.fetch });
  return { nodes: [await node(), await node()], provider, asked };
}

async function signIn({ provider }: Deployment, node: TestApp, claims: Subject): Promise<string> {
  const own = browser(node);
  const { authorization_url: url, idp_id, state } = await own.offer('oauth-auth-code-grant');
  const code = provider.authorize(String(url), claims);
  const answer = await node.post(
    auth,
    { method: 'oauth-auth-code', idp_id, state, code, email: '' },
    own.headers,
  );
  if (answer.status !== 200) expect([answer.status, answer.text]).toEqual([401, uniform]);
  return answer.body.entity_id ?? answer.body.code;
}

const usual = (users: Map<string, User>) => async () => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  if (!users.has(made.id)) users.set(made.id, made);
  return users.get(made.id) ?? null;
};

describe('attacks on provisioning (OIDC-24, TEN-08)', () => {
  it('makes one user of six sign-ins that come at once, in the account of the provider alone', async () => {
    const target = await deployment(usual, { authoritative: false });
    const claims = { ...news, roles: ['admin'], accountIds: [globex], accountId: globex, acct_id: globex };
    const outcomes = await Promise.all(
      Array.from({ length: 6 }, (_, at) => signIn(target, target.nodes[at % 2] ?? target.nodes[0], claims)),
    );
    expect(outcomes).toEqual(Array(6).fill(made.id));
    const { accountId, idpId, subject, email } = target.asked[0] ?? {};
    expect([accountId, idpId, subject, email]).toEqual([acme, 'oidc', 'new-1', 'new@example.com']);
    const before = target.asked.length;
    expect(await signIn(target, target.nodes[1], claims)).toBe(made.id);
    expect(target.asked.length).toBe(before);
    const [node] = target.nodes;
    expect((await node.repositories.users.findByFederatedIdentity('oidc', 'new-1'))?.id).toBe(made.id);
    expect([...node.repositories.users.table.values()].filter(({ email }) => email === made.email)).toEqual([
      made,
    ]);
  });

  it('asks for nobody who exists, and for no address that is not proven or not the provider’s', async () => {
    const target = await deployment(usual, { authoritative: false });
    for (const claims of [
      aliceClaims,
      { sub: 'evil', email: bob.email, email_verified: false },
      { ...news, email_verified: false },
      { ...news, email_verified: 'true' },
      { ...news, email: 'new@example.org' },
      { ...news, email: 'new@sub.example.com' },
      { ...news, email: 'not an address' },
    ])
      expect([claims, await signIn(target, target.nodes[0], claims)]).toEqual([
        claims,
        'invalid_credentials',
      ]);
    expect(target.asked).toEqual([]);
    expect(await target.nodes[0].repositories.users.findByFederatedIdentity('oidc', 'alice-1')).toBeNull();
  });

  it.each<[string, User | null]>([
    ['nobody', null],
    ['a user of another account', { ...made, accountIds: [globex] }],
    ['a user of no account', { ...made, accountIds: [] }],
    ['a disabled user', { ...made, enabled: false }],
  ])('opens nothing when the host makes %s', async (_, user) => {
    const target = await deployment((users) => async () => {
      if (user !== null) users.set(user.id, user);
      return user;
    });
    expect(await signIn(target, target.nodes[0], news)).toBe('invalid_credentials');
    expect(target.asked).toHaveLength(1);
    expect(target.nodes[0].shared.rows.size).toBe(0);
    expect(await target.nodes[0].repositories.users.findByFederatedIdentity('oidc', 'new-1')).toBeNull();
  });

  it('links nobody who has another subject of this provider, though the host answers with her', async () => {
    const target = await deployment((users) => async () => users.get(alice.id) ?? null);
    expect(await signIn(target, target.nodes[0], aliceClaims)).toBe(alice.id);
    expect(await signIn(target, target.nodes[1], news)).toBe('invalid_credentials');
    await new Promise((resolve) => setImmediate(resolve));
    expect(target.nodes[1].events.at(-1)).toMatchObject({ reason: 'linked_elsewhere', entityId: alice.id });
    expect(target.nodes[0].shared.rows.size).toBe(1);
  });

  it('a host that fails to make a user is a dependency that fails, and the code is still good', async () => {
    let broken = true;
    const target = await deployment((users) => async () => {
      if (broken) throw new Error('secret-of-the-driver: broken');
      return usual(users)();
    });
    const { nodes, provider } = target;
    provider.misbehave({ permissive: true });
    const own = browser(nodes[0]);
    const { authorization_url: url, idp_id, state } = await own.offer('oauth-auth-code-grant');
    const code = provider.authorize(String(url), news);
    const body = { method: 'oauth-auth-code', idp_id, state, code, email: '' };
    const down = await nodes[0].post(auth, body, own.headers);
    expect([down.status, down.body.code, down.text.includes('driver')]).toEqual([503, 'unavailable', false]);
    broken = false;
    expect((await nodes[1].post(auth, body, own.headers)).body.entity_id).toBe(made.id);
  });
});
