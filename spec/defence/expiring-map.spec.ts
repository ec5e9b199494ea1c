import { describe, expect, it } from '@jest/globals';
import { ExpiringMap } from '../../lib/defence/expiring-map.js';
import { testClock } from '../support/clock.js';

function make(maxEntries = 3) {
  const clock = testClock();
  const map = new ExpiringMap<string>(clock, maxEntries);
  const set = (key: string, seconds: number) => map.set(key, `of ${key}`, clock() + seconds * 1000);
  return { clock, map, set };
}

describe('an expiring map', () => {
  it('has an entry until its end and not at it', () => {
    const { clock, map, set } = make();
    set('a', 10);
    clock.advance(9.999);
    expect([map.get('a'), map.endsIn('a')]).toEqual(['of a', 1]);
    clock.advance(0.001);
    expect([map.get('a'), map.endsIn('a')]).toEqual([undefined, 0]);
  });

  it('refuses the next entry when it is full of live ones, and forgets none of them', () => {
    const { map, set } = make();
    for (const key of ['a', 'b', 'c']) set(key, 60);
    expect(() => set('d', 60)).toThrow(expect.objectContaining({ name: 'FullError' }));
    expect(['a', 'b', 'c', 'd'].map((key) => map.get(key))).toEqual(['of a', 'of b', 'of c', undefined]);
  });

  it('sets an entry that it has, even when it is full', () => {
    const { map, set } = make();
    for (const key of ['a', 'b', 'c']) set(key, 60);
    set('a', 120);
    expect(map.endsIn('a')).toBe(120_000);
  });

  it('has room again for what was deleted, and for what has ended', () => {
    const { clock, map, set } = make();
    for (const key of ['a', 'b', 'c']) set(key, key === 'c' ? 60 : 10);
    map.delete('c');
    set('d', 60);
    expect(() => set('e', 60)).toThrow();
    clock.advance(10);
    for (const key of ['e', 'f']) set(key, 60);
    expect(['a', 'b', 'd', 'e', 'f'].map((key) => map.get(key) !== undefined)).toEqual([
      ...[false, false],
      ...[true, true, true],
    ]);
  });

  it('takes any text for a key', () => {
    const { map, set } = make();
    for (const key of ['__proto__', 'constructor', '']) {
      expect(map.get(key)).toBeUndefined();
      set(key, 1);
      expect(map.get(key)).toBe(`of ${key}`);
    }
  });

  it('neither slows down nor swells with entries that have ended', () => {
    const { clock, map } = make(100_000);
    const started = performance.now();
    for (let index = 0; index < 200_000; index += 1) {
      map.set(`key ${index}`, 'x', clock() + 1);
      if (index % 100 === 0) clock.advance(1);
    }
    expect(performance.now() - started).toBeLessThan(2000);
    expect(Reflect.get(map, 'entries').size).toBeLessThan(5000);
  });

  it('does not look through all of its entries for every one that it refuses', () => {
    const { set } = make(100_000);
    for (let index = 0; index < 100_000; index += 1) set(`key ${index}`, 60);
    let refused = 0;
    const started = performance.now();
    for (let index = 0; index < 3000; index += 1) {
      try {
        set('more', 60);
      } catch {
        refused += 1;
      }
    }
    expect(refused).toBe(3000);
    expect(performance.now() - started).toBeLessThan(500);
  });
});
