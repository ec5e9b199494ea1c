import type { Audit, EndCause } from '../defence/audit.js';
import { AuthError } from '../errors.js';
import type { SessionIndex } from './entity-index.js';
import type { SessionLeases } from './lease.js';
import { Population } from './population.js';
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
  private readonly population: Population;

  constructor(private readonly dependencies: SessionDependencies) {
    this.population = new Population(dependencies, (session) => this.end(session, 'evicted'));
  }

  /**
   * Saves a new session, and ends those of its entity that are one too many. When that fails, nothing of the new one
   * is left, as far as the store obeys.
   */
  async start({
    carrier,
    endsAt,
    createdAt,
    challenge = null,
    ...given
  }: NewSession): Promise<StartedSession> {
    const { tokens, rows, clock, owner } = this.dependencies;
    const record: SessionRecord = {
      ...{ v: 1, version: 1, writer: owner(), carrier },
      ...given,
      ...{ challenge, unlockedUntil: null, createdAt: createdAt ?? clock() },
      ...this.lifetime(given, endsAt),
    };
    const { token, key } = tokens.issue(carrier);
    try {
      // `false` means that a later sign-in has evicted this one already: it has been and gone.
      await this.population.admit({ key, record }, async () => void (await rows.write(key, record)));
    } catch (error) {
      await rows.destroy(key).catch(() => {});
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
    const { rows, audit } = this.dependencies;
    const by = this.dependencies.owner();
    const first = await rows.close(key, record.absoluteAt, by);
    if (!first) await rows.seal(key, record.absoluteAt, by);
    await rows.destroy(key);
    await this.population.leave({ key, record });
    if (first) audit({ type: 'session_ended', session: key, cause, ...subject(record) });
  }

  /**
   * Starts `next` in the place of a session, which ends: of parallel calls for one session exactly one succeeds.
   * When the new one cannot be saved, the old one lives on.
   *
   * @throws AuthError `invalid_session` for the loser
   */
  async replace(old: StoredSession, next: NewSession): Promise<StartedSession> {
    const { rows, audit } = this.dependencies;
    const owner = this.dependencies.owner();
    if (!(await rows.close(old.key, old.record.absoluteAt, owner))) throw new AuthError('invalid_session');
    await this.population.leave(old);
    const started = await this.start(next).catch(async (error: unknown) => {
      await rows.reopen(old.key, owner).catch(() => {});
      await this.population.file(old).catch(() => {});
      throw error;
    });
    // Closed is closed: what is left of the old session is housekeeping.
    await rows.destroy(old.key).catch(() => {});
    audit({ type: 'session_ended', session: old.key, cause: 'replaced', ...subject(old.record) });
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
      const { rows, owner } = this.dependencies;
      const next = { ...record, ...change(record), version: record.version + 1, writer: owner() };
      if (!(await rows.change(key, next))) throw new AuthError('invalid_session');
      return next;
    });
  }

  /**
   * Makes a pending session active. A Bearer keeps its token and a Cookie is rotated: the answer is the session as it
   * is now, with a token if that is a new one. When it cannot be saved, the session is pending as before.
   *
   * @throws AuthError `invalid_session` when it has ended or been completed meanwhile
   */
  async complete(session: StoredSession): Promise<StoredSession & { token?: string }> {
    const { v, version, writer, idleAt, absoluteAt, unlockedUntil, createdAt, ...kept } = session.record;
    const proven = { ...kept, state: 'active', secondFactor: true, challenge: null } as const;
    if (kept.carrier === 'Cookie') return this.replace(session, proven);
    return this.dependencies.leases.hold(session.key, () => this.activate(session.key));
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
    await rows.close(key, this.population.latestEnd(principalType), owner());
    await rows.destroy(key);
  }

  /** Whole seconds until a time in milliseconds since the epoch; never less than 0. */
  secondsUntil(time: number): number {
    return Math.max(0, Math.floor((time - this.dependencies.clock()) / 1000));
  }

  private async activate(key: string): Promise<StoredSession> {
    const { rows, clock, owner } = this.dependencies;
    const pending = await this.load(key);
    if (pending?.state !== 'pending') throw new AuthError('invalid_session');
    const proven = { ...pending, state: 'active', secondFactor: true, challenge: null } as const;
    const record: SessionRecord = {
      ...{ ...proven, ...this.lifetime(proven), createdAt: clock() },
      ...{ version: pending.version + 1, writer: owner() },
    };
    try {
      await this.population.admit({ key, record }, async () => {
        if (!(await rows.change(key, record))) throw new AuthError('invalid_session');
      });
    } catch (error) {
      // The row may have been written all the same; of the two versions the one that takes it back is the later.
      await rows.write(key, { ...pending, version: record.version + 1, writer: owner() }).catch(() => {});
      throw error;
    }
    await this.population.leave({ key, record: pending });
    return { key, record };
  }

  private async extend(key: string): Promise<SessionRecord | null> {
    const { settings, rows, index, clock } = this.dependencies;
    const record = await this.load(key);
    if (record === null || record.state !== 'active') return record;
    const idleAt = Math.min(clock() + settings.idleTimeout[record.principalType] * 1000, record.absoluteAt);
    const next = { ...record, idleAt: Math.max(idleAt, record.idleAt) };
    await this.population.file({ key, record: next });
    if (await rows.write(key, next)) return next;
    await index.remove(indexed(next), key);
    return null;
  }

  /** When a session that begins now in this state ends, by itself and unless it is used. */
  private lifetime(
    { state, principalType }: Pick<SessionRecord, 'state' | 'principalType'>,
    endsAt = Number.POSITIVE_INFINITY,
  ): Pick<SessionRecord, 'idleAt' | 'absoluteAt'> {
    const { settings, clock } = this.dependencies;
    const now = clock();
    const seconds = state === 'active' ? settings.absoluteTimeout[principalType] : settings.pendingTimeout;
    const absoluteAt = Math.min(now + seconds * 1000, endsAt);
    return { idleAt: Math.min(now + settings.idleTimeout[principalType] * 1000, absoluteAt), absoluteAt };
  }
}

function subject({
  principalType,
  entityId,
}: SessionRecord): Pick<SessionRecord, 'principalType' | 'entityId'> {
  return { principalType, entityId };
}
