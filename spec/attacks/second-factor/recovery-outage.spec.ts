import { describe, expect, it } from '@jest/globals';
import { attack } from '../../support/attack.js';
import { owing, reach, withCodes } from '../../support/owing.js';
import { alice } from '../../support/people.js';
import { type Sabotage, saboteur } from '../../support/sabotage.js';
import { enrolledKey } from '../../support/second-factor.js';

const path = '/sys/v1/session/auth/2fa/recovery_code';
/** Seconds after which a code is good again whose use nobody has seen the end of. */
const aWhile = 61;

describe('stores that go down while a recovery code is used', () => {
  it.each([
    ['Bearer', 'throw'],
    ['Cookie', 'throw'],
    ['Bearer', 'done, then reject'],
    ['Cookie', 'done, then reject'],
  ] as const)(
    'MFA-09, FLT-*: from whichever call of a %s on (%s), the code opens a session or is good again, and never both',
    async (carrier, how: Sabotage) => {
      const faults = saboteur(0.15);
      await attack({ ...faults.options, lockout: false }, async (target) => {
        faults.attach(target);
        target.expectFaults();
        const { nodes, clock } = target;
        const [node, other] = nodes;
        const seen = { lost: 0, opened: 0, free: 0 };
        for (let from = 0, whole = false; !whole; from += 1) {
          const [code = '', another = ''] = await withCodes(target);
          const key = await enrolledKey(node);
          const session = await owing(target, alice, carrier);
          // The stores are down, and the database of the users is not.
          faults.arm(how, (call, at) => at >= from && !/^(users|devices|accounts)\./.test(call));
          const first = await node.call(path, { recovery_code: code }, session.headers);
          const calls = faults.disarm();
          whole = from >= calls.length;
          expect([from, whole ? [204] : [204, 503]]).toEqual([from, expect.arrayContaining([first.status])]);

          clock.advance(aWhile);
          const rows = [...faults.shared.rows.values()] as { state: string }[];
          const active = rows.some(({ state }) => state === 'active');
          const next = await owing(target);
          const again = await other.call(path, { recovery_code: code }, next.headers);
          const opened = first.status === 204 || active;
          // A Cookie whose row was saved, and whose client was never told, is dead in nobody's hands.
          expect([from, how, calls.at(-1), again.status]).toEqual([
            from,
            how,
            calls.at(-1),
            opened ? 401 : 204,
          ]);
          seen[opened ? 'opened' : 'free'] += 1;
          const third = await owing(target);
          expect((await node.call(path, { recovery_code: code }, third.headers)).status).toBe(401);
          expect((await node.call(path, { recovery_code: another }, third.headers)).status).toBe(204);
          expect(await reach(node, third.headers)).toBe(200);

          await node.control.sessions.end({ user: alice.id });
          for (const sid of [...faults.shared.rows.keys()])
            await new Promise((resolve) => faults.shared.store.destroy(sid, resolve));
          for (const { name } of await node.repositories.devices.listByUser(alice.id))
            await node.repositories.devices.remove(alice.id, name);
          expect(key.credentials).toHaveLength(1);
        }
        expect(Math.min(seen.opened, seen.free)).toBeGreaterThan(2);
      });
    },
    60_000,
  );

  it.each(['Bearer', 'Cookie'] as const)(
    'MFA-09: a code that cannot be spent, by which a %s may live that cannot be ended, is good for no other',
    async (carrier) => {
      const faults = saboteur(0.15);
      await attack({ ...faults.options, lockout: false }, async (target) => {
        faults.attach(target);
        target.expectFaults();
        const { nodes, clock } = target;
        const [code = ''] = await withCodes(target);
        await enrolledKey(nodes[0]);
        const session = await owing(target, alice, carrier);
        let isSpending = false;
        faults.arm('reject', (call) => {
          isSpending ||= call === 'devices.consumeRecoveryCode';
          return isSpending && (call.startsWith('devices.consume') || call === 'oneTime.claim');
        });
        const use = async () => (await nodes[1].call(path, { recovery_code: code }, session.headers)).status;
        expect(await use()).toBe(503);
        faults.disarm();
        const active = [...faults.shared.rows.values()] as { state: string }[];
        expect(active.map(({ state }) => state)).toEqual(['active']);
        for (const seconds of [0, aWhile, 3600]) {
          clock.advance(seconds);
          const next = await owing(target);
          const again = await nodes[0].call(path, { recovery_code: code }, next.headers);
          expect([seconds, again.status]).toEqual([seconds, 401]);
        }
        await nodes[0].control.sessions.end({ user: alice.id });
      });
    },
  );
});
