import { type Awaitable, whenThere } from '../awaitable.js';
import type { Audit, EndCause } from '../defence/audit.js';
import { AuthError } from '../errors.js';
import type { GuardedSessionIndex } from './entity-index.js';
import type { SessionLeases } from './lease.js';
import { Population } from './population.js';
import { type Challenge, endOf, entityOf, indexed, type SessionRecord, unproven } from './record.js';
import type { SessionRows } from './rows.js';
import type { NewSession, SessionSettings, StartedSession, StoredSession } from './session-types.js';
import { Starting } from './starting.js';
import { Succession } from './succession.js';
import type { SessionTokens } from './token.js';

/** What the session layer is made from. `clock` is in milliseconds since the epoch. */
export interface SessionDependencies {
  settings: SessionSettings;
  tokens: SessionTokens;
  rows: SessionRows;
  index: GuardedSessionIndex;
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
  private readonly starting: Starting;
  private readonly succession: Succession;

  constructor(private readonly dependencies: SessionDependencies) {
    this.population = new Population(dependencies, (session) => this.end(session, 'evicted'));
    this.starting = new Starting(dependencies, this.population);
    this.succession = new Succession(dependencies, this.population, this.starting, (key) => this.load(key));
  }

  /**
   * Saves a new session, and ends those of its entity that are one too many. When that fails, nothing of the new one
   * is left, as far as the store obeys.
   */
  async start(session: NewSession): Promise<StartedSession> {
    const issued = this.dependencies.tokens.issue(session.carrier);
    return (await this.starting.start(session, issued)).started;
  }

  /** The live session with this key, or `null`. One that has expired is ended for good, whatever clocks do later. */
  load(key: string): Awaitable<SessionRecord | null> {
    return whenThere(this.dependencies.rows.read(key), (record) => {
      if (record === null) return null;
      const now = this.dependencies.clock();
      if (now >= endOf(record)) return this.expire({ key, record });
      // A session from the future means that clocks differ by more than they may: a doubt, so no, but no end either.
      return record.createdAt - now < futureTolerance ? record : null;
    });
  }

  /**
   * Whether a session that was pending has become active, or what took its place has. Of one that has been closed nobody
   * knows what it was: it may have been.
   */
  async mayBeActive(key: string): Promise<boolean> {
    const { rows } = this.dependencies;
    const record = await rows.read(key);
    if (record !== null) return record.state === 'active';
    const successor = await rows.successor(key);
    return successor === null ? rows.isClosed(key) : this.mayBeActive(successor);
  }

  /**
   * Ends a session, and the one that is being started in its place if there is one. Resolves when it is dead on every
   * node and its row is gone.
   */
  async end({ key, record }: StoredSession, cause: EndCause): Promise<void> {
    const { rows, audit, owner } = this.dependencies;
    const by = owner();
    // A session that is not active yet may be by now, on another node, and then it has longer to be dead.
    const latest = this.population.latestEnd(record.principalType);
    const until = record.state === 'active' ? record.absoluteAt : Math.max(record.absoluteAt, latest);
    const first = await rows.close(key, until, by);
    if (!first) {
      const successor = await rows.successor(key);
      if (successor !== null) await this.endUnread(successor, record.principalType);
      await rows.seal(key, until, by);
    }
    await rows.destroy(key);
    await this.population.leave({ key, record });
    if (record.state !== 'active')
      await this.population.leave({ key, record: { ...record, state: 'active' } });
    if (first) audit({ type: 'session_ended', session: key, cause, successor: null, ...subject(record) });
  }

  /**
   * Starts `next` in the place of a session, which ends: of parallel calls for one session exactly one succeeds.
   * When the new one cannot be saved, the old one lives on.
   *
   * @throws AuthError `invalid_session` for the loser
   */
  replace(old: StoredSession, next: NewSession): Promise<StartedSession> {
    return this.succession.replace(old, next);
  }

  /**
   * Makes a pending session active. A Bearer keeps its token and a Cookie is rotated: the answer is the session as it
   * is now, with a token if that is a new one. When it cannot be saved, the session is pending as before.
   *
   * @throws AuthError `invalid_session` when it has ended or been completed meanwhile
   */
  complete(session: StoredSession): Promise<StoredSession & { token?: string }> {
    return this.succession.complete(session);
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
   * Makes an enrolling session pending, with the challenge that it has to answer. It does not live longer by that.
   *
   * @throws AuthError `invalid_session` when it has ended meanwhile, or is in another state
   */
  owe(key: string, challenge: Challenge): Promise<SessionRecord> {
    return this.change(key, ({ state }) => {
      if (state !== 'enrolling') throw new AuthError('invalid_session');
      return { state: 'pending', challenge };
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
  touch({ key, record }: StoredSession): Awaitable<SessionRecord | null> {
    const { settings, clock } = this.dependencies;
    const idle = settings.idleTimeout[record.principalType] * 1000;
    const recent = record.idleAt - clock() > idle * 0.95;
    const atItsEnd = record.idleAt >= record.absoluteAt;
    return record.state !== 'active' || recent || atItsEnd ? record : this.slide({ key, record });
  }

  /**
   * The live sessions of an entity, those that end soonest first. Of one whose row cannot be read now the record is
   * `null`: nobody knows what it is, but it can be ended (see {@link endUnread}).
   */
  async list(
    principalType: 'user' | 'app',
    entityId: string,
  ): Promise<readonly { key: string; record: SessionRecord | null }[]> {
    const { index, rows } = this.dependencies;
    const entity = entityOf({ principalType, entityId });
    // In this order: a session that becomes active meanwhile is filed there before it leaves the other list.
    const owing = await index.list(unproven(entity));
    const keys = new Set([...(await index.list(entity)), ...owing]);
    const find = async (key: string): Promise<[string, SessionRecord | null][]> => {
      const record = await this.load(key);
      if (record !== null) return entityOf(record) === entity ? [[key, record]] : [];
      // One that is being replaced at this moment lives on in the next, which may not be saved yet.
      const successor = await rows.successor(key);
      return successor === null ? [] : [[successor, await this.load(successor)]];
    };
    const found = await Promise.allSettled([...keys].map(find));
    const sessions = [...keys].flatMap((key, at): [string, SessionRecord | null][] => {
      const outcome = found[at];
      return outcome?.status === 'fulfilled' ? outcome.value : [[key, null]];
    });
    return [...new Map(sessions)].map(([key, record]) => ({ key, record }));
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

  private async expire(session: StoredSession): Promise<null> {
    await this.end(session, 'expired').catch(() => {});
    return null;
  }

  private async slide({ key, record }: StoredSession): Promise<SessionRecord | null> {
    try {
      const touched = await this.dependencies.leases.holdIfFree(key, () => this.extend(key));
      return touched === undefined ? record : touched;
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      return record;
    }
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
}

function subject({
  principalType,
  entityId,
}: SessionRecord): Pick<SessionRecord, 'principalType' | 'entityId'> {
  return { principalType, entityId };
}
