import { describe, expect, it } from '@jest/globals';
import type { SessionStore } from '../../lib/index.js';
import { testClock } from '../support/clock.js';
import { alices, sessionsOf } from '../support/session-maker.js';
import { type Shared, sharedStores } from '../support/shared.js';

const soon = () => new Promise((resolve) => setTimeout(resolve, 5));

/** Two nodes on one store whose writes can be held back, and let through or refused later. */
function deployment(maxPerEntity = 100) {
  const clock = testClock();
  const shared = sharedStores(clock);
  const held: ((fail: boolean) => void)[] = [];
  let holding = false;
  const store: SessionStore = {
    get: (sid, callback) => shared.store.get(sid, callback),
    destroy: (sid, callback) => shared.store.destroy(sid, callback),
    set(sid, row, callback) {
      if (!holding) return shared.store.set(sid, row, callback);
      held.push((fail) => (fail ? callback?.(new Error('down')) : shared.store.set(sid, row, callback)));
    },
  };
  const slow: Shared = { ...shared, store };
  const limits = { maxPerEntity: { user: maxPerEntity, app: 1 } };
  return {
    clock,
    shared,
    held,
    nodes: [
      sessionsOf({ shared: slow, clock }, limits),
      sessionsOf({ shared: slow, clock }, limits),
    ] as const,
    hold(on: boolean) {
      holding = on;
    },
  };
}

describe('a write that comes late', () => {
  it('does not revive a session that was ended while its replacement failed', async () => {
    const { clock, nodes, held, hold, shared } = deployment();
    const [one, other] = nodes;
    const session = await one.start(alices);
    clock.advance(10_000);
    hold(true);
    const touching = other.touch(session);
    await soon();
    const replacing = one.replace(session, alices).catch((error) => error.code);
    await soon();
    await other.end(session, 'terminated');
    expect(await one.load(session.key)).toBeNull();

    hold(false);
    held[1]?.(true);
    expect(await replacing).toBe('unavailable');
    held[0]?.(false);
    await touching;
    for (const node of nodes) expect(await node.load(session.key)).toBeNull();
    expect(shared.rows.size).toBe(0);
  });

  it('does not take a place beyond maxPerEntity', async () => {
    const { nodes, held, hold, shared } = deployment(1);
    const [one, other] = nodes;
    hold(true);
    const starting = one.start(alices);
    await soon();
    hold(false);
    const second = await other.start(alices);
    held[0]?.(false);
    const first = await starting;
    expect(await one.load(first.key)).toBeNull();
    expect(await one.load(second.key)).not.toBeNull();
    expect(shared.rows.size).toBe(1);
  });

  it('files no session anew that was ended meanwhile', async () => {
    const { clock, nodes, held, hold, shared } = deployment();
    const [one, other] = nodes;
    const session = await one.start(alices);
    clock.advance(10_000);
    hold(true);
    const touching = other.touch(session);
    await soon();
    await one.end(session, 'terminated');
    held[0]?.(false);
    await touching;
    expect(await shared.stores.index.list(`user:${alices.entityId}`)).toEqual([]);
    expect(shared.rows.size).toBe(0);
  });

  it('gives back a session whose replacement failed, when nobody has ended it', async () => {
    const { nodes, held, hold } = deployment();
    const [one, other] = nodes;
    const session = await one.start(alices);
    hold(true);
    const replacing = one.replace(session, alices).catch((error) => error.code);
    await soon();
    expect(await other.load(session.key)).toBeNull();
    held[0]?.(true);
    expect(await replacing).toBe('unavailable');
    expect(await other.load(session.key)).toMatchObject({ entityId: alices.entityId });
  });
});

describe('parallel sign-ins at the limit, on a slow store', () => {
  it.each([
    [1, 2],
    [3, 10],
  ])('leave exactly maxPerEntity = %d of %d alive and filed, round after round', async (limit, many) => {
    for (let round = 0; round < 10; round += 1) {
      const clock = testClock();
      const shared = sharedStores(clock, { latency: true });
      const limits = { maxPerEntity: { user: limit, app: limit } };
      const nodes = [sessionsOf({ shared, clock }, limits), sessionsOf({ shared, clock }, limits)] as const;
      const started = await Promise.all(
        Array.from({ length: many }, (_, index) => (nodes[index % 2] ?? nodes[0]).start(alices)),
      );
      const loaded = await Promise.all(started.map(({ key }) => nodes[0].load(key)));
      expect(loaded.filter((record) => record !== null)).toHaveLength(limit);
      expect(await nodes[1].list('user', alices.entityId)).toHaveLength(limit);
    }
  });

  it('file again what was taken out for a session that could not be saved', async () => {
    const clock = testClock();
    const shared = sharedStores(clock);
    const node = sessionsOf({ shared, clock }, { maxPerEntity: { user: 2, app: 2 } });
    await node.start(alices);
    await node.start(alices);
    shared.faults.store.break('set', 'reject', 1);
    await expect(node.start(alices)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await node.list('user', alices.entityId)).toHaveLength(2);
  });
});
