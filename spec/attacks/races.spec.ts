import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { basic, bearer } from '../support/app.js';
import { attack, type Node, type WireAnswer } from '../support/attack.js';
import { crowd, eitherOrder, fleet, rowsOf } from '../support/crowd.js';
import { acme, alice, bob, globex, robot } from '../support/people.js';
import { Outcomes, repeatedly, some } from '../support/repeated.js';
import { alter } from '../support/session-attack.js';
import { presenting, robots, sessionsOf } from '../support/session-maker.js';

const auth = '/sys/v1/session/auth';
const alicePassword = { method: 'password', email: alice.email, password: alice.password };

const tokenOf = ({ body }: WireAnswer): string => JSON.parse(body).access_token;
const signIn = async (node: Node, body: unknown, headers = {}) =>
  bearer(tokenOf(await node.call(auth, body, headers)));
const statusOf = async (node: Node, headers: Record<string, string>) =>
  (await node.send({ method: 'GET', path: '/me', headers })).status;

describe('attacks by timing (RACE-*)', () => {
  it('RACE-02: of a hundred parallel guesses on two nodes no more than the limit is looked at', () =>
    attack({ hashing: { queue: 200 } }, async ({ nodes, clock }) => {
      const guesses = Array.from({ length: 100 }, (_, index) => {
        const password = index === 60 ? alice.password : `guess ${index}`;
        const node = nodes[index % 2] ?? nodes[0];
        return node.call(auth, { ...alicePassword, password });
      });
      const statuses = (await Promise.all(guesses)).map(({ status }) => status);
      expect(statuses.filter((status) => status === 401).length).toBe(10);
      expect(statuses.filter((status) => status === 423).length).toBe(90);
      expect((await nodes[0].call(auth, alicePassword)).status).toBe(423);
      clock.advance(900);
    }));

  it('lets forty parallel good sign-ins of one user through, on two nodes', () =>
    attack({}, async ({ nodes, expectSessionsOf }) => {
      expectSessionsOf(alice.id);
      const all = await Promise.all(
        Array.from({ length: 40 }, (_, index) => (nodes[index % 2] ?? nodes[0]).call(auth, alicePassword)),
      );
      expect(all.map(({ status }) => status)).toEqual(all.map(() => 200));
    }));

  it('RACE-02: of thirty guesses at once at each of fifty users no more than the limit is looked at, and the right one after it is not good', () =>
    attack({ lockout: { failures: 5 }, hashing: { queue: 1000 } }, async (target) => {
      const { nodes } = target;
      const users = crowd(target);
      const outcomes = new Outcomes();
      await repeatedly(async (n) => {
        const { email = '', password = '' } = users[n] ?? {};
        const right = n % 2 === 0 ? 4 : 20;
        const guesses = Array.from({ length: 30 }, async (_, at) => {
          await sleep(at * 2 + some(10));
          const guess = at === right ? password : `guess ${at}`;
          return (nodes[at % 2] ?? nodes[0]).call(auth, { method: 'password', email, password: guess });
        });
        const statuses = (await Promise.all(guesses)).map(({ status }) => status);
        const wrong = statuses.filter((status) => status === 401).length;
        const gotIn = statuses[right] === 200;
        outcomes.note(`${right} ${gotIn}`);
        expect(statuses.filter((status) => ![200, 401, 423].includes(status))).toEqual([]);
        // Who has signed in has cleared the failures that there were and the places of those under way, and a few may slip in then.
        if (gotIn) expect(wrong).toBeLessThan(15);
        else expect([wrong, statuses[right]]).toEqual([5, 423]);
        const after = await nodes[0].call(auth, { method: 'password', email, password });
        expect([gotIn, after.status]).toEqual([gotIn, 423]);
      });
      outcomes.expectEach('4 true', '20 false');
    }));

  it('RACE-03, RACE-04: after terminate no session of that token lives, whatever was on its way, fifty times', () =>
    attack({}, async (target) => {
      const { nodes, shared } = target;
      const [refreshed, read] = [new Outcomes(), new Outcomes()];
      // Younger than they are for the nodes, so that each request writes its row.
      const sessions = sessionsOf(target, { idleTimeout: { user: 86_400, app: 300 } });
      await repeatedly(async () => {
        const session = await sessions.start(robots);
        const headers = presenting(session);
        const [one, other] = eitherOrder(nodes);
        const refreshing = sleep(some(30)).then(() =>
          other.call('/sys/v1/session/refresh', undefined, headers),
        );
        const reading = nodes.map((node) => sleep(some(100)).then(() => statusOf(node, headers)));
        const ending = sleep(some(220)).then(() => one.call('/sys/v1/session/terminate', undefined, headers));
        expect((await ending).status).toBe(204);
        expect([await statusOf(one, headers), await statusOf(other, headers)]).toEqual([401, 401]);
        refreshed.note((await refreshing).status);
        for (const status of await Promise.all(reading)) read.note(status);
        expect([await statusOf(one, headers), await statusOf(other, headers)]).toEqual([401, 401]);
        expect(shared.rows.has(`passport-control:${session.key}`)).toBe(false);
      });
      refreshed.expectEach(204, 401);
      read.expectEach(200, 401);
    }));

  it('RACE-03: of a reauth and a terminate at once the old token never survives, fifty times', () =>
    attack({}, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(robot.id);
      const outcomes = new Outcomes();
      const sessions = sessionsOf(target);
      await repeatedly(async () => {
        const headers = presenting(await sessions.start(robots));
        const [one, other] = eitherOrder(nodes);
        const [next, ended] = await Promise.all([
          sleep(some(30)).then(() => one.call('/sys/v1/session/reauth', undefined, headers)),
          sleep(some(60)).then(() => other.call('/sys/v1/session/terminate', undefined, headers)),
        ]);
        outcomes.note(`${next.status} ${ended.status}`);
        expect([await statusOf(one, headers), await statusOf(other, headers)]).toEqual([401, 401]);
        if (next.status !== 200) expect([next.status, ended.status]).toEqual([401, 204]);
        // An end that was confirmed is the end of what came in its place, too.
        else
          expect([ended.status, await statusOf(other, bearer(tokenOf(next)))]).toEqual(
            ended.status === 204 ? [204, 401] : [401, 200],
          );
      });
      outcomes.expectEach('200 401', '401 204');
    }));

  it('gives twenty parallel reauths of one session one new session', () =>
    attack({}, async ({ nodes, expectSessionsOf, shared }) => {
      expectSessionsOf(robot.id);
      const headers = await signIn(nodes[0], undefined, basic(robot.id, robot.secret));
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (nodes[index % 2] ?? nodes[0]).call('/sys/v1/session/reauth', undefined, headers),
        ),
      );
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 401)).toHaveLength(19);
      expect(shared.rows.size).toBe(1);
    }));

  it('loses no selected account to a touch or to a refresh on another node', () =>
    attack({}, async ({ nodes: [one, other], clock, expectSessionsOf }) => {
      expectSessionsOf(bob.id);
      const headers = await signIn(one, { method: 'password', email: bob.email, password: bob.password });
      for (let round = 0; round < 12; round += 1) {
        clock.advance(5000);
        const acct_id = round % 2 ? acme : globex;
        const calls = [
          one.call('/sys/v1/session/select_account', { acct_id }, headers),
          other.send({ method: 'GET', path: '/me', headers }),
          other.call('/sys/v1/session/refresh', undefined, headers),
          one.send({ method: 'GET', path: '/me', headers }),
        ];
        const answers = await Promise.all(calls);
        expect(answers.map(({ status }) => status)).toEqual([200, 200, 204, 200]);
        const me = await other.send({ method: 'GET', path: '/me', headers });
        expect(JSON.parse(me.body).session.accountId).toBe(acct_id);
      }
    }));

  it('does not believe a write that comes after a later change', () =>
    attack(
      { dependencyTimeout: 0.2 },
      async ({ nodes: [one, other], clock, shared, expectFaults, expectSessionsOf }) => {
        expectFaults();
        expectSessionsOf(bob.id);
        const headers = await signIn(one, { method: 'password', email: bob.email, password: bob.password });
        clock.advance(5000);
        const [[sid, before] = ['', {}]] = [...shared.rows];
        expect((await one.call('/sys/v1/session/select_account', { acct_id: acme }, headers)).status).toBe(
          200,
        );

        await new Promise((resolve) => shared.store.set(sid, before, resolve));
        expect([await statusOf(one, headers), await statusOf(other, headers)]).toEqual([401, 401]);
      },
    ));

  it.each([
    ['RACE-10', 'the password is changed and the sessions are ended'],
    ['RACE-11', 'the user is disabled'],
  ])(
    '%s: a sign-in by password that overlaps the moment when %s opens nothing after it, fifty times',
    (row) =>
      attack({}, async (target) => {
        const { nodes } = target;
        const { table } = nodes[0].repositories.users;
        const users = crowd(target);
        const outcomes = new Outcomes();
        const another = table.get(bob.id)?.passwordHash ?? null;
        await repeatedly(async (n) => {
          const { id = '', email = '', password = '' } = users[n] ?? {};
          const [one, other] = eitherOrder(nodes);
          const signingIn = sleep(some(20)).then(() =>
            one.call(auth, { method: 'password', email, password }),
          );
          await sleep(some(320));
          if (row === 'RACE-10') {
            alter(table, id, { passwordHash: another, credentialVersion: 2 });
            await other.control.sessions.end({ user: id });
          } else alter(table, id, { enabled: false });
          const answer = await signingIn;
          outcomes.note(answer.status);
          if (answer.status === 200) {
            const headers = bearer(tokenOf(answer));
            expect([await statusOf(other, headers), await statusOf(one, headers)]).toEqual([401, 401]);
          } else expect(answer.status).toBe(401);
          expect((await other.call(auth, { method: 'password', email, password })).status).toBe(401);
          expect(await other.control.sessions.list({ user: id })).toEqual([]);
        });
        outcomes.expectEach(200, 401);
      }),
  );

  it('RACE-12: of twice as many sign-ins at once as there may be sessions no more than that many live, fifty times', () =>
    attack({ session: { maxPerEntity: 3 } }, async (target) => {
      const { nodes } = target;
      const apps = fleet(target);
      const outcomes = new Outcomes();
      await repeatedly(async (n) => {
        const { id = '', secret = '' } = apps[n] ?? {};
        const answers = await Promise.all(
          Array.from({ length: 6 }, async (_, at) => {
            await sleep(some(40));
            return (nodes[at % 2] ?? nodes[0]).call(auth, undefined, basic(id, secret));
          }),
        );
        expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200));
        const alive: number[] = [];
        for (const [at, answer] of answers.entries())
          if ((await statusOf(nodes[at % 2] ?? nodes[0], bearer(tokenOf(answer)))) === 200) alive.push(at);
        expect([alive.length, rowsOf(target, { id }).length]).toEqual([3, 3]);
        expect(await nodes[0].control.sessions.list({ app: id })).toHaveLength(3);
        outcomes.note(String(alive.includes(5)));
      });
      // The last that is sent is not always the last that comes.
      outcomes.expectEach('true', 'false');
    }));
});
