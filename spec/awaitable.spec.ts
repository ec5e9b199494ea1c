import { describe, expect, it } from '@jest/globals';
import { type Awaitable, allThere, whenThere } from '../lib/awaitable.js';

const twice = (value: number) => 2 * value;

describe('whenThere', () => {
  it('goes on at once with what is there', () => {
    expect(whenThere(1 as Awaitable<number>, twice)).toBe(2);
  });

  it('goes on later with what comes later', async () => {
    const later = whenThere(Promise.resolve(1), twice);
    expect(later).toBeInstanceOf(Promise);
    expect(await later).toBe(2);
  });

  it('hands on a failure, and asks for nothing more then', async () => {
    const refused = Promise.reject(new Error('refused'));
    await expect(whenThere(refused, () => Promise.reject(new Error('went on')))).rejects.toThrow('refused');
  });
});

describe('allThere', () => {
  it('is there at once when all is', () => {
    expect(allThere([1, 2])).toEqual([1, 2]);
    expect(allThere([])).toEqual([]);
  });

  it.each([
    ['the first', [Promise.resolve(1), 2]],
    ['the last', [1, Promise.resolve(2)]],
    ['all', [Promise.resolve(1), Promise.resolve(2)]],
  ] as [string, [Awaitable<number>, Awaitable<number>]][])('comes later when %s does', async (_, values) => {
    const later = allThere(values);
    expect(later).toBeInstanceOf(Promise);
    expect(await later).toEqual([1, 2]);
  });

  it('fails with the first that fails, and leaves no other failure to the process', async () => {
    const failing = [Promise.reject(new Error('first')), Promise.reject(new Error('second'))];
    await expect(allThere(failing)).rejects.toThrow('first');
    await new Promise((resolve) => setTimeout(resolve, 10));
  });
});
