import { canonicalEmail, hashPassword, hashSecret } from 'passport-control';
import type { Database } from './database.js';

const account = 'acc00000-0000-4000-8000-000000000003';
const alice = 'a11ce000-0000-4000-8000-000000000001';
const robot = 'a4400000-0000-4000-8000-000000000002';

/** A user with a password, and an app with a key, unless they are there already. Your own sign-up writes rows like these. */
export async function seed(database: Database): Promise<void> {
  await database.query('insert into accounts (id) values ($1) on conflict do nothing', [account]);
  await database.query(
    'insert into users (id, email, password_hash) values ($1, $2, $3) on conflict do nothing',
    [alice, canonicalEmail('Alice@example.com'), await hashPassword('correct horse battery staple')],
  );
  await database.query(
    'insert into account_members (user_id, account_id) values ($1, $2) on conflict do nothing',
    [alice, account],
  );
  await database.query(
    `insert into apps (id, account_id, name) values ($1, $2, 'robot') on conflict do nothing`,
    [robot, account],
  );
  await database.query(
    `insert into app_secrets (app_id, id, hash) values ($1, 'first', $2) on conflict do nothing`,
    [robot, hashSecret('8r1hS0mTq3vWcXyB5nKd7gLz')],
  );
}
