import { describe, expect, it } from '@jest/globals';
import { dependencyGuard } from '../../lib/defence/dependency.js';
import { guardOneTimeStore } from '../../lib/defence/guarded-stores.js';
import { claimOnce, type Once } from '../../lib/defence/once.js';
import { memoryOneTimeStore, type OneTimeStore } from '../../lib/index.js';
import { testClock } from '../support/clock.js';
import { withFaults } from '../support/faults.js';

function made(change: (store: OneTimeStore) => OneTimeStore = (store) => store) {
  const clock = testClock();
  const store = memoryOneTimeStore({ clock });
  let count = 0;
  const owner = () => {
    count += 1;
    return `owner-${count}`;
  };
  const claim = claimOnce(
    guardOneTimeStore(
      change(store),
      dependencyGuard(1, () => {}),
    ),
    owner,
  );
  /** Work in the name of what is good once, as signing in is. */
  const once = async <T>(uses: readonly Once[], work: () => Promise<T>): Promise<T> => {
    const giveBack = await claim(uses);
    if (giveBack === null) throw new Error('used before');
    try {
      return await work();
    } catch (error) {
      await giveBack();
      throw error;
    }
  };
  return { clock, store, once };
}
const uses = (...keys: string[]) => keys.map((key) => ({ key, seconds: 60 }));
const refusal = { message: 'used before' };

describe('claimOnce', () => {
  it('does the work, hands on what came of it, and does it no second time', async () => {
    const { once } = made();
    let times = 0;
    const work = async () => {
      times += 1;
      return 'done';
    };
    expect(await once(uses('a', 'b'), work)).toBe('done');
    for (const again of [uses('a', 'b'), uses('b'), uses('a'), uses('c', 'a')])
      await expect(once(again, work)).rejects.toMatchObject(refusal);
    expect(times).toBe(1);
  });

  it('does work that uses nothing up as often as it is asked to', async () => {
    const { once } = made();
    expect([await once([], async () => 1), await once([], async () => 2)]).toEqual([1, 2]);
  });

  it('has claimed everything before the work, and keeps it after', async () => {
    const { once, store } = made();
    const seen = await once(uses('a', 'b'), async () => Promise.all([store.get('a'), store.get('b')]));
    expect(seen).toEqual(['owner-1', 'owner-1']);
    expect([await store.get('a'), await store.get('b')]).toEqual(seen);
  });

  it('lets one of any number through that come at once', async () => {
    const { once } = made();
    const work = async () => new Promise((resolve) => setTimeout(resolve, 5, 'done'));
    const all = await Promise.allSettled(Array.from({ length: 50 }, () => once(uses('code', 'flow'), work)));
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const each of all) if (each.status === 'rejected') expect(each.reason).toMatchObject(refusal);
  });

  it('gives everything back when the work fails, with the error as it was', async () => {
    const { once, store } = made();
    const error = new Error('the store is down');
    await expect(once(uses('a', 'b'), () => Promise.reject(error))).rejects.toBe(error);
    expect([await store.get('a'), await store.get('b')]).toEqual([null, null]);
    expect(await once(uses('a', 'b'), async () => 'done')).toBe('done');
  });

  it('gives back its own, and nothing that somebody else has used', async () => {
    const { once, store } = made();
    await once(uses('b'), async () => {});
    await expect(once(uses('a', 'b', 'c'), async () => {})).rejects.toMatchObject(refusal);
    expect([await store.get('a'), await store.get('b'), await store.get('c')]).toEqual([
      null,
      'owner-1',
      null,
    ]);
  });

  it('remembers each for its own time', async () => {
    const { once, clock } = made();
    const both = [
      { key: 'short', seconds: 60 },
      { key: 'long', seconds: 600 },
    ];
    await once(both, async () => {});
    clock.advance(60);
    await once(uses('short'), async () => {});
    await expect(once(uses('long'), async () => {})).rejects.toMatchObject(refusal);
    clock.advance(540);
    await once(uses('long'), async () => {});
  });

  it('does no work when the store fails, and gives back what it may have taken', async () => {
    const released: string[] = [];
    const { once, store } = made((given) => ({
      ...given,
      async claim(key, owner, ttl) {
        const claimed = await given.claim(key, owner, ttl);
        // The claim is made, and its answer is lost.
        if (key === 'b') throw new Error('timed out');
        return claimed;
      },
      release(key, owner) {
        released.push(key);
        return given.release(key, owner);
      },
    }));
    let times = 0;
    const work = async () => {
      times += 1;
    };
    await expect(once(uses('a', 'b', 'c'), work)).rejects.toMatchObject({ code: 'unavailable' });
    expect([times, released]).toEqual([0, ['a', 'b']]);
    expect([await store.get('a'), await store.get('b')]).toEqual([null, null]);
  });

  it('tells of the failure itself, not of the store that could not take it back', async () => {
    const faults: ReturnType<typeof withFaults>['faults'][] = [];
    const { once, store } = made((given) => {
      const broken = withFaults(given);
      faults.push(broken.faults);
      return broken.wrapped;
    });
    faults[0]?.break('release', 'reject');
    const error = new Error('no session');
    await expect(once(uses('a'), () => Promise.reject(error))).rejects.toBe(error);
    expect(await store.get('a')).toBe('owner-1');
  });
});
