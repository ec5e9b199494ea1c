import type { AccountRepository, SignInPolicy } from 'passport-control';
import { type Database, first } from './database.js';

interface Row {
  id: string;
  enabled: boolean;
  methods: string[] | null;
  idpIds: string[] | null;
  secondFactor: 'require' | null;
}

export function accountRepository(database: Database): AccountRepository {
  return {
    async findById(id) {
      const row = first(
        await database.query<Row>(
          `select id, enabled, sign_in_methods as methods, sign_in_idp_ids as "idpIds",
             sign_in_second_factor as "secondFactor"
           from accounts where id = $1`,
          [id],
        ),
      );
      return row === null ? null : { id: row.id, enabled: row.enabled, signIn: policyOf(row) };
    },
  };
}

/** What is null restricts nothing, and is left out. */
function policyOf({ methods, idpIds, secondFactor }: Row): SignInPolicy {
  return {
    ...(methods === null ? {} : { methods }),
    ...(idpIds === null ? {} : { idpIds }),
    ...(secondFactor === null ? {} : { secondFactor }),
  };
}
