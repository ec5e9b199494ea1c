import type { Population } from './population.js';
import type { SessionRecord } from './record.js';
import type { SessionRows } from './rows.js';
import type { NewSession, SessionSettings, StartedSession, StoredSession } from './session-types.js';
import type { IssuedToken } from './token.js';

/** What starting sessions is made from. `clock` is in milliseconds since the epoch. */
export interface StartingDependencies {
  settings: SessionSettings;
  rows: SessionRows;
  clock: () => number;
  /** Names the writer of a row: different at each call. */
  owner: () => string;
}

/** Makes new sessions. */
export class Starting {
  constructor(
    private readonly dependencies: StartingDependencies,
    private readonly population: Population,
  ) {}

  /**
   * Saves a new session under a token that was issued. `isOpen` is `false` when somebody has ended it already. When it
   * cannot be saved, nothing of it is left, as far as the store obeys.
   */
  async start(
    session: NewSession,
    { token, key }: IssuedToken,
    inPlaceOf?: StoredSession,
  ): Promise<{ started: StartedSession; isOpen: boolean }> {
    const { rows, clock, owner } = this.dependencies;
    const { principalType, state, challenge = null, notAfter = null } = session;
    const record: SessionRecord = {
      v: 1,
      version: 1,
      writer: owner(),
      carrier: session.carrier,
      principalType,
      entityId: session.entityId,
      method: session.method,
      idpId: session.idpId,
      accountId: session.accountId,
      state,
      secondFactor: session.secondFactor,
      credentialId: session.credentialId,
      challenge,
      unlockedUntil: null,
      createdAt: session.createdAt ?? clock(),
      notAfter,
      ...this.lifetime({ state, principalType, notAfter }),
    };
    let isOpen = false;
    const save = async () => {
      isOpen = await rows.write(key, record);
    };
    try {
      await this.population.admit({ key, record }, save, inPlaceOf);
    } catch (error) {
      await rows.destroy(key).catch(() => {});
      throw error;
    }
    return { started: { token, key, record }, isOpen };
  }

  /** When a session that begins now in this state ends, by itself and unless it is used. */
  lifetime({
    state,
    principalType,
    notAfter,
  }: Pick<SessionRecord, 'state' | 'principalType' | 'notAfter'>): Pick<
    SessionRecord,
    'idleAt' | 'absoluteAt'
  > {
    const { settings, clock } = this.dependencies;
    const now = clock();
    const seconds = state === 'active' ? settings.absoluteTimeout[principalType] : settings.pendingTimeout;
    const absoluteAt = Math.min(now + seconds * 1000, notAfter ?? Number.POSITIVE_INFINITY);
    return { idleAt: Math.min(now + settings.idleTimeout[principalType] * 1000, absoluteAt), absoluteAt };
  }
}
