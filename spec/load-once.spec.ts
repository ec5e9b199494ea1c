import { describe, expect, it } from '@jest/globals';
import { loadOnce } from '../lib/load-once.js';

describe('a library that is loaded once', () => {
  it('is loaded when it is first needed, and once', async () => {
    let loads = 0;
    const load = loadOnce(async () => {
      loads += 1;
      return { loads };
    });
    expect(loads).toBe(0);
    const [one, other] = await Promise.all([load(), load()]);
    expect(one).toBe(other);
    expect(await load()).toBe(one);
    expect(loads).toBe(1);
  });

  it('is looked for again by the next when it could not be loaded', async () => {
    let loads = 0;
    const load = loadOnce(async () => {
      loads += 1;
      if (loads === 1) throw new Error('not there yet');
      return loads;
    });
    await expect(load()).rejects.toThrow('not there yet');
    expect(await load()).toBe(2);
  });
});
