import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import type { OneTimeStore } from '../defence/one-time.js';
import { type ContractCase, casesOf, type Fresh, winnersOf } from './contract-case.js';

/** How a suite lets time pass. */
export interface ContractTime {
  /** Resolves when so many seconds have passed for the store. @default waits for them */
  pass?: (seconds: number) => Promise<void>;
}

/** Waits, in real time. */
export const realTime = async (seconds: number): Promise<void> => {
  await wait(seconds * 1000);
};

/** What a {@link OneTimeStore} must do. `create` makes an empty one, or one under a prefix of its own. */
export function oneTimeStoreContract(
  create: Fresh<OneTimeStore>,
  { pass = realTime }: ContractTime = {},
): ContractCase[] {
  return casesOf(create, {
    async 'lets a key be claimed once'(store) {
      assert.deepEqual([await store.claim('key', 'a', 60), await store.claim('key', 'b', 60)], [true, false]);
      assert.equal(await store.claim('other key', 'b', 60), true);
      assert.deepEqual([await store.get('key'), await store.get('unclaimed')], ['a', null]);
    },
    async 'lets exactly one of fifty parallel claims win'(store) {
      assert.equal(await winnersOf(50, (index) => store.claim('key', `owner ${index}`, 60)), 1);
    },
    async 'takes a claim back from its owner alone'(store) {
      await store.claim('key', 'a', 60);
      await store.release('key', 'b');
      assert.equal(await store.claim('key', 'b', 60), false);
      await store.release('key', 'a');
      assert.equal(await store.claim('key', 'b', 60), true);
      await store.release('unclaimed', 'a');
    },
    async 'puts a value, whoever held the key'(store) {
      await store.claim('key', 'a', 60);
      await store.put('key', '2 b', 60);
      assert.equal(await store.get('key'), '2 b');
    },
    async 'ends claims and values after their time, and no earlier'(store) {
      await store.claim('claim', 'a', 2);
      await store.put('value', 'v', 2);
      await pass(1);
      assert.deepEqual([await store.get('claim'), await store.get('value')], ['a', 'v']);
      await pass(1.2);
      assert.deepEqual([await store.get('claim'), await store.get('value')], [null, null]);
      assert.equal(await store.claim('claim', 'b', 2), true);
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
