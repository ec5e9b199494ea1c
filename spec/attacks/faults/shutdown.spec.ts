import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { basic, bearer, testApp } from '../../support/app.js';
import { attack } from '../../support/attack.js';
import { auth, reach } from '../../support/owing.js';
import { robot } from '../../support/people.js';

describe('a control that is closed (FLT-*)', () => {
  it('FLT-14: a hundred sign-ins that are under way end well, those that come then are sent elsewhere, and then it is closed', () =>
    attack({}, async (target) => {
      const [other] = target.nodes;
      const { shared, clock } = target;
      target.expectSessionsOf(robot.id);
      target.expectFaults();
      // A third node, which goes.
      const { app, control } = await testApp({ shared, testClock: clock });
      const server = app.listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      const { port } = server.address() as AddressInfo;
      target.peer(port);
      try {
        const signIn = async () => {
          const headers = basic(robot.id, robot.secret);
          const answer = await fetch(`http://127.0.0.1:${port}${auth}`, { method: 'POST', headers });
          return {
            status: answer.status,
            connection: answer.headers.get('connection'),
            body: await answer.json(),
          };
        };
        const underWay = Array.from({ length: 100 }, signIn);
        for (let n = 0; n < 1000 && shared.rows.size < 5; n += 1) await sleep(1);
        expect(shared.rows.size).toBeGreaterThanOrEqual(5);

        const closing = control.close();
        expect(await signIn()).toMatchObject({ status: 503, connection: 'close' });
        await closing;
        const rows = shared.rows.size;
        const answers = await Promise.all(underWay);
        expect(answers.filter(({ status }) => status !== 200 && status !== 503)).toEqual([]);
        const good = answers.filter(({ status }) => status === 200);
        expect(good.length).toBeGreaterThan(5);
        // Whoever was given a token has a session, and nobody else has.
        expect([shared.rows.size, rows]).toEqual([good.length, good.length]);
        for (const { body } of good.slice(0, 10))
          expect(await reach(other, bearer(body.access_token))).toBe(200);
        await expect(control.close()).resolves.toBeUndefined();
      } finally {
        server.close();
        server.closeAllConnections();
      }
    }));
});
