import { expect } from '@jest/globals';
import { attack, type Target } from './attack.js';
import { saboteur } from './sabotage.js';

/**
 * Runs an attack by bytes, for which time is no matter: as {@link attack} does, on two nodes and with the books closed
 * after it, over stores that answer at once.
 */
export function swiftly(
  options: Parameters<typeof attack>[0],
  drive: (target: Target) => Promise<void>,
): Promise<void> {
  const stores = saboteur(2);
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
