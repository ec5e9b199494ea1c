import { describe, expect, it } from '@jest/globals';
import { memoryCounterStore } from '../../lib/index.js';
import { testClock } from '../support/clock.js';

describe('a counter store that is full', () => {
  it('rejects the next counter rather than forget one, and goes on counting those it has', async () => {
    const store = memoryCounterStore({ clock: testClock(), maxEntries: 2 });
    await store.increment('a', 60);
    await store.increment('b', 60);
    expect(() => store.increment('c', 60)).toThrow(/full/);
    expect(await store.increment('a', 60)).toEqual({ count: 2, endsIn: 60_000 });
    expect(await store.get('c')).toBeNull();
  });

  it('has room again when a counter is cleared, is back at zero, or has ended', async () => {
    const clock = testClock();
    const store = memoryCounterStore({ clock, maxEntries: 1 });
    await store.increment('a', 60);
    await store.clear('a');
    await store.increment('b', 60);
    await store.decrement('b');
    await store.increment('c', 60);
    expect(() => store.increment('d', 60)).toThrow();
    clock.advance(60);
    expect(await store.increment('d', 60)).toEqual({ count: 1, endsIn: 60_000 });
  });
});
