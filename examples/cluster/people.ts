import { hashPassword, hashSecret, type MemoryRepositories, memoryRepositories } from 'passport-control';
import { SoftwareAuthenticator } from 'passport-control/testing';

/** Where the page would be on which the keys are used. */
export const origin = 'http://localhost';
export const relyingParty = { id: 'localhost', name: 'Cluster', origins: [origin] };

/** Somebody who signs in by a password and a security key. */
export interface Person {
  id: string;
  email: string;
  password: string;
  key: SoftwareAuthenticator;
}

/** A machine that signs in by an API key. */
export interface Machine {
  id: string;
  secret: string;
}

/** What the nodes are told of everybody: what a table of users would hold. */
export interface Table {
  users: { id: string; email: string; passwordHash: string }[];
  devices: { userId: string; name: string; credentialId: string; publicKey: string }[];
  apps: { id: string; name: string; hash: string }[];
}

const accountId = 'acc00000-0000-4000-8000-000000000000';
const idOf = (kind: string, n: number) => `${kind}-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;

/** Makes so many people and machines, and the table that the nodes know them by. */
export async function population(people: number, machines: number) {
  const persons: Person[] = [];
  const robots: Machine[] = [];
  const table: Table = { users: [], devices: [], apps: [] };
  // One hash for all: here it is the nodes that are tried, not the passwords.
  const password = 'correct horse battery staple';
  const passwordHash = await hashPassword(password);
  for (let n = 0; n < people; n += 1) {
    const user = { id: idOf('a11ce000', n), email: `user${n}@example.com` };
    // A passkey that is on several devices does not count, so a node needs no other to know how far it is.
    const key = new SoftwareAuthenticator({ origin, counts: false });
    const { credentialId, publicKey } = await key.enrolled(user, {
      ...{ name: 'key', rpId: relyingParty.id, at: Date.now() },
    });
    persons.push({ ...user, password, key });
    table.users.push({ ...user, passwordHash });
    const encoded = Buffer.from(publicKey).toString('base64');
    table.devices.push({ userId: user.id, name: 'key', credentialId, publicKey: encoded });
  }
  for (let n = 0; n < machines; n += 1) {
    const robot = { id: idOf('a4400000', n), secret: `secret of machine ${n}` };
    robots.push(robot);
    table.apps.push({ id: robot.id, name: `machine ${n}`, hash: hashSecret(robot.secret) });
  }
  return { persons, robots, table };
}

/** The repositories of a node: a fixed list, the same on each, which takes the place of the host's database. */
export async function repositoriesOf({ users, devices, apps }: Table): Promise<MemoryRepositories> {
  const repositories = memoryRepositories({
    users,
    apps: apps.map(({ hash, ...app }) => ({ ...app, accountId, secrets: [{ id: '1', hash }] })),
  });
  for (const { userId, publicKey, ...device } of devices)
    await repositories.devices.add(userId, {
      ...{ ...device, type: 'Fido2', publicKey: Buffer.from(publicKey, 'base64'), counter: 0 },
      ...{ transports: [], backupEligible: false, backedUp: false, createdAt: Date.now(), origin },
    });
  return repositories;
}
