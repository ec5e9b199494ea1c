import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { auditLog } from '../defence/audit.js';
import { dependencyGuard, fromCallback } from '../defence/dependency.js';
import { guardOneTimeStore } from '../defence/guarded-stores.js';
import type { OneTimeStore } from '../defence/one-time.js';
import { AuthError } from '../errors.js';
import type { SessionIndex } from '../sessions/entity-index.js';
import { sessionLeases } from '../sessions/lease.js';
import { type SessionStore, sessionRows } from '../sessions/rows.js';
import { type NewSession, Sessions, type StoredSession } from '../sessions/sessions.js';
import { sessionTokens } from '../sessions/token.js';
import { type ContractCase, casesOf, winnersOf } from './contract-case.js';
import { accountRecord, userRecord } from './records.js';

/** The stores that the nodes of one deployment share. */
export interface SharedStores {
  store: SessionStore;
  oneTime: OneTimeStore;
  index: SessionIndex;
}

interface Deployment {
  nodes: readonly [Sessions, Sessions];
  rowOf(session: StoredSession): Promise<unknown>;
  /** Writes a row as a node would whose write was long on its way. */
  putBack(session: StoredSession, row: unknown): Promise<unknown>;
  /** Lets so much time pass that a touch writes. */
  age(): void;
}

const rounds = 12;
const active: NewSession = {
  ...{ principalType: 'user', entityId: userRecord(1).id, method: 'password', idpId: null, accountId: null },
  ...{ state: 'active', secondFactor: false, credentialId: '1', carrier: 'Bearer' },
};

/**
 * What a session store, a one-time store and an index must do together, with two nodes on them: whatever is ended
 * stays ended against every writer, and no state change is lost. `create` makes empty ones.
 */
export function sessionRaceContract(create: () => SharedStores | Promise<SharedStores>): ContractCase[] {
  const writers: Record<string, (node: Sessions, session: StoredSession) => Promise<unknown>> = {
    'a touch': (node, session) => node.touch(session),
    'a refresh': (node, { key }) => node.refresh(key),
    'a change of state': (node, { key }) => node.change(key, () => ({ accountId: accountRecord(1).id })),
    'a replacement': (node, session) => node.replace(session, active),
  };
  const endings = Object.fromEntries(
    Object.entries(writers).map(([name, write]) => [
      `leaves an ended session dead and its row absent, against ${name} on another node`,
      async (deployment: Deployment) => {
        for (let round = 0; round < rounds; round += 1) await endAgainst(deployment, write);
      },
    ]),
  );

  return casesOf(async () => deploy(await create()), {
    ...endings,
    async 'lets exactly one of ten parallel replacements of a session win'({ nodes }) {
      const session = await nodes[0].start(active);
      const winners = await winnersOf(10, async (index) => {
        const node = nodes[index % 2] ?? nodes[0];
        return unlessRefused(async () => (await node.replace(session, active)).key !== session.key);
      });
      assert.equal(winners, 1);
      for (const node of nodes) assert.equal(await node.load(session.key), null);
    },
    async 'loses none of ten parallel changes of state'({ nodes }) {
      const { key, record } = await nodes[0].start(active);
      const changed = await Promise.all(
        Array.from({ length: 10 }, (_, index) => (nodes[index % 2] ?? nodes[0]).change(key, () => ({}))),
      );
      assert.equal(new Set(changed.map(({ version }) => version)).size, 10);
      assert.equal((await nodes[1].load(key))?.version, record.version + 10);
    },
    async 'loses no change of state to a touch'({ nodes: [one, other], age }) {
      for (let round = 0; round < rounds; round += 1) {
        const session = await one.start(active);
        age();
        const accountId = accountRecord(round + 1).id;
        await Promise.all([
          other.touch(session),
          one.change(session.key, () => ({ accountId })),
          other.touch(session),
        ]);
        assert.equal((await other.load(session.key))?.accountId, accountId);
      }
    },
    async 'does not believe a row of before a change that is written after it'({
      nodes: [one, other],
      rowOf,
      putBack,
    }) {
      const session = await one.start(active);
      const before = await rowOf(session);
      await one.change(session.key, () => ({ accountId: accountRecord(1).id }));
      assert.equal((await other.load(session.key))?.accountId, accountRecord(1).id);
      await putBack(session, before);
      for (const node of [one, other]) assert.equal(await node.load(session.key), null);
    },
  });
}

async function endAgainst(
  { nodes: [one, other], rowOf, age }: Deployment,
  write: (node: Sessions, session: StoredSession) => Promise<unknown>,
): Promise<void> {
  const session = await one.start(active);
  age();
  const writing = unlessRefused(async () => {
    await write(other, session);
    return true;
  });
  await wait(randomInt(25));
  await one.end(session, 'terminated');
  for (const node of [one, other]) assert.equal(await node.load(session.key), null);
  await writing;
  for (const node of [one, other]) assert.equal(await node.load(session.key), null);
  assert.equal((await rowOf(session)) ?? null, null);
}

/** `false` when the session had ended before. */
async function unlessRefused(work: () => Promise<boolean>): Promise<boolean> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AuthError && error.code === 'invalid_session') return false;
    throw error;
  }
}

function deploy({ store, oneTime, index }: SharedStores): Deployment {
  let now = Date.UTC(2026, 0, 1);
  const clock = () => now;
  const secret = randomBytes(32);
  const audit = auditLog(undefined, clock);
  const dependency = dependencyGuard(5, audit);
  const owner = () => randomBytes(12).toString('base64url');
  const guarded = guardOneTimeStore(oneTime, dependency);
  const node = () =>
    new Sessions({
      settings: {
        idleTimeout: { user: 3600, app: 3600 },
        absoluteTimeout: { user: 86_400, app: 86_400 },
        pendingTimeout: 300,
        maxPerEntity: { user: 1000, app: 1000 },
      },
      tokens: sessionTokens([secret], 'contract', randomBytes),
      rows: sessionRows(store, guarded, dependency, clock),
      leases: sessionLeases(guarded, owner),
      ...{ index, clock, owner, audit },
    });
  return {
    nodes: [node(), node()],
    rowOf: ({ key }) => fromCallback((done) => store.get(`passport-control:${key}`, done)),
    putBack: ({ key }, row) => fromCallback((done) => store.set(`passport-control:${key}`, row, done)),
    age() {
      now += 600_000;
    },
  };
}
