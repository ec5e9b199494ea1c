import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { keysThatOutliveOutages } from '../../../lib/federation/oauth-fetch.js';
import type { OauthMisbehaviour } from '../../../lib/testing/index.js';
import { discover } from '../../support/federation.js';
import {
  aliceClaims,
  attempt,
  begin,
  type OauthTarget,
  oauthAttack,
  reasons,
  redeem,
  refused,
  seen,
} from '../../support/oauth-attack.js';
import { alice } from '../../support/people.js';

const asked = ({ provider }: OauthTarget, path: string) =>
  provider.requests.filter(({ url }) => new URL(url).pathname === path).length;

/** Signs in with the provider as it is; the code is not used again. */
async function signIn({ nodes, provider }: OauthTarget, how: OauthMisbehaviour = {}): Promise<string> {
  const begun = await begin(nodes[0]);
  const code = provider.authorize(begun.url.href, aliceClaims);
  provider.misbehave(how);
  return seen(await redeem(nodes[0], begun, code));
}

const down = (path: string): NonNullable<OauthMisbehaviour['answer']> => {
  return ({ pathname }) => (pathname === path ? Promise.reject(new TypeError('fetch failed')) : undefined);
};
const jwkOf = (key: KeyObject, change: object = {}) => ({
  ...key.export({ format: 'jwk' }),
  ...{ kid: 'key', use: 'sig' },
  ...change,
});
const signedBy = (key: KeyObject) => (signed: string) => sign('sha256', Buffer.from(signed), key);

describe('attacks by the keys of a provider (OIDC-17)', () => {
  it('OIDC-17: keys that were read go on while their address is down', () =>
    oauthAttack({}, async (target) => {
      target.expectSessionsOf(alice.id);
      target.expectFaults();
      // Nothing is known yet, so nobody can be believed.
      expect(await signIn(target, { answer: down('/keys') })).toBe('503 unavailable');
      expect(await signIn(target)).toBe(alice.id);
      for (const answer of [down('/keys'), down('/.well-known/openid-configuration'), down('/userinfo')])
        expect(await signIn(target, { answer })).toBe(alice.id);
    }));

  it('OIDC-17: what was read goes on for its own address, and for what is read without a credential', async () => {
    let answer: () => Promise<Response> = async () => Response.json({ keys: ['known'] });
    const fetch = keysThatOutliveOutages(() => answer());
    const [known, other] = ['https://provider.example/keys', 'https://provider.example/other'];
    const withCredential = { headers: { authorization: 'Bearer x' } };
    expect(await (await fetch(known, {})).json()).toEqual({ keys: ['known'] });
    expect((await fetch(other, withCredential)).status).toBe(200);
    expect((await fetch(other, { method: 'POST' })).status).toBe(200);
    for (const outage of [
      () => Promise.reject(new TypeError('fetch failed')),
      async () => new Response('oops', { status: 503 }),
      async () => new Response('gone', { status: 404 }),
    ]) {
      answer = outage;
      for (let index = 0; index < 2; index += 1)
        expect(await (await fetch(known, {})).json()).toEqual({ keys: ['known'] });
      for (const [url, init] of [
        [other, {}],
        [known, withCredential],
        [known, { method: 'POST' }],
      ] as const)
        expect(
          await fetch(url, init).then(
            ({ ok }) => ok,
            () => false,
          ),
        ).toBe(false);
    }
    answer = async () => Response.json({ keys: ['next'] });
    expect(await (await fetch(known, {})).json()).toEqual({ keys: ['next'] });
  });

  it('OIDC-17: a flood of unknown keys asks for the key set no more often than once', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider } = target;
      target.expectSessionsOf(alice.id);
      expect(await signIn(target)).toBe(alice.id);
      const before = asked(target, '/keys');
      let count = 0;
      provider.misbehave({
        permissive: true,
        header: (header) => {
          count += 1;
          return { ...header, kid: `evil-${count}` };
        },
      });
      const begun = await begin(nodes[0]);
      const code = provider.authorize(begun.url.href, aliceClaims);
      const answers = [];
      for (let round = 0; round < 10; round += 1)
        answers.push(...(await Promise.all(Array.from({ length: 10 }, () => redeem(nodes[0], begun, code)))));
      expect(new Set(answers.map(seen))).toEqual(new Set([refused]));
      expect(count).toBe(100);
      expect(asked(target, '/keys') - before).toBeLessThanOrEqual(1);
      provider.misbehave({});
      expect(seen(await redeem(nodes[0], begun, code))).toBe(alice.id);
    }));

  it('OIDC-17: the discovery document is read once an hour, not once a sign-in', () =>
    oauthAttack({}, async (target) => {
      const path = '/.well-known/openid-configuration';
      target.expectSessionsOf(alice.id);
      for (let index = 0; index < 5; index += 1) expect(await signIn(target)).toBe(alice.id);
      expect([asked(target, path), asked(target, '/keys')]).toEqual([1, 1]);
      target.clock.advance(3600);
      expect(await signIn(target)).toBe(alice.id);
      expect(asked(target, path)).toBe(2);
    }));

  it('OIDC-17: a key set that is too large, a page or no list lets nobody in, and is bounded', () =>
    oauthAttack({}, async (target) => {
      target.expectFaults();
      target.expectSessionsOf(alice.id);
      const sets: Record<string, (keys: Record<string, unknown>[]) => unknown> = {
        'too large': (keys) => ({ keys: [...keys, { kty: 'oct', k: 'x'.repeat(1_100_000) }] }),
        'a page': () => '<html>',
        'no list': () => ({ keys: { 0: 'x' } }),
        nothing: () => ({}),
      };
      for (const [name, keys] of Object.entries(sets)) {
        // Another record for each, so that no key is remembered.
        target.record({ name });
        const outcome = await signIn(target, { keys });
        expect([name, ['502 bad_gateway', refused].includes(outcome)]).toEqual([name, true]);
      }
      target.record({ name: 'good' });
      expect(await signIn(target)).toBe(alice.id);
    }));

  it('OIDC-17: a key that is weak, of another kind or ambiguous verifies nothing', () =>
    oauthAttack({}, async (target) => {
      const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
      const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const two = [1, 2].map(() => generateKeyPairSync('rsa', { modulusLength: 2048 }));
      const [first, second] = two;
      if (first === undefined || second === undefined) throw new Error('there are no keys');
      const shared = { kty: 'oct', k: Buffer.from('shared').toString('base64url'), kid: 'key', alg: 'HS256' };
      const sets: [string, KeyObject, object[]][] = [
        ['1,024 bits', weak.privateKey, [jwkOf(weak.publicKey, { alg: 'RS256' })]],
        ['a curve for RS256', curve.privateKey, [jwkOf(curve.publicKey)]],
        ['a curve that says RS256', curve.privateKey, [jwkOf(curve.publicKey, { alg: 'RS256' })]],
        ['for encryption', first.privateKey, [jwkOf(first.publicKey, { use: 'enc' })]],
        ['for another algorithm', first.privateKey, [jwkOf(first.publicKey, { alg: 'PS256' })]],
        ['two of one kid', first.privateKey, [jwkOf(first.publicKey), jwkOf(second.publicKey)]],
        ['a shared one', first.privateKey, [shared]],
        ['none', first.privateKey, []],
        ['nonsense', first.privateKey, [{ kty: 'RSA', kid: 'key', n: 'AA', e: 'AA' }]],
      ];
      for (const [name, key, keys] of sets) {
        target.record({ name });
        const outcome = await signIn(target, { signature: signedBy(key), keys: () => ({ keys }) });
        expect([name, outcome]).toEqual([name, refused]);
      }
      expect(new Set(reasons(target.nodes))).toEqual(new Set(['not_verified']));
      target.expectSessionsOf(alice.id);
      target.record({ name: 'good' });
      const keys = () => ({ keys: [jwkOf(first.publicKey)] });
      expect(await signIn(target, { signature: signedBy(first.privateKey), keys })).toBe(alice.id);
    }));

  it('takes the algorithms that the record names, and no others', () =>
    oauthAttack({ record: { algorithms: ['ES256'] } }, async (target) => {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const es256: OauthMisbehaviour = {
        metadata: (given) => ({
          ...given,
          id_token_signing_alg_values_supported: ['RS256', 'ES256', 'none'],
        }),
        header: (header) => ({ ...header, alg: 'ES256' }),
        signature: (signed) =>
          sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' }),
        keys: (keys) => ({ keys: [...keys, jwkOf(publicKey, { alg: 'ES256' })] }),
      };
      target.provider.misbehave(es256);
      target.expectSessionsOf(alice.id);
      expect(await signIn(target, es256)).toBe(alice.id);
      const { metadata, keys } = es256;
      expect(await signIn(target, { ...(metadata && { metadata }), ...(keys && { keys }) })).toBe(refused);
    }));
});

describe('attacks by the endpoints of a provider (OIDC-07, OIDC-18)', () => {
  it('OIDC-07: a discovery document of another issuer is nobody’s', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider } = target;
      for (const issuer of [
        ...[
          'https://evil.example',
          'http://provider.example',
          'https://provider.example/tenant',
          '',
          7,
          null,
        ],
        ...[
          'https://provider.example:8443',
          'https://provider.example?x',
          undefined,
          ['https://provider.example'],
        ],
      ]) {
        target.record({ name: String(issuer) });
        provider.misbehave({ metadata: (metadata) => ({ ...metadata, issuer }) });
        const offers = await nodes[0].call(discover, { user_email: alice.email });
        expect([issuer, offers.status, offers.body]).toEqual([issuer, 200, '[{"method":"password"}]']);
        expect([issuer, offers.headers['set-cookie']]).toEqual([issuer, undefined]);
      }
      target.expectSessionsOf(alice.id);
      provider.misbehave({});
      target.record({ name: 'good' });
      expect(await signIn(target)).toBe(alice.id);
    }));

  it('OIDC-18: whatever a document points at is asked by https, and only then', () =>
    oauthAttack({}, async (target) => {
      target.expectFaults();
      const { provider } = target;
      target.expectSessionsOf(alice.id);
      for (const evil of [
        ...['http://provider.example/evil', 'http://169.254.169.254/evil', 'http://localhost/evil'],
        ...[
          'file:///etc/passwd',
          'data:application/json,{}',
          'ftp://provider.example/evil',
          'gopher://evil:70/',
        ],
      ]) {
        for (const name of ['token_endpoint', 'jwks_uri', 'userinfo_endpoint']) {
          target.record({ name: `${name} ${evil}` });
          const how = {
            metadata: (given: object) => ({ ...given, [name]: evil }),
            claims: ({ email: _, ...rest }: Record<string, unknown>) => rest,
          };
          provider.misbehave(how);
          const outcome = await signIn(target, how);
          expect([name, evil, ['502 bad_gateway', refused].includes(outcome)]).toEqual([name, evil, true]);
        }
      }
      const protocols = new Set(provider.requests.map(({ url }) => new URL(url).protocol));
      expect(protocols).toEqual(new Set(['https:']));
    }));

  it('OIDC-18: the loud option is for http on this machine, and for nothing else', () =>
    oauthAttack({ record: { dangerouslyAllowHttpOnLocalhost: true } }, async (target) => {
      target.expectFaults();
      const { provider } = target;
      for (const evil of [
        ...['http://provider.example/token', 'http://localhost.evil.example/token', 'http://10.0.0.1/token'],
        ...[
          'http://127.0.0.1.evil.example/token',
          'http://169.254.169.254/token',
          'http://evil@10.0.0.1/token',
        ],
      ]) {
        target.record({ name: evil });
        const how = { metadata: (given: object) => ({ ...given, token_endpoint: evil }) };
        provider.misbehave(how);
        expect([evil, await signIn(target, how)]).toEqual([evil, '502 bad_gateway']);
      }
      expect(provider.requests.filter(({ url }) => url.startsWith('http:'))).toEqual([]);
      target.expectSessionsOf(alice.id);
      target.record({ name: 'good' });
      expect(await attempt(target, {})).toBe(alice.id);
    }));
});
