import assert from 'node:assert/strict';
import session from 'express-session';
import { fromCallback } from '../defence/dependency.js';
import type { SessionStore } from '../sessions/rows.js';
import { type ContractCase, casesOf, type Fresh } from './contract-case.js';
import { realTime } from './contract-time.js';

const get = (store: SessionStore, sid: string) => fromCallback((done) => store.get(sid, done));
const set = (store: SessionStore, sid: string, row: object) =>
  fromCallback((done) => store.set(sid, row, done));
const destroy = (store: SessionStore, sid: string) => fromCallback((done) => store.destroy(sid, done));

/** What a row says, without the `cookie` that the store reads its end from; `null` when there is no row. */
async function contentOf(store: SessionStore, sid: string): Promise<unknown> {
  const row = await get(store, sid);
  if (row === undefined || row === null) return null;
  assert.equal(typeof row, 'object');
  return { ...row, cookie: undefined };
}

/** A row as this package writes it: a record, with a cookie of express-session that ends after so many seconds. */
function row(record: object, seconds = 60): object {
  const cookie = new session.Cookie();
  cookie.maxAge = seconds * 1000;
  return { ...record, cookie };
}

const record = () => ({
  v: 1,
  state: 'active',
  accountId: null as string | null,
  secondFactor: false,
  createdAt: 1_767_225_600_000,
  nested: { list: [1, 'ü'] },
});
const asRead = (expected: object) => ({ ...expected, cookie: undefined });

/**
 * What a session store of express-session's kind must do here. `create` makes an empty one, or one under a prefix of
 * its own. One case waits for real seconds, since such stores read the clock of the machine; it leaves a second to
 * those that keep whole ones and round them up.
 *
 * @example for (const { name, run } of sessionStoreContract(() => new RedisStore({ client, prefix: randomUUID() }))) it(name, run);
 */
export function sessionStoreContract(create: Fresh<SessionStore>): ContractCase[] {
  return casesOf(create, {
    async 'gives a row back as it was set'(store) {
      await set(store, 'sid', row(record()));
      assert.deepEqual(await contentOf(store, 'sid'), asRead(record()));
    },
    async 'gives nothing for an unknown key, without an error'(store) {
      await set(store, 'sid', row(record()));
      assert.equal(await contentOf(store, 'unknown'), null);
    },
    async 'replaces a row as a whole'(store) {
      await set(store, 'sid', row({ ...record(), more: true }));
      await set(store, 'sid', row({ ...record(), accountId: 'account' }));
      assert.deepEqual(await contentOf(store, 'sid'), asRead({ ...record(), accountId: 'account' }));
    },
    async 'destroys a row and no other, and does not mind when there is none'(store) {
      await set(store, 'sid', row(record()));
      await set(store, 'sid 2', row(record()));
      await destroy(store, 'sid');
      await destroy(store, 'sid');
      assert.equal(await contentOf(store, 'sid'), null);
      assert.deepEqual(await contentOf(store, 'sid 2'), asRead(record()));
    },
    async 'takes a row for a key that was destroyed'(store) {
      await set(store, 'sid', row(record()));
      await destroy(store, 'sid');
      await set(store, 'sid', row({ ...record(), state: 'pending' }));
      assert.deepEqual(await contentOf(store, 'sid'), asRead({ ...record(), state: 'pending' }));
    },
    async 'shares no object with whoever sets a row'(store) {
      const given = record();
      const whole = row(given);
      await set(store, 'sid', whole);
      given.nested.list.push(2);
      Object.assign(whole, { state: 'changed' });
      assert.deepEqual(await contentOf(store, 'sid'), asRead(record()));
    },
    async 'shares no object with whoever gets a row'(store) {
      await set(store, 'sid', row(record()));
      const read = await get(store, 'sid');
      assert.ok(typeof read === 'object' && read !== null && 'nested' in read);
      Object.assign(read, { state: 'changed' });
      Object.assign(read.nested ?? {}, { list: [] });
      assert.deepEqual(await contentOf(store, 'sid'), asRead(record()));
    },
    async 'ends a row with the cookie that was set last, and no earlier'(store) {
      await set(store, 'short', row(record(), 1));
      await set(store, 'long', row(record(), 60));
      await set(store, 'longer', row(record(), 1));
      await set(store, 'longer', row(record(), 60));
      await set(store, 'shorter', row(record(), 60));
      await set(store, 'shorter', row(record(), 1));
      assert.notEqual(await contentOf(store, 'short'), null);
      await realTime(2.1);
      const left = [];
      for (const sid of ['short', 'long', 'longer', 'shorter']) {
        if ((await contentOf(store, sid)) !== null) left.push(sid);
      }
      assert.deepEqual(left, ['long', 'longer']);
    },
    async 'keeps 100 rows that are set in parallel'(store) {
      const numbers = Array.from({ length: 100 }, (_, n) => n);
      await Promise.all(numbers.map((n) => set(store, `sid ${n}`, row({ ...record(), n }))));
      const read = await Promise.all(numbers.map((n) => contentOf(store, `sid ${n}`)));
      assert.deepEqual(
        read,
        numbers.map((n) => asRead({ ...record(), n })),
      );
    },
    async 'takes the keys that this package makes, and any other text'(store) {
      const sids = [
        'passport-control:-_AZaz09',
        'passport-control:-_azaz09',
        '__proto__',
        'constructor',
        'a b*{ü}',
      ];
      for (const sid of sids) {
        assert.equal(await contentOf(store, sid), null);
        await set(store, sid, row({ ...record(), sid }));
        assert.deepEqual(await contentOf(store, sid), asRead({ ...record(), sid }));
      }
    },
  });
}
