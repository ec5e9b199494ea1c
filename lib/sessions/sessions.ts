import type { Audit, EndCause } from '../defence/audit.js';
import { AuthError } from '../errors.js';
import type { SessionIndex } from './entity-index.js';
import type { SessionLeases } from './lease.js';
import { endOf, entityOf, indexed, type SessionRecord, unproven } from './record.js';
import type { SessionRows } from './rows.js';
import type { NewSession, SessionSettings, StartedSession, StoredSession } from './session-types.js';
import type { SessionTokens } from './token.js';

/** What the session layer is made from. `clock` is in milliseconds since the epoch. */
export interface SessionDependencies {
  settings: SessionSettings;
  tokens: SessionTokens;
  rows: SessionRows;
  index: SessionIndex;
  leases: SessionLeases;
  clock: () => number;
  /** Names the writer of a row or the one who closed a session: different at each call. */
  owner: () => string;
  audit: Audit;
}

/** Milliseconds by which the clocks of two nodes may differ. */
const futureTolerance = 300_000;

/** Makes, loads, changes and ends sessions; every answer here means that the stores have confirmed. */
export class Sessions {
  constructor(private readonly dependencies: SessionDependencies) {}

  /**
   * Saves a new session, and ends those of its entity that are one too many. When that fails, nothing of the new one
   * is left, as far as the store obeys.
   */
  async start({ carrier, endsAt, createdAt, ...given }: NewSession): Promise<StartedSession> {
    const { settings, tokens, rows, index, clock, owner } = this.dependencies;
    const now = clock();
    const absolute =
      given.state === 'active' ? settings.absoluteTimeout[given.principalType] : settings.pendingTimeout;
    const absoluteAt = Math.min(now + absolute * 1000, endsAt ?? Number.POSITIVE_INFINITY);
    const record: SessionRecord = {
      v: 1,
      version: 1,
      writer: owner(),
      carrier,
      ...given,
      createdAt: createdAt ?? now,
      idleAt: Math.min(now + settings.idleTimeout[given.principalType] * 1000, absoluteAt),
      absoluteAt,
    };
    const { token, key } = tokens.issue(carrier);
    const limit = settings.maxPerEntity[record.principalType];
    let evicted: readonly string[] = [];
    try {
      evicted = await index.add(indexed(record), key, endOf(record), limit);
      // `false` means that a later sign-in has evicted this one already: it has been and gone.
      await rows.write(key, record);
      for (const other of evicted) await this.evict(other, record);
    } catch (error) {
      await this.forget({ key, record });
      await this.refile(evicted, record);
      throw error;
    }
    return { token, key, record };
  }

  /** The live session with this key, or `null`. One that has expired is ended for good, whatever clocks do later. */
  async load(key: string): Promise<SessionRecord | null> {
    const record = await this.dependencies.rows.read(key);
    if (record === null) return null;
    const now = this.dependencies.clock();
    if (now >= endOf(record)) {
      await this.end({ key, record }, 'expired').catch(() => {});
      return null;
    }
    // A session from the future means that clocks differ by more than they may: a doubt, so no, but no end either.
    return record.createdAt - now < futureTolerance ? record : null;
  }

  /** Ends a session. Resolves when it is dead on every node and its row is gone. */
  async end({ key, record }: StoredSession, cause: EndCause): Promise<void> {
    const { rows, index, audit } = this.dependencies;
    const by = this.dependencies.owner();
    const first = await rows.close(key, record.absoluteAt, by);
    if (!first) await rows.seal(key, record.absoluteAt, by);
    await rows.destroy(key);
    await index.remove(indexed(record), key).catch(() => {});
    if (first) audit({ type: 'session_ended', session: key, cause, ...subject(record) });
  }

  /**
   * Starts `next` in the place of a session, which ends: of parallel calls for one session exactly one succeeds.
   * When the new one cannot be saved, the old one lives on.
   *
   * @throws AuthError `invalid_session` for the loser
   */
  async replace(old: StoredSession, next: NewSession): Promise<StartedSession> {
    const { rows, index, audit } = this.dependencies;
    const owner = this.dependencies.owner();
    if (!(await rows.close(old.key, old.record.absoluteAt, owner))) throw new AuthError('invalid_session');
    await index.remove(indexed(old.record), old.key).catch(() => {});
    const started = await this.start(next).catch(async (error: unknown) => {
      await rows.reopen(old.key, owner).catch(() => {});
      await this.file(old).catch(() => {});
      throw error;
    });
    // Closed is closed: what is left of the old session is housekeeping.
    await this.forget(old);
    audit({
      type: 'session_ended',
      session: old.key,
      cause: 'replaced',
      ...subject(old.record),
    });
    return started;
  }

  /**
   * Changes the state of a session under its lease: `change` sees the record as it is now, and no other change or
   * touch is lost or undone by this one.
   *
   * @throws AuthError `invalid_session` when the session has ended meanwhile
   */
  async change(
    key: string,
    change: (record: SessionRecord) => Partial<SessionRecord>,
  ): Promise<SessionRecord> {
    return this.dependencies.leases.hold(key, async () => {
      const record = await this.load(key);
      if (record === null) throw new AuthError('invalid_session');
      const next = {
        ...record,
        ...change(record),
        version: record.version + 1,
        writer: this.dependencies.owner(),
      };
      if (!(await this.dependencies.rows.change(key, next))) throw new AuthError('invalid_session');
      return next;
    });
  }

  /** Starts the idle time of a session anew, and waits until that is saved. */
  async refresh(key: string): Promise<SessionRecord> {
    const record = await this.dependencies.leases.hold(key, () => this.extend(key));
    if (record === null) throw new AuthError('invalid_session');
    return record;
  }

  /**
   * Slides the idle time, at most once in a twentieth of it, so that most requests write nothing. It gives way to
   * whoever holds the lease, and a failure to write only means that the session ends sooner. Answers the record as it
   * is after that; `null` when the session has ended meanwhile.
   */
  async touch({ key, record }: StoredSession): Promise<SessionRecord | null> {
    const { settings, leases, clock } = this.dependencies;
    const idle = settings.idleTimeout[record.principalType] * 1000;
    const recent = record.idleAt - clock() > idle * 0.95;
    const atItsEnd = record.idleAt >= record.absoluteAt;
    if (record.state !== 'active' || recent || atItsEnd) return record;
    try {
      const touched = await leases.holdIfFree(key, () => this.extend(key));
      return touched === undefined ? record : touched;
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      return record;
    }
  }

  /**
   * The live sessions of an entity, those that end soonest first. Of one whose row cannot be read now the record is
   * `null`: nobody knows what it is, but it can be ended (see {@link endUnread}).
   */
  async list(
    principalType: 'user' | 'app',
    entityId: string,
  ): Promise<readonly { key: string; record: SessionRecord | null }[]> {
    const { index } = this.dependencies;
    const entity = entityOf({ principalType, entityId });
    const keys = [...(await index.list(entity)), ...(await index.list(unproven(entity)))];
    const loaded = await Promise.allSettled(keys.map((key) => this.load(key)));
    return keys.flatMap((key, at): { key: string; record: SessionRecord | null }[] => {
      const outcome = loaded[at];
      if (outcome?.status !== 'fulfilled') return [{ key, record: null }];
      const record = outcome.value;
      return record !== null && entityOf(record) === entity ? [{ key, record }] : [];
    });
  }

  /** Ends a session whose row cannot be read, as it would be ended if it had just begun. */
  async endUnread(key: string, principalType: 'user' | 'app'): Promise<void> {
    const { rows, owner } = this.dependencies;
    await rows.close(key, this.latestEnd(principalType), owner());
    await rows.destroy(key);
  }

  /** Whole seconds until a time in milliseconds since the epoch; never less than 0. */
  secondsUntil(time: number): number {
    return Math.max(0, Math.floor((time - this.dependencies.clock()) / 1000));
  }

  private async extend(key: string): Promise<SessionRecord | null> {
    const { settings, rows, index, clock } = this.dependencies;
    const record = await this.load(key);
    if (record === null || record.state !== 'active') return record;
    const idleAt = Math.min(clock() + settings.idleTimeout[record.principalType] * 1000, record.absoluteAt);
    const next = { ...record, idleAt: Math.max(idleAt, record.idleAt) };
    await this.file({ key, record: next });
    if (await rows.write(key, next)) return next;
    await index.remove(indexed(next), key);
    return null;
  }

  /** Ends a session of the same entity that is one too many; one whose row is yet to be written is dead before that. */
  private async evict(key: string, newcomer: SessionRecord): Promise<void> {
    const { rows, owner } = this.dependencies;
    const record = await rows.read(key);
    if (record === null) await rows.close(key, this.latestEnd(newcomer.principalType), owner());
    else if (entityOf(record) === entityOf(newcomer)) await this.end({ key, record }, 'evicted');
  }

  /** Puts back what was taken out of the index for a session that came to nothing: what lives must be found. */
  private async refile(keys: readonly string[], newcomer: SessionRecord): Promise<void> {
    const { index } = this.dependencies;
    const latest = this.latestEnd(newcomer.principalType);
    const adding = keys.map((key) => index.add(indexed(newcomer), key, latest, Number.MAX_SAFE_INTEGER));
    await Promise.allSettled(adding);
  }

  /** When a session that begins now ends at the latest, in milliseconds since the epoch. */
  private latestEnd(principalType: 'user' | 'app'): number {
    const { settings, clock } = this.dependencies;
    return clock() + settings.absoluteTimeout[principalType] * 1000;
  }

  /** Files a session in the index, anew if it is there. */
  private async file({ key, record }: StoredSession): Promise<void> {
    await this.dependencies.index.add(indexed(record), key, endOf(record), Number.MAX_SAFE_INTEGER);
  }

  /** Removes what is left of a session that nobody can use any more; what cannot be removed ends by itself. */
  private async forget({ key, record }: StoredSession): Promise<void> {
    const { rows, index } = this.dependencies;
    await Promise.allSettled([rows.destroy(key), index.remove(indexed(record), key)]);
  }
}

function subject({
  principalType,
  entityId,
}: SessionRecord): Pick<SessionRecord, 'principalType' | 'entityId'> {
  return { principalType, entityId };
}
