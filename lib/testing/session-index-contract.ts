import assert from 'node:assert/strict';
import type { SessionIndex } from '../sessions/entity-index.js';
import { type ContractCase, casesOf } from './contract-case.js';
import { realTime } from './one-time-store-contract.js';

/** How the index suite tells time. */
export interface IndexTime {
  /** Milliseconds since the epoch, as the index has it. @default Date.now */
  clock?: () => number;
  /** Resolves when so many seconds have passed for the index. @default waits for them */
  pass?: (seconds: number) => Promise<void>;
}

const many = Number.MAX_SAFE_INTEGER;

/** What a {@link SessionIndex} must do. `create` makes an empty one, or one under a prefix of its own. */
export function sessionIndexContract(
  create: () => SessionIndex | Promise<SessionIndex>,
  { clock = Date.now, pass = realTime }: IndexTime = {},
): ContractCase[] {
  const within = (seconds: number) => clock() + seconds * 1000;
  return casesOf(create, {
    async 'lists the sessions of an entity, those that end soonest first'(index) {
      await index.add('user:a', 'late', within(300), many);
      await index.add('user:a', 'soon', within(100), many);
      await index.add('user:b', 'other', within(200), many);
      assert.deepEqual(await index.list('user:a'), ['soon', 'late']);
      assert.deepEqual(await index.list('user:b'), ['other']);
      assert.deepEqual(await index.list('user:c'), []);
    },
    async 'files a session anew with a later end'(index) {
      await index.add('user:a', 'one', within(100), many);
      await index.add('user:a', 'two', within(200), many);
      await index.add('user:a', 'one', within(300), many);
      assert.deepEqual(await index.list('user:a'), ['two', 'one']);
    },
    async 'takes a session out'(index) {
      await index.add('user:a', 'one', within(100), many);
      await index.remove('user:a', 'one');
      await index.remove('user:a', 'unknown');
      assert.deepEqual(await index.list('user:a'), []);
    },
    async 'does not list what has ended'(index) {
      await index.add('user:a', 'short', within(1), many);
      await index.add('user:a', 'long', within(100), many);
      await pass(1.2);
      assert.deepEqual(await index.list('user:a'), ['long']);
    },
    async 'takes out what ends soonest beyond the limit, never the one that was added'(index) {
      await index.add('user:a', 'one', within(100), 2);
      assert.deepEqual(await index.add('user:a', 'two', within(200), 2), []);
      assert.deepEqual(await index.add('user:a', 'three', within(50), 2), ['one']);
      assert.deepEqual(await index.list('user:a'), ['three', 'two']);
    },
    async 'does not count what has ended against the limit'(index) {
      await index.add('user:a', 'short', within(1), 2);
      await index.add('user:a', 'one', within(100), 2);
      await pass(1.2);
      assert.deepEqual(await index.add('user:a', 'two', within(100), 2), []);
    },
    async 'leaves exactly the limit after many parallel additions, and answers each that it took out once'(
      index,
    ) {
      const taken = await Promise.all(
        Array.from({ length: 20 }, (_, at) => index.add('user:a', `key ${at}`, within(100 + at), 5)),
      );
      const left = await index.list('user:a');
      assert.equal(left.length, 5);
      assert.equal(new Set(taken.flat()).size, 15);
      assert.equal(taken.flat().length, 15);
      assert.ok(taken.flat().every((key) => !left.includes(key)));
    },
  });
}
