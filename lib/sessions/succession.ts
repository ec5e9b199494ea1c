import type { Awaitable } from '../awaitable.js';
import type { Audit } from '../defence/audit.js';
import { AuthError } from '../errors.js';
import type { SessionLeases } from './lease.js';
import type { Population } from './population.js';
import type { SessionRecord } from './record.js';
import type { SessionRows } from './rows.js';
import type { NewSession, StartedSession, StoredSession } from './session-types.js';
import type { Starting } from './starting.js';
import type { SessionTokens } from './token.js';

/** What following one session by another is made from. `clock` is in milliseconds since the epoch. */
export interface SuccessionDependencies {
  tokens: SessionTokens;
  rows: SessionRows;
  leases: SessionLeases;
  clock: () => number;
  /** Names the writer of a row or the one who closed a session: different at each call. */
  owner: () => string;
  audit: Audit;
}

/** Puts one session in the place of another, and a proven one in the place of a pending one. */
export class Succession {
  /** @param load the live session with a key, or `null` */
  constructor(
    private readonly dependencies: SuccessionDependencies,
    private readonly population: Population,
    private readonly starting: Starting,
    private readonly load: (key: string) => Awaitable<SessionRecord | null>,
  ) {}

  /**
   * The old session is closed in the name of the next one, so whoever ends the old one meanwhile finds both; and the
   * next is filed before the old one leaves the index, so whoever lists sessions finds one of them at every moment.
   */
  async replace(old: StoredSession, next: NewSession): Promise<StartedSession> {
    const { rows, tokens, audit, owner } = this.dependencies;
    const issued = tokens.issue(next.carrier);
    const by = rows.naming(owner(), issued.key);
    const { started, isOpen } = await this.closed(old, by, () => this.starting.start(next, issued, old));
    // Closed is closed: what is left of the old session is housekeeping.
    await rows.destroy(old.key).catch(() => {});
    await this.population.leave(old);
    if (!isOpen) throw new AuthError('invalid_session');
    const { principalType, entityId } = old.record;
    const ended = { session: old.key, cause: 'replaced', successor: issued.key } as const;
    audit({ type: 'session_ended', ...ended, principalType, entityId });
    return started;
  }

  async complete(session: StoredSession): Promise<StoredSession & { token?: string }> {
    const { v, version, writer, idleAt, absoluteAt, unlockedUntil, createdAt, ...kept } = session.record;
    const proven = { ...kept, state: 'active', secondFactor: true, challenge: null } as const;
    if (kept.carrier === 'Cookie') return this.replace(session, proven);
    return this.dependencies.leases.hold(session.key, () => this.activate(session.key));
  }

  /** Works while a session is closed. Whatever fails opens it again, if nobody else has closed it meanwhile. */
  private async closed<T>(session: StoredSession, by: string, work: () => Promise<T>): Promise<T> {
    const { rows } = this.dependencies;
    try {
      if (!(await rows.close(session.key, session.record.absoluteAt, by)))
        throw new AuthError('invalid_session');
      return await work();
    } catch (error) {
      await rows.reopen(session.key, by).catch(() => {});
      throw error;
    }
  }

  private async activate(key: string): Promise<StoredSession> {
    const { rows, clock, owner } = this.dependencies;
    const pending = await this.load(key);
    if (pending?.state !== 'pending') throw new AuthError('invalid_session');
    const proven = { ...pending, state: 'active', secondFactor: true, challenge: null } as const;
    const record: SessionRecord = {
      ...{ ...proven, ...this.starting.lifetime(proven), createdAt: clock() },
      ...{ version: pending.version + 1, writer: owner() },
    };
    try {
      await this.population.admit({ key, record }, async () => {
        if (!(await rows.change(key, record))) throw new AuthError('invalid_session');
      });
    } catch (error) {
      // The row may have been written all the same, or may be yet; the version that takes it back is the later one.
      const takenBack = { ...pending, version: record.version + 1, writer: owner() };
      await rows.change(key, takenBack).catch(() => {});
      throw error;
    }
    await this.population.leave({ key, record: pending });
    return { key, record };
  }
}
