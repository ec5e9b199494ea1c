import { randomUUID } from 'node:crypto';
import type { FederatedIdentity, MemoryRepositories, User, UserRepository } from '../../lib/index.js';

/** Users in memory who are provisioned as well: each identity once, and never onto somebody's address. */
export function provisioning(users: MemoryRepositories['users']): UserRepository {
  const made = new Map<string, Promise<User | null>>();
  const make = async ({ idpId, subject, email, accountId }: FederatedIdentity): Promise<User | null> => {
    const linked = await users.findByFederatedIdentity(idpId, subject);
    if (linked !== null) return linked;
    if (email === null || (await users.findByEmail(email)) !== null) return null;
    const user: User = {
      ...{ id: randomUUID(), email, enabled: true, passwordHash: null, credentialVersion: 1 },
      accountIds: [accountId],
    };
    users.table.set(user.id, user);
    await users.linkFederatedIdentity(user.id, { idpId, subject });
    return user;
  };
  return {
    ...users,
    provision(identity) {
      const key = JSON.stringify([identity.idpId, identity.subject]);
      const making = made.get(key) ?? make(identity);
      made.set(key, making);
      return making;
    },
  };
}
