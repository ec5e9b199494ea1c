import { describe, expect, it } from '@jest/globals';
import { basic, bearer, testApp } from '../../support/app.js';
import { attack, type Node, type Target, type WireAnswer } from '../../support/attack.js';
import { testClock } from '../../support/clock.js';
import type { Fault } from '../../support/faults.js';
import { auth, codeOf, owing, passwordOf, pay, reach } from '../../support/owing.js';
import { alice, people, robot } from '../../support/people.js';
import { enrolledKey } from '../../support/second-factor.js';
import { sharedStores } from '../../support/shared.js';

const timeout = 0.2;
const seen = (answer: WireAnswer) => (answer.status === 200 ? '200' : `${answer.status} ${codeOf(answer)}`);
const signIn = async (target: Target, node: Node = target.nodes[0]) => {
  const answer = await node.call(auth, passwordOf(alice));
  expect(answer.status).toBe(200);
  return bearer(JSON.parse(answer.body).access_token);
};
const refresh = '/sys/v1/session/refresh';
const terminate = '/sys/v1/session/terminate';

describe('attacks by way of a session store that fails (FLT-*)', () => {
  it.each(['get', 'set', 'destroy'] as const)(
    'FLT-02: a %s that never calls back ends in 503 when its time is over, and everybody else goes on',
    (operation) =>
      attack({ dependencyTimeout: timeout }, async (target) => {
        target.expectSessionsOf(alice.id, robot.id);
        target.expectFaults();
        const headers = await signIn(target);
        const { store } = target.shared.faults;
        store.break(operation, 'hang');
        const started = performance.now();
        const asked = {
          get: () => reach(target.nodes[0], headers),
          set: async () => (await target.nodes[0].call(auth, passwordOf(alice))).status,
          destroy: async () => (await target.nodes[0].call(terminate, undefined, headers)).status,
        };
        expect(await asked[operation]()).toBe(503);
        // Two calls at most are waited for: what failed, and what is tidied after it.
        expect(performance.now() - started).toBeLessThan(4 * timeout * 1000 + 1000);
        store.heal();
        // What was ended is ended, whatever became of its row.
        expect(await reach(target.nodes[1], headers)).toBe(operation === 'destroy' ? 401 : 200);
        expect((await target.nodes[1].call(auth, undefined, basic(robot.id, robot.secret))).status).toBe(200);
      }),
  );

  it('FLT-06: an end whose row cannot be removed is not reported as one, and is one all the same', () =>
    attack({ dependencyTimeout: timeout }, async (target) => {
      target.expectSessionsOf(alice.id);
      target.expectFaults();
      const { nodes, shared } = target;
      for (const fault of ['reject', 'throw', 'hang'] as const) {
        const headers = await signIn(target);
        shared.faults.store.break('destroy', fault);
        expect((await nodes[0].call(terminate, undefined, headers)).status).toBe(503);
        shared.faults.store.heal();
        for (const node of nodes) expect([fault, await reach(node, headers)]).toEqual([fault, 401]);
      }
    }));

  it.each<[Fault | 'none' | 'an older form', number]>([
    ['reject', 503],
    ['throw', 503],
    ['garbage', 503],
    ['none', 401],
    ['an older form', 503],
  ])('FLT-04: a row that is %s is answered %s, and never let in', (fault, status) =>
    attack({ dependencyTimeout: timeout }, async (target) => {
      target.expectSessionsOf(alice.id);
      target.expectFaults();
      const headers = await signIn(target);
      const { shared, nodes } = target;
      const [[sid = ''] = []] = [...shared.rows];
      const row = shared.rows.get(sid) as Record<string, unknown>;
      if (fault === 'none') await new Promise((done) => shared.store.destroy(sid, done));
      else if (fault === 'an older form')
        await new Promise((done) => shared.store.set(sid, { ...row, v: 0 } as never, done));
      else shared.faults.store.break('get', fault);
      expect(await reach(nodes[0], headers)).toBe(status);
      expect((await nodes[1].call(refresh, undefined, headers)).status).toBe(status);
      shared.faults.store.heal();
      await new Promise((resolve) => setTimeout(resolve, 20));
      const told = nodes.flatMap(({ events }) => events.filter(({ type }) => type === 'dependency_failed'));
      expect(told.length > 0).toBe(status === 503);
    }),
  );

  it('FLT-11: a replica that is behind shows no session that has ended, and none that is not proven yet as proven', () =>
    attack({}, async (target) => {
      const { nodes, shared } = target;
      target.expectSessionsOf(alice.id);
      const headers = await signIn(target);
      const stale = new Map(shared.rows);
      await nodes[0].call(terminate, undefined, headers);
      const [[sid = '', row] = []] = [...stale];
      await new Promise((done) => shared.store.set(sid, row as never, done));
      for (const node of nodes) expect(await reach(node, headers)).toBe(401);
      await new Promise((done) => shared.store.destroy(sid, done));

      const key = await enrolledKey(nodes[0]);
      const pending = await owing(target);
      const before = [...shared.rows].find(([, each]) => (each as { state: string }).state === 'pending');
      expect((await pay(nodes[0], pending, await key.get(pending.options))).status).toBe(204);
      await new Promise((done) => shared.store.set(before?.[0] ?? '', before?.[1] as never, done));
      // The older row is not believed: the session is not pending again, and its answered challenge is good for nothing.
      expect([401, 503]).toContain(await reach(nodes[1], pending.headers));
      const again = await pay(nodes[1], pending, await key.get(pending.options));
      expect(again.status).toBeGreaterThanOrEqual(400);
      target.expectFaults();
    }));

  it('FLT-08: with the store of what is good once down nothing is let in twice', () =>
    attack({ dependencyTimeout: timeout }, async (target) => {
      const { nodes, shared } = target;
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(nodes[0]);
      const pending = await owing(target);
      const assertion = await key.get(pending.options);
      target.expectFaults();
      shared.faults.oneTime.break('claim', 'reject');
      expect((await pay(nodes[0], pending, assertion)).status).toBe(503);
      shared.faults.oneTime.heal();
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, n) => pay(nodes[n % 2] ?? nodes[0], pending, assertion)),
      );
      expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
    }));

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('of the listener');
      },
    ],
    ['rejects', () => Promise.reject(new Error('of the listener'))],
    ['never ends', () => new Promise(() => {})],
  ])('FLT-15: a listener of events that %s changes no sign-in', (_, onEvent) =>
    attack({ onEvent }, async (target) => {
      target.expectSessionsOf(alice.id);
      const headers = await signIn(target);
      expect(await reach(target.nodes[1], headers)).toBe(200);
      expect(seen(await target.nodes[0].call(auth, { ...passwordOf(alice), password: 'x' }))).toBe(
        '401 invalid_credentials',
      );
    }),
  );

  it('FLT-13: of two nodes whose clocks are ninety seconds apart none ends a session early or late by more than that', async () => {
    const [clock, ahead] = [testClock(), testClock()];
    ahead.advance(90);
    const [shared, memory] = [sharedStores(clock), await people()];
    const session = { idleTimeout: 600, absoluteTimeout: 3600 };
    const one = await testApp({ shared, memory, testClock: clock, session });
    const other = await testApp({ shared, memory, testClock: ahead, session });
    const signedIn = await one.post(auth, passwordOf(alice));
    const headers = bearer(signedIn.body.access_token);
    const both = async () => [
      (await one.get('/me', headers)).status,
      (await other.get('/me', headers)).status,
    ];
    const later = (seconds: number) => {
      for (const each of [clock, ahead]) each.advance(seconds);
    };
    for (let minute = 0; minute < 56; minute += 1) {
      expect(await both()).toEqual([200, 200]);
      later(60);
    }
    later(200);
    expect((await one.get('/me', headers)).status).toBe(200);
    later(600);
    expect(await both()).toEqual([401, 401]);
  });
});
