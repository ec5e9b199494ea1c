import assert from 'node:assert/strict';
import type { OneTimeStore } from '../defence/one-time.js';
import { type ContractCase, casesOf, type Fresh, oneWinnerOf, winnersOf } from './contract-case.js';
import { type ContractTime, realTime } from './contract-time.js';

/**
 * What a {@link OneTimeStore} must do. `create` makes an empty one, or one under a prefix of its own.
 *
 * @example for (const { name, run } of oneTimeStoreContract(() => myEmptyStore())) it(name, run);
 */
export function oneTimeStoreContract(
  create: Fresh<OneTimeStore>,
  { sleep = realTime }: ContractTime = {},
): ContractCase[] {
  return casesOf(create, {
    async 'lets a key be claimed once, by the same owner too'(store) {
      assert.deepEqual([await store.claim('key', 'a', 60), await store.claim('key', 'b', 60)], [true, false]);
      assert.equal(await store.claim('key', 'a', 60), false);
      assert.equal(await store.get('key'), 'a');
    },
    async 'answers null for a key that nobody holds'(store) {
      await store.claim('key', 'a', 60);
      assert.equal(await store.get('unclaimed'), null);
    },
    async 'lets exactly one of 50 parallel claims win'(store) {
      const winner = await oneWinnerOf(50, (index) => store.claim('key', `owner ${index}`, 60));
      assert.equal(await store.get('key'), `owner ${winner}`);
    },
    async 'lets 50 parallel claims of different keys all win'(store) {
      assert.equal((await winnersOf(50, (index) => store.claim(`key ${index}`, 'a', 60))).length, 50);
      await store.release('key 1', 'a');
      assert.deepEqual([await store.get('key 1'), await store.get('key 11')], [null, 'a']);
    },
    async 'takes a claim back from its owner alone'(store) {
      await store.claim('key', 'a', 60);
      await store.release('key', 'b');
      assert.equal(await store.claim('key', 'b', 60), false);
      await store.release('unclaimed', 'a');
    },
    async 'lets a key be claimed again after its release, exactly once'(store) {
      await store.claim('key', 'a', 60);
      await store.release('key', 'a');
      const winner = await oneWinnerOf(20, (index) => store.claim('key', `owner ${index}`, 60));
      await store.release('key', 'a');
      assert.equal(await store.get('key'), `owner ${winner}`);
    },
    async 'puts a value, whoever held the key'(store) {
      await store.claim('key', 'a', 60);
      await store.put('key', '2 b', 60);
      assert.equal(await store.get('key'), '2 b');
      await store.put('key', '3 c', 60);
      assert.equal(await store.get('key'), '3 c');
      assert.equal(await store.claim('key', 'a', 60), false);
    },
    async 'ends claims and values after their time, and no earlier'(store) {
      await store.claim('claim', 'a', 2);
      await store.put('value', 'v', 2);
      await sleep(1);
      assert.deepEqual([await store.get('claim'), await store.get('value')], ['a', 'v']);
      await sleep(1.2);
      assert.deepEqual([await store.get('claim'), await store.get('value')], [null, null]);
      await store.release('claim', 'a');
      assert.equal(await store.claim('claim', 'b', 2), true);
    },
    async 'lets the last value decide about the time, and a refused claim not at all'(store) {
      await store.claim('refused', 'a', 2);
      await store.claim('refused', 'b', 60);
      await store.put('longer', 'v', 2);
      await store.put('longer', 'v', 60);
      await store.claim('shorter', 'a', 60);
      await store.put('shorter', 'v', 2);
      await sleep(2.2);
      const left = [await store.get('refused'), await store.get('longer'), await store.get('shorter')];
      assert.deepEqual(left, [null, 'v', null]);
    },
    async 'answers several keys in their order, if it can do that at all'(store) {
      await store.claim('a{x}', 'one', 60);
      await store.put('b{x}', 'two', 60);
      const keys = ['b{x}', 'none{x}', 'a{x}', 'b{x}'];
      if (store.getAll !== undefined) assert.deepEqual(await store.getAll(keys), ['two', null, 'one', 'two']);
    },
    async 'takes any text for a key'(store) {
      for (const key of ['__proto__', 'constructor', 'a b:c*{d}', 'ü\n', 'x'.repeat(500)]) {
        assert.deepEqual(
          [await store.get(key), await store.claim(key, 'a', 60), await store.get(key)],
          [null, true, 'a'],
        );
      }
    },
  });
}
