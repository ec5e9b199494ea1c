import { randomBytes } from 'node:crypto';
import { auditLog } from '../defence/audit.js';
import { dependencyGuard, fromCallback } from '../defence/dependency.js';
import { guardOneTimeStore } from '../defence/guarded-stores.js';
import type { OneTimeStore } from '../defence/one-time.js';
import { guardSessionIndex, type SessionIndex } from '../sessions/entity-index.js';
import { sessionLeases } from '../sessions/lease.js';
import { type SessionStore, sessionRows } from '../sessions/rows.js';
import type { StoredSession } from '../sessions/session-types.js';
import { Sessions } from '../sessions/sessions.js';
import { sessionTokens } from '../sessions/token.js';

/**
 * The stores that the nodes of one deployment share.
 *
 * @example const stores: SharedStores = { store: memorySessionStore(), oneTime: memoryOneTimeStore(), index: memorySessionIndex() };
 */
export interface SharedStores {
  store: SessionStore;
  oneTime: OneTimeStore;
  index: SessionIndex;
}

/**
 * Two nodes over the same stores; see {@link deploy}.
 *
 * @example const { nodes: [one, other] } = deploy(stores);
 */
export interface Deployment {
  nodes: readonly [Sessions, Sessions];
  /** The row of a session as it stands in the store; `null` when there is none. */
  rowOf(session: StoredSession): Promise<unknown>;
  /** Writes a row as a node would whose write was long on its way. */
  putBack(session: StoredSession, row: unknown): Promise<void>;
  /** Lets so much time pass for the nodes that a touch writes. */
  age(): void;
}

/** Seconds that a call to a store may take. */
const deadline = 5;
const idleTime = 3600;
const agedBy = 600;

/**
 * Builds the session layer of two nodes as `passportControl()` does. The nodes share the stores and the secret, and
 * nothing else.
 *
 * @param clock milliseconds since the epoch, as the stores have it
 *
 * @example deploy({ store, oneTime, index }).nodes[0].start(session)
 */
export function deploy({ store, oneTime, index }: SharedStores, clock: () => number = Date.now): Deployment {
  let ahead = 0;
  const now = () => clock() + ahead;
  const secret = randomBytes(32);
  const owner = () => randomBytes(12).toString('base64url');

  const node = (): Sessions => {
    const audit = auditLog(undefined, now);
    const dependency = dependencyGuard(deadline, audit);
    const guarded = guardOneTimeStore(oneTime, dependency);
    return new Sessions({
      settings: {
        idleTimeout: { user: idleTime, app: idleTime },
        absoluteTimeout: { user: 86_400, app: 86_400 },
        pendingTimeout: 300,
        maxPerEntity: { user: 1000, app: 1000 },
      },
      tokens: sessionTokens([secret], 'contract', randomBytes),
      rows: sessionRows(store, guarded, dependency, now),
      leases: sessionLeases(guarded, owner),
      index: guardSessionIndex(index, dependency),
      ...{ clock: now, owner, audit },
    });
  };
  const sid = ({ key }: StoredSession) => `passport-control:${key}`;
  return {
    nodes: [node(), node()],
    rowOf: async (session) => (await fromCallback((done) => store.get(sid(session), done))) ?? null,
    async putBack(session, row) {
      await fromCallback((done) => store.set(sid(session), row, done));
    },
    age() {
      ahead += agedBy * 1000;
    },
  };
}
