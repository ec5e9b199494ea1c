import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { type Attempt, type Closed, FailureWindow } from '../../lib/defence/failure-window.js';
import { memoryCounterStore } from '../../lib/index.js';
import { testClock } from '../support/clock.js';
import { withLatency } from '../support/latency.js';

const limits = { limit: 10, window: 900, closedFor: 900 };
const isClosed = (place: Attempt | Closed): place is Closed => 'closed' in place;

function make({
  latency = false,
  ...change
}: {
  latency?: boolean;
  limit?: number;
  closedFor?: number;
} = {}) {
  const clock = testClock();
  const counters = memoryCounterStore({ clock });
  const failures = new FailureWindow(latency ? withLatency(counters) : counters, 'test', {
    ...limits,
    ...change,
  });
  const fail = async (key = 'key') => {
    const place = await failures.reserve(key);
    return isClosed(place) ? place.closed : place.failed();
  };
  return { clock, failures, fail };
}

describe('a failure window', () => {
  it('closes with the failure that reaches the limit, for as long as it says', async () => {
    const { clock, failures, fail } = make();
    for (let index = 0; index < 9; index += 1) expect(await fail()).toBe(false);
    expect(await fail()).toBe(true);
    expect(await fail()).toBe('failures');
    expect(await fail('another key')).toBe(false);
    clock.advance(899.999);
    expect(await failures.closed('key')).toEqual({ closed: 'failures', retryAfter: expect.closeTo(0.001) });
    clock.advance(0.001);
    expect(await fail()).toBe(false);
  });

  it('forgets failures when their window has ended', async () => {
    const { clock, fail } = make();
    for (let index = 0; index < 9; index += 1) await fail();
    clock.advance(900);
    for (let index = 0; index < 9; index += 1) expect(await fail()).toBe(false);
    expect(await fail()).toBe(true);
  });

  it.each([false, true])(
    'lets no more than the limit of a hundred parallel failures be looked at (slow: %s)',
    async (latency) => {
      const { failures } = make({ latency });
      let lookedAt = 0;
      const outcomes = await Promise.all(
        Array.from({ length: 100 }, async () => {
          const place = await failures.reserve('key');
          if (isClosed(place)) return place.closed;
          lookedAt += 1;
          await sleep(5);
          return place.failed();
        }),
      );
      expect(lookedAt).toBe(10);
      expect(outcomes.filter((outcome) => outcome === 'failures')).toHaveLength(90);
      expect(outcomes.filter((outcome) => outcome === true)).toHaveLength(1);
    },
  );

  it.each([false, true])('lets many parallel successes all come through (slow: %s)', async (latency) => {
    const { failures } = make({ latency });
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const place = await failures.reserve('key');
        if (isClosed(place)) return place.closed;
        await sleep(5);
        await place.forgiven();
        return 'through';
      }),
    );
    expect(outcomes).toEqual(outcomes.map(() => 'through'));
  });

  it('keeps earlier failures when an attempt is forgiven, and forgets them when one is cleared', async () => {
    const { failures, fail } = make();
    const settle = async (how: 'forgiven' | 'cleared') => {
      const place = await failures.reserve('key');
      if (!isClosed(place)) await place[how]();
    };
    for (let index = 0; index < 9; index += 1) await fail();
    await settle('forgiven');
    expect(await fail()).toBe(true);

    const other = make();
    for (let index = 0; index < 9; index += 1) await other.fail();
    const place = await other.failures.reserve('key');
    if (!isClosed(place)) await place.cleared();
    for (let index = 0; index < 9; index += 1) expect(await other.fail()).toBe(false);
  });

  it('is never wider than the limit where the window of places ends during an attempt', async () => {
    const { clock, failures, fail } = make();
    const early = await failures.reserve('key');
    for (let index = 0; index < 8; index += 1) await fail();
    clock.advance(900);
    if (!isClosed(early)) expect(await early.failed()).toBe(false);
    for (let index = 0; index < 8; index += 1) expect(await fail()).toBe(false);
    expect(await fail()).toBe(true);
  });
});
