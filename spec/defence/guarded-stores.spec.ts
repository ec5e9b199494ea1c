import { describe, expect, it } from '@jest/globals';
import { dependencyGuard } from '../../lib/defence/dependency.js';
import { guardCounterStore, guardOneTimeStore } from '../../lib/defence/guarded-stores.js';
import {
  type CounterStore,
  memoryCounterStore,
  memoryOneTimeStore,
  type OneTimeStore,
} from '../../lib/index.js';
import { type Fault, withFaults } from '../support/faults.js';

const told: object[] = [];
const guard = () => dependencyGuard(0.02, (event) => told.push(event));
const dependency = guard();
const faults: Fault[] = ['throw', 'reject', 'hang'];
const kinds = { throw: 'threw', reject: 'threw', hang: 'timed_out' } as Record<Fault, string>;

describe('a guarded one-time store', () => {
  const make = () => {
    const memory = memoryOneTimeStore();
    const getAll = async (keys: readonly string[]) => Promise.all(keys.map((key) => memory.get(key)));
    const { wrapped, faults } = withFaults({ ...memory, getAll });
    return { store: guardOneTimeStore(wrapped, guard()), faults };
  };
  const calls: Record<keyof OneTimeStore, (store: OneTimeStore) => Promise<unknown>> = {
    claim: async (store) => store.claim('key', 'owner', 60),
    release: async (store) => store.release('key', 'owner'),
    put: async (store) => store.put('key', 'value', 60),
    get: async (store) => store.get('key'),
    getAll: async (store) => store.getAll?.(['key', 'other']),
  };

  it('hands on what the store answers', async () => {
    const { store } = make();
    expect([await calls.claim(store), await calls.claim(store), await calls.get(store)]).toEqual([
      ...[true, false, 'owner'],
    ]);
    await calls.put(store);
    expect(await store.get('key')).toBe('value');
    expect(await store.release('key', 'value')).toBeUndefined();
    expect(await store.get('key')).toBeNull();
  });

  it.each(faults)('is unavailable when the store does this: %s', async (fault) => {
    for (const [operation, call] of Object.entries(calls)) {
      const { store, faults } = make();
      faults.break(operation, fault);
      await expect(call(store)).rejects.toMatchObject({ code: 'unavailable' });
      expect(told.at(-1)).toMatchObject({
        type: 'dependency_failed',
        operation: `stores.oneTime.${operation}`,
        kind: kinds[fault],
      });
    }
  });

  it.each([undefined, null, 1, 0, 'OK', 'true', '', [], {}])(
    'takes %j for no claim and no refusal',
    async (answer) => {
      const store = guardOneTimeStore(
        { ...memoryOneTimeStore(), claim: async () => answer as never },
        dependency,
      );
      await expect(calls.claim(store)).rejects.toMatchObject({ code: 'unavailable' });
      expect(told.at(-1)).toMatchObject({ kind: 'impossible_answer' });
    },
  );

  it.each([undefined, 1, true, false, [], ['x'], {}])(
    'takes %j for no value and no absence',
    async (answer) => {
      const store = guardOneTimeStore(
        { ...memoryOneTimeStore(), get: async () => answer as never },
        dependency,
      );
      await expect(calls.get(store)).rejects.toMatchObject({ code: 'unavailable' });
    },
  );

  it('asks for each of several values when the store can do no other', async () => {
    const store = guardOneTimeStore(memoryOneTimeStore(), dependency);
    await store.put('b', 'two', 60);
    expect(await store.getAll(['a', 'b'])).toEqual([null, 'two']);
  });

  it.each([undefined, null, 'ab', {}, [], ['a'], ['a', 1], ['a', undefined], ['a', 'b', 'c']])(
    'takes %j for no answer to two questions',
    async (answer) => {
      const getAll = async () => answer as never;
      const store = guardOneTimeStore({ ...memoryOneTimeStore(), getAll }, dependency);
      await expect(store.getAll(['a', 'b'])).rejects.toMatchObject({ code: 'unavailable' });
      expect(told.at(-1)).toMatchObject({ operation: 'stores.oneTime.getAll', kind: 'impossible_answer' });
    },
  );
});

describe('a guarded counter store', () => {
  const make = () => {
    const { wrapped, faults } = withFaults(memoryCounterStore());
    return { store: guardCounterStore(wrapped, guard()), faults };
  };
  const calls: Record<keyof CounterStore, (store: CounterStore) => Promise<unknown>> = {
    increment: async (store) => store.increment('key', 60),
    decrement: async (store) => store.decrement('key'),
    get: async (store) => store.get('key'),
    clear: async (store) => store.clear('key'),
  };

  it('hands on what the store answers', async () => {
    const { store } = make();
    await calls.increment(store);
    expect(await calls.increment(store)).toMatchObject({ count: 2 });
    await calls.decrement(store);
    expect(await store.get('key')).toMatchObject({ count: 1 });
    expect(await store.clear('key')).toBeUndefined();
    expect(await store.get('key')).toBeNull();
  });

  it.each(faults)('is unavailable when the store does this: %s', async (fault) => {
    for (const [operation, call] of Object.entries(calls)) {
      const { store, faults } = make();
      faults.break(operation, fault);
      await expect(call(store)).rejects.toMatchObject({ code: 'unavailable' });
      expect(told.at(-1)).toMatchObject({ operation: `stores.counters.${operation}`, kind: kinds[fault] });
    }
  });

  it.each([
    ...[undefined, null, 1, '1', [], {}, { count: 1 }, { endsIn: 1 }, { count: '1', endsIn: 1 }],
    ...[
      { count: 1.5, endsIn: 1 },
      { count: 1, endsIn: null },
      { count: Number.NaN, endsIn: 1 },
    ],
    { count: 1, endsIn: Number.POSITIVE_INFINITY },
  ])('takes %j for no count', async (answer) => {
    const odd = async () => answer as never;
    const store = guardCounterStore({ ...memoryCounterStore(), increment: odd, get: odd }, dependency);
    await expect(calls.increment(store)).rejects.toMatchObject({ code: 'unavailable' });
    if (answer === null) expect(await calls.get(store)).toBeNull();
    else await expect(calls.get(store)).rejects.toMatchObject({ code: 'unavailable' });
  });
});
