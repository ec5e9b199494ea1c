import { describe, expect, it } from '@jest/globals';
import { basic } from '../../support/app.js';
import { attack, type Node, type Target, type WireAnswer } from '../../support/attack.js';
import { auth, codeOf, owing, passwordOf, pay, reach } from '../../support/owing.js';
import { alice, bob, robot } from '../../support/people.js';
import { enrolledKey } from '../../support/second-factor.js';
import { presentingAnswer } from '../../support/sign-in.js';
import { swiftly } from '../../support/swift.js';

const discover = '/sys/v1/session/auth/discover';
const seen = (answer: WireAnswer) => `${answer.status} ${codeOf(answer)}`;
const wrong = '401 invalid_credentials';
const slow = '429 too_many_requests';

/** Guesses once at somebody from somewhere. */
const guess = ({ send }: Node, n: number, from: string, email = `user${n}@example.com`) =>
  send({
    method: 'POST',
    path: auth,
    headers: { 'Content-Type': 'application/json', 'X-Forwarded-For': from },
    body: JSON.stringify({ method: 'password', email, password: 'summer' }),
  });

/** Has the nodes believe what a proxy says of clients. */
const behindProxy = ({ nodes }: Target) => {
  for (const { app } of nodes) app.set('trust proxy', true);
};

describe('attacks on many users at once', () => {
  it('ENUM-05, HTTP-15: from one address it is over after a hundred failures, whatever headers it sends', () =>
    swiftly({ throttle: {} }, async (target) => {
      const { nodes } = target;
      const answers: string[] = [];
      for (let n = 0; n < 104; n += 1)
        answers.push(seen(await guess(nodes[n % 2] ?? nodes[0], n, `10.0.${n}.1`)));
      expect(answers).toEqual([...Array(100).fill(wrong), ...Array(4).fill(slow)]);
      const { headers } = await guess(nodes[0], 0, '10.1.1.1');
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
      target.clock.advance(900);
    }));

  it('ENUM-06: addresses of one /64 are one address', () =>
    swiftly({ throttle: {} }, async (target) => {
      behindProxy(target);
      const { nodes } = target;
      const answers: string[] = [];
      for (let n = 0; n < 102; n += 1)
        answers.push(seen(await guess(nodes[n % 2] ?? nodes[0], n, `2001:db8:1:2::${n.toString(16)}`)));
      expect(answers.slice(99)).toEqual([wrong, slow, slow]);
      expect(seen(await guess(nodes[0], 0, '2001:db8:1:3::1'))).toBe(wrong);
    }));

  it('ENUM-05: from a thousand addresses it is over after so many failures from everywhere, until the window ends', () =>
    swiftly({ throttle: { overall: { failures: 30, window: 60 } } }, async (target) => {
      behindProxy(target);
      const { nodes, clock } = target;
      target.expectSessionsOf(alice.id, bob.id, robot.id);
      const key = await enrolledKey(nodes[0], bob);
      const pending = await owing(target, bob);
      const signedIn = await nodes[0].call(auth, passwordOf(alice));
      const headers = presentingAnswer({ ...signedIn, body: JSON.parse(signedIn.body) });

      const answers: string[] = [];
      for (let n = 0; n < 34; n += 1)
        answers.push(seen(await guess(nodes[n % 2] ?? nodes[0], n, `198.51.${n}.7`)));
      expect(answers).toEqual([...Array(30).fill(wrong), ...Array(4).fill(slow)]);
      for (const attempt of [
        nodes[0].call(auth, passwordOf(alice)),
        nodes[1].call(auth, undefined, basic(alice.email, alice.password)),
        nodes[0].call(auth, undefined, basic(robot.id, robot.secret)),
      ]) {
        const refused = await attempt;
        expect([seen(refused), refused.headers['retry-after']]).toEqual([slow, '60']);
      }
      // Sessions, keys that are sent with each request, and second factors go on.
      expect(await reach(nodes[1], headers)).toBe(200);
      expect((await pay(nodes[1], pending, await key.get(pending.options))).status).toBe(204);
      const byKey = { method: 'GET', path: '/key', headers: basic(robot.id, robot.secret) };
      expect((await nodes[0].send(byKey)).status).toBe(200);

      await new Promise((resolve) => setTimeout(resolve, 20));
      const told = nodes.flatMap(({ events }) => events.filter(({ type }) => type === 'throttled'));
      expect(told).toHaveLength(7);
      expect(told).toEqual(Array(7).fill(expect.objectContaining({ scope: 'overall' })));
      clock.advance(60);
      expect((await nodes[0].call(auth, passwordOf(alice))).status).toBe(200);
    }));

  it('ENUM-05: nobody fills it alone: not by one large network, and not by what guesses at nothing', () =>
    swiftly(
      { throttle: { perAddress: { failures: 10_000 }, overall: { failures: 30, window: 60 } } },
      async (target) => {
        behindProxy(target);
        const { nodes } = target;
        target.expectSessionsOf(alice.id);
        const basicOfNobody = (n: number) => ({
          ...basic('nobody', 'x'),
          'X-Forwarded-For': `198.51.${n}.7`,
        });
        for (let n = 0; n < 40; n += 1) {
          await guess(nodes[0], n, `2001:db8:1:${n.toString(16)}::1`);
          await guess(nodes[1], n, `203.0.113.${n}`);
          await nodes[0].send({ method: 'POST', path: auth, headers: basicOfNobody(n) });
        }
        for (let n = 0; n < 40; n += 1) await guess(nodes[0], 0, `192.0.${n}.1`, 'locked@example.com');
        expect((await nodes[0].call(auth, passwordOf(alice))).status).toBe(200);
      },
    ));

  it('ENUM-05: while it is over for all, API keys are counted as ever', () =>
    swiftly({ throttle: { overall: { failures: 30, window: 60 } } }, async (target) => {
      behindProxy(target);
      const { nodes, clock } = target;
      target.expectSessionsOf(robot.id);
      for (let n = 0; n < 31; n += 1) await guess(nodes[0], n, `198.51.${n}.7`);
      expect((await nodes[0].call(auth, passwordOf(alice))).status).toBe(429);
      const byKey = (secret: string) =>
        nodes[1].send({ method: 'GET', path: '/key', headers: basic(robot.id, secret) });
      const answers: number[] = [];
      for (let n = 0; n < 24; n += 1) answers.push((await byKey(`guess ${n}`)).status);
      expect(answers).toEqual([...Array(20).fill(401), ...Array(4).fill(429)]);
      expect((await byKey(robot.secret)).status).toBe(429);
      clock.advance(300);
    }));

  it('SES-20: discoveries have a ceiling too, for one address and for all', () =>
    swiftly({ throttle: { discoveries: { requests: 5 }, overall: { discoveries: 8 } } }, async (target) => {
      behindProxy(target);
      const { nodes } = target;
      const ask = async (from: string, n: number) => {
        const answer = await (nodes[n % 2] ?? nodes[0]).send({
          ...{ method: 'POST', path: discover, headers: { 'X-Forwarded-For': from } },
          body: JSON.stringify({ user_email: 'alice@example.com' }),
        });
        return answer.status;
      };
      const first: number[] = [];
      for (let n = 0; n < 7; n += 1) first.push(await ask('192.0.2.1', n));
      expect(first).toEqual([...Array(5).fill(200), 429, 429]);
      const others: number[] = [];
      for (let n = 0; n < 4; n += 1) others.push(await ask(`192.0.2.${n + 2}`, n));
      expect(others).toEqual([200, 200, 200, 429]);
    }));

  it.each(['reject', 'hang'] as const)(
    'counts in each process where the shared counters %s, so it is over there too',
    (fault) =>
      attack({ throttle: { overall: { discoveries: 3 } }, dependencyTimeout: 0.05 }, async (target) => {
        target.expectFaults();
        target.shared.faults.counters.break('increment', fault);
        target.shared.faults.counters.break('get', fault);
        const statuses: number[] = [];
        for (let n = 0; n < 5; n += 1)
          statuses.push((await target.nodes[0].call(discover, { user_email: alice.email })).status);
        target.shared.faults.counters.heal();
        expect(statuses).toEqual([200, 200, 200, 429, 429]);
      }),
  );
});
