import { createHash, type Hash } from 'node:crypto';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { hashSecret } from '../../../lib/index.js';
import { attack, type Target } from '../../support/attack.js';
import { appWays, changeApp, type KnownApp, shown } from '../../support/credentials.js';
import { acme, globex, robot, twin } from '../../support/people.js';
import { saboteur } from '../../support/sabotage.js';

const nowhere = 'acc00000-0000-4000-8000-00000000000f';
const ghost: KnownApp = { id: 'a4400000-0000-4000-8000-00000000000f', accountId: acme, name: 'ghost' };

/** Why an app is refused: which app was named by which secret, and what was changed for it. */
const causes: [string, KnownApp, string, ((target: Target) => void)?][] = [
  ['an unknown app', ghost, robot.secret],
  ['an unknown account', { ...ghost, accountId: nowhere, name: robot.name }, robot.secret],
  ['another account', { ...ghost, accountId: globex }, robot.secret],
  ['the secret of another', robot, twin.secret],
  ['half a secret', robot, robot.secret.slice(0, 12)],
  ['the longest secret', robot, 'x'.repeat(1024)],
  ['a secret that has ended', robot, 'ended', (target) => giveSecret(target, target.clock())],
  ['no secret', robot, 'wrong', (target) => changeApp(target, robot, { secrets: [] })],
  ['many secrets', robot, 'wrong', giveMany],
  ['a disabled app, wrong', robot, 'wrong', (target) => changeApp(target, robot, { enabled: false })],
];
const closed: typeof causes = [
  ['a disabled app', twin, twin.secret, (target) => changeApp(target, twin, { enabled: false })],
  ['a closed account', robot, robot.secret, ({ nodes }) => setAccount(nodes, false)],
  ['an account that is gone', robot, robot.secret, ({ nodes }) => setAccount(nodes, null)],
];

function giveSecret(target: Target, validUntil: number): void {
  changeApp(target, robot, { secrets: [{ id: 'short', hash: hashSecret('ended'), validUntil }] });
}

function giveMany(target: Target): void {
  const secrets = Array.from({ length: 20 }, (_, n) => ({ id: `${n}`, hash: hashSecret(`secret ${n}`) }));
  changeApp(target, robot, { secrets });
}

function setAccount(nodes: Target['nodes'], enabled: false | null): void {
  const { table } = nodes[0].repositories.accounts;
  if (enabled === null) table.delete(acme);
  else table.set(acme, { id: acme, enabled });
}

/** Puts the apps and accounts back as they are now. */
function restorer({ nodes }: Target): () => void {
  const { apps, accounts } = nodes[0].repositories;
  const [all, open] = [[...apps.table], [...accounts.table]];
  return () => {
    for (const [id, row] of all) apps.table.set(id, row);
    for (const [id, row] of open) accounts.table.set(id, row);
  };
}

describe('what a refused app is told of the cause', () => {
  it.each(appWays)('ENUM-02: every cause is the same to the last byte: %s', (_, way) =>
    attack({}, async (target) => {
      const { nodes } = target;
      const restore = restorer(target);
      const expected = shown(await way(nodes[0], robot, 'wrong'));
      expect(expected.status).toBe(401);
      for (const [at, [name, app, secret, change]] of [...causes, ...closed].entries()) {
        change?.(target);
        const answer = await way(nodes[at % 2] ?? nodes[0], app, secret);
        expect([name, shown(answer)]).toEqual([name, expected]);
        restore();
      }
      expect(target.shared.rows.size).toBe(0);
    }),
  );
});

describe('what it costs to refuse an app', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it.each(appWays)(
    'APP-07: whoever is named, the same is asked in the same order, and as much is hashed: %s',
    (_, way) => {
      const stores = saboteur(2);
      return attack({ ...stores.options, throttle: {} }, async (target) => {
        stores.attach(target);
        const restore = restorer(target);
        const digest = jest.spyOn(Object.getPrototypeOf(createHash('sha256')) as Hash, 'digest');
        const cost = async (app: KnownApp, secret: string) => {
          digest.mockClear();
          stores.arm('reject', () => false);
          const { status } = await way(target.nodes[0], app, secret);
          return { status, calls: stores.disarm(), hashes: digest.mock.calls.length };
        };
        const expected = await cost(robot, 'wrong');
        expect(expected.status).toBe(401);
        expect(expected.hashes).toBeGreaterThan(0);
        expect(expected.calls.filter((call) => call.startsWith('apps.'))).toHaveLength(1);
        for (const [name, app, secret, change] of causes) {
          change?.(target);
          expect([name, await cost(app, secret)]).toEqual([name, expected]);
          restore();
        }
        expect(stores.shared.rows.size).toBe(0);
      });
    },
  );
});
