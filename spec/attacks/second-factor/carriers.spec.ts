import { describe, expect, it } from '@jest/globals';
import { bearer, origin } from '../../support/app.js';
import { auth, codeOf, owing, passwordOf, pay, reach, statesOf } from '../../support/owing.js';
import { alice, bob } from '../../support/people.js';
import { enrolledKey } from '../../support/second-factor.js';
import { presentingAnswer } from '../../support/sign-in.js';
import { swiftly } from '../../support/swift.js';

const tokenOf = (headers: Record<string, string>) =>
  (headers.Authorization ?? headers.Cookie ?? '').replace(/^(?:Bearer |__Host-session=)/, '');
const cookie = (token: string) => ({ Cookie: `__Host-session=${token}` });

/** What a browser says of a request that a page of another site makes. */
const elsewhere: Record<string, Record<string, string>> = {
  'another origin': { Origin: 'https://evil.com' },
  'a subdomain that is not listed': { Origin: 'https://x.example.com' },
  'the scheme without TLS': { Origin: 'http://app.example.com' },
  'an opaque origin': { Origin: 'null' },
  'another site': { 'Sec-Fetch-Site': 'cross-site' },
  'a neighbour': { 'Sec-Fetch-Site': 'same-site' },
  'another origin that says it is near': { Origin: 'https://evil.com', 'Sec-Fetch-Site': 'same-origin' },
};

const configuration = [
  ['POST', '/sys/v1/session/config_2fa/auth', { password: alice.password }],
  ['POST', '/sys/v1/session/config_2fa/new_challenge?protocol=fido2', undefined],
  ['POST', '/sys/v1/session/config_2fa/terminate', undefined],
  ['POST', '/sys/v1/session/config_2fa/devices', { name: 'evil', attestationResult: {} }],
] as const;

describe('attacks by the carrier of a pending session (MFA-15, SES-09)', () => {
  it('MFA-15: a token is good as what it was given as, before and after it is completed', () =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(nodes[0]);
      const [asBearer, asCookie] = await Promise.all([owing(target), owing(target, alice, 'Cookie')]);
      const mixed = [
        { ...asBearer, headers: cookie(tokenOf(asBearer.headers)) },
        { ...asCookie, headers: bearer(tokenOf(asCookie.headers)) },
        { ...asCookie, headers: { ...asCookie.headers, ...bearer('A'.repeat(86)) } },
        { ...asCookie, headers: { ...asCookie.headers, Authorization: 'Basic YTpi' } },
      ];
      for (const session of mixed) {
        const answer = await pay(nodes[0], session, await key.get(session.options));
        expect([answer.status, codeOf(answer)]).toEqual([401, 'invalid_session']);
      }
      expect((await pay(nodes[1], asBearer, await key.get(asBearer.options))).status).toBe(204);
      const paid = await pay(nodes[1], asCookie, await key.get(asCookie.options));
      const rotated = presentingAnswer({ body: {}, headers: paid.headers });
      expect(await reach(nodes[0], bearer(tokenOf(rotated)))).toBe(401);
      expect(await reach(nodes[0], cookie(tokenOf(asBearer.headers)))).toBe(401);
      expect([await reach(nodes[0], rotated), await reach(nodes[0], asBearer.headers)]).toEqual([200, 200]);
    }));

  it('MFA-15: of two pending sessions in one request the header decides, and the other stays pending', () =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id, bob.id);
      const key = await enrolledKey(nodes[0]);
      const bobs = await enrolledKey(nodes[0], bob);
      const [hers, his] = await Promise.all([owing(target), owing(target, bob, 'Cookie')]);
      const headers = { ...his.headers, ...hers.headers };
      expect((await pay(nodes[0], { ...his, headers }, await bobs.get(his.options))).status).toBe(401);
      const paid = await pay(nodes[0], { ...hers, headers }, await key.get(hers.options));
      expect([paid.status, paid.headers['set-cookie']]).toEqual([204, undefined]);
      expect([await reach(nodes[1], hers.headers), await reach(nodes[1], his.headers)]).toEqual([200, 401]);
      expect((await pay(nodes[1], his, await bobs.get(his.options))).status).toBe(204);
    }));

  it.each(['Bearer', 'Cookie'] as const)(
    'SES-15: a pending %s ends itself and no other, and its assertion is good for nothing then',
    (carrier) =>
      swiftly({}, async (target) => {
        const { nodes } = target;
        target.expectSessionsOf(alice.id);
        const key = await enrolledKey(nodes[0]);
        const [one, other] = await Promise.all([owing(target, alice, carrier), owing(target)]);
        const path = '/sys/v1/session/terminate';
        const id = (await nodes[0].control.sessions.list({ user: alice.id })).map((each) => each.id);
        const ended = await nodes[0].call(path, { id, session: tokenOf(other.headers) }, one.headers);
        expect([ended.status, statesOf(target)]).toEqual([204, ['pending']]);
        const cleared = ended.headers['set-cookie']?.[0] ?? '';
        expect(cleared).toMatch(carrier === 'Bearer' ? /^$/ : /^__Host-session=; Max-Age=0; Path=\/;/);
        expect((await nodes[1].call(path, undefined, one.headers)).status).toBe(401);
        expect(codeOf(await pay(nodes[1], one, await key.get(one.options)))).toBe('invalid_session');
        expect((await pay(nodes[1], other, await key.get(other.options))).status).toBe(204);
      }),
  );

  it('MFA-15, SES-09: no page of another site completes a pending Cookie, whose own page still does', () =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(nodes[0]);
      const session = await owing(target, alice, 'Cookie');
      const assertion = await key.get(session.options);
      for (const [name, headers] of Object.entries(elsewhere)) {
        const answer = await pay(
          nodes[0],
          { ...session, headers: { ...session.headers, ...headers } },
          assertion,
        );
        expect([name, answer.status, codeOf(answer)]).toEqual([name, 403, 'cross_site_request']);
      }
      expect(statesOf(target)).toEqual(['pending']);
      const headers = { ...session.headers, Origin: origin, 'Sec-Fetch-Site': 'same-site' };
      expect((await pay(nodes[1], { ...session, headers }, assertion)).status).toBe(204);
      expect(statesOf(target)).toEqual(['active']);
    }));

  it('SES-09: no page of another site starts a session that owes its factor by Cookie', () =>
    swiftly({}, async (target) => {
      await enrolledKey(target.nodes[0]);
      for (const [name, headers] of Object.entries(elsewhere)) {
        const asked = { ...passwordOf(alice), token_type: 'Cookie' };
        const answer = await target.nodes[0].call(auth, asked, headers);
        expect([name, answer.status]).toEqual([name, 403]);
      }
    }));

  it('SES-09: no page of another site touches the configuration of the second factor', () =>
    swiftly({}, async (target) => {
      const { nodes, shared } = target;
      target.expectSessionsOf(alice.id);
      const asked = { ...passwordOf(alice), token_type: 'Cookie' };
      const answer = await nodes[0].call(auth, asked);
      const session = presentingAnswer({ body: JSON.parse(answer.body), headers: answer.headers });
      const before = JSON.stringify([...shared.rows]);
      for (const [name, headers] of Object.entries(elsewhere)) {
        for (const [method, path, body] of configuration) {
          const refused = await nodes[1].send({
            ...{ method, path, headers: { ...session, ...headers } },
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          });
          expect([name, path, refused.status, codeOf(refused)]).toEqual([
            name,
            path,
            403,
            'cross_site_request',
          ]);
        }
      }
      expect(JSON.stringify([...shared.rows])).toBe(before);
      const [, path, body] = configuration[0];
      expect((await nodes[0].call(path, body, { ...session, Origin: origin })).status).toBe(200);
    }));
});
