import { describe, expect, it } from '@jest/globals';
import type { OneTimeStore, SessionIndex, SessionStore } from '../../lib/index.js';
import { testClock } from '../support/clock.js';
import { alices, robots, sessionsOf } from '../support/session-maker.js';
import { type Shared, sharedStores } from '../support/shared.js';

const pending = { ...alices, state: 'pending' } as const;
const tick = () => new Promise((resolve) => setImmediate(resolve));

/** Holds calls back until they are let go. */
function gate() {
  let open: () => void = () => {};
  let closed: Promise<void> | null = null;
  return {
    close() {
      closed = new Promise((resolve) => {
        open = resolve;
      });
    },
    open() {
      closed = null;
      open();
    },
    pass: async () => {
      await closed;
    },
  };
}

/** A node whose writes to the session store, and whose lists of the index, can be held back. */
function deployment(settings: Parameters<typeof sessionsOf>[1] = {}) {
  const clock = testClock();
  const shared = sharedStores(clock);
  const [writes, lists] = [gate(), gate()];
  const store: SessionStore = {
    get: (sid, callback) => shared.store.get(sid, callback),
    destroy: (sid, callback) => shared.store.destroy(sid, callback),
    set(sid, row, callback) {
      void writes.pass().then(() => shared.store.set(sid, row, callback));
    },
  };
  const index: SessionIndex = {
    add: (...given) => shared.stores.index.add(...given),
    remove: (...given) => shared.stores.index.remove(...given),
    async list(entity) {
      await lists.pass();
      return shared.stores.index.list(entity);
    },
  };
  const slow: Shared = { ...shared, store, stores: { ...shared.stores, index } };
  return { clock, shared, writes, lists, sessions: sessionsOf({ shared: slow, clock }, settings) };
}

/** All sessions of alice are ended, as `control.sessions.end` does it. */
async function endAll({ sessions }: Pick<ReturnType<typeof deployment>, 'sessions'>): Promise<number> {
  const found = await sessions.list('user', alices.entityId);
  for (const { key, record } of found) {
    if (record === null) await sessions.endUnread(key, 'user');
    else await sessions.end({ key, record }, 'ended_by_host');
  }
  return found.length;
}

describe('a session that is being completed', () => {
  it('ends with all others of its user while the next one is being saved: Cookie', async () => {
    const at = deployment();
    const session = await at.sessions.start({ ...pending, carrier: 'Cookie' });
    at.writes.close();
    const completing = at.sessions.complete(session).catch((error) => error.code);
    await tick();
    expect(await endAll(at)).toBe(1);
    at.writes.open();
    expect(await completing).toBe('invalid_session');
    expect(await at.sessions.list('user', alices.entityId)).toEqual([]);
    expect(at.shared.rows.size).toBe(0);
  });

  it('ends when it is terminated while the next one is being saved', async () => {
    const at = deployment();
    const session = await at.sessions.start({ ...pending, carrier: 'Cookie' });
    at.writes.close();
    const completing = at.sessions.complete(session).catch((error) => error.code);
    await tick();
    await at.sessions.end(session, 'terminated');
    at.writes.open();
    expect(await completing).toBe('invalid_session');
    expect(at.shared.rows.size).toBe(0);
  });

  it('ends with all others of its user though the lists are read slowly: Bearer', async () => {
    const at = deployment();
    const session = await at.sessions.start(pending);
    at.lists.close();
    const ending = endAll(at);
    await tick();
    await at.sessions.complete(session);
    at.lists.open();
    expect(await ending).toBe(1);
    expect(await at.sessions.load(session.key)).toBeNull();
  });

  it('is listed once, before and after', async () => {
    const at = deployment();
    const session = await at.sessions.start(pending);
    expect(await at.sessions.list('user', alices.entityId)).toHaveLength(1);
    at.shared.faults.index.break('remove', 'reject');
    await at.sessions.complete(session);
    expect(await at.sessions.list('user', alices.entityId)).toHaveLength(1);
  });

  it('stays dead when it was terminated as a pending one and had become active meanwhile', async () => {
    const at = deployment();
    const session = await at.sessions.start(pending);
    await at.sessions.complete(session);
    at.shared.faults.store.break('destroy', 'reject');
    await expect(at.sessions.end(session, 'terminated')).rejects.toMatchObject({ code: 'unavailable' });
    at.shared.faults.store.heal();
    for (const seconds of [0, 901, 86_000]) {
      at.clock.advance(seconds);
      expect(await at.sessions.load(session.key)).toBeNull();
    }
  });

  it('is dead rather than unlisted when its active row lands after the failure was told', async () => {
    const clock = testClock();
    const shared = sharedStores(clock);
    let late: (() => void) | undefined;
    let fails = false;
    const store: SessionStore = {
      get: (sid, callback) => shared.store.get(sid, callback),
      destroy: (sid, callback) => shared.store.destroy(sid, callback),
      set(sid, row, callback) {
        if (!fails) return shared.store.set(sid, row, callback);
        fails = false;
        late = () => shared.store.set(sid, row);
        callback?.(new Error('no answer in time'));
      },
    };
    const sessions = sessionsOf({ shared: { ...shared, store }, clock }, {});
    const session = await sessions.start(pending);
    fails = true;
    await expect(sessions.complete(session)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await sessions.load(session.key)).toMatchObject({ state: 'pending' });
    late?.();
    expect(await sessions.load(session.key)).toBeNull();
  });
});

/** A one-time store whose next claim of such a key is made and told as failed. */
function claimingThenFailing(oneTime: OneTimeStore, prefix: string) {
  let armed = false;
  const store: OneTimeStore = {
    get: (key) => oneTime.get(key),
    put: (key, value, ttl) => oneTime.put(key, value, ttl),
    release: (key, owner) => oneTime.release(key, owner),
    async claim(key, owner, ttl) {
      const made = await oneTime.claim(key, owner, ttl);
      if (!armed || !key.startsWith(prefix)) return made;
      armed = false;
      throw new Error('the answer was lost');
    },
  };
  return {
    store,
    arm() {
      armed = true;
    },
  };
}

describe('a claim that was made though it was told as failed', () => {
  it.each([
    ['Cookie', 'ended:'],
    ['Bearer', 'lease:'],
  ] as const)('is given back, so the session can be completed after: %s', async (carrier, prefix) => {
    const clock = testClock();
    const shared = sharedStores(clock);
    const { store, arm } = claimingThenFailing(shared.stores.oneTime, prefix);
    const stores = { ...shared.stores, oneTime: store };
    const sessions = sessionsOf({ shared: { ...shared, stores }, clock }, {});
    const session = await sessions.start({ ...pending, carrier });
    arm();
    await expect(sessions.complete(session)).rejects.toMatchObject({ code: 'unavailable' });
    expect((await sessions.complete(session)).record).toMatchObject({ state: 'active', secondFactor: true });
  });
});

describe('a session that was terminated while it was completed', () => {
  it('leaves nothing in the index that could push out a living one', async () => {
    const at = deployment({ maxPerEntity: { user: 2, app: 1 } });
    const living = await at.sessions.start(alices);
    for (let n = 0; n < 2; n += 1) {
      at.clock.advance(1);
      const session = await at.sessions.start(pending);
      await at.sessions.complete(session);
      await at.sessions.end(session, 'terminated');
    }
    await at.sessions.start(alices);
    expect(await at.sessions.load(living.key)).not.toBeNull();
  });
});

describe('a session in the place of another', () => {
  it('is not one too many: at the limit it ends no third one', async () => {
    const at = deployment({ maxPerEntity: { user: 100, app: 2 } });
    const other = await at.sessions.start(robots);
    at.clock.advance(1);
    const old = await at.sessions.start(robots);
    const next = await at.sessions.replace(old, robots);
    expect(await at.sessions.load(other.key)).not.toBeNull();
    expect(await at.sessions.load(old.key)).toBeNull();
    expect(await at.sessions.load(next.key)).not.toBeNull();
    expect(await at.sessions.list('app', robots.entityId)).toHaveLength(2);
  });
});
