import {
  hashPassword,
  hashSecret,
  type IdentityProvider,
  type KnownAwsPrincipal,
  type MemoryRepositories,
  memoryRepositories,
} from 'passport-control';
import type { StsCaller } from 'passport-control/testing';

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

/** What there is of AWS: one region, and two users with key pairs, of whom one is the robot and the other nobody here. */
const aws = {
  region: 'eu-west-1',
  robot: {
    accessKeyId: 'AKIACONSOLEROBOT0001',
    secretAccessKey: 'the robot signs for AWS by this',
    ...{
      account: '123456789012',
      userId: 'AIDACONSOLEROBOT0001',
      arn: 'arn:aws:iam::123456789012:user/robot',
    },
  },
  stranger: {
    accessKeyId: 'AKIACONSOLESTRANGER1',
    secretAccessKey: 'the stranger signs for AWS by this',
    ...{
      account: '210987654321',
      userId: 'AIDACONSOLESTRANGER1',
      arn: 'arn:aws:iam::210987654321:user/robot',
    },
  },
};

/**
 * Who may sign in. Everybody who reads this file knows these credentials, which is why the demo listens on this
 * machine only.
 */
export const people = { accounts: [acme, globex], alice, bob, robot, aws };

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
    apps: [
      {
        ...app,
        secrets: [{ id: 'first', hash: hashSecret(secret) }],
        awsPrincipals: [knownAtAws(aws.robot)],
      },
    ],
  });
}

/** A user of AWS as the host's table knows it. */
function knownAtAws({ account, userId, arn }: StsCaller): KnownAwsPrincipal {
  const name = arn.slice(arn.lastIndexOf('/') + 1);
  return { partition: 'aws', awsAccountId: account, type: 'user', name, uniqueId: userId };
}
