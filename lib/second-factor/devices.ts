import type { Audit, Client } from '../defence/audit.js';
import type { GuardedDevices } from '../defence/guarded-devices.js';
import { AuthError } from '../errors.js';
import type { StoredSession } from '../sessions/session-types.js';
import type { Configuration } from './configuration.js';

/** Renames and removes devices while the configuration is unlocked; see {@link deviceChanges}. */
export interface DeviceChanges {
  /**
   * Gives a device another name. The name that it has already is no change.
   *
   * @throws AuthError `configuration_locked`, `device_not_found` or `name_taken`
   */
  rename(session: StoredSession, given: { from: string; to: string; client: Client }): Promise<void>;
  /**
   * Removes a device. What its owner owes at the next sign-in follows from those that are left.
   *
   * @throws AuthError `configuration_locked` or `device_not_found`
   */
  remove(session: StoredSession, given: { name: string; client: Client }): Promise<void>;
}

/** What changing devices is made from. */
export interface DeviceChangeDependencies {
  configuration: Configuration;
  devices: GuardedDevices;
  audit: Audit;
}

/** Makes the changes of devices that are enrolled. */
export function deviceChanges({ configuration, devices, audit }: DeviceChangeDependencies): DeviceChanges {
  /** The device of this name, looked up before anything ends over it. */
  const named = async (userId: string, name: string) => {
    const theirs = await devices.listByUser(userId);
    const device = theirs.find((each) => each.name === name);
    if (device === undefined) throw new AuthError('device_not_found');
    return { device, theirs };
  };

  return {
    async rename(session, { from, to, client }) {
      const { key, record } = session;
      const { entityId } = record;
      await configuration.check(key);
      const { device, theirs } = await named(entityId, from);
      if (from === to) return;
      if (theirs.some(({ name }) => name === to)) throw new AuthError('name_taken');
      await configuration.change(session, async () => {
        if (await devices.rename(entityId, from, to)) return;
        // Somebody was faster: the device has gone, or the name.
        await named(entityId, from);
        throw new AuthError('name_taken');
      });
      audit({ type: 'device_renamed', credentialId: device.credentialId, session: key, entityId, ...client });
    },
    async remove(session, { name, client }) {
      const { key, record } = session;
      const { entityId } = record;
      await configuration.check(key);
      const { device } = await named(entityId, name);
      await configuration.change(session, async () => {
        if (!(await devices.remove(entityId, name))) throw new AuthError('device_not_found');
      });
      audit({ type: 'device_removed', credentialId: device.credentialId, session: key, entityId, ...client });
    },
  };
}
