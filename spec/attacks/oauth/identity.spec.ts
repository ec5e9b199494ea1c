import { describe, expect, it } from '@jest/globals';
import type { OauthIdentityProvider } from '../../../lib/index.js';
import {
  aliceClaims,
  attempt,
  begin,
  type OauthTarget,
  oauthAttack,
  reasons,
  redeem,
  refused,
  type Subject,
  seen,
} from '../../support/oauth-attack.js';
import { alice, bob, dan, globex, sue } from '../../support/people.js';

const signIn = async (target: OauthTarget, claims: Subject, change: Record<string, unknown> = {}) => {
  const begun = await begin(target.nodes[0]);
  return seen(
    await redeem(target.nodes[1], begun, target.provider.authorize(begun.url.href, claims), change),
  );
};
const linkOf = ({ nodes }: OauthTarget, subject: string) =>
  nodes[0].repositories.users.findByFederatedIdentity('oidc', subject);

describe('attacks by an address that nobody has proven (OIDC-03)', () => {
  it('OIDC-03: only email_verified that is exactly true proves an address', () =>
    oauthAttack({}, async (target) => {
      target.expectSessionsOf(alice.id);
      for (const email_verified of [
        false,
        undefined,
        null,
        'true',
        'false',
        'TRUE',
        1,
        0,
        [true],
        { a: true },
        '',
      ]) {
        const claims = { sub: 'evil', email: alice.email, email_verified };
        expect([email_verified, await signIn(target, claims)]).toEqual([email_verified, refused]);
        const more = { ...claims, xms_edov: true, verified: true, emailVerified: true, verified_email: true };
        expect([email_verified, await signIn(target, more)]).toEqual([email_verified, refused]);
      }
      expect(new Set(reasons(target.nodes))).toEqual(new Set(['email_not_proven']));
      expect(await linkOf(target, 'evil')).toBeNull();
      expect(await signIn(target, aliceClaims)).toBe(alice.id);
    }));

  it('OIDC-03: only one text is an address', () =>
    oauthAttack({}, async (target) => {
      for (const email of [
        ...[[alice.email], [alice.email, bob.email], { address: alice.email }, 7, true, '', 'alice'],
        ...[`${alice.email},${bob.email}`, ` ${alice.email}`, `${alice.email}\r\n`, `${alice.email}\0`],
        ...[`<${alice.email}>`, `alice@example.com@evil.example`, `"alice"@example.com`],
      ]) {
        expect([email, await signIn(target, { sub: 'evil', email, email_verified: true })]).toEqual([
          email,
          refused,
        ]);
      }
      expect(await linkOf(target, 'evil')).toBeNull();
    }));

  it('TEN-05: the domain must be exactly one that the provider speaks for', () =>
    oauthAttack({}, async (target) => {
      for (const domain of [
        ...['evil-example.com', 'example.com.evil.example', 'sub.example.com', 'example.com.', 'example.org'],
        ...['еxample.com', 'example.co', 'xample.com', 'example.com%2eevil.example', '[127.0.0.1]'],
      ]) {
        const claims = { sub: 'evil', email: `alice@${domain}`, email_verified: true };
        expect([domain, await signIn(target, claims)]).toEqual([domain, refused]);
      }
      expect(new Set(reasons(target.nodes))).toEqual(new Set(['email_not_proven']));
      target.expectSessionsOf(alice.id);
      expect(await signIn(target, { ...aliceClaims, email: 'ALICE@Example.COM' })).toBe(alice.id);
    }));

  it.each<[string, Partial<OauthIdentityProvider>, string]>([
    ['not authoritative', { authoritative: false }, 'email_not_proven'],
    ['authoritative for other domains', { domains: ['evil.example'] }, 'email_not_proven'],
    ['authoritative for none', { domains: [] }, 'email_not_proven'],
    ['of an account that alice is no member of', { accountId: globex }, 'not_a_member'],
  ])('OIDC-03, TEN-03: a provider that is %s selects nobody by an address', (_, record, reason) =>
    oauthAttack({}, async (target) => {
      target.expectSessionsOf(alice.id);
      const { nodes, provider } = target;
      const begun = await begin(nodes[0]);
      const code = provider.authorize(begun.url.href, aliceClaims);
      target.record(record);
      expect(seen(await redeem(nodes[0], begun, code))).toBe(refused);
      expect([reasons(nodes), await linkOf(target, 'alice-1')]).toEqual([[reason], null]);
      target.record();
      const again = provider.authorize(begun.url.href, aliceClaims);
      expect(seen(await redeem(nodes[1], begun, again))).toBe(alice.id);
    }),
  );

  it('OIDC-03: the address in the body decides nothing, and must agree', () =>
    oauthAttack({}, async (target) => {
      target.expectSessionsOf(alice.id, bob.id);
      const bobs = { sub: 'bob-1', email: bob.email, email_verified: true };
      for (const email of [bob.email, 'nobody@example.com', 'alice@example.org', 'alice@sub.example.com'])
        expect([email, await signIn(target, aliceClaims, { email })]).toEqual([email, refused]);
      expect(await signIn(target, bobs, { email: alice.email })).toBe(refused);
      expect(await signIn(target, { ...aliceClaims, email_verified: false }, { email: alice.email })).toBe(
        refused,
      );
      expect(await linkOf(target, 'alice-1')).toBeNull();
      expect(await signIn(target, bobs, { email: bob.email })).toBe(bob.id);
      expect(await signIn(target, bobs, { email: alice.email })).toBe(refused);
      expect(await signIn(target, aliceClaims, { email: 'ALICE@example.com' })).toBe(alice.id);
      // The subject is who it is, whatever the provider thinks of the address now.
      for (const claims of [{ sub: 'bob-1' }, { sub: 'bob-1', email: alice.email, email_verified: true }])
        expect(await signIn(target, claims)).toBe(bob.id);
    }));
});

describe('attacks by the subject (OIDC-04, OIDC-05)', () => {
  it('OIDC-04: an address that comes under another subject is refused, and the log is told whose it is', () =>
    oauthAttack({}, async (target) => {
      target.expectSessionsOf(alice.id);
      expect(await signIn(target, aliceClaims)).toBe(alice.id);
      for (const sub of ['alice-2', 'ALICE-1', 'alice-1 ', ' alice-1', 'alice-1\0'])
        expect([sub, await signIn(target, { ...aliceClaims, sub })]).toEqual([sub, refused]);
      const alarms = target.nodes.flatMap(({ events }) =>
        events.filter((event) => event.type === 'sign_in_failed'),
      );
      expect(new Set(alarms.map(({ reason, entityId }) => `${reason} ${entityId}`))).toEqual(
        new Set([`linked_elsewhere ${alice.id}`]),
      );
      expect((await linkOf(target, 'alice-1'))?.id).toBe(alice.id);
      expect(await linkOf(target, 'alice-2')).toBeNull();
      expect(await signIn(target, aliceClaims)).toBe(alice.id);
    }));

  it('OIDC-04: of two subjects with one address that come at once one is linked, and stays', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider } = target;
      target.expectSessionsOf(alice.id);
      const begun = await Promise.all(Array.from({ length: 8 }, (_, at) => begin(nodes[at % 2] ?? nodes[0])));
      const outcomes = await Promise.all(
        begun.map(async (each, at) => {
          const code = provider.authorize(each.url.href, { ...aliceClaims, sub: `alice-${at}` });
          return seen(await redeem(nodes[at % 2] ?? nodes[0], each, code));
        }),
      );
      expect(outcomes.sort()).toEqual([...Array(7).fill(refused), alice.id]);
      const links = await Promise.all(outcomes.map((_, at) => linkOf(target, `alice-${at}`)));
      expect(links.filter((link) => link !== null)).toHaveLength(1);
    }));

  it('OIDC-05: userinfo of another subject, or with an address that is no text, is no userinfo', () =>
    oauthAttack({}, async (target) => {
      const claims = ({ email: _, email_verified: __, ...rest }: Record<string, unknown>) => rest;
      for (const change of [
        { sub: 'bob-1' },
        { sub: undefined },
        { sub: '' },
        { sub: ['alice-1'] },
        { sub: 7 },
        { email: [alice.email] },
        { email: { 0: alice.email } },
        { email: 7 },
      ]) {
        const userinfo = (given: object) => ({ ...given, ...change });
        const name = JSON.stringify(change);
        expect([name, await attempt(target, { claims, userinfo })]).toEqual([name, refused]);
      }
      for (const userinfo of [() => [], () => 'alice', () => 7])
        expect(await attempt(target, { claims, userinfo })).toBe(refused);
      const asked = target.provider.requests.filter(({ url }) => url.includes('/userinfo'));
      expect(asked.length).toBeGreaterThanOrEqual(11);
    }));

  it('OIDC-05: userinfo proves an address no better than an id_token does', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider } = target;
      target.expectSessionsOf(alice.id);
      const claims = ({ email: _, email_verified: __, ...rest }: Record<string, unknown>) => rest;
      const begun = await begin(nodes[0]);
      const code = provider.authorize(begun.url.href, aliceClaims);
      for (const email_verified of [false, 'true', 1, null, undefined]) {
        const userinfo = (given: object) => ({ ...given, email_verified });
        provider.misbehave({ claims, userinfo, permissive: true });
        expect([email_verified, seen(await redeem(nodes[0], begun, code))]).toEqual([
          email_verified,
          refused,
        ]);
      }
      expect(await linkOf(target, 'alice-1')).toBeNull();
      provider.misbehave({ claims });
      expect(seen(await redeem(nodes[1], begun, code))).toBe(alice.id);
    }));

  it('OIDC-05: userinfo that is a redirect, a page or a refusal is an answer that makes no sense', () =>
    oauthAttack({}, async (target) => {
      target.expectFaults();
      const claims = ({ email: _, email_verified: __, ...rest }: Record<string, unknown>) => rest;
      const location = 'https://canary.example/userinfo';
      for (const made of [
        () => new Response(null, { status: 302, headers: { location } }),
        () => new Response(null, { status: 307, headers: { location } }),
        () => new Response('<h1>alice</h1>', { headers: { 'content-type': 'text/html' } }),
        () => new Response('{"error":"invalid_token"}', { status: 401 }),
        () => new Response('oops', { status: 500 }),
      ]) {
        const answer = ({ pathname }: URL) => (pathname === '/userinfo' ? made() : undefined);
        expect(await attempt(target, { claims, answer })).toBe('502 bad_gateway');
      }
      expect(target.provider.requests.filter(({ url }) => url.includes('canary'))).toEqual([]);
    }));
});

describe('attacks by somebody who is unknown (OIDC-24, TEN-08)', () => {
  it('OIDC-24: a good code of an unknown, a disabled or a foreign user is refused as a bad code is', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider } = target;
      const begun = await begin(nodes[0]);
      const answers = [await redeem(nodes[0], begun, 'no-such-code')];
      for (const claims of [
        { sub: 'x', email: 'nobody@example.com', email_verified: true },
        { sub: 'x', email: dan.email, email_verified: true },
        { sub: 'x' },
      ])
        answers.push(await redeem(nodes[0], begun, provider.authorize(begun.url.href, claims)));
      const { users } = nodes[0].repositories;
      const row = users.table.get(sue.id);
      if (row) users.table.set(sue.id, { ...row, accountIds: [globex] });
      const sues = { sub: 'sue-1', email: sue.email, email_verified: true };
      answers.push(await redeem(nodes[0], begun, provider.authorize(begun.url.href, sues)));
      const told = answers.map(({ status, body, headers: { date, ...headers } }) => [status, body, headers]);
      for (const each of told) expect(each).toEqual(told[0]);
      expect(reasons(nodes)).toEqual([
        ...['refused_by_provider', 'unknown_principal', 'disabled', 'unknown_principal', 'not_a_member'],
      ]);
      expect(await linkOf(target, 'sue-1')).toBeNull();
    }));
});
