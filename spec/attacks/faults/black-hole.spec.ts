import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { attack, type Target } from '../../support/attack.js';
import { crowd } from '../../support/crowd.js';
import { auth } from '../../support/federation.js';
import { ldapRecord, rawServer } from '../../support/ldap-attack.js';
import { passwordOf } from '../../support/owing.js';

const pending = 500;
const measured = 40;
/** Rounds of which the best counts: a machine that has other work is no directory that hangs. */
const rounds = 3;

/** The time in milliseconds within which nineteen of twenty sign-ins by password are answered, four at once. */
async function measure({ nodes: [node] }: Target, users: ReturnType<typeof crowd>): Promise<number> {
  const times: number[] = [];
  const lane = async (at: number) => {
    for (let n = at; n < measured; n += 4) {
      const user = users[n];
      if (user === undefined) throw new Error('there are too few users');
      const since = performance.now();
      expect((await node.call(auth, passwordOf(user))).status).toBe(200);
      times.push(performance.now() - since);
    }
  };
  await Promise.all([0, 1, 2, 3].map(lane));
  return times.sort((one, other) => one - other)[Math.floor(measured * 0.95)] ?? 0;
}

describe('a directory that takes connections and never answers (FLT-10)', () => {
  it('FLT-10: beside five hundred sign-ins that wait for it, those by password take less than twice their time', async () => {
    const sockets = new Set<Socket>();
    const hole = await rawServer((socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    try {
      await attack({}, async (target) => {
        target.peer(hole.port);
        target.expectFaults();
        const [node] = target.nodes;
        node.repositories.identityProviders.table.set('ldap', ldapRecord(hole.port));
        const users = crowd(target, measured);
        await measure(target, users);

        let best = Number.POSITIVE_INFINITY;
        for (let round = 0; round < rounds && best >= 2; round += 1) {
          const without = await measure(target, users);
          const asked = Array.from({ length: pending }, (_, n) => {
            const email = `waiting-${round}-${n}@example.com`;
            const body = { method: 'ldap-basic-auth', idp_id: 'bGRhcA==', email, password: 'x' };
            return node.call(auth, body);
          });
          // What fails meanwhile fails below.
          const waiting = Promise.allSettled(asked);
          for (let wait = 0; wait < 400 && sockets.size < pending; wait += 1) await sleep(5);
          expect(sockets.size).toBe(pending);
          const beside = await measure(target, users);
          const left = sockets.size;
          const answers = await waiting;
          const odd = answers.filter((each) => each.status === 'rejected' || each.value.status !== 504);
          expect(odd).toEqual([]);
          // Only what was measured while they waited counts.
          if (left === pending) best = Math.min(best, beside / without);
        }
        expect(best).toBeLessThan(2);
      });
    } finally {
      await hole.stop();
    }
  }, 90_000);
});
