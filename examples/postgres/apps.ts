import type { App, AppRepository } from 'passport-control';
import { type Database, first } from './database.js';

// Times are milliseconds since the epoch in records; a secret without an end has no `validUntil`.
const columns = `
  apps.id, apps.account_id as "accountId", apps.name, apps.enabled,
  coalesce((
    select json_agg(json_strip_nulls(json_build_object(
      'id', id, 'hash', hash, 'validUntil', (extract(epoch from valid_until) * 1000)::float8)))
    from app_secrets where app_id = apps.id
  ), '[]') as secrets`;

export function appRepository(database: Database): Required<AppRepository> {
  return {
    async findById(id) {
      return first(await database.query<App>(`select ${columns} from apps where id = $1`, [id]));
    },
    async findByName(accountId, name) {
      return first(
        await database.query<App>(`select ${columns} from apps where account_id = $1 and name = $2`, [
          accountId,
          name,
        ]),
      );
    },
    async findByAwsPrincipal(accountId, { partition, awsAccountId, type, name, uniqueId }) {
      return first(
        await database.query<App>(
          `select ${columns} from apps join app_aws_principals as principal on principal.app_id = apps.id
           where principal.account_id = $1 and partition = $2 and aws_account_id = $3 and type = $4
             and principal.name = $5 and (unique_id is null or unique_id = $6)`,
          [accountId, partition, awsAccountId, type, name, uniqueId],
        ),
      );
    },
  };
}
