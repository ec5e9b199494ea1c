import {
  hashPassword,
  hashSecret,
  type IdentityProvider,
  type MemoryRepositories,
  memoryRepositories,
} from 'passport-control';

interface Person {
  id: string;
  email: string;
  password: string;
  /** What the directory of Acme knows this person by. */
  directoryPassword: string;
  accountIds: string[];
}

const acme = { id: 'acc00000-0000-4000-8000-00000000000a', name: 'Acme' };
const globex = { id: 'acc00000-0000-4000-8000-00000000000b', name: 'Globex' };

const alice: Person = {
  id: 'a11ce000-0000-4000-8000-000000000001',
  email: 'alice@example.com',
  password: 'correct horse battery staple',
  directoryPassword: 'alice in the directory',
  accountIds: [acme.id],
};
const bob: Person = {
  id: 'b0b00000-0000-4000-8000-000000000002',
  email: 'bob@example.com',
  password: 'bob belongs to two accounts',
  directoryPassword: 'bob in the directory',
  accountIds: [acme.id, globex.id],
};
const robot = {
  id: 'a4400000-0000-4000-8000-000000000005',
  accountId: acme.id,
  name: 'robot',
  secret: '8r1hS0mTq3vWcXyB5nKd7gLzP2aEuJ6f',
};

/**
 * Who may sign in. Everybody who reads this file knows these credentials, which is why the demo listens on this
 * machine only.
 */
export const people = { accounts: [acme, globex], alice, bob, robot };

/** The same people as passport-control wants them: with hashes in the place of secrets. */
export async function seededRepositories(
  identityProviders: readonly IdentityProvider[],
): Promise<MemoryRepositories> {
  const user = async ({ password, directoryPassword: _, ...rest }: Person) => ({
    ...rest,
    passwordHash: await hashPassword(password),
  });
  const { secret, ...app } = robot;
  return memoryRepositories({
    users: [await user(alice), await user(bob)],
    identityProviders,
    apps: [{ ...app, secrets: [{ id: 'first', hash: hashSecret(secret) }] }],
  });
}
