import { randomUUID } from 'node:crypto';
import {
  type FederatedIdentity,
  type MemoryRepositories,
  memoryRepositories,
  type User,
} from '../../lib/index.js';
import { acme, alice, bob, globex } from './people.js';

/** What a host that provisions has been asked for, and links that can be taken away. */
export interface Provisioning {
  memory: MemoryRepositories;
  /** Every identity that a user was asked for. */
  asked: FederatedIdentity[];
  /** The links that there are: the provider, the subject and the user. */
  links: Map<string, string>;
  unlink(idpId: string, subject: string): void;
}

/** The repositories of a host that makes users of identities that it sees for the first time. */
export function provisioning(wanted: (identity: FederatedIdentity) => boolean = () => true): Provisioning {
  const memory = memoryRepositories({
    users: [
      { id: alice.id, email: alice.email, accountIds: [acme] },
      { id: bob.id, email: bob.email, accountIds: [acme, globex] },
    ],
  });
  const asked: FederatedIdentity[] = [];
  const links = new Map<string, string>();
  const keyOf = (idpId: string, subject: string) => JSON.stringify([idpId, subject]);
  const { users } = memory;
  Object.assign(users, {
    async findByFederatedIdentity(idpId: string, subject: string): Promise<User | null> {
      return users.table.get(links.get(keyOf(idpId, subject)) ?? '') ?? null;
    },
    async linkFederatedIdentity(userId: string, identity: { idpId: string; subject: string }) {
      const { idpId, subject } = identity;
      const owner = links.get(keyOf(idpId, subject));
      if (owner !== undefined) return owner === userId;
      const others = [...links].filter(([key, id]) => id === userId && JSON.parse(key)[0] === idpId);
      if (others.length > 0) return false;
      links.set(keyOf(idpId, subject), userId);
      return true;
    },
    async provision(identity: FederatedIdentity): Promise<User | null> {
      asked.push(identity);
      const { idpId, subject, email, accountId } = identity;
      const known = links.get(keyOf(idpId, subject));
      if (known !== undefined) return users.table.get(known) ?? null;
      if (!wanted(identity)) return null;
      const user = {
        ...{ id: randomUUID(), email: email ?? `${randomUUID()}@invalid.example`, enabled: true },
        ...{ passwordHash: null, credentialVersion: 1, accountIds: [accountId] },
      };
      users.table.set(user.id, user);
      links.set(keyOf(idpId, subject), user.id);
      return user;
    },
  });
  return { memory, asked, links, unlink: (idpId, subject) => void links.delete(keyOf(idpId, subject)) };
}
