import type { Count, CounterStore } from './counters.js';
import type { Dependency } from './dependency.js';
import type { OneTimeStore } from './one-time.js';

/** Puts a one-time store behind the guard: deadlines, and a look at every answer. */
export function guardOneTimeStore(store: OneTimeStore, dependency: Dependency): OneTimeStore {
  return {
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
    get: (key) =>
      dependency.atOnce(
        'stores.oneTime.get',
        () => store.get(key),
        (answer) => (answer === null || typeof answer === 'string' ? answer : undefined),
      ),
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
