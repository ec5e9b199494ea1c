import { describe, expect, it } from '@jest/globals';
import type { OauthMisbehaviour } from '../../../lib/testing/index.js';
import {
  aliceClaims,
  attempt,
  begin,
  oauthAttack,
  reasons,
  redeem,
  refused,
  seen,
} from '../../support/oauth-attack.js';
import { alice } from '../../support/people.js';

const badGateway = '502 bad_gateway';
const unavailable = '503 unavailable';
const timeout = '504 gateway_timeout';

type Made = (init: RequestInit) => Response | Promise<Response>;

/** Answers for one path of the provider. */
const at =
  (path: string, made: Made): NonNullable<OauthMisbehaviour['answer']> =>
  ({ pathname }, init) =>
    pathname === path ? made(init) : undefined;
const json = (body: unknown, init: ResponseInit = {}) =>
  new Response(typeof body === 'string' ? body : JSON.stringify(body), {
    headers: { 'content-type': 'application/json' },
    ...init,
  });

/** Never answers; as a real one, it ends when it is told to. */
const hanging: Made = ({ signal }) =>
  new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));

/** An answer that comes in pieces, and the count of what was taken of it. */
function pieces(piece: Uint8Array, pause: number, signal?: AbortSignal | null) {
  const taken = { bytes: 0, cancelled: false };
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      signal?.addEventListener('abort', () => controller.error(signal.reason));
    },
    async pull(controller) {
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause).unref());
      if (signal?.aborted) return;
      taken.bytes += piece.length;
      controller.enqueue(piece);
    },
    cancel() {
      taken.cancelled = true;
    },
  });
  return { body, taken };
}

describe('a provider that does not answer (OIDC-16)', () => {
  it('OIDC-16: one that hangs, and one that drips, end after five seconds, and the code is still good', () =>
    oauthAttack({}, async (target) => {
      const { nodes, provider, expectSessionsOf } = target;
      target.expectFaults();
      expectSessionsOf(alice.id);
      const begun = await Promise.all([begin(nodes[0]), begin(nodes[0])]);
      const codes = begun.map(({ url }) => provider.authorize(url.href, aliceClaims));
      const [hang, drip] = codes;
      const dripping: Made = ({ signal }) =>
        json('', {}) && new Response(pieces(Buffer.from(' '), 200, signal).body, { status: 200 });
      provider.misbehave({
        permissive: true,
        answer: ({ pathname }, init) => {
          if (pathname !== '/token') return undefined;
          return String(init.body).includes(String(hang)) ? hanging(init) : dripping(init);
        },
      });
      const asked = Date.now();
      const [slow, other] = begun;
      if (slow === undefined || other === undefined) throw new Error('nothing was begun');
      const answers = await Promise.all([
        redeem(nodes[0], slow, hang),
        redeem(nodes[0], other, drip),
        ...Array.from({ length: 10 }, () => redeem(nodes[0], slow, hang)),
      ]);
      expect(new Set(answers.map(seen))).toEqual(new Set([timeout]));
      expect(Date.now() - asked).toBeLessThan(9_000);
      const told = nodes[0].events.filter(({ type }) => type === 'peer_failed');
      expect(told[0]).toMatchObject({ peer: 'provider.example', kind: 'timed_out' });
      provider.misbehave({ permissive: true });
      expect(seen(await redeem(nodes[1], slow, hang))).toBe(alice.id);
      expect(seen(await redeem(nodes[1], other, drip))).toBe(alice.id);
      expect(reasons(nodes)).toEqual([]);
    }));

  it('OIDC-16: an answer without an end is cut off at its limit', () =>
    oauthAttack({}, async (target) => {
      target.expectFaults();
      const all: { bytes: number; cancelled: boolean }[] = [];
      for (const path of ['/token', '/userinfo']) {
        const answer = at(path, () => {
          const { body, taken } = pieces(Buffer.alloc(65_536, ' '), 0);
          all.push(taken);
          return new Response(body, { headers: { 'content-type': 'application/json' } });
        });
        const claims = ({ email: _, ...rest }: Record<string, unknown>) => rest;
        expect(await attempt(target, { answer, claims })).toBe(badGateway);
      }
      for (const { bytes, cancelled } of all) {
        expect(cancelled).toBe(true);
        expect(bytes).toBeLessThan(2_000_000);
      }
      expect(all).toHaveLength(2);
      const told = target.nodes[0].events.filter(({ type }) => type === 'peer_failed');
      expect(told).toHaveLength(2);
      expect(told[0]).toMatchObject({ kind: 'nonsense' });
    }));

  it('OIDC-16: a connection that is refused, reset or not trusted is 503, and says nothing of it', () =>
    oauthAttack({}, async (target) => {
      target.expectFaults();
      target.secret('10.0.0.7');
      const coded = (code: string) => Object.assign(new Error(`${code} 10.0.0.7:443`), { code });
      for (const error of [
        new TypeError('fetch failed', { cause: coded('ECONNREFUSED') }),
        new TypeError('fetch failed', { cause: coded('ENOTFOUND') }),
        new TypeError('fetch failed', { cause: coded('DEPTH_ZERO_SELF_SIGNED_CERT') }),
        coded('UND_ERR_SOCKET'),
        'a text',
        null,
      ]) {
        const answer = at('/token', () => Promise.reject(error));
        expect(await attempt(target, { answer })).toBe(unavailable);
      }
      const broken = at('/token', () => {
        const body = new ReadableStream({
          start(controller) {
            controller.enqueue(Buffer.from('{"access_token":'));
            controller.error(new TypeError('terminated'));
          },
        });
        return new Response(body, { headers: { 'content-type': 'application/json' } });
      });
      expect(await attempt(target, { answer: broken })).toBe(unavailable);
      expect(reasons(target.nodes)).toEqual([]);
      const told = target.nodes[0].events.filter(({ type }) => type === 'peer_failed');
      expect(told).toHaveLength(7);
    }));
});

describe('a provider that answers nonsense (OIDC-16, OIDC-21)', () => {
  const page = '<html><script>alert("a page of the provider")</script></html>';
  const canary = 'https://canary.example/token';

  it('is 502, and nothing of what it said goes on', () =>
    oauthAttack({}, async (target) => {
      target.expectFaults();
      target.secret('a page of the provider');
      for (const [name, made] of Object.entries<Made>({
        HTML: () => new Response(page, { headers: { 'content-type': 'text/html' } }),
        'HTML as JSON': () => json(page),
        'HTML and 404': () => new Response(page, { status: 404 }),
        'HTML and 500': () => new Response(page, { status: 500 }),
        nothing: () => json(''),
        'half of it': () => json('{"access_token":"a page of the provider'),
        'a form': () => new Response('access_token=x&token_type=bearer'),
        'another status': () => json({ access_token: 'x', token_type: 'bearer' }, { status: 201 }),
        '204': () => new Response(null, { status: 204 }),
      })) {
        const answer = at('/token', made);
        expect([name, await attempt(target, { answer })]).toEqual([name, badGateway]);
      }
      expect(reasons(target.nodes)).toEqual([]);
    }));

  it('follows no redirect, wherever it leads', () =>
    oauthAttack({}, async (target) => {
      target.expectFaults();
      for (const status of [301, 302, 303, 307, 308]) {
        const answer = at('/token', () => json({}, { status, headers: { location: canary } }));
        expect([status, await attempt(target, { answer })]).toEqual([status, badGateway]);
      }
      for (const { init } of target.provider.requests) expect(init.redirect).toBe('manual');
      expect(target.provider.requests.filter(({ url }) => url.startsWith(canary))).toEqual([]);
    }));

  it('a client that the provider refuses is no fault of the user’s code', () =>
    oauthAttack({}, async (target) => {
      target.expectFaults();
      for (const status of [400, 401]) {
        const init = { status, headers: { 'content-type': 'application/json', 'www-authenticate': 'Basic' } };
        const answer = at('/token', () => json({ error: 'invalid_client' }, init));
        expect(await attempt(target, { answer })).toBe(badGateway);
      }
      const answer = at('/token', () => json({ error: 'unauthorized_client' }, { status: 400 }));
      expect(await attempt(target, { answer })).toBe(badGateway);
      expect(reasons(target.nodes)).toEqual([]);
      const told = target.nodes.flatMap(({ events }) => events.filter(({ type }) => type === 'peer_failed'));
      expect(told.length).toBeGreaterThanOrEqual(3);
      for (const each of told) expect(each).toMatchObject({ kind: 'client_refused' });
    }));

  it('an answer that carries no tokens is no sign-in', () =>
    oauthAttack({}, async (target) => {
      target.expectFaults();
      for (const body of [
        { error: 'invalid_grant' },
        {},
        [],
        'null',
        '7',
        { access_token: 'an-access-token', token_type: 'Bearer' },
        { access_token: 'an-access-token', token_type: 'mac', id_token: 'x.y.z' },
        { access_token: 7, token_type: 'Bearer' },
        { access_token: '', token_type: 'Bearer' },
        { token_type: 'Bearer', id_token: 'e30.e30.AAAA' },
        { access_token: 'an-access-token', token_type: 'Bearer', expires_in: -1, id_token: 'e30.e30.AAAA' },
      ]) {
        const outcome = await attempt(target, { answer: at('/token', () => json(body)) });
        expect([body, [refused, badGateway].includes(outcome)]).toEqual([body, true]);
      }
    }));

  it('OIDC-21: the words of the provider are repeated to nobody', () =>
    oauthAttack({}, async (target) => {
      const words = 'evil words\r\nSet-Cookie: evil=1\r\n\u001b[31m\u2028{"level":"info"}';
      for (const secret of ['evil words', 'evil-uri', 'evil-word', '\u001b[31m']) target.secret(secret);
      for (const body of [
        { error: 'invalid_grant', error_description: words, error_uri: 'https://evil-uri.example' },
        { error: 'evil-word\r\n', error_description: words },
        { error: 'invalid_grant', error_description: { evil: words }, extra: words },
      ]) {
        const answer = at('/token', () => json(body, { status: 400 }));
        expect(await attempt(target, { answer })).toBe(refused);
      }
      // The server of the specs says something of the kind by itself, for a verifier that is wrong.
      const begun = await begin(target.nodes[0]);
      const other = await begin(target.nodes[0], { cookie: begun.cookie });
      const code = target.provider.authorize(begun.url.href, aliceClaims);
      target.provider.misbehave({});
      target.secret('lie');
      expect(seen(await redeem(target.nodes[0], other, code))).toBe(refused);
      expect(new Set(reasons(target.nodes))).toEqual(new Set(['refused_by_provider']));
    }));

  it('a refusal costs the user nothing, and an outage counts against nobody', () =>
    oauthAttack({ throttle: { perAddress: { failures: 3 } } }, async (target) => {
      const { nodes, provider, clock, shared } = target;
      target.expectFaults();
      const begun = await begin(nodes[0]);
      provider.misbehave({ answer: at('/token', () => Promise.reject(new TypeError('fetch failed'))) });
      for (let index = 0; index < 6; index += 1)
        expect(seen(await redeem(nodes[index % 2] ?? nodes[0], begun, 'code'))).toBe(unavailable);
      provider.misbehave({});
      const seenNow = [];
      for (let index = 0; index < 5; index += 1) seenNow.push(seen(await redeem(nodes[0], begun, 'code')));
      expect(seenNow).toEqual([refused, refused, refused, '429 too_many_requests', '429 too_many_requests']);
      clock.advance(900);
      shared.faults.counters.heal();
    }));
});
