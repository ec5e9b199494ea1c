import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { basic, bearer } from '../support/app.js';
import { attack, type Node, type WireAnswer } from '../support/attack.js';
import { acme, alice, bob, globex, robot } from '../support/people.js';

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

  it('RACE-03, RACE-04: after terminate no session of that token lives, whatever was on its way', () =>
    attack({}, async ({ nodes: [one, other], shared, clock }) => {
      for (let round = 0; round < 15; round += 1) {
        const headers = await signIn(one, undefined, basic(robot.id, robot.secret));
        clock.advance(60);
        const writers = [
          other.call('/sys/v1/session/refresh', undefined, headers),
          one.send({ method: 'GET', path: '/me', headers }),
          other.send({ method: 'GET', path: '/me', headers }),
        ];
        await sleep(Math.random() * 60);
        const ended = await one.call('/sys/v1/session/terminate', undefined, headers);
        await Promise.all(writers);
        expect([204, 401]).toContain(ended.status);
        expect([await statusOf(one, headers), await statusOf(other, headers)]).toEqual([401, 401]);
        expect(shared.rows.size).toBe(0);
      }
    }));

  it('RACE-03: of a reauth and a terminate in parallel the old token never survives', () =>
    attack({}, async ({ nodes: [one, other], expectSessionsOf }) => {
      expectSessionsOf(robot.id);
      for (let round = 0; round < 15; round += 1) {
        const headers = await signIn(one, undefined, basic(robot.id, robot.secret));
        const calls = [
          one.call('/sys/v1/session/reauth', undefined, headers),
          sleep(Math.random() * 40).then(() => other.call('/sys/v1/session/terminate', undefined, headers)),
        ];
        const answers = await Promise.all(calls);
        for (const { status } of answers) expect([200, 204, 401]).toContain(status);
        expect(await statusOf(other, headers)).toBe(401);
      }
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

  it('RACE-10, RACE-11: a sign-in that overlaps a change of the credential opens nothing', () =>
    attack({}, async ({ nodes: [one, other], expectSessionsOf }) => {
      expectSessionsOf(alice.id);
      const pending = one.call(auth, alicePassword);
      while (one.faults.users.calls.get('findByEmail') === undefined) await sleep(1);
      const { table } = one.repositories.users;
      const row = table.get(alice.id);
      if (row) table.set(alice.id, { ...row, credentialVersion: 2 });
      const headers = bearer(tokenOf(await pending));
      expect([await statusOf(one, headers), await statusOf(other, headers)]).toEqual([401, 401]);
    }));
});
