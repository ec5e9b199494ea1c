import assert from 'node:assert/strict';
import session from 'express-session';
import { fromCallback } from '../defence/dependency.js';
import type { SessionStore } from '../sessions/rows.js';
import { type ContractCase, casesOf, type Fresh } from './contract-case.js';
import { realTime } from './one-time-store-contract.js';

const get = (store: SessionStore, sid: string) => fromCallback((done) => store.get(sid, done));
const set = (store: SessionStore, sid: string, row: object) =>
  fromCallback((done) => store.set(sid, row, done));
const destroy = (store: SessionStore, sid: string) => fromCallback((done) => store.destroy(sid, done));

/** What a row says, without the `cookie` that the store reads its end from. */
async function contentOf(store: SessionStore, sid: string): Promise<unknown> {
  const row = await get(store, sid);
  if (typeof row !== 'object' || row === null) return null;
  return { ...row, cookie: undefined };
}

function row(content: object, seconds = 60): object {
  const cookie = new session.Cookie();
  cookie.maxAge = seconds * 1000;
  return { ...content, cookie };
}

const content = {
  v: 1,
  state: 'active',
  accountId: null,
  createdAt: 1_767_225_600_000,
  nested: { list: [1, 'ü'] },
};
const asRead = (expected: object) => ({ ...expected, cookie: undefined });

/** What a session store of express-session's kind must do here. `create` makes an empty one. It takes real seconds. */
export function sessionStoreContract(create: Fresh<SessionStore>): ContractCase[] {
  return casesOf(create, {
    async 'gives a row back as it was set, and nothing for an unknown key'(store) {
      await set(store, 'sid', row(content));
      assert.deepEqual(await contentOf(store, 'sid'), asRead(content));
      assert.equal(await contentOf(store, 'unknown'), null);
    },
    async 'replaces a row as a whole'(store) {
      await set(store, 'sid', row({ ...content, more: true }));
      await set(store, 'sid', row(content));
      assert.deepEqual(await contentOf(store, 'sid'), asRead(content));
    },
    async 'destroys a row, and does not mind when there is none'(store) {
      await set(store, 'sid', row(content));
      await destroy(store, 'sid');
      await destroy(store, 'sid');
      assert.equal(await contentOf(store, 'sid'), null);
    },
    async 'shares no object with whoever sets or gets a row'(store) {
      const given = { ...content, nested: { list: [1, 'ü'] } };
      await set(store, 'sid', row(given));
      given.nested.list.push(2);
      const read = await get(store, 'sid');
      if (typeof read === 'object' && read !== null) Object.assign(read, { state: 'changed' });
      assert.deepEqual(await contentOf(store, 'sid'), asRead(content));
    },
    async 'ends a row with its cookie'(store) {
      await set(store, 'short', row(content, 1));
      await set(store, 'long', row(content, 60));
      assert.notEqual(await contentOf(store, 'short'), null);
      await realTime(1.3);
      assert.equal(await contentOf(store, 'short'), null);
      assert.notEqual(await contentOf(store, 'long'), null);
    },
    async 'keeps a hundred rows that are set in parallel'(store) {
      await Promise.all(
        Array.from({ length: 100 }, (_, n) => set(store, `sid ${n}`, row({ ...content, n }))),
      );
      const read = await Promise.all(Array.from({ length: 100 }, (_, n) => contentOf(store, `sid ${n}`)));
      assert.deepEqual(
        read,
        Array.from({ length: 100 }, (_, n) => asRead({ ...content, n })),
      );
    },
    async 'takes the keys that this package makes, and others that are no trap'(store) {
      for (const sid of ['passport-control:-_AZaz09', '__proto__', 'constructor']) {
        assert.equal(await contentOf(store, sid), null);
        await set(store, sid, row(content));
        assert.deepEqual(await contentOf(store, sid), asRead(content));
      }
    },
  });
}
