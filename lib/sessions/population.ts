import type { GuardedSessionIndex } from './entity-index.js';
import { endOf, entityOf, indexed, type SessionRecord } from './record.js';
import type { SessionRows } from './rows.js';
import type { SessionSettings, StoredSession } from './session-types.js';

/** What keeping the number of sessions is made from. `clock` is in milliseconds since the epoch. */
export interface PopulationDependencies {
  settings: Pick<SessionSettings, 'absoluteTimeout' | 'maxPerEntity'>;
  rows: SessionRows;
  index: GuardedSessionIndex;
  clock: () => number;
  /** Names whoever closes a session: different at each call. */
  owner: () => string;
}

/** Keeps the sessions of each entity in the index, and their number within the limit. */
export class Population {
  /** @param end ends a session that is one too many */
  constructor(
    private readonly dependencies: PopulationDependencies,
    private readonly end: (session: StoredSession) => Promise<void>,
  ) {}

  /**
   * Files a session, saves it by `save`, and ends those of its entity that are one too many. When any of that fails,
   * the session is not filed and what was taken out of the index for it is back.
   *
   * @param inPlaceOf a session that is about to leave, so that it is not one too many
   */
  async admit(
    { key, record }: StoredSession,
    save: () => Promise<void>,
    inPlaceOf?: StoredSession,
  ): Promise<void> {
    const { index, settings } = this.dependencies;
    const leaving = inPlaceOf !== undefined && indexed(inPlaceOf.record) === indexed(record) ? 1 : 0;
    const limit = settings.maxPerEntity[record.principalType] + leaving;
    let evicted: readonly string[] = [];
    try {
      evicted = await index.add(indexed(record), key, endOf(record), limit);
      await save();
      for (const other of evicted) await this.evict(other, record);
    } catch (error) {
      await this.leave({ key, record });
      await this.refile(evicted, record);
      throw error;
    }
  }

  /** Files a session anew, with the end that it has now. */
  async file({ key, record }: StoredSession): Promise<void> {
    await this.dependencies.index.add(indexed(record), key, endOf(record), Number.MAX_SAFE_INTEGER);
  }

  /** Takes a session out of the index. An entry that stays ends by itself, so a failure is no matter. */
  async leave({ key, record }: StoredSession): Promise<void> {
    await this.dependencies.index.remove(indexed(record), key).catch(() => {});
  }

  /** When a session that begins now ends at the latest, in milliseconds since the epoch. */
  latestEnd(principalType: 'user' | 'app'): number {
    const { settings, clock } = this.dependencies;
    return clock() + settings.absoluteTimeout[principalType] * 1000;
  }

  /** Ends a session of the same entity that is one too many; one whose row is yet to be written is dead before that. */
  private async evict(key: string, newcomer: SessionRecord): Promise<void> {
    const { rows, owner } = this.dependencies;
    const record = await rows.read(key);
    if (record === null) await rows.close(key, this.latestEnd(newcomer.principalType), owner());
    else if (entityOf(record) === entityOf(newcomer)) await this.end({ key, record });
  }

  /** Puts back what was taken out of the index for a session that came to nothing: what lives must be found. */
  private async refile(keys: readonly string[], newcomer: SessionRecord): Promise<void> {
    const { index } = this.dependencies;
    const latest = this.latestEnd(newcomer.principalType);
    const adding = keys.map((key) => index.add(indexed(newcomer), key, latest, Number.MAX_SAFE_INTEGER));
    await Promise.allSettled(adding);
  }
}
