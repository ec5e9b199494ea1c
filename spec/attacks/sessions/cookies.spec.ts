import { describe, expect, it } from '@jest/globals';
import type { WireAnswer } from '../../support/attack.js';
import { auth, owing, passwordOf, pay } from '../../support/owing.js';
import { alice, robot } from '../../support/people.js';
import { enrolledKey } from '../../support/second-factor.js';
import {
  ask,
  carriers,
  day,
  given,
  type Headers,
  onBoth,
  paths,
  randomOf,
  signIn,
  type Who,
} from '../../support/session-attack.js';
import { swiftly } from '../../support/swift.js';

/** The one Set-Cookie of an answer: its name and value, and its attributes in order. */
function cookieOf({ headers }: WireAnswer): { name: string; value: string; attributes: string[] } {
  const [cookie = '', ...more] = headers['set-cookie'] ?? [];
  expect(more).toEqual([]);
  const [pair = '', ...attributes] = cookie.split(/; */);
  const at = pair.indexOf('=');
  return { name: pair.slice(0, at), value: pair.slice(at + 1), attributes: attributes.sort() };
}

const flags = (seconds: number) => ['HttpOnly', `Max-Age=${seconds}`, 'Path=/', 'SameSite=Lax', 'Secure'];

/** Expects that an answer gives a token in a guarded cookie, and in no other place. */
function expectGuarded(answer: WireAnswer, seconds: number, name = '__Host-session'): void {
  const cookie = cookieOf(answer);
  expect([cookie.name, cookie.attributes]).toEqual([name, flags(seconds)]);
  expect(cookie.value).toMatch(/^[A-Za-z0-9_-]{86}$/);
  const { 'set-cookie': _, ...rest } = answer.headers;
  const elsewhere = `${answer.body}${JSON.stringify(rest)}`;
  const random = randomOf(cookie.value);
  for (const part of [
    cookie.value,
    cookie.value.slice(0, 43),
    random.toString('hex'),
    random.toString('base64'),
  ])
    expect(elsewhere.includes(part)).toBe(false);
  expect(elsewhere).not.toContain('access_token');
}

describe('attacks on the session cookie (SES-08)', () => {
  it.each<[string, Who, number]>([
    ['a user', alice, 7 * day],
    ['an app', robot, day],
  ])(
    'SES-08: the sign-in of %s sets a guarded cookie until its absolute end, and tells no token',
    (_, who, end) =>
      swiftly({}, async (target) => {
        const { answer } = await signIn(target, { who, carrier: 'Cookie' });
        expectGuarded(answer, end);
        expect(JSON.parse(answer.body)).toMatchObject({ token_type: 'Cookie', entity_id: who.id });
      }),
  );

  it('SES-08: a pending session has a guarded cookie for five minutes, and the one that follows too', () =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(nodes[0]);
      const asked = await ask(nodes[0], alice, 'Cookie');
      expectGuarded(asked, 300);
      const { headers } = given(asked);
      const assertion = await key.get(JSON.parse(asked.body).fido2_assertion_options);
      const paid = await nodes[1].call('/sys/v1/session/auth/2fa/fido2', assertion, headers);
      expect([paid.status, paid.body]).toEqual([204, '']);
      expectGuarded(paid, 7 * day);
    }));

  it('SES-08: a reauth sets a guarded cookie until the end that the first one had', () =>
    swiftly({}, async (target) => {
      const { headers } = await signIn(target, { who: robot, carrier: 'Cookie' });
      target.clock.advance(500);
      expectGuarded(await target.nodes[1].call(paths.reauth, undefined, headers), day - 500);
    }));

  it('SES-08: terminate takes the cookie back by the attributes that it was set with', () =>
    swiftly({}, async (target) => {
      const { headers } = await signIn(target, { carrier: 'Cookie' });
      const ended = await target.nodes[1].call(paths.terminate, undefined, headers);
      expect([ended.status, ended.body]).toEqual([204, '']);
      const { name, value, attributes } = cookieOf(ended);
      expect([name, value, attributes]).toEqual(['__Host-session', '', flags(0)]);
    }));

  it.each<[string, Headers]>([
    ['plain HTTP of a loopback host', { Host: 'localhost' }],
    ['a proxy that says HTTP', { 'X-Forwarded-Proto': 'http' }],
    ['a Host with a port', { Host: 'app.example.com:8080' }],
    ['a Host of another kind', { Host: 'x; Domain=example.com' }],
    ['a forwarded host', { 'X-Forwarded-Host': 'evil.example', Forwarded: 'host=evil.example;proto=http' }],
  ])('SES-08: %s takes nothing from the cookie, and gives it no domain', (_, along) =>
    swiftly({}, async (target) => {
      const { answer } = await signIn(target, { who: robot, carrier: 'Cookie', along });
      expectGuarded(answer, day);
    }),
  );

  it('SES-08: a control with a name of its own has a cookie of its own', () =>
    swiftly({ session: { cookie: { name: 'users' } } }, async (target) => {
      target.expectSessionsOf(robot.id);
      const answer = await ask(target.nodes[0], robot, 'Cookie');
      expectGuarded(answer, day, '__Host-users');
      const { value } = cookieOf(answer);
      target.secret(value);
      expect(await onBoth(target, { Cookie: `__Host-users=${value}` })).toEqual([200, 200]);
      expect(await onBoth(target, { Cookie: `__Host-session=${value}` })).toEqual([401, 401]);
    }));

  it('SES-08: a Bearer sets no cookie, in no step of its life', () =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id, robot.id);
      const key = await enrolledKey(nodes[0]);
      const pending = await owing(target);
      const paid = await pay(nodes[0], pending, await key.get(pending.options));
      const first = await signIn(target, { who: robot });
      const answers = [
        await nodes[0].call(auth, passwordOf(alice)),
        paid,
        first.answer,
        await nodes[0].call(paths.refresh, undefined, first.headers),
        await nodes[1].call(paths.reauth, undefined, first.headers),
        await nodes[1].call(paths.terminate, undefined, pending.headers),
      ];
      for (const { status, headers } of answers) {
        expect(status).toBeLessThan(300);
        expect(headers['set-cookie']).toBeUndefined();
      }
    }));

  it.each(carriers)('SES-08: of a %s that is used no answer sets anything', (carrier) =>
    swiftly({}, async (target) => {
      const { nodes, clock } = target;
      const { headers } = await signIn(target, { carrier });
      for (let use = 0; use < 5; use += 1) {
        clock.advance(20_000);
        const seen = await nodes[use % 2]?.send({ method: 'GET', path: '/me', headers });
        const refreshed = await nodes[use % 2]?.call(paths.refresh, undefined, headers);
        expect([seen?.status, seen?.headers['set-cookie']]).toEqual([200, undefined]);
        expect([refreshed?.status, refreshed?.headers['set-cookie']]).toEqual([204, undefined]);
      }
    }),
  );
});
