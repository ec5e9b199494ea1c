import type { DeviceRepository, MfaDevice } from 'passport-control';
import { type Database, first, isUniqueViolation } from './database.js';

// Times are milliseconds since the epoch in records, and counters are numbers; as a bigint they would come as text.
const columns = `
  name, type, credential_id as "credentialId", public_key as "publicKey", counter::float8 as counter, transports,
  backup_eligible as "backupEligible", backed_up as "backedUp",
  (extract(epoch from created_at) * 1000)::float8 as "createdAt",
  (extract(epoch from last_used_at) * 1000)::float8 as "lastUsedAt", origin`;

export function deviceRepository(database: Database): DeviceRepository {
  /** Whether a statement has changed exactly one row. */
  const changes = async (text: string, values: readonly unknown[]) =>
    (await database.query(text, values)).rowCount === 1;

  return {
    async listByUser(userId) {
      const found = await database.query<MfaDevice>(
        `select ${columns} from mfa_devices where user_id = $1 order by created_at, name`,
        [userId],
      );
      return found.rows;
    },
    async findByCredentialId(credentialId) {
      return first(
        await database.query<MfaDevice>(`select ${columns} from mfa_devices where credential_id = $1`, [
          credentialId,
        ]),
      );
    },
    add: (userId, device) =>
      changes(
        `insert into mfa_devices (user_id, name, type, credential_id, public_key, counter, transports,
           backup_eligible, backed_up, created_at, origin)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict do nothing`,
        [
          ...[userId, device.name, device.type, device.credentialId, device.publicKey, device.counter],
          ...[device.transports, device.backupEligible, device.backedUp, new Date(device.createdAt)],
          device.origin,
        ],
      ),
    async rename(userId, oldName, newName) {
      try {
        return await changes(
          `update mfa_devices set name = $3 where user_id = $1 and name = $2
             and not exists (select from mfa_devices where user_id = $1 and name = $3)`,
          [userId, oldName, newName],
        );
      } catch (error) {
        // Somebody else has taken the name since this statement began.
        if (isUniqueViolation(error)) return false;
        throw error;
      }
    },
    remove: (userId, name) =>
      changes('delete from mfa_devices where user_id = $1 and name = $2', [userId, name]),
    recordUse: (userId, credentialId, { from, to, backedUp, at }) =>
      changes(
        `update mfa_devices set counter = $4, backed_up = $5, last_used_at = $6
         where user_id = $1 and credential_id = $2 and counter = $3`,
        [userId, credentialId, from, to, backedUp, new Date(at)],
      ),
    async replaceRecoveryCodes(userId, hashes) {
      await database.query(
        `insert into recovery_codes (user_id, hashes) values ($1, $2)
         on conflict (user_id) do update set hashes = excluded.hashes`,
        [userId, hashes],
      );
    },
    async hasRecoveryCode(userId, hash) {
      const found = await database.query(
        'select from recovery_codes where user_id = $1 and $2 = any (hashes)',
        [userId, hash],
      );
      return found.rowCount === 1;
    },
    async countRecoveryCodes(userId) {
      const found = await database.query<{ count: number }>(
        'select cardinality(hashes) as count from recovery_codes where user_id = $1',
        [userId],
      );
      return first(found)?.count ?? 0;
    },
    // Who comes second waits for the first, and then finds the list without the code.
    consumeRecoveryCode: (userId, hash) =>
      changes(
        `update recovery_codes set hashes = array_remove(hashes, $2)
         where user_id = $1 and $2 = any (hashes)`,
        [userId, hash],
      ),
  };
}
