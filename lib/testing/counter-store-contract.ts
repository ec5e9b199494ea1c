import assert from 'node:assert/strict';
import type { Awaitable } from '../awaitable.js';
import type { CounterStore } from '../defence/counters.js';
import { type ContractCase, casesOf, type Fresh } from './contract-case.js';
import { type ContractTime, realTime } from './contract-time.js';

const many = <T>(times: number, call: () => Awaitable<T>) =>
  Promise.all(Array.from({ length: times }, () => call()));

/**
 * What a {@link CounterStore} must do. `create` makes an empty one, or one under a prefix of its own.
 *
 * @example for (const { name, run } of counterStoreContract(() => myEmptyStore())) it(name, run);
 */
export function counterStoreContract(
  create: Fresh<CounterStore>,
  { sleep = realTime }: ContractTime = {},
): ContractCase[] {
  return casesOf(create, {
    async 'counts from one, each key for itself'(store) {
      const counts = [];
      for (let index = 0; index < 3; index += 1) counts.push((await store.increment('key', 60)).count);
      assert.deepEqual(counts, [1, 2, 3]);
      assert.equal((await store.increment('other', 60)).count, 1);
      assert.equal((await store.get('key'))?.count, 3);
    },
    async 'answers null for a counter that was never opened, and opens none by a look'(store) {
      assert.deepEqual([await store.get('key'), await store.get('key')], [null, null]);
    },
    async 'gives 100 parallel increments 100 counts'(store) {
      const all = await many(100, () => store.increment('key', 60));
      assert.deepEqual(
        all.map(({ count }) => count).sort((one, other) => one - other),
        Array.from({ length: 100 }, (_, index) => index + 1),
      );
    },
    async 'says in milliseconds when the window ends'(store) {
      const opened = await store.increment('key', 60);
      const more = await store.increment('key', 60);
      const read = await store.get('key');
      for (const endsIn of [opened.endsIn, more.endsIn, read?.endsIn ?? 0]) {
        assert.ok(endsIn > 50_000 && endsIn <= 60_000, `the window ends in ${endsIn} ms`);
      }
    },
    async 'opens a window with the first increment, and does not slide it'(store) {
      await store.increment('key', 2);
      await sleep(1);
      const { count, endsIn } = await store.increment('key', 60);
      await store.decrement('key');
      assert.equal(count, 2);
      assert.ok(endsIn > 0 && endsIn <= 1100, `the window ends in ${endsIn} ms`);
      await sleep(1.2);
      assert.equal(await store.get('key'), null);
      await store.decrement('key');
      assert.equal((await store.increment('key', 2)).count, 1);
    },
    async 'takes one back, and never goes below zero'(store) {
      await store.increment('key', 60);
      await store.increment('key', 60);
      await store.decrement('key');
      assert.equal((await store.get('key'))?.count, 1);
      for (let index = 0; index < 5; index += 1) await store.decrement('key');
      assert.equal((await store.increment('key', 60)).count, 1);
    },
    async 'takes nothing from a counter that was never opened, and opens none'(store) {
      await store.decrement('key');
      assert.equal(await store.get('key'), null);
      const { count, endsIn } = await store.increment('key', 60);
      assert.equal(count, 1);
      assert.ok(endsIn > 50_000 && endsIn <= 60_000, `the window ends in ${endsIn} ms`);
    },
    async 'loses none of 30 parallel decrements'(store) {
      await many(50, () => store.increment('key', 60));
      await many(30, () => store.decrement('key'));
      assert.equal((await store.get('key'))?.count, 20);
    },
    async 'clears a counter, and no other'(store) {
      await many(2, () => store.increment('key', 60));
      await store.increment('key 2', 60);
      await store.clear('key');
      await store.clear('unknown');
      assert.equal(await store.get('key'), null);
      assert.equal((await store.get('key 2'))?.count, 1);
      assert.equal((await store.increment('key', 60)).count, 1);
    },
    async 'takes any text for a key'(store) {
      for (const key of ['__proto__', 'constructor', 'a b:c*{d}', 'ü\n', 'x'.repeat(500)]) {
        assert.deepEqual([await store.get(key), (await store.increment(key, 60)).count], [null, 1]);
      }
    },
  });
}
