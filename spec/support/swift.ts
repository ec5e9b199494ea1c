import { expect } from '@jest/globals';
import { attack, type Target } from './attack.js';
import { type Saboteur, saboteur } from './sabotage.js';

/**
 * Runs an attack by bytes, for which time is no matter: as {@link attack} does, on two nodes and with the books closed
 * after it, over stores that answer at once.
 */
export function swiftly(
  options: Parameters<typeof attack>[0],
  drive: (target: Target) => Promise<void>,
): Promise<void> {
  return over(saboteur(2), options, drive);
}

/** Runs an attack over stores and repositories that can be made to fail for one user or one session alone. */
export function faultily(
  options: Parameters<typeof attack>[0],
  drive: (target: Target, hit: Saboteur['hit']) => Promise<void>,
): Promise<void> {
  const stores = saboteur(2, { latency: true });
  return over(stores, options, (target) => {
    target.expectFaults();
    return drive(target, stores.hit);
  });
}

function over(
  stores: Saboteur,
  options: Parameters<typeof attack>[0],
  drive: (target: Target) => Promise<void>,
): Promise<void> {
  const { session, ...rest } = options;
  const given = { ...rest, ...stores.options, session: { ...session, ...stores.options.session } };
  return attack(given, async (target) => {
    stores.attach(target);
    const owners = new Set<string>();
    await drive({
      ...target,
      shared: stores.shared,
      expectSessionsOf: (...ids) => {
        for (const id of ids) owners.add(id);
      },
    });
    const rows = [...stores.shared.rows.values()] as { entityId: string }[];
    expect(rows.filter(({ entityId }) => !owners.has(entityId))).toEqual([]);
  });
}
