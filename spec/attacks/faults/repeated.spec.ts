import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { basic, bearer, testApp } from '../../support/app.js';
import { attack, type Node } from '../../support/attack.js';
import { testClock } from '../../support/clock.js';
import { activeOf, crowd, fleet } from '../../support/crowd.js';
import { auth, passwordOf, reach } from '../../support/owing.js';
import { bob, people, robot } from '../../support/people.js';
import { anyOf, Outcomes, repeatedly, some } from '../../support/repeated.js';
import type { Sabotage } from '../../support/sabotage.js';
import type { Holder } from '../../support/second-factor.js';
import { paths } from '../../support/session-attack.js';
import { presenting, robots, sessionsOf } from '../../support/session-maker.js';
import { sharedStores } from '../../support/shared.js';
import { faultily } from '../../support/swift.js';

const userOf = (users: readonly Holder[], n: number): Holder => {
  const user = users[n];
  if (user === undefined) throw new Error(`there is no user ${n}`);
  return user;
};
const signIn = (node: Node, user: Holder, password = user.password) =>
  node.call(auth, { ...passwordOf(user), password });

describe('everything else that fails at any moment, fifty times each (FLT-*)', () => {
  it('FLT-07: while failures cannot be counted, from whatever moment to whatever other, no more than the limit is looked at', () =>
    faultily({ lockout: { failures: 3 }, hashing: { queue: 1000 } }, async (target, hit) => {
      const { nodes } = target;
      const users = crowd(target);
      const outcomes = new Outcomes();
      await repeatedly(async (n) => {
        const user = userOf(users, n);
        expect((await signIn(nodes[0], user, 'wrong')).status).toBe(401);
        const told = nodes[0].events.flatMap((each) =>
          each.type === 'sign_in_failed' && each.entityId === user.id ? [each.identifier] : [],
        );
        const operations = ['increment', 'get', 'decrement', 'clear'] as const;
        const hows = ['throw', 'reject', 'hang', 'done, then reject', 'done, then hang'] as const;
        const how = anyOf<Sabotage>(hows);
        const operation = operations[n % operations.length] ?? 'get';
        const guessing = Array.from({ length: 8 }, (_, at) =>
          sleep(some(250)).then(() => signIn(nodes[at % 2] ?? nodes[0], user, `guess ${at}`)),
        );
        await sleep(some(150));
        const heal = hit({ call: `counters.${operation}`, about: told[0] ?? '', how });
        await sleep(some(250));
        heal();
        const statuses = (await Promise.all(guessing)).map(({ status }) => status);
        for (const each of statuses) outcomes.note(each);
        expect([operation, how, statuses.filter((each) => ![401, 423, 429, 503].includes(each))]).toEqual([
          ...[operation, how, []],
        ]);
        const looked = 1 + statuses.filter((each) => each === 401).length;
        expect([operation, how, looked <= 3, statuses]).toEqual([operation, how, true, statuses]);
      });
      outcomes.expectEach(401, 423, 503);
    }));

  it('FLT-09: where users cannot be looked up, from whatever moment on, nobody is let in who is not known, and nobody is counted', () =>
    faultily({ lockout: { failures: 3 } }, async (target, hit) => {
      const { nodes } = target;
      const { table } = nodes[0].repositories.users;
      const users = crowd(target);
      const outcomes = new Outcomes();
      await repeatedly(async (n) => {
        const user = userOf(users, n);
        const row = table.get(user.id);
        const hows: (Sabotage | { answers: unknown })[] = [
          ...(['throw', 'reject', 'hang'] as const),
          ...[
            { nonsense: true },
            undefined,
            null,
            [row, row],
            { ...row, id: undefined },
            table.get(bob.id),
          ].map((answers) => ({ answers })),
        ];
        const how = hows[n % hows.length] ?? 'throw';
        const operation = anyOf(['findByEmail', 'findById'] as const);
        const kept = await activeOf(target, user);
        const signingIn = Array.from({ length: 2 }, () =>
          sleep(some(60)).then(() => signIn(anyOf(nodes), user)),
        );
        const asking = nodes.map(async (node) => {
          await sleep(some(60));
          return node.send({ method: 'GET', path: '/me', headers: kept.headers });
        });
        await sleep(some(80));
        const about = operation === 'findById' ? user.id : user.email;
        const heal = hit({ call: `users.${operation}`, about, how });
        const answers = await Promise.all([...signingIn, ...asking]);
        // Whoever is gone is a refusal, and whatever is no answer is none.
        const gone = typeof how === 'object' && (how.answers === null || how.answers === table.get(bob.id));
        for (const { status } of answers) outcomes.note(status);
        const odd = answers.filter(({ status }) => ![200, 503, ...(gone ? [401] : [])].includes(status));
        expect([operation, how, odd]).toEqual([operation, how, []]);
        for (const { status, body } of answers.slice(2))
          if (status === 200) expect(JSON.parse(body).id).toBe(user.id);
        for (const { status, body } of answers.slice(0, 2))
          if (status === 200) expect(JSON.parse(body).entity_id).toBe(user.id);
        heal();
        expect([operation, how, (await signIn(anyOf(nodes), user)).status]).toEqual([operation, how, 200]);
        if (!gone)
          expect([operation, how, await reach(anyOf(nodes), kept.headers)]).toEqual([operation, how, 200]);
      });
      outcomes.expectEach(200, 401, 503);
    }));

  it('FLT-13: of nodes whose clocks differ or step back none ends a session early or late by more than that, and what has ended stays so', async () => {
    const [behind, ahead] = [testClock(), testClock()];
    ahead.advance(90);
    const shared = sharedStores(behind, { latency: true });
    const memory = await people();
    const one = await testApp({ shared, memory, testClock: behind });
    const other = await testApp({ shared, memory, testClock: ahead });
    const outcomes = new Outcomes();
    const rounds: { headers: Record<string, string>; ended: boolean }[] = [];
    await repeatedly(async () => {
      // Seconds that the session is good for yet, by the clock that is behind.
      const left = Math.ceil(some(180));
      const sessions = sessionsOf({ shared, clock: behind }, { idleTimeout: { user: 86_400, app: left } });
      const headers = presenting(await sessions.start({ ...robots, notAfter: behind() + left * 1000 }));
      const status = async (app: typeof one) => (await app.get('/me', headers)).status;
      const isFirst = Math.random() < 0.5;
      const first = isFirst ? await status(one) : null;
      const byOther = await status(other);
      outcomes.note(byOther);
      expect([left, byOther]).toEqual([left, left > 90 ? 200 : 401]);
      // The node that is behind lets nobody in whom the other has refused.
      expect([left, first ?? 200, await status(one)]).toEqual([left, 200, left > 90 ? 200 : 401]);
      rounds.push({ headers, ended: left <= 90 });
    });
    outcomes.expectEach(200, 401);
    for (const each of [behind, ahead]) each.advance(-3600 * Math.random());
    for (const { headers, ended } of rounds) {
      const statuses = [(await one.get('/me', headers)).status, (await other.get('/me', headers)).status];
      if (ended) expect(statuses).toEqual([401, 401]);
    }
    for (const each of [behind, ahead]) each.advance(3600 + 181);
    for (const { headers } of rounds) expect((await one.get('/me', headers)).status).toBe(401);
  });

  it('FLT-14: closed at whatever moment of ten sign-ins, each gets an answer, and whoever got a token has a session', () =>
    attack({}, async (target) => {
      const [other] = target.nodes;
      const { shared, clock } = target;
      const apps = fleet(target);
      target.expectSessionsOf(robot.id);
      target.expectFaults();
      const outcomes = new Outcomes();
      const memory = other.repositories;
      await repeatedly(
        async (n) => {
          const { id = '', secret = '' } = apps[n] ?? {};
          const { app, control } = await testApp({ shared, testClock: clock, memory });
          const server = app.listen(0, '127.0.0.1');
          await new Promise((resolve) => server.once('listening', resolve));
          const { port } = server.address() as AddressInfo;
          target.peer(port);
          try {
            const signingIn = Array.from({ length: 10 }, async () => {
              await sleep(some(60));
              const headers = basic(id, secret);
              const answer = await fetch(`http://127.0.0.1:${port}${auth}`, { method: 'POST', headers });
              return { status: answer.status, body: await answer.json() };
            });
            await sleep(some(80));
            await control.close();
            const rows = () =>
              [...shared.rows.values()].filter((row) => (row as { entityId: string }).entityId === id).length;
            const closed = rows();
            const answers = await Promise.all(signingIn);
            for (const { status } of answers) outcomes.note(status);
            expect(answers.filter(({ status }) => status !== 200 && status !== 503)).toEqual([]);
            const good = answers.filter(({ status }) => status === 200);
            expect([closed, rows()]).toEqual([good.length, good.length]);
            for (const { body } of good) expect(await reach(other, bearer(body.access_token))).toBe(200);
          } finally {
            server.close();
            server.closeAllConnections();
          }
        },
        { atOnce: 5 },
      );
      outcomes.expectEach(200, 503);
    }));

  it('FLT-15: a listener of events that now and then throws, rejects or hangs changes no answer', () => {
    const [outcomes, heard] = [new Outcomes(), new Outcomes()];
    const onEvent = ({ type }: { type: string }) => {
      heard.note(type);
      const how = anyOf(['throws', 'rejects', 'hangs', 'answers'] as const);
      outcomes.note(how);
      if (how === 'throws') throw new Error('of the listener');
      if (how === 'rejects') return Promise.reject(new Error('of the listener'));
      return how === 'hangs' ? new Promise<void>(() => {}) : undefined;
    };
    return attack({ onEvent }, async (target) => {
      const { nodes } = target;
      const users = crowd(target);
      await repeatedly(async (n) => {
        const user = userOf(users, n);
        const [good, wrong] = await Promise.all([
          sleep(some(40)).then(() => signIn(anyOf(nodes), user)),
          sleep(some(40)).then(() => signIn(anyOf(nodes), user, 'wrong')),
        ]);
        expect([good.status, wrong.status]).toEqual([200, 401]);
        const headers = bearer(JSON.parse(good.body).access_token);
        for (const node of nodes) expect(await reach(node, headers)).toBe(200);
        expect((await anyOf(nodes).call(paths.terminate, undefined, headers)).status).toBe(204);
        for (const node of nodes) expect(await reach(node, headers)).toBe(401);
      });
      outcomes.expectEach('throws', 'rejects', 'hangs', 'answers');
      heard.expectEach('signed_in', 'sign_in_failed', 'session_ended');
    });
  });
});
