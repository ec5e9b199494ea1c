import { describe, expect, it } from '@jest/globals';
import { memoryOneTimeStore } from '../../lib/index.js';
import { testClock } from '../support/clock.js';

describe('a one-time store that is full', () => {
  it('rejects the next claim and the next value, and never evicts a live claim', async () => {
    const store = memoryOneTimeStore({ clock: testClock(), maxEntries: 2 });
    expect([await store.claim('a', 'one', 60), await store.claim('b', 'one', 60)]).toEqual([true, true]);
    expect(() => store.claim('c', 'one', 60)).toThrow(/full/);
    expect(() => store.put('c', 'value', 60)).toThrow(/full/);
    expect([await store.get('a'), await store.get('b'), await store.get('c')]).toEqual(['one', 'one', null]);
  });

  it('still says of what is claimed that it is', async () => {
    const store = memoryOneTimeStore({ clock: testClock(), maxEntries: 1 });
    await store.claim('a', 'one', 60);
    expect(await store.claim('a', 'two', 60)).toBe(false);
    await store.put('a', 'value', 60);
    expect(await store.get('a')).toBe('value');
  });

  it('takes claims again once others are released or have ended', async () => {
    const clock = testClock();
    const store = memoryOneTimeStore({ clock, maxEntries: 1 });
    await store.claim('a', 'one', 60);
    await store.release('a', 'another');
    expect(() => store.claim('b', 'one', 60)).toThrow();
    await store.release('a', 'one');
    expect(await store.claim('b', 'one', 60)).toBe(true);
    clock.advance(60);
    expect(await store.claim('c', 'one', 60)).toBe(true);
  });
});
