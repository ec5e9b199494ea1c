import { describe, expect, it } from '@jest/globals';
import type { OauthEndpoints, OauthIdentityProvider } from '../../../lib/index.js';
import type { OauthMisbehaviour } from '../../../lib/testing/index.js';
import { auth } from '../../support/federation.js';
import {
  aliceClaims,
  begin,
  type OauthTarget,
  oauthAttack,
  reasons,
  redeem,
  refused,
  type Subject,
  seen,
} from '../../support/oauth-attack.js';
import { alice, bob } from '../../support/people.js';

const server = 'https://provider.example';
const noIdToken: OauthMisbehaviour = { idToken: () => undefined };

/** A plain OAuth 2 server in the place of the OpenID Connect one. */
function plain(endpoints: Partial<OauthEndpoints> = {}): Partial<OauthIdentityProvider> {
  return {
    issuer: undefined,
    endpoints: {
      ...{ authorization: `${server}/authorize`, token: `${server}/token`, userinfo: `${server}/userinfo` },
      ...endpoints,
    },
  };
}

async function signIn(target: OauthTarget, claims: Subject, how: OauthMisbehaviour = {}): Promise<string> {
  const begun = await begin(target.nodes[0]);
  const code = target.provider.authorize(begun.url.href, claims);
  target.provider.misbehave({ ...noIdToken, ...how });
  return seen(await redeem(target.nodes[1], begun, code));
}

describe('a plain OAuth 2 server', () => {
  it('is asked by its endpoints, with state and challenge, and without nonce or discovery', () =>
    oauthAttack({ record: plain() }, async (target) => {
      target.expectSessionsOf(alice.id);
      const { url } = await begin(target.nodes[0]);
      expect([...url.searchParams.keys()].sort()).toEqual([
        ...['client_id', 'code_challenge', 'code_challenge_method', 'redirect_uri', 'response_type', 'state'],
      ]);
      expect(await signIn(target, aliceClaims)).toBe(alice.id);
      expect(target.provider.requests.map((each) => new URL(each.url).pathname)).toEqual([
        '/token',
        '/userinfo',
      ]);
    }));

  it('numbers its users, or names them otherwise', () =>
    oauthAttack(
      { record: plain({ subjectClaim: 'id', emailClaim: 'mail', emailVerifiedClaim: 'confirmed' }) },
      async (target) => {
        target.expectSessionsOf(alice.id, bob.id);
        const says = (id: unknown, mail: string) => ({ userinfo: () => ({ id, mail, confirmed: true }) });
        const { users } = target.nodes[0].repositories;
        expect(await signIn(target, { sub: 'x' }, says(7, alice.email))).toBe(alice.id);
        expect((await users.findByFederatedIdentity('oidc', '7'))?.id).toBe(alice.id);
        expect(await signIn(target, { sub: 'x' }, says(Number.MAX_SAFE_INTEGER, bob.email))).toBe(bob.id);
        expect(await signIn(target, { sub: 'x' }, { userinfo: () => ({ id: 7 }) })).toBe(alice.id);
        // The names that OpenID Connect has for it mean nothing here.
        const usual = { userinfo: () => ({ sub: '7', email: alice.email, email_verified: true }) };
        expect(await signIn(target, { sub: '7' }, usual)).toBe(refused);
      },
    ));

  it('identifies nobody by what is no id, or by a number that cannot be told from its neighbour', () =>
    oauthAttack({ record: plain() }, async (target) => {
      for (const sub of [
        ...[undefined, null, '', true, [7], { id: 7 }, 7.5, -0.1, 2 ** 53, 1e21, 'x'.repeat(256)],
        ...[['alice-1'], { toString: 'alice-1' }],
      ]) {
        const userinfo = () => ({ ...aliceClaims, sub });
        expect([sub, await signIn(target, aliceClaims, { userinfo })]).toEqual([sub, refused]);
      }
      expect(new Set(reasons(target.nodes))).toEqual(new Set(['no_subject']));
    }));

  it('proves an address by a claim that is exactly true', () =>
    oauthAttack({ record: plain() }, async (target) => {
      for (const email_verified of [false, undefined, 'true', 1, null, [true]]) {
        const userinfo = () => ({ ...aliceClaims, email_verified });
        expect([email_verified, await signIn(target, aliceClaims, { userinfo })]).toEqual([
          email_verified,
          refused,
        ]);
      }
      for (const email of [[alice.email], { 0: alice.email }, 7, '']) {
        const userinfo = () => ({ ...aliceClaims, email });
        expect([email, await signIn(target, aliceClaims, { userinfo })]).toEqual([email, refused]);
      }
    }));

  it('takes a code of this flow alone: the verifier is all that binds it', () =>
    oauthAttack({ record: plain() }, async (target) => {
      const { nodes, provider } = target;
      provider.misbehave(noIdToken);
      target.expectSessionsOf(alice.id);
      const [one, other] = [await begin(nodes[0]), await begin(nodes[1])];
      const code = provider.authorize(one.url.href, aliceClaims);
      expect(seen(await redeem(nodes[0], other, code))).toBe(refused);
      expect(seen(await redeem(nodes[0], other, code, { state: one.state }))).toBe(refused);
      expect(seen(await redeem(nodes[0], one, code))).toBe(alice.id);
      expect(seen(await redeem(nodes[1], one, code))).toBe(refused);
    }));

  it('whose userinfo is a redirect, a page, a refusal or nothing answers nonsense', () =>
    oauthAttack({ record: plain() }, async (target) => {
      target.expectFaults();
      target.expectSessionsOf(alice.id);
      const location = 'https://canary.example';
      for (const made of [
        () => new Response(null, { status: 302, headers: { location } }),
        () => new Response('<h1>alice</h1>', { headers: { 'content-type': 'text/html' } }),
        () => Response.json({ error: 'invalid_token' }, { status: 401 }),
        () => Response.json(aliceClaims, { status: 500 }),
        () => Response.json('alice'),
        () => Response.json(null),
        () => new Response(null, { status: 204 }),
      ]) {
        const answer = ({ pathname }: URL) => (pathname === '/userinfo' ? made() : undefined);
        expect(await signIn(target, aliceClaims, { answer })).toBe('502 bad_gateway');
      }
      expect(target.provider.requests.filter(({ url }) => url.includes('canary'))).toEqual([]);
      expect(await signIn(target, aliceClaims)).toBe(alice.id);
    }));

  it('is asked by https alone', () =>
    oauthAttack({}, async (target) => {
      target.expectFaults();
      for (const [name, evil] of [
        ['userinfo', 'http://provider.example/userinfo'],
        ['userinfo', 'file:///etc/passwd'],
        ['token', 'http://provider.example/token'],
      ] as const) {
        target.record({ ...plain({ [name]: evil }), name: evil });
        const outcome = await signIn(target, aliceClaims);
        expect([evil, ['502 bad_gateway', refused].includes(outcome)]).toEqual([evil, true]);
      }
      expect(target.provider.requests.filter(({ url }) => !url.startsWith('https:'))).toEqual([]);
    }));
});

describe('a record that takes unbound codes (dangerouslyAllowUnboundCode)', () => {
  const record = { dangerouslyAllowUnboundCode: true };
  const body = { method: 'oauth-auth-code', idp_id: Buffer.from('oidc').toString('base64'), email: '' };

  it('sends neither nonce nor challenge, and does the plain exchange of the contract, with no cookie', () =>
    oauthAttack({ record }, async (target) => {
      const { nodes, provider, expectSessionsOf } = target;
      expectSessionsOf(alice.id);
      const { url } = await begin(nodes[0]);
      expect([...url.searchParams.keys()].sort()).toEqual([
        ...['client_id', 'redirect_uri', 'response_type', 'scope', 'state'],
      ]);
      for (const more of [{}, { state: 'of-the-client' }, { state: null }, { email: alice.email }]) {
        const code = provider.authorize(url.href, aliceClaims);
        expect(seen(await nodes[1].call(auth, { ...body, ...more, code }))).toBe(alice.id);
      }
      const sent = provider.requests.filter(({ url }) => url.endsWith('/token'));
      for (const { init } of sent) expect(String(init.body)).not.toContain('code_verifier');
    }));

  it('checks everything else all the same', () =>
    oauthAttack({ record }, async (target) => {
      const { nodes, provider } = target;
      const { url } = await begin(nodes[0]);
      const misbehaviours: Record<string, OauthMisbehaviour> = {
        signature: { signature: () => Buffer.alloc(256) },
        issuer: { claims: (claims) => ({ ...claims, iss: 'https://evil.example' }) },
        audience: { claims: (claims) => ({ ...claims, aud: 'other' }) },
        end: { claims: ({ exp: _, ...claims }) => claims },
        address: { claims: (claims) => ({ ...claims, email_verified: 'true' }) },
        'a nonce that nobody asked for': { claims: (claims) => ({ ...claims, nonce: 'of another flow' }) },
      };
      for (const [name, how] of Object.entries(misbehaviours)) {
        provider.misbehave(how);
        const code = provider.authorize(url.href, aliceClaims);
        expect([name, seen(await nodes[1].call(auth, { ...body, code }))]).toEqual([name, refused]);
      }
      provider.misbehave({});
      const code = provider.authorize(url.href, aliceClaims);
      expect(seen(await nodes[1].call(auth, { ...body, code, email: bob.email }))).toBe(refused);
      expect(seen(await nodes[1].call(auth, { ...body, code: 'x' }))).toBe(refused);
    }));

  it('is that one record’s alone', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider } = target;
      target.record({ id: 'loose', ...record });
      provider.misbehave({ permissive: true });
      const strict = await begin(nodes[0]);
      const loose = await begin(nodes[0], { idp: 'loose' });
      const code = provider.authorize(loose.url.href, aliceClaims);
      expect(seen(await nodes[0].call(auth, { ...body, code }))).toBe(refused);
      expect(seen(await redeem(nodes[0], strict, code))).toBe(refused);
      target.expectSessionsOf(alice.id);
      expect(seen(await redeem(nodes[0], { ...loose, cookie: {} }, code))).toBe(alice.id);
    }));
});
