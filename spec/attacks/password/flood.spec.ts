import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { basic } from '../../support/app.js';
import { attack } from '../../support/attack.js';
import { lookUps, seen, sessionIn, userWays, wrong } from '../../support/credentials.js';
import { auth, reach } from '../../support/owing.js';
import { alice, robot } from '../../support/people.js';
import { swiftly } from '../../support/swift.js';

const slow = '429 too_many_requests';
const byPassword = (password: string) => ({ method: 'password', email: alice.email, password });

describe('attacks by many and long passwords', () => {
  it('PWD-05: passwords of a megabyte are refused before anybody is looked up, and so are all above 1,024 bytes', () =>
    attack({}, async (target) => {
      const { nodes } = target;
      const long = Array.from({ length: 10 }, (_, n) =>
        (nodes[n % 2] ?? nodes[0]).call(auth, byPassword('x'.repeat(1_000_000))),
      );
      expect(new Set((await Promise.all(long)).map(seen))).toEqual(new Set(['413 payload_too_large']));

      const longer = userWays.flatMap(([, way]) =>
        Array.from({ length: 50 }, (_, n) =>
          way(nodes[n % 2] ?? nodes[0], alice.email, 'x'.repeat(1025 + n * 100)),
        ),
      );
      expect(new Set((await Promise.all(longer)).map(seen))).toEqual(new Set(['400 malformed_request']));
      expect(lookUps(target)).toBe(0);
    }));

  it('PWD-05: of two hundred sign-ins at once some wait, the rest are told when to come back, and nobody else waits', () =>
    swiftly({ hashing: { concurrency: 2, queue: 40 } }, async (target) => {
      const [node, other] = target.nodes;
      target.expectSessionsOf(robot.id, alice.id);
      const headers = sessionIn(await node.call(auth, undefined, basic(robot.id, robot.secret)));

      let isOver = false;
      const flood = Promise.all(
        Array.from({ length: 100 }, (_, n) =>
          userWays.map(([, way], at) => way(node, `user${at}.${n}@example.com`, 'x'.repeat(1024))),
        ).flat(),
      ).finally(() => {
        isOver = true;
      });
      const rounds: number[] = [];
      for (const started = Date.now(); !isOver && Date.now() - started < 15_000; ) {
        const asked = Date.now();
        const status = await reach(node, headers);
        await readFile(new URL('../../../package.json', import.meta.url));
        if (status === 200) rounds.push(Date.now() - asked);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const answers = await flood;
      // Neither another route nor the files wait until all the passwords have been looked at.
      expect(rounds.length).toBeGreaterThan(3);
      expect(rounds.sort((one, other) => one - other)[rounds.length >> 1]).toBeLessThan(500);

      const refused = answers.filter((answer) => seen(answer) === slow);
      const served = answers.filter((answer) => seen(answer) === wrong);
      expect(refused.length + served.length).toBe(200);
      expect(served.length).toBeGreaterThanOrEqual(42);
      expect(refused.length).toBeGreaterThan(50);
      for (const { headers } of refused) expect(Number(headers['retry-after'])).toBeGreaterThan(0);

      // Who was only told to come back has not failed.
      for (const [, way] of userWays) {
        expect(seen(await way(node, alice.email, alice.password))).toBe('200');
        expect(seen(await way(other, alice.email, alice.password))).toBe('200');
      }
    }));

  it('PWD-05: a sign-in that the queue had no room for is no failure of the user', () =>
    swiftly({ hashing: { concurrency: 1, queue: 0 }, lockout: { failures: 3 } }, async (target) => {
      const [node] = target.nodes;
      target.expectSessionsOf(alice.id);
      let refused = 0;
      for (let round = 0; round < 10; round += 1) {
        const answers = await Promise.all(userWays.map(([, way]) => way(node, alice.email, alice.password)));
        const all = answers.map(seen);
        expect(all).toContain('200');
        refused += all.filter((each) => each === slow).length;
      }
      expect(refused).toBeGreaterThan(3);
      expect(seen(await node.call(auth, byPassword(alice.password)))).toBe('200');
    }));
});
