import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { AuthError } from '../errors.js';
import type { NewSession, StoredSession } from '../sessions/session-types.js';
import type { Sessions } from '../sessions/sessions.js';
import { type ContractCase, casesOf, type Fresh, oneWinnerOf } from './contract-case.js';
import { type Deployment, deploy, type SharedStores } from './deployment.js';
import { accountRecord, userRecord } from './records.js';

/** Interleavings that each race is run through, each with a session of its own. */
const rounds = 32;
/** Milliseconds between the two sides of a race, at most. */
const spread = 25;

const user = userRecord(1).id;
const account = accountRecord(1).id;
const active: NewSession = {
  ...{ principalType: 'user', entityId: user, method: 'password', idpId: null, accountId: null },
  ...{ state: 'active', secondFactor: false, credentialId: '1', carrier: 'Bearer' },
};

type Write = (node: Sessions, session: StoredSession) => Promise<unknown>;

const writers: Record<string, Write> = {
  'a touch': async (node, session) => node.touch(session),
  'a refresh': (node, { key }) => node.refresh(key),
  'a change of state': (node, { key }) => node.change(key, () => ({ accountId: account })),
  'a replacement': (node, session) => node.replace(session, active),
};

/**
 * What a session store, a one-time store and an index must do together, with two nodes on them: whatever is ended
 * stays ended against every writer, and no state change is lost. `create` makes empty ones. A race is only as hard
 * as the stores are slow: put a delay of a few milliseconds before each call of stores in memory.
 *
 * @param clock milliseconds since the epoch, as the stores have it
 *
 * @example for (const { name, run } of sessionRaceContract(() => ({ store, oneTime, index }))) it(name, run);
 */
export function sessionRaceContract(
  create: Fresh<SharedStores>,
  { clock = Date.now }: { clock?: () => number } = {},
): ContractCase[] {
  const deployed = async () => deploy(await create(), clock);
  const endings = Object.entries(writers).map(([name, write]) => [
    `leaves an ended session dead and its row absent, against ${name} on another node`,
    (deployment: Deployment) => endAgainst(deployment, write),
  ]);
  return [...casesOf(deployed, Object.fromEntries(endings)), ...casesOf(deployed, others)];
}

const others: Record<string, (deployment: Deployment) => Promise<void>> = {
  async 'does not believe a row that is written after its session has ended'({ nodes, rowOf, putBack }) {
    const session = await nodes[0].start(active);
    const before = await rowOf(session);
    await nodes[0].end(session, 'terminated');
    await putBack(session, before);
    await expectDead(nodes, session);
    assert.deepEqual(await nodes[1].list('user', user), []);
  },
  async 'does not believe a row of before a change that is written after it'({ nodes, rowOf, putBack }) {
    const session = await nodes[0].start(active);
    const before = await rowOf(session);
    await nodes[0].change(session.key, () => ({ accountId: account }));
    assert.equal((await nodes[1].load(session.key))?.accountId, account);
    await putBack(session, before);
    await expectDead(nodes, session);
  },
  async 'lets exactly one of two parallel replacements of a session win'({ nodes: [one, other], rowOf }) {
    await race([one, other], async (session, round) => {
      const successors: StoredSession[] = [];
      await oneWinnerOf(2, async (index) => {
        if (index === 1) await pause(round);
        return unlessEnded(async () => {
          successors.push(await (index === 0 ? one : other).replace(session, active));
        });
      });
      await expectDead([one, other], session);
      assert.equal(await rowOf(session), null);
      for (const { key } of successors) assert.notEqual(await other.load(key), null);
    });
  },
  async 'lets exactly one of ten parallel replacements of a session win'({ nodes }) {
    const session = await nodes[0].start(active);
    await oneWinnerOf(10, (index) =>
      unlessEnded(() => (nodes[index % 2] ?? nodes[0]).replace(session, active)),
    );
    await expectDead(nodes, session);
    assert.equal((await nodes[1].list('user', user)).length, 1);
  },
  async 'loses none of ten parallel changes of state'({ nodes }) {
    const { key, record } = await nodes[0].start(active);
    const changes = Array.from({ length: 10 }, (_, index) =>
      (nodes[index % 2] ?? nodes[0]).change(key, ({ accountId }) => ({
        accountId: `${accountId ?? ''}${index}`,
      })),
    );
    const settled = await Promise.allSettled(changes);
    const versions = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value.version] : []));
    assert.equal(new Set(versions).size, 10);
    for (const node of nodes) {
      const changed = await node.load(key);
      assert.equal(changed?.version, record.version + 10);
      assert.equal([...(changed?.accountId ?? '')].sort().join(''), '0123456789');
    }
  },
  'loses no change of state to a touch': (deployment) => changeAgainst(deployment, 'a touch'),
  'loses no change of state to a refresh': (deployment) => changeAgainst(deployment, 'a refresh'),
};

/** Ends sessions on one node while the other writes them: dead when `end()` has resolved, and ever after. */
async function endAgainst({ nodes, rowOf, age }: Deployment, write: Write): Promise<void> {
  const [one, other] = nodes;
  const ended: string[] = [];
  await race(
    nodes,
    async (session, round) => {
      const writing = () => unlessEnded(() => write(other, session));
      const ending = async () => {
        await one.end(session, 'terminated');
        await expectDead(nodes, session);
      };
      await inTurn(round, writing, ending);
      await expectDead(nodes, session);
      assert.equal(await rowOf(session), null);
      ended.push(session.key);
    },
    age,
  );
  const listed = (await other.list('user', user)).filter(({ key }) => ended.includes(key));
  assert.deepEqual(listed, []);
}

/** Changes sessions on one node while the other writes them: the change is seen when it has resolved, and ever after. */
async function changeAgainst({ nodes, age }: Deployment, name: keyof typeof writers): Promise<void> {
  const [one, other] = nodes;
  await race(
    nodes,
    async (session, round) => {
      const changing = () => one.change(session.key, () => ({ accountId: account }));
      const writing = () => Promise.all([writers[name]?.(other, session), writers[name]?.(one, session)]);
      await inTurn(round, writing, changing);
      for (const node of nodes) assert.equal((await node.load(session.key))?.accountId, account);
    },
    age,
  );
}

/** Starts a session for each round, and then runs all rounds at once. */
async function race(
  [one]: readonly [Sessions, Sessions],
  round: (session: StoredSession, round: number) => Promise<void>,
  before: () => void = () => {},
): Promise<void> {
  const sessions = await Promise.all(Array.from({ length: rounds }, () => one.start(active)));
  before();
  await Promise.all(sessions.map(round));
}

/** Begins one thing and, while it runs, the other; which is first changes with the round. */
async function inTurn(
  round: number,
  one: () => Promise<unknown>,
  other: () => Promise<unknown>,
): Promise<void> {
  const [first, second] = round % 4 < 2 ? [one, other] : [other, one];
  await Promise.all([first(), pause(round).then(second)]);
}

/** Some turns of the event loop in even rounds, for stores in this process; some milliseconds in odd ones. */
async function pause(round: number): Promise<void> {
  if (round % 2 === 1) await wait((round * spread) / rounds);
  else for (let turn = 0; turn < round * 4; turn += 1) await undefined;
}

async function expectDead(nodes: Deployment['nodes'], { key }: StoredSession): Promise<void> {
  for (const node of nodes) assert.equal(await node.load(key), null);
}

/** Whether the work was done; `false` when its session had ended before. */
async function unlessEnded(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof AuthError && error.code === 'invalid_session') return false;
    throw error;
  }
}
