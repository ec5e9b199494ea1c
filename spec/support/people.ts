import { hashPassword, hashSecret, type MemoryRepositories, memoryRepositories } from '../../lib/index.js';

/** Who signs in, in the specs. */
export const alice = {
  id: 'a11ce000-0000-4000-8000-000000000001',
  email: 'alice@example.com',
  password: 'päss: wörd with spaces ',
};
export const bob = {
  id: 'b0b00000-0000-4000-8000-000000000002',
  email: 'bob@example.com',
  password: 'correct horse battery',
};
/** A user without a password. */
export const sue = { id: '50e00000-0000-4000-8000-000000000003', email: 'sue@example.com' };
/** A user who is disabled. */
export const dan = {
  id: 'dad00000-0000-4000-8000-000000000004',
  email: 'dan@example.com',
  password: 'dan is out',
};

export const acme = 'acc00000-0000-4000-8000-00000000000a';
export const globex = 'acc00000-0000-4000-8000-00000000000b';

export const robot = {
  id: 'a4400000-0000-4000-8000-000000000005',
  accountId: acme,
  name: 'robot',
  secret: 'Zm9yIHNwZWNzIG9ubHk-first',
  nextSecret: 'Zm9yIHNwZWNzIG9ubHk-second',
};
/** An app of another account, with the same name. */
export const twin = {
  id: 'a4400000-0000-4000-8000-000000000006',
  accountId: globex,
  name: 'robot',
  secret: 'Zm9yIHNwZWNzIG9ubHk-twin',
};

const hashes = Promise.all([alice, bob, dan].map(({ password }) => hashPassword(password)));

/** The repositories of the specs: alice and bob in acme, bob in globex too, and the apps. */
export async function people(): Promise<MemoryRepositories> {
  const [alices, bobs, dans] = await hashes;
  return memoryRepositories({
    users: [
      { ...seed(alice), passwordHash: alices ?? null, accountIds: [acme] },
      { ...seed(bob), passwordHash: bobs ?? null, accountIds: [acme, globex] },
      { ...seed(sue), accountIds: [acme] },
      { ...seed(dan), passwordHash: dans ?? null, enabled: false },
    ],
    apps: [
      {
        ...{ id: robot.id, accountId: robot.accountId, name: robot.name },
        secrets: [
          { id: 'first', hash: hashSecret(robot.secret) },
          { id: 'second', hash: hashSecret(robot.nextSecret) },
        ],
      },
      {
        ...{ id: twin.id, accountId: twin.accountId, name: twin.name },
        secrets: [{ id: 'only', hash: hashSecret(twin.secret) }],
      },
    ],
  });
}

function seed({ id, email }: { id: string; email: string }) {
  return { id, email };
}
