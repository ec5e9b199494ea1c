import { createPublicKey, generateKeyPairSync, type KeyObject, verify } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { OauthClientAuthentication } from '../../../lib/index.js';
import type { OauthProvider } from '../../../lib/testing/index.js';
import {
  aliceClaims,
  begin,
  type OauthTarget,
  oauthAttack,
  redeem,
  seen,
} from '../../support/oauth-attack.js';
import { alice } from '../../support/people.js';

const secret = 'a secret: of/the+client & co %41';
const tokenRequests = ({ provider }: OauthTarget) =>
  provider.requests.filter(({ url }) => new URL(url).pathname === '/token');
const withoutEmail = ({ email: _, email_verified: __, ...rest }: Record<string, unknown>) => rest;

async function signIn(target: OauthTarget): Promise<string> {
  target.expectSessionsOf(alice.id);
  const begun = await begin(target.nodes[0]);
  const code = target.provider.authorize(begun.url.href, aliceClaims);
  return seen(await redeem(target.nodes[1], begun, code));
}

/** What was sent last for a code: the header that authenticates the client, and the form. */
function lastToken(target: OauthTarget): {
  authorization: string | null;
  form: URLSearchParams;
  url: string;
} {
  const { init, url } = tokenRequests(target).at(-1) ?? { init: {}, url: '' };
  const authorization = new Headers(init.headers).get('authorization');
  return { authorization, form: new URLSearchParams(String(init.body)), url };
}

/** Nothing of what is told in confidence stands in an address. */
function expectCleanUrls({ requests }: OauthProvider): void {
  for (const { url } of requests) {
    const { search, hash, username, password } = new URL(url);
    expect([search, hash, username, password]).toEqual(['', '', '', '']);
  }
}

describe('what is told in confidence (OIDC-20, OIDC-22)', () => {
  it('OIDC-20: client_secret_basic: the secret stands in the header, encoded as RFC 6749 says', () =>
    oauthAttack(
      { record: { clientAuthentication: { method: 'client_secret_basic', secret } } },
      async (target) => {
        target.provider.misbehave({ claims: withoutEmail });
        expect(await signIn(target)).toBe(alice.id);
        const { authorization, form } = lastToken(target);
        const [user = '', sent = ''] = Buffer.from((authorization ?? '').slice(6), 'base64')
          .toString()
          .split(':');
        expect(authorization).toMatch(/^Basic /);
        expect([user, new URLSearchParams(`s=${sent}`).get('s')]).toEqual(['host', secret]);
        expect([form.has('client_secret'), form.has('client_assertion')]).toEqual([false, false]);
        expectCleanUrls(target.provider);
        for (const { url, init } of target.provider.requests.filter(({ url }) => !url.endsWith('/token')))
          expect([url, JSON.stringify(init).includes('secret')]).toEqual([url, false]);
      },
    ));

  it('OIDC-20: client_secret_post: the secret stands in the form', () =>
    oauthAttack(
      { record: { clientAuthentication: { method: 'client_secret_post', secret } } },
      async (target) => {
        expect(await signIn(target)).toBe(alice.id);
        const { authorization, form } = lastToken(target);
        expect([authorization, form.get('client_id'), form.get('client_secret')]).toEqual([
          null,
          'host',
          secret,
        ]);
        expectCleanUrls(target.provider);
      },
    ));

  it('a public client sends no secret, and the challenge all the same', () =>
    oauthAttack({ record: { clientAuthentication: { method: 'none' } } }, async (target) => {
      expect(await signIn(target)).toBe(alice.id);
      const { authorization, form } = lastToken(target);
      expect([authorization, form.get('client_id'), form.has('code_verifier')]).toEqual([null, 'host', true]);
    }));

  const keys = {
    RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    PS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    EdDSA: generateKeyPairSync('ed25519'),
  };
  it.each(Object.keys(keys) as (keyof typeof keys)[])(
    'private_key_jwt by %s: the assertion is good, short and new each time',
    (algorithm) => {
      const { publicKey, privateKey } = keys[algorithm];
      const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
      const by: OauthClientAuthentication = { method: 'private_key_jwt', key, algorithm, keyId: 'ours' };
      return oauthAttack({ record: { clientAuthentication: by } }, async (target) => {
        target.secret(key.slice(40, 80));
        const ids = [];
        for (let round = 0; round < 2; round += 1) {
          expect(await signIn(target)).toBe(alice.id);
          const { authorization, form } = lastToken(target);
          expect([authorization, form.has('client_secret')]).toEqual([null, false]);
          expect(form.get('client_assertion_type')).toBe(
            'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          );
          const { header, claims } = verified(form.get('client_assertion') ?? '', publicKey);
          expect(header.kid).toBe('ours');
          expect([claims.iss, claims.sub]).toEqual(['host', 'host']);
          expect([claims.aud].flat()).toContain('https://provider.example');
          for (const each of [claims.aud].flat())
            expect(each).toMatch(/^https:\/\/provider\.example(?:\/token)?$/);
          expect(Number(claims.exp) - Number(claims.iat)).toBeLessThanOrEqual(300);
          expect(Number(claims.exp)).toBeGreaterThan(Date.now() / 1000);
          ids.push(claims.jti);
        }
        expect(new Set(ids).size).toBe(2);
      });
    },
  );

  it('OIDC-20: the access token goes to userinfo in a header, and nowhere else', () =>
    oauthAttack({}, async (target) => {
      target.provider.misbehave({ claims: withoutEmail });
      expect(await signIn(target)).toBe(alice.id);
      const userinfo = target.provider.requests.filter(({ url }) => url.endsWith('/userinfo'));
      expect(userinfo).toHaveLength(1);
      const { authorization } = Object.fromEntries(new Headers(userinfo[0]?.init.headers));
      expect(authorization).toMatch(/^Bearer [0-9a-f]{32}$/);
      const access = String(authorization).slice(7);
      const others = target.provider.requests.filter(({ url }) => !url.endsWith('/userinfo'));
      for (const { url, init } of others)
        expect(`${url} ${JSON.stringify(init)} ${String(init.body)}`).not.toContain(access);
      expectCleanUrls(target.provider);
    }));

  it('OIDC-22: no token of the provider is kept, or given to the client', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider, shared } = target;
      target.expectSessionsOf(alice.id);
      const begun = await begin(nodes[0]);
      const code = provider.authorize(begun.url.href, { ...aliceClaims, phone: '+41 79 000 00 00' });
      let tokens: Record<string, string> = {};
      const tokensFor = async (url: string, init: RequestInit) => {
        provider.misbehave({});
        const answered = await provider.fetch(url, init);
        tokens = { ...((await answered.json()) as object), refresh_token: 'a-refresh-token-of-the-provider' };
        return Response.json(tokens);
      };
      provider.misbehave({
        answer: (url, init) => (url.pathname === '/token' ? tokensFor(url.href, init) : undefined),
      });
      const answer = await redeem(nodes[0], begun, code);
      expect(seen(answer)).toBe(alice.id);
      expect(Object.keys(JSON.parse(answer.body)).sort()).toEqual([
        ...['access_token', 'allowed_mfa_methods', 'entity_id', 'expires_in', 'token_type'],
      ]);
      const { access_token = '', id_token = '', refresh_token = '' } = tokens;
      const everywhere = JSON.stringify([answer, [...shared.rows], nodes.map(({ events }) => events)]);
      for (const token of [access_token, id_token, refresh_token, id_token.split('.')[1], code, '+41 79']) {
        expect(String(token).length).toBeGreaterThan(5);
        expect([token, everywhere.includes(String(token))]).toEqual([token, false]);
      }
    }));

  it('nothing that is secret stands in what discovery answers', () =>
    oauthAttack(
      { record: { clientAuthentication: { method: 'client_secret_post', secret } } },
      async (target) => {
        const begun = await begin(target.nodes[0]);
        expect([...begun.url.searchParams.keys()].sort()).toEqual([
          ...[
            'client_id',
            'code_challenge',
            'code_challenge_method',
            'nonce',
            'redirect_uri',
            'response_type',
          ],
          ...['scope', 'state'],
        ]);
        expect(decodeURIComponent(begun.url.href)).not.toContain('secret');
        expect(begun.url.origin).toBe('https://provider.example');
      },
    ));
});

function verified(token: string, key: KeyObject) {
  const [head = '', body = '', tail = ''] = token.split('.');
  const header: Record<string, unknown> = JSON.parse(Buffer.from(head, 'base64url').toString());
  const claims: Record<string, unknown> = JSON.parse(Buffer.from(body, 'base64url').toString());
  const [signed, signature] = [Buffer.from(`${head}.${body}`), Buffer.from(tail, 'base64url')];
  const checked = createPublicKey(key.export({ type: 'spki', format: 'pem' }));
  const how = {
    RS256: { key: checked },
    PS256: { key: checked, padding: 6, saltLength: 32 },
    ES256: { key: checked, dsaEncoding: 'ieee-p1363' as const },
  }[String(header.alg)];
  const good =
    how === undefined ? verify(null, signed, checked, signature) : verify('sha256', signed, how, signature);
  expect([header.alg, good]).toEqual([header.alg, true]);
  return { header, claims };
}
