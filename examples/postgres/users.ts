import type { FederatedIdentity, User, UserRepository } from 'passport-control';
import { type Database, first, isUniqueViolation } from './database.js';

const columns = `
  users.id, users.email, users.enabled,
  users.password_hash as "passwordHash", users.credential_version as "credentialVersion",
  array(select account_id::text from account_members where user_id = users.id) as "accountIds"`;

export function userRepository(database: Database): Required<UserRepository> {
  const findByFederatedIdentity = async (idpId: string, subject: string) =>
    first(
      await database.query<User>(
        `select ${columns} from users join user_identities on user_id = users.id where idp_id = $1 and subject = $2`,
        [idpId, subject],
      ),
    );

  return {
    async findById(id) {
      return first(await database.query<User>(`select ${columns} from users where id = $1`, [id]));
    },
    async findByEmail(email) {
      return first(await database.query<User>(`select ${columns} from users where email = $1`, [email]));
    },
    findByFederatedIdentity,
    async linkFederatedIdentity(userId, { idpId, subject }) {
      const linked = await database.query(
        `insert into user_identities (idp_id, subject, user_id)
         select $1, $2, id from users where id = $3
         on conflict do nothing`,
        [idpId, subject, userId],
      );
      if (linked.rowCount === 1) return true;
      // The same link again is a yes. It takes a statement of its own: one sees no rows that were written since it began.
      return (await findByFederatedIdentity(idpId, subject))?.id === userId;
    },
    async provision(identity) {
      const { idpId, subject, email } = identity;
      if (email !== null) await make(database, identity, email);
      return findByFederatedIdentity(idpId, subject);
    },
    async savePasswordHash(id, previous, next) {
      const saved = await database.query(
        'update users set password_hash = $3 where id = $1 and password_hash = $2',
        [id, previous, next],
      );
      return saved.rowCount === 1;
    },
  };
}

/** Makes a user, a member and a link, or none of them: when the address is somebody's, or the subject is linked. */
async function make(
  database: Database,
  { idpId, subject, accountId }: FederatedIdentity,
  email: string,
): Promise<void> {
  try {
    await database.query(
      `with made as (
         insert into users (email)
         select $1 where not exists (select from user_identities where idp_id = $2 and subject = $3)
         on conflict (email) do nothing
         returning id
       ), member as (
         insert into account_members (user_id, account_id) select id, $4 from made
       )
       insert into user_identities (idp_id, subject, user_id) select $2, $3, id from made`,
      [email, idpId, subject, accountId],
    );
  } catch (error) {
    // Somebody else has linked this subject meanwhile, so all of the statement is undone.
    if (!isUniqueViolation(error)) throw error;
  }
}
