import assert from 'node:assert/strict';
import type { SessionIndex } from '../sessions/entity-index.js';
import { type ContractCase, casesOf, type Fresh } from './contract-case.js';
import { type ContractTime, realTime } from './contract-time.js';

/**
 * How the index suite tells time.
 *
 * @example const time: IndexTime = { clock, sleep: async (seconds) => clock.advance(seconds) };
 */
export interface IndexTime extends ContractTime {
  /** Milliseconds since the epoch, as the index has it. @default Date.now */
  clock?: () => number;
}

const unlimited = Number.MAX_SAFE_INTEGER;

/**
 * What a {@link SessionIndex} must do. `create` makes an empty one, or one under a prefix of its own.
 *
 * @example for (const { name, run } of sessionIndexContract(() => myEmptyIndex())) it(name, run);
 */
export function sessionIndexContract(
  create: Fresh<SessionIndex>,
  { clock = Date.now, sleep = realTime }: IndexTime = {},
): ContractCase[] {
  const within = (seconds: number) => clock() + seconds * 1000;
  return casesOf(create, {
    async 'lists the sessions of an entity, those that end soonest first'(index) {
      for (const [key, seconds] of [
        ['late', 300],
        ['soon', 100],
        ['middle', 200],
      ] as const) {
        assert.deepEqual(await index.add('user:a', key, within(seconds), unlimited), []);
      }
      assert.deepEqual(await index.list('user:a'), ['soon', 'middle', 'late']);
      assert.deepEqual(await index.list('user:b'), []);
    },
    async 'files a session anew with a later end, and evicts none for that'(index) {
      await index.add('user:a', 'one', within(100), 2);
      await index.add('user:a', 'two', within(200), 2);
      assert.deepEqual(await index.add('user:a', 'one', within(300), 2), []);
      assert.deepEqual(await index.list('user:a'), ['two', 'one']);
    },
    async 'takes a session out, and does not mind when there is none'(index) {
      await index.add('user:a', 'one', within(100), unlimited);
      await index.add('user:a', 'two', within(100), unlimited);
      await index.remove('user:a', 'one');
      await index.remove('user:a', 'unknown');
      await index.remove('user:unknown', 'two');
      assert.deepEqual(await index.list('user:a'), ['two']);
    },
    async 'keeps entities apart, whatever they are called'(index) {
      const entities = ['user:a', 'app:a', 'user:a:unproven', '__proto__', 'constructor'];
      for (const entity of entities) {
        assert.deepEqual(await index.list(entity), []);
        assert.deepEqual(await index.add(entity, 'same key', within(100), 1), []);
      }
      await index.remove('app:a', 'same key');
      assert.deepEqual(await index.add('user:a', 'other', within(200), 1), ['same key']);
      assert.deepEqual(await index.list('user:a'), ['other']);
      for (const entity of entities.slice(2)) assert.deepEqual(await index.list(entity), ['same key']);
    },
    async 'does not list what has ended, and lists what was filed anew'(index) {
      await index.add('user:a', 'short', within(1), unlimited);
      await index.add('user:a', 'renewed', within(1), unlimited);
      await index.add('user:a', 'renewed', within(100), unlimited);
      await sleep(1.2);
      assert.deepEqual(await index.list('user:a'), ['renewed']);
    },
    async 'evicts those that end soonest beyond the limit, and answers their keys'(index) {
      for (const key of ['one', 'two', 'three', 'four']) {
        await index.add('user:a', key, within(100 + key.length), unlimited);
      }
      const evicted = await index.add('user:a', 'the last', within(200), 2);
      assert.deepEqual([...evicted].sort(), ['four', 'one', 'two']);
      assert.deepEqual(await index.list('user:a'), ['three', 'the last']);
    },
    async 'never evicts the one that was added, even when it ends soonest'(index) {
      await index.add('user:a', 'one', within(100), 2);
      await index.add('user:a', 'two', within(200), 2);
      assert.deepEqual(await index.add('user:a', 'three', within(50), 2), ['one']);
      assert.deepEqual(await index.list('user:a'), ['three', 'two']);
    },
    async 'does not count what has ended against the limit'(index) {
      await index.add('user:a', 'short', within(1), 2);
      await index.add('user:a', 'one', within(100), 2);
      await sleep(1.2);
      assert.deepEqual(await index.add('user:a', 'two', within(100), 2), []);
    },
    async 'leaves exactly the limit after 20 parallel additions, and answers each that it evicted once'(
      index,
    ) {
      const additions = Array.from({ length: 20 }, (_, at) =>
        index.add('user:a', `key ${at}`, within(100 + at), 5),
      );
      const evicted = (await Promise.all(additions)).flat();
      const left = await index.list('user:a');
      assert.equal(left.length, 5);
      assert.deepEqual([evicted.length, new Set([...evicted, ...left]).size], [15, 20]);
    },
  });
}
