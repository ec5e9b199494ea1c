import { describe, expect, it } from '@jest/globals';
import type { User } from '../../../lib/index.js';
import { SoftwareAuthenticator } from '../../../lib/testing/index.js';
import { basic, bearer, origin } from '../../support/app.js';
import type { Node, WireAnswer, WireRequest } from '../../support/attack.js';
import { activeSession, addDevice, attested, config, unlock } from '../../support/configuring.js';
import { auth, owing, passwordOf, pay } from '../../support/owing.js';
import { acme, alice, bob, robot } from '../../support/people.js';
import { onSaml } from '../../support/saml.js';
import { enrolledKey, rpId } from '../../support/second-factor.js';
import { alter, ask, carriers, everybody, me, paths, signIn } from '../../support/session-attack.js';
import { swiftly } from '../../support/swift.js';

/** Expects the statuses that the answers have, and that no cache may keep any of them. */
function expectUncached(answers: readonly WireAnswer[], statuses: readonly number[]): void {
  expect(answers.map(({ status }) => status)).toEqual(statuses);
  for (const { status, headers } of answers)
    expect([status, headers['cache-control'], headers.expires]).toEqual([status, 'no-store', undefined]);
}

const large = { headers: { 'Content-Type': 'application/json' }, body: `{"x":"${'x'.repeat(200_000)}"}` };

/** Requests that are refused, and the statuses of the refusals. */
const refusals: [status: number, request: WireRequest][] = [
  [400, { body: '{' }],
  [400, { headers: { Authorization: 'Basic !' } }],
  [401, {}],
  [401, { headers: basic(robot.id, 'wrong') }],
  [401, { path: paths.refresh }],
  [401, { path: paths.terminate, headers: bearer('A'.repeat(86)) }],
  [401, { method: 'GET', path: '/me' }],
  [401, { path: '/me', headers: { Cookie: '__Host-session=x' } }],
  [403, { headers: { Origin: 'https://evil.example' }, body: '{"method":"password","token_type":"Cookie"}' }],
  [405, { method: 'GET' }],
  [405, { method: 'PUT', path: paths.refresh }],
  [405, { method: 'OPTIONS', path: paths.terminate }],
  [413, large],
  [415, { headers: { 'Content-Type': 'text/plain' }, body: 'x' }],
  [415, { headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' }, body: 'x' }],
];

describe('attacks by what stands between (SES-21)', () => {
  it.each(everybody)('SES-21: no cache may keep an answer in the life of $name', ({ who, carrier }) =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      const { answer, headers } = await signIn(target, { who, carrier });
      const isUser = 'email' in who;
      expectUncached(
        [
          answer,
          await nodes[0].call(paths.select, { acct_id: acme }, headers),
          await nodes[0].call(paths.refresh, undefined, headers),
          await nodes[1].call(config.auth, { password: alice.password }, headers),
          await nodes[1].call(config.challenge, undefined, headers),
          await nodes[1].call('/sys/v1/users/generate_recovery_codes', undefined, headers),
          await nodes[1].send({ method: 'GET', path: config.devices, headers }),
          await nodes[0].call(config.terminate, undefined, headers),
          await nodes[0].call(paths.terminate, undefined, headers),
        ],
        isUser
          ? [200, 200, 204, 200, 200, 200, 200, 204, 204]
          : [200, 403, 204, 403, 403, 403, 403, 403, 204],
      );
    }),
  );

  it.each(carriers)('SES-21: no cache may keep an answer to a %s that owes its factor', (carrier) =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(nodes[0]);
      const asked = await ask(nodes[0], alice, carrier);
      const pending = await owing(target, alice, carrier);
      const refused = await pay(nodes[1], pending, {});
      const early = await nodes[1].send({ method: 'GET', path: '/me', headers: pending.headers });
      const paid = await pay(nodes[1], pending, await key.get(pending.options));
      expectUncached([asked, refused, early, paid], [200, 400, 401, 204]);
    }),
  );

  it('SES-21: no cache may keep a refusal, of whatever kind', () =>
    swiftly({}, async ({ nodes }) => {
      for (const [status, request] of refusals)
        expectUncached([await nodes[0].send(request), await nodes[1].send(request)], [status, status]);
    }));

  it('SES-21: no cache may keep a 409, a 423, a 429 or a 503', () =>
    swiftly({ throttle: { perAddress: { failures: 15 } } }, async (target) => {
      const { nodes, clock, shared } = target;
      const headers = await activeSession(target);
      await unlock(nodes[0], headers);
      const key = new SoftwareAuthenticator({ origin });
      const added = await addDevice(nodes[0], headers, await attested(nodes[0], headers, key));
      const other = new SoftwareAuthenticator({ origin });
      const taken = await addDevice(nodes[0], headers, await attested(nodes[0], headers, other));
      expectUncached([added, taken], [201, 409]);

      const guess = (n: number) => nodes[n % 2]?.call(auth, { ...passwordOf(bob), password: `wrong ${n}` });
      const answers: WireAnswer[] = [];
      for (let n = 0; n < 20; n += 1) {
        const answer = await guess(n);
        if (answer !== undefined) answers.push(answer);
      }
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401, 423, 429]));
      expectUncached(
        answers,
        answers.map(({ status }) => status),
      );
      target.expectFaults();
      shared.faults.store.break('get', 'reject');
      expectUncached([await nodes[1].call(paths.refresh, undefined, headers)], [503]);
      shared.faults.store.heal();
      clock.advance(901);
    }));

  it('SES-21: no cache may keep what is told of this service and of its providers', () =>
    onSaml({}, async ({ nodes }) => {
      const discovered = await nodes[0].call('/sys/v1/session/auth/discover', { user_email: alice.email });
      const metadata = await nodes[1].send({ method: 'GET', path: '/sys/v1/saml/metadata.xml' });
      expectUncached([discovered, metadata], [200, 200]);
    }));
});

/** Names that would be more than names if they came out as they are. */
const names = {
  html: '"><script>alert(1)</script><img src=x onerror=alert(1)>',
  breaks: 'x\rSet-Cookie: __Host-session=evil\r\r<html>',
  prototype: '__proto__',
  constructed: 'constructor',
  separators: '\u2028\u2029\0\u202e',
};

/** Expects JSON that no name has broken out of, and headers that none has got into; what it says. */
function expectEncoded({ headers, body }: WireAnswer) {
  expect(headers['content-type']).toMatch(/^application\/json/);
  expect(JSON.stringify(headers)).not.toContain('evil');
  expect([/[\r\n\0]/.test(body), Object.keys(Object.prototype)]).toEqual([false, []]);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  return JSON.parse(body);
}

const devicesOf = async (node: Node, headers: Record<string, string>) =>
  expectEncoded(await node.send({ method: 'GET', path: config.devices, headers })).mfa_devices;

describe('attacks by names (SES-22)', () => {
  it.each(carriers)(
    'SES-22: names in the row of a user come out encoded or not at all, and a %s is none the wiser',
    (carrier) =>
      swiftly({}, async (target) => {
        const { nodes } = target;
        const { table } = nodes[0].repositories.users;
        const evil = JSON.parse(
          '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
        );
        const row = { ...names, ...table.get(alice.id), name: names.breaks } as unknown as User;
        for (const name of Object.keys(evil))
          Object.defineProperty(row, name, { value: evil[name], enumerable: true, configurable: true });
        table.set(alice.id, row);
        const { answer, headers } = await signIn(target, { carrier });
        const said = expectEncoded(answer);
        expect(Object.keys(said).sort()).toEqual([
          ...(carrier === 'Bearer' ? ['access_token'] : []),
          'allowed_mfa_methods',
          'entity_id',
          'expires_in',
          'token_type',
        ]);
        const seen = expectEncoded(await nodes[1].send({ method: 'GET', path: '/me', headers }));
        expect(seen).toMatchObject({ id: alice.id, session: { entityId: alice.id, accountId: null } });
        expect(JSON.stringify([...target.shared.rows])).not.toMatch(/script|Set-Cookie|polluted|__proto__/);
      }),
  );

  it('SES-22: an email with markup in it comes out of the options for a new device encoded', () =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      const headers = await activeSession(target);
      await unlock(nodes[0], headers);
      alter(nodes[0].repositories.users.table, alice.id, {
        email: `${names.html.replaceAll(' ', '')}@example.com`,
      });
      const said = expectEncoded(await nodes[1].call(config.challenge, undefined, headers));
      expect(said.user.name).toContain('<script>');
    }));

  it.each(Object.entries(names))(
    'SES-22: a device that is called by %s is listed by that name and by no other effect',
    (_, name) =>
      swiftly({}, async (target) => {
        const { nodes } = target;
        target.expectSessionsOf(alice.id);
        const key = new SoftwareAuthenticator({ origin });
        const device = await key.enrolled(alice, { name, rpId, at: 0 });
        expect(await nodes[0].repositories.devices.add(alice.id, device)).toBe(true);
        const headers = await activeSession(target, alice, { key });
        const asked = expectEncoded(await ask(nodes[1], alice, 'Cookie'));
        expect(asked.allowed_mfa_methods[0].Fido2.mfa_devices).toMatchObject([{ name }]);
        expect(await devicesOf(nodes[0], headers)).toMatchObject([{ name }]);
        expect((await me(nodes[1], headers)).secondFactor).toBe(true);
      }),
  );

  it('SES-22: of names that clients give, those of one line are taken and the others refused', () =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      const headers = await activeSession(target);
      await unlock(nodes[0], headers);
      const add = async (name: string) => {
        const key = new SoftwareAuthenticator({ origin });
        return addDevice(nodes[0], headers, await attested(nodes[0], headers, key), name);
      };
      for (const name of ['x\r\nSet-Cookie: a=evil', 'x\ny', '\n', ' \r\n '])
        expect([name, (await add(name)).status]).toEqual([name, 400]);
      for (const name of [names.html, '__proto__', 'constructor']) expect((await add(name)).status).toBe(201);
      const listed = (await devicesOf(nodes[1], headers)).map((each: { name: string }) => each.name);
      expect(listed).toEqual([names.html, '__proto__', 'constructor']);
      const change = (method: string, body: object) => {
        const text = JSON.stringify(body);
        const length = { 'Content-Length': `${text.length}` };
        return nodes[1].send({
          method,
          path: config.devices,
          headers: { ...headers, ...length },
          body: text,
        });
      };
      expect((await change('PATCH', { old_name: '__proto__', new_name: 'toString' })).status).toBe(204);
      expect((await change('PATCH', { old_name: 'valueOf', new_name: 'x' })).status).toBe(404);
      expect((await change('DELETE', { name: 'hasOwnProperty' })).status).toBe(404);
      expect((await change('DELETE', { name: 'constructor' })).status).toBe(204);
      const left = (await devicesOf(nodes[0], headers)).map((each: { name: string }) => each.name);
      expect(left).toEqual([names.html, 'toString']);
    }));

  it.each(Object.entries(names))(
    'SES-22: a provider that is called by %s is offered by that name',
    (_, name) =>
      onSaml({ name, iconUrl: `https://x.example/${names.html}` }, async ({ nodes }) => {
        const answer = await nodes[1].call('/sys/v1/session/auth/discover', { user_email: alice.email });
        expect([answer.status, answer.body]).toEqual([200, answer.body]);
        const offers: { method: string; name: string }[] = expectEncoded(answer);
        expect(offers.find(({ method }) => method === 'saml-post')).toMatchObject({ name });
      }),
  );
});
