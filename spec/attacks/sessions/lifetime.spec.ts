import { describe, expect, it } from '@jest/globals';
import type { Target } from '../../support/attack.js';
import { codeOf, owing, pay, reach } from '../../support/owing.js';
import { alice, robot } from '../../support/people.js';
import { enrolledKey } from '../../support/second-factor.js';
import {
  absolute,
  carriers,
  day,
  everybody,
  given,
  type Headers,
  idle,
  me,
  onBoth,
  paths,
  refresh,
  rowsOf,
  settled,
  signIn,
  typeOf,
} from '../../support/session-attack.js';
import { swiftly } from '../../support/swift.js';

const hour = 3600;

/** Uses a session again and again, on one node and the other, until so many seconds are over. */
async function use(
  { nodes, clock }: Target,
  headers: Headers,
  seconds: number,
  every: number,
): Promise<void> {
  for (let n = 0; n * every < seconds; n += 1) {
    const node = nodes[n % 2] ?? nodes[0];
    const seen = n % 50 === 49 ? (await refresh(node, headers)).status : await reach(node, headers);
    expect([n * every, seen]).toEqual([n * every, n % 50 === 49 ? 204 : 200]);
    clock.advance(Math.min(every, seconds - n * every));
  }
}

describe('attacks on the absolute end (SES-10)', () => {
  it('SES-10: an app that comes every minute for a day is out when the day is over', () =>
    swiftly({}, async (target) => {
      const { headers } = await signIn(target, { who: robot });
      await use(target, headers, day - 0.001, 60);
      expect(await onBoth(target, headers)).toEqual([200, 200]);
      target.clock.advance(0.001);
      expect(await onBoth(target, headers)).toEqual([401, 401]);
      await settled(target);
    }));

  it.each(everybody)(
    'SES-10: $name ends at the absolute end, however it was used and refreshed',
    ({ who, carrier }) =>
      swiftly({}, async (target) => {
        const { nodes, clock } = target;
        const [end, step] = [absolute[typeOf(who)], idle[typeOf(who)] - 1];
        const { headers } = await signIn(target, { who, carrier });
        const { createdAt } = await me(nodes[0], headers);
        await use(target, headers, end - 0.001, step);
        expect((await refresh(nodes[0], headers)).status).toBe(204);
        expect((await me(nodes[1], headers)).expiresAt).toBe(createdAt + end * 1000);
        expect(rowsOf(target)).toMatchObject([{ absoluteAt: createdAt + end * 1000 }]);
        clock.advance(0.001);
        expect((await refresh(nodes[1], headers)).status).toBe(401);
        expect(await onBoth(target, headers)).toEqual([401, 401]);
        await settled(target);
      }),
  );

  it.each(carriers)(
    'SES-10: a %s that is reauthenticated all day long ends when the first one would',
    (carrier) =>
      swiftly({}, async (target) => {
        const { nodes, clock } = target;
        let { headers } = await signIn(target, { who: robot, carrier });
        for (let past = 0; past < day - 540; past += 540) {
          clock.advance(540);
          headers = given(
            await nodes[(past / 540) % 2 ? 1 : 0].call(paths.reauth, undefined, headers),
          ).headers;
        }
        clock.advance(day - Math.floor((day - 1) / 540) * 540 - 0.001);
        expect(await onBoth(target, headers)).toEqual([200, 200]);
        clock.advance(0.001);
        expect(await onBoth(target, headers)).toEqual([401, 401]);
      }),
  );

  it.each(carriers)(
    'SES-10: a pending %s ends after five minutes, and its factor is worth nothing then',
    (carrier) =>
      swiftly({}, async (target) => {
        const { nodes, clock } = target;
        target.expectSessionsOf(alice.id);
        const key = await enrolledKey(nodes[0]);
        const [late, timely] = [await owing(target, alice, carrier), await owing(target, alice, carrier)];
        for (let minute = 0; minute < 5; minute += 1) {
          expect(codeOf(await refresh(nodes[1], late.headers))).toBe('second_factor_required');
          clock.advance(minute < 4 ? 60 : 59.999);
        }
        expect((await pay(nodes[0], timely, await key.get(timely.options))).status).toBe(204);
        clock.advance(0.001);
        const answer = await pay(nodes[1], late, await key.get(late.options));
        expect([answer.status, codeOf(answer)]).toEqual([401, 'invalid_session']);
        await settled(target, 1);
      }),
  );
});

describe('attacks on the idle end and on the clock (SES-11)', () => {
  it.each(everybody)(
    'SES-11: $name ends when it was idle for its time, to the millisecond',
    ({ who, carrier }) =>
      swiftly({}, async (target) => {
        const { clock } = target;
        const time = idle[typeOf(who)];
        const { headers } = await signIn(target, { who, carrier });
        for (const at of [0, 1] as const) {
          clock.advance(time - 0.001);
          expect(await reach(target.nodes[at], headers)).toBe(200);
        }
        clock.advance(time);
        expect(await onBoth(target, headers)).toEqual([401, 401]);
        await settled(target);
        clock.advance(-hour);
        expect(await onBoth(target, headers)).toEqual([401, 401]);
        expect((await refresh(target.nodes[0], headers)).status).toBe(401);
      }),
  );

  it.each(everybody)(
    'SES-11: the times of $name are kept in milliseconds and told in seconds',
    ({ who, carrier }) =>
      swiftly({}, async (target) => {
        const { answer } = await signIn(target, { who, carrier });
        const [time, end] = [idle[typeOf(who)], absolute[typeOf(who)]];
        const now = target.clock();
        expect(JSON.parse(answer.body).expires_in).toBe(time);
        expect(rowsOf(target)).toMatchObject([
          { createdAt: now, idleAt: now + time * 1000, absoluteAt: now + end * 1000 },
        ]);
      }),
  );

  it.each(everybody)(
    'SES-11: a clock that jumps back by an hour gives $name no more time',
    ({ who, carrier }) =>
      swiftly({}, async (target) => {
        const { nodes, clock } = target;
        const { headers } = await signIn(target, { who, carrier });
        const { absoluteAt } = rowsOf(target)[0] as { absoluteAt: number };
        await use(target, headers, 2 * hour, 540);
        expect(await reach(nodes[0], headers)).toBe(200);
        clock.advance(-hour);
        expect(await onBoth(target, headers)).toEqual([200, 200]);
        expect((await refresh(nodes[1], headers)).status).toBe(204);
        expect(rowsOf(target)).toMatchObject([{ absoluteAt }]);
        clock.advance((absoluteAt - clock()) / 1000 - 1);
        expect(await onBoth(target, headers)).toEqual([401, 401]);
      }),
  );

  it.each(everybody)(
    'SES-11: $name is not believed while the clock says that it is yet to begin',
    ({ who, carrier }) =>
      swiftly({}, async (target) => {
        const { headers } = await signIn(target, { who, carrier });
        const before = rowsOf(target);
        target.clock.advance(-hour);
        expect(await onBoth(target, headers)).toEqual([401, 401]);
        expect((await refresh(target.nodes[0], headers)).status).toBe(401);
        expect(rowsOf(target).filter((row) => !before.some((each) => each.idleAt === row.idleAt))).toEqual(
          [],
        );
      }),
  );
});
