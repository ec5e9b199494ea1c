import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { hash } from '@node-rs/argon2';
import { hashPassword } from '../../../lib/index.js';
import { basic, type TestAppOptions } from '../../support/app.js';
import { attack, type Node, type Target, type WireAnswer } from '../../support/attack.js';
import { activeSession, config } from '../../support/configuring.js';
import { auth, codeOf, passwordOf, pay, reach } from '../../support/owing.js';
import { alice, bob, sue } from '../../support/people.js';
import { enrolledKey } from '../../support/second-factor.js';
import { presentingAnswer } from '../../support/sign-in.js';
import { captchaKey, type Siteverify, siteverifyDouble } from '../../support/siteverify.js';
import { swiftly } from '../../support/swift.js';

const solved = { success: true, hostname: 'app.example.com' };
const wrong = '401 invalid_credentials';
const locked = '423 locked';
const seen = (answer: WireAnswer) => (answer.status === 200 ? '200' : `${answer.status} ${codeOf(answer)}`);

let provider: Siteverify;
beforeEach(async () => {
  provider = await siteverifyDouble();
});
afterEach(() => provider.close());

const byPassword = (node: Node, email: string, password: string, more: object = {}) =>
  node.call(auth, { method: 'password', email, password, ...more });

/** A deployment with a captcha. */
function guarded(drive: (target: Target) => Promise<void>, options: TestAppOptions = {}) {
  return attack(
    { captcha: { provider: 'recaptcha', secretKey: captchaKey, endpoint: provider.endpoint }, ...options },
    async (target) => {
      target.peer(provider.port);
      target.secret(captchaKey);
      await drive(target);
    },
  );
}

/** Guesses wrong until an address is locked. */
async function lockOut({ nodes }: Pick<Target, 'nodes'>, email: string, times = 10): Promise<void> {
  const answers = await Promise.all(
    Array.from({ length: times }, (_, n) => byPassword(nodes[n % 2] ?? nodes[0], email, `guess ${n}`)),
  );
  expect(answers.map(seen)).toEqual(Array(times).fill(wrong));
}

describe('attacks by guessing at one user', () => {
  it('RACE-02: of a hundred guesses at once with the right one at place sixty, none gets in; by a captcha the user does', () =>
    guarded(async (target) => {
      const { nodes } = target;
      const before: Promise<WireAnswer>[] = [];
      for (let n = 1; n <= 100; n += 1) {
        const password = n === 60 ? alice.password : `guess ${n}`;
        before.push(byPassword(nodes[n % 2] ?? nodes[0], alice.email, password));
      }
      const answers = (await Promise.all(before)).map(seen);
      expect(answers[59]).toBe(locked);
      expect(answers.filter((each) => each === wrong)).toHaveLength(10);
      expect(answers.filter((each) => each === locked)).toHaveLength(90);
      expect(target.shared.rows.size).toBe(0);

      target.expectSessionsOf(alice.id);
      provider.gives('solved', solved);
      const opened = await byPassword(nodes[1], alice.email, alice.password, {
        recaptcha_response: 'solved',
      });
      expect(seen(opened)).toBe('200');
      expect(await reach(nodes[0], presentingAnswer({ ...opened, body: JSON.parse(opened.body) }))).toBe(200);
      expect(seen(await byPassword(nodes[0], alice.email, alice.password))).toBe('200');
    }));

  it('ENUM-03: whoever does not exist locks as everybody does, and is told the same', () =>
    swiftly({}, async ({ nodes: [node] }) => {
      const bodies = new Map<string, unknown>();
      for (const email of [alice.email, sue.email, 'nobody@example.com', 'nobody@no.example']) {
        const answers: WireAnswer[] = [];
        for (let n = 0; n < 20; n += 1) answers.push(await byPassword(node, email, 'wrong'));
        bodies.set(
          email,
          answers.map(({ status, body, headers: { date: _, ...headers } }) => ({ status, body, headers })),
        );
        expect(answers.map(seen)).toEqual([...Array(10).fill(wrong), ...Array(10).fill(locked)]);
      }
      const [first, ...others] = bodies.values();
      for (const other of others) expect(other).toEqual(first);
    }));

  it('ENUM-06, PWD-14: every way of guessing at an address, and every spelling of it, fills one bucket', () =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      const headers = await activeSession(target, alice);
      const ways = [
        () => byPassword(nodes[0], alice.email, 'wrong'),
        () => byPassword(nodes[1], 'ALICE@example.com', 'wrong'),
        () => byPassword(nodes[0], 'alice@EXAMPLE.com', 'wrong'),
        () => nodes[1].call(auth, undefined, basic(alice.email, 'wrong')),
        () => nodes[0].call(auth, {}, basic('Alice@Example.COM', 'wrong')),
        () => nodes[1].call(config.auth, { password: 'wrong' }, headers),
      ];
      for (let n = 0; n < 10; n += 1) {
        const answer = await ways[n % ways.length]?.();
        expect(answer && seen(answer)).toBe(wrong);
      }
      for (const way of ways) expect(seen(await way())).toBe(locked);
      expect(seen(await nodes[0].call(auth, undefined, basic(alice.email, alice.password)))).toBe(locked);
    }));

  it('ENUM-07: who signs in as himself between his guesses sets nothing back', () =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(bob.id);
      for (let n = 0; n < 10; n += 1) {
        expect(seen(await byPassword(nodes[0], alice.email, `guess ${n}`))).toBe(wrong);
        expect(seen(await nodes[1].call(auth, passwordOf(bob)))).toBe('200');
      }
      expect(seen(await byPassword(nodes[0], alice.email, alice.password))).toBe(locked);
    }));

  it('ENUM-04: who guesses on and on keeps nobody out who solves a captcha, on whichever node', () =>
    guarded(async (target) => {
      const { nodes, clock } = target;
      target.expectSessionsOf(alice.id);
      for (let round = 0; round < 3; round += 1) {
        await lockOut(target, alice.email);
        provider.gives(`solved ${round}`, solved);
        const more = { recaptcha_response: `solved ${round}` };
        expect(seen(await byPassword(nodes[0], alice.email, alice.password))).toBe(locked);
        expect(seen(await byPassword(nodes[round % 2] ?? nodes[0], alice.email, alice.password, more))).toBe(
          '200',
        );
        clock.advance(60);
      }
      const told = nodes.flatMap(({ events }) => events.map(({ type }) => type));
      expect(told.filter((type) => type === 'locked' || type === 'unlocked')).toHaveLength(6);
    }));
});

describe('attacks on the captcha', () => {
  it('PWD-10: none that is missing, empty, for another page, too old or used opens a lock, and none is looked at without one', () =>
    guarded(async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id, bob.id);
      provider.gives('elsewhere', { success: true, hostname: 'evil.com' });
      provider.gives('robot', { ...solved, score: 0.1 });
      provider.gives('used', solved);
      await byPassword(nodes[0], bob.email, bob.password, { recaptcha_response: 'used' });
      expect(provider.asked).toHaveLength(0);
      await lockOut(target, bob.email);
      const use = () => byPassword(nodes[0], bob.email, bob.password, { recaptcha_response: 'used' });
      expect(seen(await use())).toBe('200');

      await lockOut(target, alice.email);
      for (const recaptcha_response of [undefined, null, '', 'unknown', 'elsewhere', 'robot', 'used']) {
        const answer = await byPassword(nodes[1], alice.email, alice.password, { recaptcha_response });
        expect([recaptcha_response, seen(answer)]).toEqual([recaptcha_response, locked]);
      }
      for (const odd of [['solved'], { response: 'solved' }, 5, true, 'x'.repeat(8193)]) {
        const answer = await byPassword(nodes[0], alice.email, alice.password, { recaptcha_response: odd });
        expect(seen(answer)).toBe('400 malformed_request');
      }
      provider.gives('solved', solved);
      const basicWith = await nodes[0].call(
        auth,
        { recaptcha_response: 'solved' },
        basic(alice.email, alice.password),
      );
      expect(seen(basicWith)).toBe(locked);
      const opened = await byPassword(nodes[0], alice.email, alice.password, {
        recaptcha_response: 'solved',
      });
      expect(seen(opened)).toBe('200');
      const reasons = nodes.flatMap(({ events }) =>
        events.flatMap((each) => (each.type === 'captcha_refused' ? [each.reason] : [])),
      );
      expect(reasons).toEqual(['not_solved', 'other_hostname', 'low_score', 'not_solved']);
    }));

  it('PWD-10: of one captcha used thirty times at once over two nodes, one opens', () =>
    guarded(async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id);
      await lockOut(target, alice.email);
      // A provider that says yes to all who ask at once.
      const check = provider.asked.length;
      const again = setInterval(() => provider.gives('solved', solved), 1);
      provider.gives('solved', solved);
      const answers = await Promise.all(
        Array.from({ length: 30 }, (_, n) =>
          byPassword(nodes[n % 2] ?? nodes[0], alice.email, 'wrong', { recaptcha_response: 'solved' }),
        ),
      );
      clearInterval(again);
      expect(provider.asked.length - check).toBe(30);
      expect(answers.map(seen).filter((each) => each === wrong)).toHaveLength(1);
      expect(answers.map(seen).filter((each) => each === locked)).toHaveLength(29);
    }));

  it('PWD-10: a provider that is down opens nothing and counts nothing, and the process lives', () =>
    guarded(async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id);
      await lockOut(target, alice.email);
      target.expectFaults();
      for (const [text, status] of [
        ['{"success":true,"hostname":"app.example.com"}', 500],
        ['{"success":"true","hostname":"app.example.com"}', 200],
        ['<html>', 200],
      ] as const) {
        provider.gives('solved', { status, text });
        const answer = await byPassword(nodes[0], alice.email, alice.password, {
          recaptcha_response: 'solved',
        });
        expect([502, 503]).toContain(answer.status);
      }
      expect(target.shared.rows.size).toBe(0);
      provider.gives('solved', solved);
      const opened = await byPassword(nodes[0], alice.email, alice.password, {
        recaptcha_response: 'solved',
      });
      expect(seen(opened)).toBe('200');
    }));

  it('a wrong password beside it is 401, in a window of its own, which closes too, and nobody learns who exists', () =>
    guarded(async (target) => {
      const { nodes, clock } = target;
      target.expectSessionsOf(alice.id);
      const guess = async (email: string, n: number | string, password = 'wrong') => {
        provider.gives(`${email} ${n}`, solved);
        return seen(await byPassword(nodes[0], email, password, { recaptcha_response: `${email} ${n}` }));
      };
      for (const email of [alice.email, 'nobody@example.com', sue.email]) {
        await lockOut(target, email);
        for (let n = 0; n < 10; n += 1) expect(await guess(email, n)).toBe(wrong);
        expect(await guess(email, 'last')).toBe(locked);
      }
      expect(await guess(alice.email, 'right', alice.password)).toBe(locked);
      const told = nodes.flatMap(({ events }) =>
        events.flatMap((each) => (each.type === 'locked' ? [each.what] : [])),
      );
      expect(told.sort()).toEqual([...Array(3).fill('captcha'), ...Array(3).fill('guesses')]);
      clock.advance(900);
      expect(seen(await byPassword(nodes[1], alice.email, alice.password))).toBe('200');
    }));

  it('opens the lock for who still owes a second factor, and owes it', () =>
    guarded(async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(nodes[0]);
      await lockOut(target, alice.email);
      provider.gives('solved', solved);
      const answer = await byPassword(nodes[0], alice.email, alice.password, {
        recaptcha_response: 'solved',
      });
      const body = JSON.parse(answer.body);
      const headers = presentingAnswer({ ...answer, body });
      expect([answer.status, await reach(nodes[1], headers)]).toEqual([200, 401]);
      const { fido2_assertion_options: options } = body;
      expect((await pay(nodes[1], { headers, options }, await key.get(options))).status).toBe(204);
      expect(await reach(nodes[0], headers)).toBe(200);
      expect(seen(await byPassword(nodes[1], alice.email, 'wrong'))).toBe(wrong);
    }));

  it.each(['counters.increment', 'counters.get', 'counters.clear', 'oneTime.claim'] as const)(
    'lets nobody in by it where %s fails but for one who has the password',
    (call) =>
      guarded(
        async (target) => {
          const { nodes, shared } = target;
          target.expectSessionsOf(alice.id);
          await lockOut(target, alice.email);
          target.expectFaults();
          const [name = '', operation = ''] = call.split('.');
          const faults = shared.faults[name as keyof typeof shared.faults];
          faults.break(operation, 'reject');
          provider.gives('solved', solved);
          const bad = await byPassword(nodes[0], alice.email, 'wrong', { recaptcha_response: 'solved' });
          expect([401, 503]).toContain(bad.status);
          provider.gives('again', solved);
          const good = await byPassword(nodes[0], alice.email, alice.password, {
            recaptcha_response: 'again',
          });
          expect([200, 503]).toContain(good.status);
          faults.heal();
        },
        { dependencyTimeout: 0.2 },
      ),
  );
});

describe('attacks while the counters fail', () => {
  it('the tenth failure locks, also where it could not be said so at once, and a captcha opens that', () =>
    guarded(
      async (target) => {
        const { nodes, shared } = target;
        target.expectSessionsOf(alice.id);
        const { increment } = shared.stores.counters;
        shared.stores.counters.increment = (key, window) =>
          key.includes(':shut:') ? Promise.reject(new Error('down')) : increment(key, window);
        await lockOut(target, alice.email);
        shared.stores.counters.increment = increment;
        expect(seen(await byPassword(nodes[0], alice.email, alice.password))).toBe(locked);
        provider.gives('solved', solved);
        const opened = await byPassword(nodes[1], alice.email, alice.password, {
          recaptcha_response: 'solved',
        });
        expect(seen(opened)).toBe('200');
      },
      { dependencyTimeout: 0.2 },
    ));

  it('who is locked out takes no place that could be lost', () =>
    guarded(async (target) => {
      const { nodes, shared, clock } = target;
      target.expectSessionsOf(alice.id);
      await lockOut(target, alice.email);
      clock.advance(890);
      target.expectFaults();
      shared.faults.counters.break('decrement', 'reject');
      for (let n = 0; n < 12; n += 1) expect(seen(await byPassword(nodes[0], alice.email, 'x'))).toBe(locked);
      shared.faults.counters.heal();
      clock.advance(10);
      expect(seen(await byPassword(nodes[1], alice.email, alice.password))).toBe('200');
    }));
});

describe('attacks by way of a hash that is renewed', () => {
  it('PWD-11: a password that changes while a weak hash of the old one is renewed is the one that counts', () =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(bob.id);
      const { users } = nodes[0].repositories;
      const row = users.table.get(bob.id);
      if (row === undefined) throw new Error('bob is gone');
      const weak = await hash(bob.password, { memoryCost: 1024, timeCost: 1, parallelism: 1 });
      users.table.set(bob.id, { ...row, passwordHash: weak });
      const changed = { ...row, passwordHash: await hashPassword('a new one'), credentialVersion: '2' };
      const { savePasswordHash } = users;
      let renewals = 0;
      users.savePasswordHash = async (...given) => {
        renewals += 1;
        users.table.set(bob.id, changed);
        return savePasswordHash?.(...given) ?? false;
      };
      await nodes[0].call(auth, passwordOf(bob));
      expect([renewals, users.table.get(bob.id)?.passwordHash]).toEqual([1, changed.passwordHash]);
      expect(seen(await byPassword(nodes[1], bob.email, 'a new one'))).toBe('200');
      expect(seen(await byPassword(nodes[1], bob.email, bob.password))).toBe(wrong);
    }));
});
