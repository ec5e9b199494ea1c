import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { oauthProvider } from '../../../lib/testing/index.js';
import {
  aliceClaims,
  begin,
  oauthAttack,
  reasons,
  redeem,
  refused,
  seen,
} from '../../support/oauth-attack.js';
import { alice, bob } from '../../support/people.js';

const challengeOf = (verifier: string | null) =>
  createHash('sha256')
    .update(verifier ?? '')
    .digest('base64url');
const flowCookie = (value: string) => ({ Cookie: `__Host-session-flow=${value}` });

describe('attacks by a code that was used (OIDC-01)', () => {
  it('OIDC-01: one code makes one session, whatever the provider thinks of it', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider, shared, expectSessionsOf } = target;
      expectSessionsOf(alice.id);
      provider.misbehave({ permissive: true });
      const begun = await begin(nodes[0]);
      const code = provider.authorize(begun.url.href, aliceClaims);
      expect(seen(await redeem(nodes[0], begun, code))).toBe(alice.id);
      for (const node of nodes) expect(seen(await redeem(node, begun, code))).toBe(refused);
      expect(seen(await redeem(nodes[1], begun, code, { state: undefined }))).toBe(refused);
      expect(seen(await redeem(nodes[1], begun, code, { email: alice.email }))).toBe(refused);
      expect(shared.rows.size).toBe(1);
    }));

  it('OIDC-01: of twenty copies at once over two nodes exactly one signs in', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider, shared, expectSessionsOf } = target;
      expectSessionsOf(alice.id);
      provider.misbehave({ permissive: true });
      for (let round = 1; round <= 3; round += 1) {
        const begun = await begin(nodes[0]);
        const code = provider.authorize(begun.url.href, aliceClaims);
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, at) => redeem(nodes[at % 2] ?? nodes[0], begun, code)),
        );
        expect(answers.map(seen).sort()).toEqual([...Array(19).fill(refused), alice.id]);
        expect(shared.rows.size).toBe(round);
      }
    }));

  it('OIDC-01: a code is remembered where it is bound to no browser, too', () =>
    oauthAttack({ record: { dangerouslyAllowUnboundCode: true } }, async (target) => {
      const { nodes, provider, shared, expectSessionsOf } = target;
      expectSessionsOf(alice.id);
      provider.misbehave({ permissive: true });
      const [one, other] = [await begin(nodes[0]), await begin(nodes[1])];
      const code = provider.authorize(one.url.href, aliceClaims);
      const copies = Array.from({ length: 20 }, (_, at) => {
        const begun = at % 3 === 0 ? other : { ...one, cookie: {} };
        return redeem(nodes[at % 2] ?? nodes[0], begun, code, at % 4 ? {} : { state: undefined });
      });
      expect((await Promise.all(copies)).map(seen).sort()).toEqual([...Array(19).fill(refused), alice.id]);
      expect(shared.rows.size).toBe(1);
    }));

  it('a state is good for one sign-in, even for two codes at once', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider, shared, expectSessionsOf } = target;
      expectSessionsOf(alice.id);
      const begun = await begin(nodes[0]);
      const codes = Array.from({ length: 8 }, () => provider.authorize(begun.url.href, aliceClaims));
      const answers = await Promise.all(
        codes.map((code, at) => redeem(nodes[at % 2] ?? nodes[0], begun, code)),
      );
      expect(answers.map(seen).sort()).toEqual([...Array(7).fill(refused), alice.id]);
      const late = provider.authorize(begun.url.href, aliceClaims);
      expect(seen(await redeem(nodes[1], begun, late))).toBe(refused);
      expect(shared.rows.size).toBe(1);
    }));

  it('gives the code back when the session could not be saved', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider, shared, expectSessionsOf, expectFaults } = target;
      expectSessionsOf(alice.id);
      expectFaults();
      provider.misbehave({ permissive: true });
      const begun = await begin(nodes[0]);
      const code = provider.authorize(begun.url.href, aliceClaims);
      shared.faults.store.break('set', 'reject');
      expect(seen(await redeem(nodes[0], begun, code))).toBe('503 unavailable');
      expect(shared.rows.size).toBe(0);
      shared.faults.store.heal();
      shared.faults.oneTime.break('claim', 'reject');
      expect(seen(await redeem(nodes[1], begun, code))).toBe('503 unavailable');
      shared.faults.oneTime.heal();
      expect(seen(await redeem(nodes[1], begun, code))).toBe(alice.id);
    }));
});

describe('attacks by a code that somebody else has begun (OIDC-02, OIDC-10, OIDC-23)', () => {
  it('OIDC-02: a code signs in where it was begun, and nowhere else', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider, expectSessionsOf } = target;
      expectSessionsOf(alice.id);
      provider.misbehave({ permissive: true });
      const [his, hers] = [await begin(nodes[0]), await begin(nodes[1])];
      const code = provider.authorize(his.url.href, aliceClaims);
      for (const [name, begun, change] of [
        ['the victim’s browser with its own state', hers, {}],
        ['the victim’s browser with the state of the code', hers, { state: his.state }],
        ['the victim’s browser with no state', hers, { state: undefined }],
        ['the victim’s browser with null', hers, { state: null }],
        ['no cookie', { ...his, cookie: {} }, {}],
        ['no cookie and no state', { ...his, cookie: {} }, { state: undefined }],
        ['an empty state', his, { state: '' }],
        ['half a state', his, { state: his.state.slice(0, 40) }],
        ['a bent state', his, { state: `A${his.state.slice(1)}` }],
        ['the state of nobody', his, { state: 'A'.repeat(51) }],
        ['the state of another provider', his, { state: `${his.state.split('.')[0]}.b3RoZXI` }],
      ] as const) {
        expect([name, seen(await redeem(nodes[0], begun, code, change))]).toEqual([name, refused]);
      }
      expect(new Set(reasons(nodes))).toEqual(new Set(['not_begun_here', 'not_verified']));
      expect(seen(await redeem(nodes[1], his, code))).toBe(alice.id);
    }));

  it('OIDC-02: asks the provider nothing for a flow that was not begun in this browser', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider } = target;
      const begun = await begin(nodes[0]);
      const code = provider.authorize(begun.url.href, aliceClaims);
      const before = provider.requests.length;
      await redeem(nodes[0], { ...begun, cookie: {} }, code);
      await redeem(nodes[0], await begin(nodes[0]), code, { state: begun.state });
      expect(provider.requests.length).toBe(before);
    }));

  it('a cookie of the attacker’s own making finds no flow', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider, clock, expectSessionsOf } = target;
      expectSessionsOf(alice.id);
      provider.misbehave({ permissive: true });
      const begun = await begin(nodes[0]);
      const code = provider.authorize(begun.url.href, aliceClaims);
      const genuine = Buffer.from((begun.cookie.Cookie ?? '').split('=')[1] ?? '', 'base64url');
      const bent = (at: number, value: number) => {
        const bytes = Buffer.from(genuine);
        bytes[at] = (bytes[at] ?? 0) ^ value;
        return bytes.toString('base64url');
      };
      const late = Buffer.from(genuine);
      late.writeUIntBE(clock() + 120_000, 48, 6);
      for (const value of [
        ...['', 'x', 'A'.repeat(72), 'A'.repeat(71), 'A'.repeat(100_00)],
        ...[bent(0, 1), bent(31, 1), bent(32, 1), bent(53, 1), bent(49, 1)],
        ...[late.toString('base64url'), `${genuine.toString('base64url')}=`, genuine.toString('base64')],
      ]) {
        if (value === genuine.toString('base64url')) continue;
        const own = { ...begun, cookie: flowCookie(value) };
        expect([value, seen(await redeem(nodes[0], own, code, { state: undefined }))]).toEqual([
          value,
          refused,
        ]);
      }
      // The browser's own part decides; the rest only says which flow is meant where no state does.
      for (const at of [0, 31])
        expect(seen(await redeem(nodes[0], { ...begun, cookie: flowCookie(bent(at, 1)) }, code))).toBe(
          refused,
        );
      expect(seen(await redeem(nodes[0], begun, code, { state: undefined }))).toBe(alice.id);
    }));

  it('a flow is over after ten minutes', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider, clock, expectSessionsOf } = target;
      expectSessionsOf(alice.id);
      const [one, other] = [await begin(nodes[0]), await begin(nodes[0])];
      clock.advance(599);
      expect(seen(await redeem(nodes[0], one, provider.authorize(one.url.href, aliceClaims)))).toBe(alice.id);
      clock.advance(1);
      const code = provider.authorize(other.url.href, aliceClaims);
      expect(seen(await redeem(nodes[0], other, code))).toBe(refused);
      expect(seen(await redeem(nodes[1], other, code, { state: undefined }))).toBe(refused);
    }));

  it('OIDC-10, OIDC-23: no code of another flow of the same browser, by nonce or by verifier', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider, expectSessionsOf } = target;
      expectSessionsOf(alice.id);
      const one = await begin(nodes[0]);
      const other = await begin(nodes[1], { cookie: one.cookie });
      const code = provider.authorize(one.url.href, aliceClaims);
      // A server that looks at no verifier: the nonce alone must do.
      provider.misbehave({ permissive: true });
      expect(seen(await redeem(nodes[0], other, code))).toBe(refused);
      expect(seen(await redeem(nodes[0], other, code, { state: undefined }))).toBe(refused);
      expect(reasons(nodes)).toEqual(['not_verified', 'not_verified']);
      // A token without a nonce: the verifier alone must do.
      provider.misbehave({ claims: (claims) => ({ ...claims, nonce: other.url.searchParams.get('nonce') }) });
      expect(seen(await redeem(nodes[0], other, code))).toBe(refused);
      expect(reasons(nodes).at(-1)).toBe('refused_by_provider');
      provider.misbehave({});
      expect(seen(await redeem(nodes[1], { ...one, cookie: other.cookie }, code))).toBe(alice.id);
    }));

  it('OIDC-23: every code is sent with the S256 verifier of its own flow, and the URL never has one', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider, expectSessionsOf } = target;
      expectSessionsOf(alice.id);
      const plain = (metadata: object) => ({ ...metadata, code_challenge_methods_supported: ['plain'] });
      const none = ({ code_challenge_methods_supported: _, ...rest }: Record<string, unknown>) => rest;
      for (const metadata of [undefined, plain, none]) {
        target.record({ name: String(metadata?.name) });
        provider.misbehave(metadata === undefined ? {} : { metadata });
        const begun = await begin(nodes[0]);
        const asked = begun.url.searchParams;
        expect([asked.get('code_challenge_method'), asked.has('code_verifier')]).toEqual(['S256', false]);
        expect(asked.get('code_challenge')).toMatch(/^[\w-]{43}$/);
        const code = provider.authorize(begun.url.href, aliceClaims);
        expect(seen(await redeem(nodes[0], begun, code))).toBe(alice.id);
        const sent = new URLSearchParams(String(provider.requests.findLast(isToken)?.init.body));
        expect(sent.get('code_verifier')).toMatch(/^[\w-]{43}$/);
        expect(challengeOf(sent.get('code_verifier'))).toBe(asked.get('code_challenge'));
        expect(asked.get('nonce')).not.toBe(sent.get('code_verifier'));
      }
    }));

  it('nothing is stored for what was only begun', () =>
    oauthAttack({}, async ({ nodes, shared }) => {
      for (let index = 0; index < 20; index += 1) await begin(nodes[index % 2] ?? nodes[0]);
      expect([shared.rows.size, shared.faults.oneTime.calls.size]).toEqual([0, 0]);
    }));
});

const isToken = ({ url }: { url: string }) => new URL(url).pathname === '/token';

describe('attacks by mixing providers up (OIDC-12)', () => {
  it('OIDC-12: a code goes to the provider that it was begun with, and to nobody else', () => {
    const evil = oauthProvider({ clientId: 'host', issuer: 'https://evil.example', clock: () => now() });
    let now: () => number = Date.now;
    return oauthAttack({ others: [evil] }, async (target) => {
      const { nodes, provider, clock, expectSessionsOf } = target;
      now = clock;
      expectSessionsOf(alice.id);
      const id = { id: 'evil', domains: ['example.com'], authoritative: false } as const;
      target.record({ ...id, issuer: evil.issuer });
      for (const each of [provider, evil]) each.misbehave({ permissive: true });
      const good = await begin(nodes[0]);
      const bad = await begin(nodes[0], { cookie: good.cookie, idp: 'evil' });
      const code = provider.authorize(good.url.href, aliceClaims);
      const lie = evil.authorize(bad.url.href, aliceClaims);
      const cases = [
        ['the good code with the state of evil', { ...good, cookie: bad.cookie }, code, { state: bad.state }],
        ['the good code at evil with its own state', bad, code, { state: good.state }],
        ['the good code at evil', bad, code, {}],
        ['the code of evil at the good one', { ...good, cookie: bad.cookie }, lie, {}],
        ['the code of evil, which says that it is alice', bad, lie, {}],
      ] as const;
      for (const [name, begun, sent, change] of cases)
        expect([name, seen(await redeem(nodes[1], begun, sent, change))]).toEqual([name, refused]);
      const sentTo = (each: typeof evil, sent: string) =>
        each.requests.filter(({ init }) => String(init.body ?? '').includes(sent)).length;
      // Only where the browser itself said "evil" with evil's own state did evil see it.
      expect([sentTo(evil, code), sentTo(provider, lie)]).toEqual([1, 1]);
      expect(seen(await redeem(nodes[1], { ...good, cookie: bad.cookie }, code))).toBe(alice.id);
    });
  });

  it('OIDC-12, TEN-07: two records of one issuer are two providers, each with its own client and flow', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider, expectSessionsOf } = target;
      expectSessionsOf(alice.id);
      const other = { id: 'other', clientId: 'other', authoritative: false };
      target.record({
        ...other,
        clientAuthentication: { method: 'client_secret_basic', secret: 'the-secret-of-the-other' },
      });
      provider.misbehave({ permissive: true });
      const one = await begin(nodes[0]);
      const two = await begin(nodes[0], { cookie: one.cookie, idp: 'other' });
      expect(two.url.searchParams.get('client_id')).toBe('other');
      const code = provider.authorize(one.url.href, aliceClaims);
      expect(seen(await redeem(nodes[0], two, code))).toBe(refused);
      expect(seen(await redeem(nodes[0], two, code, { state: one.state }))).toBe(refused);
      expect(seen(await redeem(nodes[0], { ...one, cookie: two.cookie }, code))).toBe(alice.id);
      // What the first knows of alice is not what the second knows: the subject is the provider's own.
      provider.misbehave({ claims: (claims) => ({ ...claims, aud: 'other' }) });
      const again = provider.authorize(two.url.href, aliceClaims);
      expect(seen(await redeem(nodes[1], two, again))).toBe(refused);
      expect(reasons(nodes).at(-1)).toBe('email_not_proven');
    }));

  it('announces RFC 9207 to the library where the provider does, and signs in', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider, expectSessionsOf } = target;
      expectSessionsOf(bob.id);
      provider.misbehave({
        metadata: (metadata) => ({ ...metadata, authorization_response_iss_parameter_supported: true }),
      });
      const begun = await begin(nodes[0]);
      const claims = { sub: 'bob-1', email: bob.email, email_verified: true };
      expect(seen(await redeem(nodes[1], begun, provider.authorize(begun.url.href, claims)))).toBe(bob.id);
    }));
});
