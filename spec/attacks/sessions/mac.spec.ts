import { createHash, createHmac, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { testSecret } from '../../support/app.js';
import { attack, type Target } from '../../support/attack.js';
import { acme, alice, robot } from '../../support/people.js';
import {
  type Carrier,
  carriers,
  everybody,
  me,
  onBoth,
  paths,
  present,
  randomOf,
  signed,
  signIn,
} from '../../support/session-attack.js';
import { alices, sessionsOf } from '../../support/session-maker.js';
import { swiftly } from '../../support/swift.js';

/** How often the store was asked for a row. */
const reads = ({ shared }: Target) => shared.faults.store.calls.get('get') ?? 0;

/** The other carrier. */
const otherOf = (carrier: Carrier): Carrier => (carrier === 'Bearer' ? 'Cookie' : 'Bearer');

describe('attacks on the MAC of a token (SES-06)', () => {
  it.each(carriers)(
    'SES-06: a %s without its MAC or with another opens nothing, and no store is asked',
    (carrier) =>
      swiftly({}, async (target) => {
        const { token, headers } = await signIn(target, { carrier });
        const random = randomOf(token);
        const mac = Buffer.from(token, 'base64url').subarray(32);
        const plain = (...parts: Buffer[]) => Buffer.concat(parts).toString('base64url');
        const hmac = (key: Buffer) => createHmac('sha256', key).update(random).digest();
        const flipped = Buffer.from(mac);
        flipped[31] = (flipped[31] ?? 0) ^ 1;
        const classic = createHmac('sha256', testSecret)
          .update(random.toString('base64url'))
          .digest('base64');
        const [sid = ''] = target.shared.rows.keys();
        const forged: Record<string, string> = {
          'without a MAC': plain(random),
          'with half a MAC': plain(random, mac.subarray(0, 16)),
          'with zeros': plain(random, Buffer.alloc(32)),
          'with one bit changed': plain(random, flipped),
          'with its own hash': plain(random, createHash('sha256').update(random).digest()),
          'by the secret itself': plain(random, hmac(testSecret)),
          'by no secret': plain(random, hmac(Buffer.alloc(0))),
          'by another secret': signed(random, carrier, { secret: randomBytes(32) }),
          'of another control': signed(random, carrier, { scope: 'other' }),
          'of the other carrier': signed(random, otherOf(carrier)),
          'twice the random half': plain(random, random),
          'the halves the other way round': plain(mac, random),
          'the MAC of another': plain(randomBytes(32), mac),
          's: and the token': `s:${token}`,
          's: and a signature of cookies': `s:${random.toString('base64url')}.${classic}`,
          's: and the token, signed': `s:${token}.${createHmac('sha256', testSecret).update(token).digest('base64')}`,
          's: in percents': `s%3A${token}`,
          'j: and the token': `j:"${token}"`,
          'the key of its row': sid,
          'the key of its row without prefix': sid.slice(sid.indexOf(':') + 1),
        };
        const before = reads(target);
        for (const [name, each] of Object.entries(forged))
          expect([name, await onBoth(target, present(each, carrier))]).toEqual([name, [401, 401]]);
        expect(reads(target)).toBe(before);
        expect(signed(random, carrier)).toBe(token);
        expect(await onBoth(target, headers)).toEqual([200, 200]);
      }),
  );

  it.each(everybody)('SES-06: $name is no other carrier, in no state', ({ who, carrier }) =>
    attack({}, async (target) => {
      const { nodes } = target;
      const { token, headers } = await signIn(target, { who, carrier });
      const other = present(token, otherOf(carrier));
      const pending = await sessionsOf(target).start({ ...alices, carrier, state: 'pending' });
      target.expectSessionsOf(alice.id);
      const before = JSON.stringify([...target.shared.rows]);
      expect(await onBoth(target, other)).toEqual([401, 401]);
      for (const path of Object.values(paths)) {
        for (const each of [other, present(pending.token, otherOf(carrier))])
          expect([path, (await nodes[1].call(path, { acct_id: acme }, each)).status]).toEqual([path, 401]);
      }
      expect(JSON.stringify([...target.shared.rows])).toBe(before);
      expect((await me(nodes[1], headers)).entityId).toBe(who.id);
    }),
  );

  it.each(carriers)('SES-06: a row that says it is another carrier’s opens for no %s', (carrier) =>
    swiftly({}, async (target) => {
      const { token } = await signIn(target, { carrier });
      const [[sid, row] = ['', {}]] = [...target.shared.rows];
      const swapped = { ...(row as object), carrier: otherOf(carrier) };
      await new Promise((resolve) => target.shared.store.set(sid, swapped, resolve));
      expect(await onBoth(target, present(token, carrier))).toEqual([401, 401]);
      expect(await onBoth(target, present(token, otherOf(carrier)))).toEqual([401, 401]);
    }),
  );

  it.each(carriers)(
    'SES-06: a %s by a secret that was rotated out opens nothing, though its row is there',
    (carrier) => {
      const next = randomBytes(32);
      const older = async (target: Target) => {
        target.expectSessionsOf(alice.id);
        const { token } = await sessionsOf(target).start({ ...alices, carrier });
        return present(token, carrier);
      };
      const under = (secret: Buffer[], expected: number[]) =>
        swiftly({ secret }, async (target) => {
          const headers = await older(target);
          const before = reads(target);
          expect(await onBoth(target, headers)).toEqual(expected);
          expect(target.shared.rows.size).toBe(1);
          if (expected[0] === 401) expect(reads(target)).toBe(before);
          const { token } = await signIn(target, { who: robot, carrier });
          expect(token).toBe(signed(randomOf(token), carrier, { secret: next }));
        });
      return under([next, testSecret], [200, 200]).then(() => under([next], [401, 401]));
    },
  );
});
