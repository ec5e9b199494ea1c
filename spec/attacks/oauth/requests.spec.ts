import { describe, expect, it } from '@jest/globals';
import type { IdentityProvider } from '../../../lib/index.js';
import { auth, samlRecordOf } from '../../support/federation.js';
import {
  aliceClaims,
  begin,
  oauthAttack,
  reasons,
  redeem,
  refused,
  seen,
} from '../../support/oauth-attack.js';
import { acme, alice, globex } from '../../support/people.js';

const base64 = (id: string) => Buffer.from(id).toString('base64');
const tokenForms = ({ requests }: { requests: readonly { url: string; init: RequestInit }[] }) =>
  requests.filter(({ url }) => url.endsWith('/token')).map(({ init }) => String(init.body));
const malformed = '400 malformed_request';

describe('attacks by the parameters of a sign-in (OIDC-13, OIDC-14, OIDC-19)', () => {
  it('OIDC-13: the query of the request is nobody’s, whatever it says', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider, expectSessionsOf } = target;
      expectSessionsOf(alice.id);
      for (const query of [
        'code=attacker',
        'code=attacker&state=attacker&idp_id=attacker',
        'error=access_denied',
        'error=access_denied&error_description=x',
        'state=&code=&iss=https://evil.example',
        'code[]=a&code[__proto__]=b',
        'method=password',
      ]) {
        const begun = await begin(nodes[0]);
        const code = provider.authorize(begun.url.href, aliceClaims);
        const body = { method: 'oauth-auth-code', idp_id: begun.idpId, email: '', code, state: begun.state };
        const answer = await nodes[1].call(`${auth}?${query}`, body, begun.cookie);
        expect([query, seen(answer)]).toEqual([query, alice.id]);
      }
      expect(tokenForms(provider).some((form) => form.includes('attacker'))).toBe(false);
    }));

  it('OIDC-13: whatever is no text is malformed, and goes nowhere', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider, expectSessionsOf } = target;
      expectSessionsOf(alice.id);
      const begun = await begin(nodes[0]);
      const code = provider.authorize(begun.url.href, aliceClaims);
      const before = provider.requests.length;
      for (const wrong of [[code], ['a', 'b'], { a: 1 }, { toString: code }, 7, true, null, undefined, '']) {
        for (const name of ['code', 'idp_id', 'email']) {
          if (name === 'email' && wrong === '') continue;
          const outcome = seen(await redeem(nodes[0], begun, code, { [name]: wrong }));
          expect([name, wrong, outcome]).toEqual([name, wrong, malformed]);
        }
        if (wrong === null || wrong === undefined || wrong === '') continue;
        expect(seen(await redeem(nodes[0], begun, code, { state: wrong }))).toBe(malformed);
      }
      expect([provider.requests.length, reasons(nodes)]).toEqual([before, []]);
      expect(seen(await redeem(nodes[1], begun, code))).toBe(alice.id);
    }));

  it('OIDC-13: never redirects, not even without a code', () =>
    oauthAttack({}, async ({ nodes: [node] }) => {
      for (const body of [
        { method: 'oauth-auth-code' },
        { method: 'oauth-auth-code', idp_id: base64('oidc') },
      ]) {
        const answer = await node.call(auth, body);
        expect([answer.status, answer.headers.location]).toEqual([400, undefined]);
      }
      for (const method of ['GET', 'PUT', 'PATCH'])
        expect((await node.send({ method, path: `${auth}?code=x&state=y` })).status).toBe(405);
    }));

  it('OIDC-14: a code is sent as it is, encoded, in one parameter, or it is malformed', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider } = target;
      const begun = await begin(nodes[0]);
      for (const code of [
        ...[
          'a&client_id=evil',
          'a=b&redirect_uri=https://evil.example',
          '%26client_id%3Devil',
          'a#b',
          'a b+c%20',
        ],
        ...['"; DROP TABLE', '\\u0000', '../../token', 'https://evil.example/?code=x', `${'x'.repeat(4096)}`],
      ]) {
        const before = tokenForms(provider).length;
        expect([code, seen(await redeem(nodes[0], begun, code))]).toEqual([code, refused]);
        const [form = '', ...more] = tokenForms(provider).slice(before);
        expect(more).toEqual([]);
        expect([...new URLSearchParams(form).keys()].sort()).toEqual(
          ['code', 'code_verifier', 'grant_type', 'redirect_uri'].sort(),
        );
        expect(new URLSearchParams(form).get('code')).toBe(code);
      }
      const before = provider.requests.length;
      for (const code of [
        ...[
          'a\r\nX-Evil: 1',
          'a\nb',
          'a\0b',
          'a\tb',
          'café',
          '\u2028',
          '\ud800',
          '\u202e',
          '\x7f',
          '\x1b[31m',
        ],
        'x'.repeat(4097),
      ])
        expect([code, seen(await redeem(nodes[0], begun, code))]).toEqual([code, malformed]);
      for (const code of ['x'.repeat(1_048_576), 'x'.repeat(8_388_608)])
        expect(seen(await redeem(nodes[0], begun, code))).toBe('413 payload_too_large');
      expect(provider.requests.length).toBe(before);
      target.expectSessionsOf(alice.id);
      const genuine = provider.authorize(begun.url.href, aliceClaims);
      expect(seen(await redeem(nodes[1], begun, genuine))).toBe(alice.id);
    }));

  it('OIDC-14: a state is a state, or it is none', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider, expectSessionsOf } = target;
      const begun = await begin(nodes[0]);
      const code = provider.authorize(begun.url.href, aliceClaims);
      const before = provider.requests.length;
      const [token = '', suffix = ''] = begun.state.split('.');
      for (const state of [
        ...[
          '.',
          '..',
          `.${suffix}`,
          `${token}.`,
          `${token}.${suffix}=`,
          `${token}.evil`,
          `${token} .${suffix}`,
        ],
        ...[
          `${token}\0.${suffix}`,
          `${token}A.${suffix}`,
          `${suffix}.${token}`,
          token.toLowerCase(),
          '__proto__',
        ],
        ...['constructor', 'x'.repeat(2048), 'ä'.repeat(100), '\ud800', ' '],
      ])
        expect([state, seen(await redeem(nodes[0], begun, code, { state }))]).toEqual([state, refused]);
      expect(seen(await redeem(nodes[0], begun, code, { state: 'x'.repeat(4097) }))).toBe(malformed);
      expect(provider.requests.length).toBe(before);
      expectSessionsOf(alice.id);
      expect(seen(await redeem(nodes[1], begun, code))).toBe(alice.id);
    }));

  it('OIDC-19: a provider of another kind, of nobody, or that is closed is refused as a bad code is', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider, expectSessionsOf } = target;
      expectSessionsOf(alice.id);
      const { table } = nodes[0].repositories.identityProviders;
      const base = {
        accountId: acme,
        name: '',
        iconUrl: '',
        enabled: true,
        domains: [],
        authoritative: true,
      };
      const ldap: IdentityProvider = {
        ...{ ...base, id: 'ldap', kind: 'ldap', secondFactor: 'trust' },
        ...{ urls: ['ldaps://directory.example'], dnResolution: { by: 'construct', patterns: {} } },
      };
      table.set('ldap', ldap);
      table.set('saml', samlRecordOf({ certificate: 'none', privateKey: '' }));
      const begun = await begin(nodes[0]);
      const code = provider.authorize(begun.url.href, aliceClaims);
      const before = provider.requests.length;
      const wrong = await redeem(nodes[0], { ...begun, cookie: {} }, code);
      for (const id of [
        'ldap',
        'saml',
        'none',
        '__proto__',
        'constructor',
        'toString',
        'OIDC',
        'oidc ',
        'oidc\0',
      ]) {
        const answer = await redeem(nodes[0], begun, code, { idp_id: base64(id) });
        expect([id, answer.status, answer.body]).toEqual([id, 401, wrong.body]);
      }
      for (const change of [{ enabled: false }, { accountId: 'acc00000-0000-4000-8000-00000000000f' }]) {
        target.record(change);
        expect(seen(await redeem(nodes[0], begun, code))).toBe(refused);
      }
      target.record();
      nodes[0].repositories.accounts.table.set(acme, { id: acme, enabled: false });
      expect(seen(await redeem(nodes[0], begun, code))).toBe(refused);
      nodes[0].repositories.accounts.table.set(acme, { id: acme, enabled: true });
      expect(provider.requests.length).toBe(before);
      expect(seen(await redeem(nodes[1], begun, code))).toBe(alice.id);
    }));

  it('OIDC-19: an id that is no standard base64 of UTF-8 is malformed', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider } = target;
      const begun = await begin(nodes[0]);
      const code = provider.authorize(begun.url.href, aliceClaims);
      for (const idp_id of [
        ...[
          'oidc',
          'b2lkYw',
          'b2lkYw=',
          'b2lkYw==\n',
          ' b2lkYw==',
          'b2lk-w==',
          '/w==',
          'wIA=',
          '7aCA',
          '%62',
        ],
        ...[base64('x'.repeat(1025)), '====', 'b2lkYx=='],
      ])
        expect([idp_id, seen(await redeem(nodes[0], begun, code, { idp_id }))]).toEqual([idp_id, malformed]);
    }));

  it('OIDC-19, TEN-03: a provider of another account lets in only who belongs there', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider, expectSessionsOf } = target;
      target.record({ id: 'globex', accountId: globex, name: 'of globex' });
      const begun = await begin(nodes[0], { idp: 'globex' });
      const code = provider.authorize(begun.url.href, aliceClaims);
      expect(seen(await redeem(nodes[0], begun, code))).toBe(refused);
      expect(reasons(nodes)).toEqual(['not_a_member']);
      expectSessionsOf(alice.id);
      const own = await begin(nodes[1]);
      expect(seen(await redeem(nodes[1], own, provider.authorize(own.url.href, aliceClaims)))).toBe(alice.id);
    }));
});
