import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { basic } from '../../support/app.js';
import { attack, type Target } from '../../support/attack.js';
import { activeSession, unlock } from '../../support/configuring.js';
import { aliceClaims, begin, oauthAttack, redeem } from '../../support/oauth-attack.js';
import { auth, owing, passwordOf, pay } from '../../support/owing.js';
import { acme, alice, bob, globex, robot } from '../../support/people.js';
import { onSaml } from '../../support/saml.js';
import { enrolledKey } from '../../support/second-factor.js';
import {
  alter,
  carriers,
  everybody,
  given,
  type Headers,
  me,
  onBoth,
  paths,
  present,
  randomOf,
  rowsOf,
  signIn,
  tokenOf,
} from '../../support/session-attack.js';
import { swiftly } from '../../support/swift.js';

/** All that a row is: the record, the key of the row, and the lifetime that stores of express-session read. */
const fields = [
  ...['v', 'version', 'writer', 'key', 'cookie', 'carrier', 'principalType', 'entityId', 'method', 'idpId'],
  ...['accountId', 'state', 'secondFactor', 'credentialId', 'challenge', 'unlockedUntil', 'createdAt'],
  ...['notAfter', 'idleAt', 'absoluteAt'],
].sort();

/** A token in each form in which it would open something: whole, its random half, and its bytes otherwise spelt. */
function formsOf(token: string): string[] {
  const random = randomOf(token);
  return [token, token.slice(0, 42), random.toString('hex'), random.toString('base64').slice(0, 42)];
}

/** Expects that the rows hold what a row is, and nothing of all this. */
function expectOnly(target: Pick<Target, 'shared'>, absent: readonly string[]): void {
  const rows = rowsOf(target);
  for (const row of rows) expect(Object.keys(row).sort()).toEqual(fields);
  const text = JSON.stringify([...target.shared.rows]);
  for (const each of absent) expect([each, text.includes(each)]).toEqual([each, false]);
}

/** What is known of alice that is no part of a session. */
const ofAlice = ({ nodes: [node] }: Pick<Target, 'nodes'>) => {
  const { email, passwordHash } = node.repositories.users.table.get(alice.id) ?? {};
  return [alice.password, String(email), String(passwordHash), 'argon2', 'passwordHash', 'accountIds'];
};

describe('attacks by reading the session store (SES-18)', () => {
  it.each(everybody)('SES-18: a row of $name holds no secret and no row of the host', ({ who, carrier }) =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      const { users, apps } = nodes[0].repositories;
      const extra = { displayName: 'Alice in Wonderland', ssn: '078-05-1120' };
      if ('email' in who) alter(users.table, who.id, extra as object);
      else alter(apps.table, who.id, extra as object);
      const { token, headers } = await signIn(target, { who, carrier });
      const own = 'email' in who ? ofAlice(target) : [robot.secret, robot.nextSecret, 'secrets', 'robot'];
      const absent = [...formsOf(token), ...Object.values(extra), ...own];
      expectOnly(target, absent);
      target.clock.advance(300);
      expect((await nodes[1].call(paths.refresh, undefined, headers)).status).toBe(204);
      if ('email' in who) {
        expect((await nodes[0].call(paths.select, { acct_id: acme }, headers)).status).toBe(200);
        expect((await unlock(nodes[1], headers)).status).toBe(200);
      }
      expectOnly(target, absent);
      const [row = {}] = rowsOf(target);
      const { expires, maxAge, originalMaxAge } = row.cookie as Record<string, unknown>;
      expect(new Date(String(expires)).getTime()).toBeGreaterThan(0);
      expect([maxAge, originalMaxAge]).not.toContain(null);
    }),
  );

  it.each(carriers)(
    'SES-18: a row of a %s that owes a factor and pays it holds no answer and no code',
    (carrier) =>
      swiftly({}, async (target) => {
        const { nodes } = target;
        const key = await enrolledKey(nodes[0]);
        const headers = await activeSession(target, alice, { key, carrier });
        await unlock(nodes[0], headers);
        const made = await nodes[1].call('/sys/v1/users/generate_recovery_codes', undefined, headers);
        const codes: string[] = JSON.parse(made.body).recovery_codes;
        const pending = await owing(target, alice, carrier);
        expectOnly(target, [
          ...formsOf(tokenOf(pending.headers)),
          ...formsOf(tokenOf(headers)),
          ...ofAlice(target),
        ]);
        const assertion = await key.get(pending.options);
        expect((await pay(nodes[1], pending, assertion)).status).toBe(204);
        const again = await owing(target, alice, carrier);
        const path = '/sys/v1/session/auth/2fa/recovery_code';
        expect((await nodes[0].call(path, { recovery_code: codes[0] }, again.headers)).status).toBe(204);
        const { signature, clientDataJSON, authenticatorData } = assertion.response;
        const text = JSON.stringify(rowsOf(target)).toUpperCase();
        for (const code of codes)
          for (const spelt of [code, code.replaceAll('-', '')])
            expect(text.includes(spelt.toUpperCase())).toBe(false);
        expectOnly(target, [signature, clientDataJSON, authenticatorData, pending.options.challenge]);
      }),
  );

  it.each(carriers)(
    'SES-18: a row of a %s through OpenID Connect holds no token of the provider and no claim',
    (carrier) =>
      oauthAttack({}, async (target) => {
        const { nodes, provider } = target;
        target.expectSessionsOf(alice.id);
        const begun = await begin(nodes[0]);
        const claims = { ...aliceClaims, name: 'Alice in Wonderland', groups: ['wheel'], email: alice.email };
        const code = provider.authorize(begun.url.href, claims);
        const answer = await redeem(nodes[0], begun, code, { token_type: carrier });
        const { token } = given(answer);
        expectOnly(target, [...formsOf(token), code, begun.state, 'eyJ', 'Wonderland', 'wheel', alice.email]);
      }),
  );

  it('SES-18: a row through SAML holds no document and no attribute of it', () =>
    onSaml({}, async (stage) => {
      stage.expectSessionsOf(alice.id);
      const begun = await stage.begin();
      const attributes = { mail: alice.email, name: 'Alice in Wonderland' };
      const response = await stage.provider.response(stage.said(begun, { attributes }));
      expect((await stage.post(begun, response)).status).toBe(200);
      const [, tail = response] = response.match(/.*(.{60})$/s) ?? [];
      expectOnly(stage, [tail, 'Assertion', 'saml:', 'Wonderland', alice.email, begun.id, 'X509']);
    }));
});

describe('attacks by filling the session store (SES-19)', () => {
  it('SES-19: thousands of bad sign-ins and of probes by nobody leave no row, and write none', () =>
    swiftly({}, async (target) => {
      const { nodes, shared } = target;
      const nobody: Headers[] = [{}, present('A'.repeat(86), 'Bearer'), present('A'.repeat(86), 'Cookie')];
      const bad = (n: number): [path: string, body?: unknown, headers?: Headers | undefined][] => [
        [auth, { token_type: 'Cookie' }, basic(robot.id, `wrong ${n}`)],
        [auth, undefined, basic(robot.id.replace(/.$/, `${n % 10}`), 'wrong')],
        [auth, undefined, basic('nobody', 'wrong')],
        [auth, { method: 'auth-by-app-name', acct_id: acme, name: `app ${n}`, password: 'x' }],
        [auth, { method: 'aws-iam', n }],
        [auth, {}, nobody[n % 3]],
        [auth, { method: 'password', email: alice.email }],
        ['/sys/v1/session/auth/discover', { user_email: `user${n}@example.com` }],
        ['/sys/v1/session/auth/2fa/fido2', {}, nobody[n % 3]],
        ['/sys/v1/session/config_2fa/auth', { password: 'x' }, nobody[n % 3]],
        ...Object.values(paths).map((path): [string, unknown, Headers | undefined] => [
          path,
          {},
          nobody[n % 3],
        ]),
        ['/me', {}, nobody[n % 3]],
      ];
      const lane = async (of: number) => {
        for (let n = of; n < 160; n += 4)
          for (const [path, body, headers] of bad(n)) {
            const { status } = await (nodes[n % 2] ?? nodes[0]).call(path, body, headers);
            expect([path, body, status === 200]).toEqual([path, body, path.endsWith('discover')]);
          }
      };
      await Promise.all([0, 1, 2, 3].map(lane));
      expect([shared.rows.size, shared.faults.store.calls.get('set')]).toEqual([0, undefined]);
      expect(shared.faults.index.calls.get('add')).toBeUndefined();
    }));

  it('SES-19: wrong passwords, of those who are there and of those who are not, leave no row', () =>
    swiftly({}, async (target) => {
      const { nodes, shared } = target;
      await enrolledKey(nodes[0], bob);
      for (let n = 0; n < 40; n += 1) {
        const email = [alice.email, bob.email, `user${n}@example.com`, 'dan@example.com'][n % 4];
        const asked = { ...passwordOf(alice), email, password: `wrong ${n}`, token_type: carriers[n % 2] };
        expect([401, 423]).toContain((await nodes[n % 2]?.call(auth, asked))?.status);
      }
      expect([shared.rows.size, shared.faults.store.calls.get('set')]).toEqual([0, undefined]);
      target.clock.advance(901);
    }));
});

describe('attacks by reading what is told (SES-24)', () => {
  it.each(carriers)(
    'SES-24: of a %s neither a log nor an event nor an error tells more than the key of its row',
    (carrier) =>
      attack({ dependencyTimeout: 0.2 }, async (target) => {
        const { nodes, shared, secret } = target;
        const key = await enrolledKey(nodes[0], bob);
        const user = await activeSession(target, bob, { key, carrier });
        const app = await signIn(target, { who: robot, carrier });
        const tokens = [tokenOf(user), app.token];
        const errors: string[] = [];
        const note = async (...call: Parameters<(typeof nodes)[0]['call']>) => {
          const answer = await nodes[1].call(...call);
          if (answer.status >= 400) errors.push(answer.body + JSON.stringify(answer.headers));
        };
        const keys = rowsOf(target).map((row) => String(row.key));
        await note(paths.select, { acct_id: alice.id }, user);
        await note(paths.select, { acct_id: globex }, user);
        await note(`${paths.select}?access_token=${tokens[0]}`, { acct_id: tokens[0] }, user);
        await note(paths.reauth, { session: tokens[0] }, user);
        await note('/sys/v1/session/auth/2fa/fido2', { id: tokens[0] }, user);
        await note('/account', undefined, present(tokens[0] ?? '', 'Bearer'));
        await note(auth, { ...passwordOf(alice), password: tokens[0], email: `${tokens[0]}@example.com` });
        await note(auth, { method: tokens[0] });
        await note(paths.refresh, undefined, present(`${tokens[1]}x`, carrier));
        const fresh = given(await nodes[0].call(paths.reauth, undefined, app.headers));
        tokens.push(fresh.token);
        keys.push(...rowsOf(target).map((row) => String(row.key)));
        target.expectFaults();
        for (const operation of ['get', 'set'] as const) {
          shared.faults.store.break(operation, 'reject');
          await note(paths.refresh, undefined, user);
          shared.faults.store.heal();
        }
        await note(paths.terminate, undefined, user);
        await note(paths.terminate, undefined, user);

        await sleep(20);
        for (const form of tokens.flatMap(formsOf)) secret(form);
        expect(errors.length).toBeGreaterThan(8);
        for (const text of errors) {
          for (const each of [...tokens, ...keys]) expect([text, text.includes(each)]).toEqual([text, false]);
        }
        const events = nodes.flatMap(({ events }) => events);
        const named = events.flatMap((event) => [
          ...('session' in event ? [event.session] : []),
          ...('successor' in event && event.successor !== null ? [event.successor] : []),
        ]);
        expect(named.length).toBeGreaterThan(4);
        expect(named.filter((each) => /^[\w-]{43}$/.test(each))).toEqual(named);
        for (const each of keys) expect([each, named.includes(each)]).toEqual([each, true]);
        for (const opener of new Set([...named, ...shared.rows.keys(), ...named.map((each) => each + each)]))
          for (const as of carriers) expect(await onBoth(target, present(opener, as))).toEqual([401, 401]);
        expect((await me(nodes[1], fresh.headers)).entityId).toBe(robot.id);
      }),
  );
});
