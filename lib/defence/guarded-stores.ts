import { type Asynchronous, type Awaitable, allThere } from '../awaitable.js';
import type { Count, CounterStore } from './counters.js';
import type { Dependency } from './dependency.js';
import type { OneTimeStore } from './one-time.js';

/** A one-time store behind the guard, which answers several questions at once in any case. */
export type GuardedOneTimeStore = Asynchronous<Pick<OneTimeStore, 'claim' | 'release' | 'put'>> &
  Pick<Required<OneTimeStore>, 'get' | 'getAll'>;

/** Puts a one-time store behind the guard: deadlines, and a look at every answer. */
export function guardOneTimeStore(store: OneTimeStore, dependency: Dependency): GuardedOneTimeStore {
  const get = (key: string): Awaitable<string | null> =>
    dependency.atOnce(
      'stores.oneTime.get',
      () => store.get(key),
      (answer) => (isValue(answer) ? answer : undefined),
    );
  return {
    get,
    getAll: (keys) =>
      store.getAll === undefined
        ? allThere(keys.map(get))
        : dependency.atOnce(
            'stores.oneTime.getAll',
            () => store.getAll?.(keys),
            (answer) => (isValues(answer) && answer.length === keys.length ? answer : undefined),
          ),
    claim: (key, owner, ttl) =>
      dependency(
        'stores.oneTime.claim',
        () => store.claim(key, owner, ttl),
        (answer) => (typeof answer === 'boolean' ? answer : undefined),
      ),
    release: async (key, owner) => {
      await dependency('stores.oneTime.release', () => store.release(key, owner), done);
    },
    put: async (key, value, ttl) => {
      await dependency('stores.oneTime.put', () => store.put(key, value, ttl), done);
    },
  };
}

/** Puts a counter store behind the guard: deadlines, and a look at every answer. */
export function guardCounterStore(store: CounterStore, dependency: Dependency): CounterStore {
  return {
    increment: (key, window) =>
      dependency(
        'stores.counters.increment',
        () => store.increment(key, window),
        (answer) => (isCount(answer) ? answer : undefined),
      ),
    decrement: async (key) => {
      await dependency('stores.counters.decrement', () => store.decrement(key), done);
    },
    get: (key) =>
      dependency(
        'stores.counters.get',
        () => store.get(key),
        (answer) => (answer === null || isCount(answer) ? answer : undefined),
      ),
    clear: async (key) => {
      await dependency('stores.counters.clear', () => store.clear(key), done);
    },
  };
}

function isValue(answer: unknown): answer is string | null {
  return answer === null || typeof answer === 'string';
}

function isValues(answer: unknown): answer is readonly (string | null)[] {
  return Array.isArray(answer) && answer.every(isValue);
}

/** Accepts whatever a call answers whose answer says nothing. */
function done(): true {
  return true;
}

function isCount(answer: unknown): answer is Count {
  return (
    typeof answer === 'object' &&
    answer !== null &&
    'count' in answer &&
    'endsIn' in answer &&
    Number.isSafeInteger(answer.count) &&
    Number.isFinite(answer.endsIn)
  );
}
