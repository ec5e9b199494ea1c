import type { Asynchronous, Awaitable } from '../awaitable.js';
import type { Dependency } from '../defence/dependency.js';
import type { MemoryStoreOptions } from '../defence/one-time.js';

/**
 * Which sessions an entity has, shared by all nodes: what limits their number, and lists and ends them. Entries
 * end at `endsAt` (milliseconds since the epoch).
 */
export interface SessionIndex {
  /**
   * Files a session, or files it anew with a later end. When the entity then has more than `limit`, those that
   * end soonest are taken out, atomically, and their keys are the answer.
   */
  add(entity: string, key: string, endsAt: number, limit: number): Awaitable<readonly string[]>;
  /** Takes a session out. */
  remove(entity: string, key: string): Awaitable<void>;
  /** The keys of the entity's sessions that have not ended, those that end soonest first. */
  list(entity: string): Awaitable<readonly string[]>;
}

/** A {@link SessionIndex} for one process. */
export function memorySessionIndex({
  clock = Date.now,
}: Pick<MemoryStoreOptions, 'clock'> = {}): SessionIndex {
  const entities = new Map<string, Map<string, number>>();
  let sweepAt = 1024;

  const live = (entity: string): [string, number][] => {
    const sessions = entities.get(entity);
    if (sessions === undefined) return [];
    const now = clock();
    for (const [key, endsAt] of sessions) if (endsAt <= now) sessions.delete(key);
    if (sessions.size === 0) entities.delete(entity);
    return [...sessions].sort(([, one], [, other]) => one - other);
  };
  /** Entities that never come back would stay for ever: each time their number has doubled, all are looked at. */
  const sweep = () => {
    if (entities.size < sweepAt) return;
    for (const entity of [...entities.keys()]) live(entity);
    sweepAt = Math.max(1024, entities.size * 2);
  };

  return {
    add(entity, key, endsAt, limit) {
      sweep();
      const sessions = entities.get(entity) ?? new Map<string, number>();
      entities.set(entity, sessions.set(key, endsAt));
      if (sessions.size <= limit) return [];
      const evicted = live(entity)
        .map(([each]) => each)
        .filter((each) => each !== key)
        .slice(0, Math.max(0, sessions.size - limit));
      for (const each of evicted) sessions.delete(each);
      return evicted;
    },
    remove(entity, key) {
      const sessions = entities.get(entity);
      sessions?.delete(key);
      if (sessions?.size === 0) entities.delete(entity);
    },
    list(entity) {
      return live(entity).map(([key]) => key);
    },
  };
}

/** A session index behind the guard. */
export type GuardedSessionIndex = Asynchronous<SessionIndex>;

/** Puts a session index behind the guard: deadlines, and a look at every answer. */
export function guardSessionIndex(index: SessionIndex, dependency: Dependency): GuardedSessionIndex {
  const strings = (answer: unknown) => (isStrings(answer) ? answer : undefined);
  return {
    add: (entity, key, endsAt, limit) =>
      dependency('stores.index.add', () => index.add(entity, key, endsAt, limit), strings),
    remove: async (entity, key) => {
      await dependency(
        'stores.index.remove',
        () => index.remove(entity, key),
        () => true,
      );
    },
    list: (entity) => dependency('stores.index.list', () => index.list(entity), strings),
  };
}

function isStrings(answer: unknown): answer is readonly string[] {
  return Array.isArray(answer) && answer.every((each) => typeof each === 'string');
}
