import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { checkIdToken } from '../../lib/federation/id-token.js';
import { oidcRecord } from '../support/federation.js';

const now = Date.UTC(2026, 0, 1);
const seconds = now / 1000;
const good = {
  iss: 'https://provider.example',
  aud: 'host',
  sub: 'alice-1',
  iat: seconds,
  exp: seconds + 300,
};
const encoded = (header: unknown) => `${Buffer.from(JSON.stringify(header)).toString('base64url')}.e30.AAAA`;

const check = (
  claims: object | undefined,
  {
    header = { alg: 'RS256', typ: 'JWT' },
    token = encoded(header),
    record = oidcRecord(),
    code = 'code',
  }: {
    header?: unknown;
    token?: string | undefined;
    record?: ReturnType<typeof oidcRecord>;
    code?: string;
  } = {},
) => checkIdToken({ id_token: token, access_token: access, claims: () => claims }, code, record, now);
/** The access token of the examples in OpenID Connect Core, appendix A. */
const access = 'jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y';
const halfOf = (hash: string, text: string) => {
  const whole = createHash(hash).update(text).digest();
  return whole.subarray(0, whole.length / 2).toString('base64url');
};
const without = (name: keyof typeof good) => {
  const { [name]: _, ...rest } = good;
  return rest;
};

describe('checkIdToken', () => {
  it('answers the claims of a token that is good now', () => {
    expect(check({ ...good, email: 'a@example.com', x: [1] })).toEqual({
      ...good,
      email: 'a@example.com',
      x: [1],
    });
  });

  it.each(['JWT', 'jwt', 'application/jwt', 'id_token+jwt', 'application/id_token+jwt', undefined])(
    'takes the type %p',
    (typ) => {
      expect(check(good, { header: { alg: 'RS256', ...(typ === undefined ? {} : { typ }) } })).toEqual(good);
    },
  );

  it.each([
    ...[
      'at+jwt',
      'application/at+jwt',
      'logout+jwt',
      'secevent+jwt',
      'JWT2',
      'xJWT',
      'JWT ',
      'jwt\n',
      '',
      'x/jwt',
    ],
    ...[null, 7, ['JWT'], { typ: 'JWT' }, true],
  ])('takes no other type (%p)', (typ) => {
    expect(check(good, { header: { alg: 'RS256', typ } })).toBeNull();
  });

  it.each(['', '.', 'x.e30.AAAA', `${Buffer.from('[').toString('base64url')}.e30.AAAA`])(
    'takes no header that cannot be read (%p)',
    (token) => {
      expect(check(good, { token })).toBeNull();
    },
  );

  it.each([{ azp: 'host' }, { azp: undefined }])(
    'takes a token that was issued to this client (%p)',
    (change) => {
      expect(check({ ...good, ...change })).toMatchObject(good);
    },
  );

  it.each(['other', '', 'HOST', null, ['host'], 0, false])('takes none that was issued to %p', (azp) => {
    expect(check({ ...good, azp })).toBeNull();
  });

  it.each(['', null, undefined, 7, ['alice-1'], { id: 'x' }, true])('takes no subject that is %p', (sub) => {
    expect(check({ ...good, sub })).toBeNull();
  });

  it.each<[string, object]>([
    ['ends in 59 seconds that are over', { exp: seconds - 59 }],
    ['was made 600 seconds ago', { iat: seconds - 600 }],
    ['was made 60 seconds ahead', { iat: seconds + 60 }],
    ['is good from 60 seconds ahead', { nbf: seconds + 60 }],
    ['was good all along', { nbf: 0 }],
    ['has fractions', { iat: seconds - 0.5, exp: seconds + 0.5 }],
  ])('takes a token that %s', (_, change) => {
    expect(check({ ...good, ...change })).toMatchObject(change);
  });

  it.each<[string, object]>([
    ['is over', { exp: seconds - 60 }],
    ['was over long ago', { exp: 0 }],
    ['ends never', { exp: null }],
    ['ends at a text', { exp: String(seconds + 300) }],
    ['ends at a list', { exp: [seconds + 300] }],
    ['is old', { iat: seconds - 601 }],
    ['is from the future', { iat: seconds + 61 }],
    ['was made at a text', { iat: String(seconds) }],
    ['was made at a date', { iat: new Date(now) }],
    ['is not good yet', { nbf: seconds + 61 }],
    ['is good from a text', { nbf: 'now' }],
    ['is good from null', { nbf: null }],
  ])('takes no token that %s', (_, change) => {
    expect(check({ ...good, ...change })).toBeNull();
  });

  it.each(['exp', 'iat', 'sub'] as const)('takes no token without %s', (name) => {
    expect(check(without(name))).toBeNull();
  });

  it('takes no claims that are none', () => {
    expect([check(undefined), check({}), check([])]).toEqual([null, null, null]);
  });

  it('asks for a login as young as the record says, and for none where it says nothing', () => {
    const record = oidcRecord({ authParams: { max_age: 300 } });
    const at = (auth_time: unknown) => check({ ...good, auth_time }, { record });
    expect(at(seconds - 300)).not.toBeNull();
    expect(at(seconds - 360)).not.toBeNull();
    for (const auth_time of [seconds - 361, 0, undefined, null, String(seconds), [seconds]])
      expect([auth_time, at(auth_time)]).toEqual([auth_time, null]);
    expect(check({ ...good, auth_time: 0 })).not.toBeNull();
    const strict = oidcRecord({ authParams: { max_age: 0 } });
    expect(check({ ...good, auth_time: seconds - 61 }, { record: strict })).toBeNull();
    expect(check(good, { record: strict })).toBeNull();
  });

  it.each([
    ['RS256', 'sha256'],
    ['PS256', 'sha256'],
    ['ES256', 'sha256'],
    ['RS384', 'sha384'],
    ['PS512', 'sha512'],
    ['EdDSA', 'sha512'],
  ])(
    'holds the hashes of a token by %s against access token and code, as far as it has them',
    (alg, hash) => {
      const header = { alg, typ: 'JWT' };
      const hashes = { at_hash: halfOf(hash, access), c_hash: halfOf(hash, 'code') };
      for (const claims of [{ ...good, ...hashes }, { ...good, at_hash: hashes.at_hash }, good])
        expect(check(claims, { header })).toEqual(claims);
      for (const wrong of [
        { ...hashes, at_hash: halfOf(hash, `${access}x`) },
        { ...hashes, c_hash: halfOf(hash, 'another code') },
        { at_hash: hashes.c_hash, c_hash: hashes.at_hash },
        { at_hash: `${hashes.at_hash}=` },
        { at_hash: createHash(hash).update(access).digest('base64url') },
        { at_hash: halfOf(hash === 'sha256' ? 'sha512' : 'sha256', access) },
        { at_hash: '' },
        { at_hash: null },
        { c_hash: [hashes.c_hash] },
      ])
        expect([wrong, check({ ...good, ...wrong }, { header })]).toEqual([wrong, null]);
    },
  );

  it('knows the hash that others have computed', () => {
    // The example of OpenID Connect Core, appendix A.3 and A.4, whose tokens are signed by RS256.
    expect(check({ ...good, at_hash: '77QmUPtjPfzWtF2AnpK9RQ' })).not.toBeNull();
  });

  it.each(['none', 'HS256', 'XS256', 'RS1', undefined, 5])(
    'takes no hash of a token by %p, whose hash function it does not know',
    (alg) => {
      const header = { typ: 'JWT', ...(alg === undefined ? {} : { alg }) };
      expect(check({ ...good, at_hash: halfOf('sha256', access) }, { header })).toBeNull();
    },
  );
});
