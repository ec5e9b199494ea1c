import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { aliceClaims, attempt, oauthAttack, reasons, refused } from '../../support/oauth-attack.js';

const own = generateKeyPairSync('rsa', { modulusLength: 2048 });
const canary = 'https://canary.example/keys';
const jwk = { ...own.publicKey.export({ format: 'jwk' }), kid: 'key', alg: 'RS256', use: 'sig' };
const byOwnKey = (signed: string) => sign('sha256', Buffer.from(signed), own.privateKey);
const seconds = (clock: () => number) => Math.floor(clock() / 1000);
const again = (token: string, header: object, signature: Uint8Array = Buffer.alloc(0)) => {
  const [, payload = ''] = token.split('.');
  const head = Buffer.from(JSON.stringify(header)).toString('base64url');
  return [head, payload, Buffer.from(signature).toString('base64url')].join('.');
};

type Claims = Record<string, unknown>;
const claim =
  (change: Claims) =>
  (claims: Claims): Claims => ({ ...claims, ...change });
const dropped =
  (name: string) =>
  (claims: Claims): Claims => {
    const { [name]: _, ...rest } = claims;
    return rest;
  };

describe('attacks by the signature of an id_token (OIDC-06)', () => {
  it('OIDC-06: takes no token that is not signed, in any spelling', () =>
    oauthAttack({}, async (target) => {
      for (const alg of ['none', 'None', 'NONE', '', 'nOnE']) {
        const idToken = (token: string) => again(token, { alg, typ: 'JWT' });
        expect([alg, await attempt(target, { idToken })]).toEqual([alg, refused]);
      }
      const signature = () => Buffer.alloc(0);
      expect(await attempt(target, { signature })).toBe(refused);
    }));

  it('takes no shared key: neither the public key nor the client secret sign', () =>
    oauthAttack({}, async (target) => {
      const keys = new Map<string, string | Buffer>([['client secret', 'client-secret-of-the-specs']]);
      const known = await target.provider.fetch('https://provider.example/keys', {});
      const {
        keys: [published],
      } = (await known.json()) as { keys: object[] };
      keys.set('public key as JWK', JSON.stringify(published));
      const key = createPublicKey({ key: published as Record<string, string>, format: 'jwk' });
      keys.set('public key as PEM', key.export({ type: 'spki', format: 'pem' }));
      keys.set('public key as DER', key.export({ type: 'spki', format: 'der' }));
      keys.set('nothing', '');
      for (const [name, secret] of keys) {
        const header = () => ({ alg: 'HS256', typ: 'JWT', kid: 'key' });
        const signature = (signed: string) => createHmac('sha256', secret).update(signed).digest();
        expect([name, await attempt(target, { header, signature })]).toEqual([name, refused]);
      }
    }));

  it('takes no key that the token itself brings or points at, and fetches none', () =>
    oauthAttack({}, async (target) => {
      const headers: Record<string, object> = {
        jwk: { jwk },
        jku: { jku: canary },
        x5u: { x5u: canary },
        x5c: { x5c: ['MIIB'] },
        'jku of the provider’s host': { jku: 'https://provider.example/evil-keys' },
        'unknown kid': { kid: 'evil' },
        'kid of a path': { kid: '../../dev/null' },
        'kid that is no text': { kid: { $gt: '' } },
        'no kid': { kid: undefined },
      };
      for (const [name, change] of Object.entries(headers)) {
        const header = (given: Claims) => ({ ...given, ...change });
        expect([name, await attempt(target, { header, signature: byOwnKey })]).toEqual([name, refused]);
      }
      const asked = target.provider.requests.map(({ url }) => url);
      expect(asked.filter((url) => url.includes('canary') || url.includes('evil'))).toEqual([]);
      expect(new Set(reasons(target.nodes))).toEqual(new Set(['not_verified']));
    }));

  it('takes no critical header, no unencoded payload and no other algorithm than RS256', () =>
    oauthAttack({}, async (target) => {
      const headers: Record<string, object> = {
        crit: { crit: ['exp'], exp: 1 },
        'crit that is empty': { crit: [] },
        'crit of b64': { crit: ['b64'], b64: false },
        RS1: { alg: 'RS1' },
        'an algorithm that the server does not announce': { alg: 'PS256' },
        'an algorithm that is no text': { alg: ['RS256'] },
        'an algorithm in lower case': { alg: 'rs256' },
      };
      for (const [name, change] of Object.entries(headers)) {
        const header = (given: Claims) => ({ ...given, ...change });
        expect([name, await attempt(target, { header })]).toEqual([name, refused]);
      }
    }));

  it('takes no bent signature, no other number of parts and no JWE', () =>
    oauthAttack({}, async (target) => {
      const bent: Record<string, (token: string) => unknown> = {
        'one bit': (token) => {
          const [head = '', body = '', tail = ''] = token.split('.');
          const bytes = Buffer.from(tail, 'base64url');
          bytes[9] = (bytes[9] ?? 0) ^ 1;
          return [head, body, bytes.toString('base64url')].join('.');
        },
        'other claims under the same signature': (token) => {
          const [head = '', body = '', tail = ''] = token.split('.');
          const claims = { ...JSON.parse(Buffer.from(body, 'base64url').toString()), sub: 'somebody' };
          return [head, Buffer.from(JSON.stringify(claims)).toString('base64url'), tail].join('.');
        },
        'two parts': (token) => token.split('.').slice(0, 2).join('.'),
        'one part': (token) => token.split('.')[0],
        'four parts': (token) => `${token}.AAAA`,
        'five parts': (token) => `${token}.AAAA.AAAA`,
        'a JWE': () => {
          const header = { alg: 'RSA-OAEP', enc: 'A256GCM' };
          return `${Buffer.from(JSON.stringify(header)).toString('base64url')}.AAAA.AAAA.AAAA.AAAA`;
        },
        'data after it': (token) => `${token}AAAA`,
        'a second token after it': (token) => `${token},${token}`,
        nothing: () => '',
        'no text': () => ({ toString: 'x' }),
        'a list': (token) => [token],
        absent: () => undefined,
        null: () => null,
      };
      for (const [name, idToken] of Object.entries(bent))
        expect([name, await attempt(target, { idToken })]).toEqual([name, refused]);
    }));

  it('takes nothing that is no JWT in the place of one', () =>
    oauthAttack({}, async (target) => {
      target.expectFaults();
      for (const idToken of [(token: string) => token.replace('.', '.%'), () => 'a.b.c', () => '..']) {
        const outcome = await attempt(target, { idToken });
        expect([refused, '502 bad_gateway']).toContain(outcome);
      }
    }));
});

describe('attacks by the claims of an id_token (OIDC-07 to OIDC-11)', () => {
  it('OIDC-07: takes no other issuer', () =>
    oauthAttack({}, async (target) => {
      for (const iss of [
        'https://login.example/b/v2.0',
        'https://provider.example/',
        'http://provider.example',
        'https://PROVIDER.example',
        'https://provider.example.evil.example',
        'https://login.microsoftonline.com/{tenantid}/v2.0',
        '',
        ['https://provider.example'],
        null,
      ]) {
        expect([iss, await attempt(target, { claims: claim({ iss }) })]).toEqual([iss, refused]);
      }
      expect(await attempt(target, { claims: dropped('iss') })).toBe(refused);
    }));

  it('OIDC-08: takes no token for another audience, or issued to another party', () =>
    oauthAttack({}, async (target) => {
      for (const change of [
        { aud: 'other' },
        { aud: 'HOST' },
        { aud: ['other'] },
        { aud: ['other', 'host'] },
        { aud: [] },
        { aud: { host: true } },
        { aud: null },
        { azp: 'other' },
        { azp: '' },
        { azp: null },
        { azp: ['host'] },
        { aud: ['host', 'other'], azp: 'other' },
      ]) {
        const name = JSON.stringify(change);
        expect([name, await attempt(target, { claims: claim(change) })]).toEqual([name, refused]);
      }
      expect(await attempt(target, { claims: dropped('aud') })).toBe(refused);
    }));

  it('OIDC-09: takes no token that has no end, that is over, old, or not yet good', () =>
    oauthAttack({}, async (target) => {
      const now = seconds(target.clock);
      for (const change of [
        { exp: now - 60 },
        { exp: now - 3600 },
        { exp: String(now + 300) },
        { exp: null },
        { exp: 'never' },
        { iat: now - 601 },
        { iat: now - 10 * 365 * 86_400 },
        { iat: now + 61 },
        { iat: String(now) },
        { nbf: now + 61 },
        { nbf: 'soon' },
      ]) {
        const name = JSON.stringify(change);
        expect([name, await attempt(target, { claims: claim(change) })]).toEqual([name, refused]);
      }
      for (const name of ['exp', 'iat', 'sub'])
        expect([name, await attempt(target, { claims: dropped(name) })]).toEqual([name, refused]);
      expect(new Set(reasons(target.nodes))).toEqual(new Set(['not_verified']));
    }));

  it('OIDC-09: takes no token of another kind that the same key has signed', () =>
    oauthAttack({}, async (target) => {
      for (const typ of ['at+jwt', 'application/at+jwt', 'logout+jwt', 'secevent+jwt', 'dpop+jwt', '', 7]) {
        const header = (given: Claims) => ({ ...given, typ });
        expect([typ, await attempt(target, { header })]).toEqual([typ, refused]);
      }
    }));

  it('takes no subject but one text', () =>
    oauthAttack({}, async (target) => {
      for (const sub of ['', null, 7, ['alice-1'], { id: 'alice-1' }, true, 'x'.repeat(256)])
        expect([sub, await attempt(target, { claims: claim({ sub }) })]).toEqual([sub, refused]);
    }));

  it('OIDC-10: takes no token without this flow’s own nonce', () =>
    oauthAttack({}, async (target) => {
      for (const nonce of ['', 'other', null, ['x'], 'A'.repeat(43)])
        expect([nonce, await attempt(target, { claims: claim({ nonce }) })]).toEqual([nonce, refused]);
      expect(await attempt(target, { claims: dropped('nonce') })).toBe(refused);
    }));

  it('OIDC-11: takes no login that is older than the record asks for', () =>
    oauthAttack({ record: { authParams: { max_age: 300 } } }, async (target) => {
      const now = seconds(target.clock);
      const good = { ...aliceClaims, auth_time: now - 360 };
      for (const claims of [
        { ...aliceClaims, auth_time: now - 361 },
        { ...aliceClaims, auth_time: String(now) },
        { ...aliceClaims, auth_time: null },
        aliceClaims,
      ])
        expect([claims, await attempt(target, {}, { claims, good })]).toEqual([claims, refused]);
    }));
});
