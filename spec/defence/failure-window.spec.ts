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

describe('a failure window, at its edges', () => {
  const place = async (failures: FailureWindow, key = 'key') => {
    const reserved = await failures.reserve(key);
    if (isClosed(reserved)) throw new Error(`closed: ${reserved.closed}`);
    return reserved;
  };

  it('opens when it has been closed for long enough, though the window is not over', async () => {
    const { clock, failures, fail } = make({ limit: 2, closedFor: 60 });
    expect([await fail(), await fail(), await fail()]).toEqual([false, true, 'failures']);
    clock.advance(60);
    const waited = new Promise((resolve) => setTimeout(resolve, 300, 'kept waiting'));
    const reserved = failures.reserve('key');
    const outcome = await Promise.race([reserved, waited]);
    clock.advance(900);
    await reserved;
    expect(outcome).toMatchObject({ failed: expect.any(Function) });
  });

  it('stays closed for longer than its window where it says so', async () => {
    const { clock, failures, fail } = make({ limit: 1, closedFor: 5000 });
    await fail();
    clock.advance(4999);
    expect(await failures.closed('key')).toMatchObject({ closed: 'failures', retryAfter: 1 });
    clock.advance(1);
    expect(await failures.closed('key')).toBeNull();
    expect(await fail()).toBe(true);
  });

  it('lets the next in as soon as a place is given back', async () => {
    const { failures } = make({ limit: 1 });
    const first = await place(failures);
    let second: Attempt | undefined;
    const waiting = place(failures).then((reserved) => {
      second = reserved;
    });
    await sleep(60);
    expect(second).toBeUndefined();
    await first.forgiven();
    await waiting;
    await second?.failed();
    expect(await failures.closed('key')).toMatchObject({ closed: 'failures' });
  });

  it('turns those who wait away when a failure closes it', async () => {
    const { failures } = make({ limit: 1 });
    const first = await place(failures);
    const waiting = Promise.all(Array.from({ length: 5 }, () => failures.reserve('key')));
    await sleep(30);
    expect(await first.failed()).toBe(true);
    expect((await waiting).map((each) => isClosed(each) && each.closed)).toEqual(Array(5).fill('failures'));
  });

  it('counts no more failures than the limit between two successes, however they are mixed', async () => {
    const { failures } = make({ limit: 3, latency: true });
    const looked = await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const reserved = await failures.reserve('key');
        if (isClosed(reserved)) return 'closed';
        if (index % 10 !== 0) return (await reserved.failed()) ? 'reached' : 'failed';
        await reserved.forgiven();
        return 'good';
      }),
    );
    expect(looked.filter((each) => each === 'failed' || each === 'reached')).toHaveLength(3);
    expect(looked.filter((each) => each === 'reached')).toHaveLength(1);
  });

  it('is one for all nodes that share the counters', async () => {
    const clock = testClock();
    const counters = withLatency(memoryCounterStore({ clock }));
    const nodes = [1, 2, 3].map(() => new FailureWindow(counters, 'test', limits));
    const outcomes = await Promise.all(
      Array.from({ length: 90 }, async (_, index) => {
        const reserved = await nodes[index % 3]?.reserve('key');
        return reserved === undefined || isClosed(reserved) ? 'closed' : reserved.failed();
      }),
    );
    expect(outcomes.filter((each) => each !== 'closed')).toHaveLength(10);
  });

  it('keeps prefixes and keys apart, whatever is in them', async () => {
    const counters = memoryCounterStore({ clock: testClock() });
    const [one, other] = ['a', 'b'].map(
      (prefix) => new FailureWindow(counters, prefix, { ...limits, limit: 1 }),
    );
    if (one === undefined || other === undefined) return;
    await (await place(one, 'key')).failed();
    for (const key of ['key:', 'ke', '__proto__', 'taken:key', '']) expect(await one.closed(key)).toBeNull();
    expect(await other.closed('key')).toBeNull();
    expect(await one.closed('key')).not.toBeNull();
  });

  it('rejects when the counters do, and never lets an attempt through uncounted', async () => {
    const down = () => Promise.reject(new Error('down'));
    for (const operation of ['get', 'increment'] as const) {
      const counters = { ...memoryCounterStore({ clock: testClock() }), [operation]: down };
      await expect(new FailureWindow(counters, 'test', limits).reserve('key')).rejects.toThrow('down');
    }
  });
});
