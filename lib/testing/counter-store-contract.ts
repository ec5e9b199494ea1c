import assert from 'node:assert/strict';
import type { CounterStore } from '../defence/counters.js';
import { type ContractCase, casesOf, type Fresh } from './contract-case.js';
import { type ContractTime, realTime } from './one-time-store-contract.js';

/** What a {@link CounterStore} must do. `create` makes an empty one, or one under a prefix of its own. */
export function counterStoreContract(
  create: Fresh<CounterStore>,
  { pass = realTime }: ContractTime = {},
): ContractCase[] {
  return casesOf(create, {
    async 'counts from one, each key for itself'(store) {
      const counts = [];
      for (let index = 0; index < 3; index += 1) counts.push((await store.increment('key', 60)).count);
      assert.deepEqual(counts, [1, 2, 3]);
      assert.equal((await store.increment('other', 60)).count, 1);
      assert.equal((await store.get('key'))?.count, 3);
      assert.equal(await store.get('unknown'), null);
    },
    async 'gives a hundred parallel increments a hundred counts'(store) {
      const all = await Promise.all(Array.from({ length: 100 }, () => store.increment('key', 60)));
      assert.deepEqual(
        all.map(({ count }) => count).sort((one, other) => one - other),
        Array.from({ length: 100 }, (_, i) => i + 1),
      );
    },
    async 'opens a window with the first increment, and does not slide it'(store) {
      await store.increment('key', 2);
      await pass(1);
      const { count, endsIn } = await store.increment('key', 2);
      assert.equal(count, 2);
      assert.ok(endsIn > 0 && endsIn <= 1100, `the window ends in ${endsIn} ms`);
      await pass(1.2);
      assert.equal(await store.get('key'), null);
      assert.equal((await store.increment('key', 2)).count, 1);
    },
    async 'takes one back, and never goes below zero'(store) {
      await store.decrement('unknown');
      await store.increment('key', 60);
      await store.increment('key', 60);
      await store.decrement('key');
      assert.equal((await store.get('key'))?.count, 1);
      for (let index = 0; index < 5; index += 1) await store.decrement('key');
      assert.equal((await store.increment('key', 60)).count, 1);
      assert.equal((await store.increment('unknown', 60)).count, 1);
    },
    async 'clears a counter'(store) {
      await store.increment('key', 60);
      await store.increment('key', 60);
      await store.clear('key');
      assert.equal(await store.get('key'), null);
      assert.equal((await store.increment('key', 60)).count, 1);
    },
    async 'takes any text for a key'(store) {
      for (const key of ['__proto__', 'constructor', 'a b:c*{d}']) {
        assert.deepEqual([await store.get(key), (await store.increment(key, 60)).count], [null, 1]);
      }
    },
  });
}
