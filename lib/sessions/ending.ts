import type { EndCause } from '../defence/audit.js';
import type { SessionRecord } from './record.js';
import type { StoredSession } from './session-types.js';
import type { Sessions } from './sessions.js';

/** A session of an entity as the index lists it; the record is `null` where its row cannot be read. */
export type ListedSession = { key: string; record: SessionRecord | null };

/**
 * Ends these sessions of an entity. All are tried before the first failure is told: one broken session keeps no other
 * alive.
 */
export async function endAll(
  sessions: Sessions,
  principalType: 'user' | 'app',
  listed: readonly ListedSession[],
  cause: EndCause,
): Promise<void> {
  const endings = listed.map(({ key, record }) =>
    record === null ? sessions.endUnread(key, principalType) : sessions.end({ key, record }, cause),
  );
  const failed = (await Promise.allSettled(endings)).find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
}

/** Ends all sessions of an entity but this one, whatever they owe. */
export async function endOthers(
  sessions: Sessions,
  { key, record: { principalType, entityId } }: StoredSession,
  cause: EndCause,
): Promise<void> {
  const others = (await sessions.list(principalType, entityId)).filter((each) => each.key !== key);
  await endAll(sessions, principalType, others, cause);
}
