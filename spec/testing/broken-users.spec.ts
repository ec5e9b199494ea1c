import {
  type MemoryRepositories,
  memoryRepositories,
  type User,
  type UserRepository,
} from '../../lib/index.js';
import { accountRecord, userRepositoryContract } from '../../lib/testing/index.js';
import { describeFaults, later } from './faults.js';
import { provisioning } from './provisioning.js';
import { changed, isLike } from './rows.js';

const users = (change: (good: MemoryRepositories['users']) => Partial<UserRepository>) =>
  userRepositoryContract((seed) => {
    const good = memoryRepositories(seed).users;
    return { ...provisioning(good), ...change(good) };
  });

const byEmail = (is: (stored: string, asked: string) => boolean) =>
  users(({ table }) => ({
    findByEmail: async (asked) => [...table.values()].find(({ email }) => is(email, asked)) ?? null,
  }));
const unaccented = (text: string) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();

describeFaults('userRepositoryContract', {
  'undefined for "there is none"': {
    cases: users((good) => ({ findById: async (id) => (await good.findById(id)) ?? (undefined as never) })),
    foundBy: ['finds a user by id, and answers null for an unknown one'],
  },
  'a list of accounts that was forgotten': {
    cases: users((good) => ({
      findById: async (id) => changed(await good.findById(id), { accountIds: [] }),
    })),
    foundBy: ['gives back all that sign-ins and sessions depend on'],
  },
  'a disabled user who looks enabled': {
    cases: users((good) => ({ findById: async (id) => changed(await good.findById(id), { enabled: true }) })),
    foundBy: ['gives back all that sign-ins and sessions depend on'],
  },
  'an address that is compared with its case': {
    cases: byEmail((stored, asked) => stored === asked),
    foundBy: ['finds a user by canonical e-mail address, in whatever case the row has it'],
  },
  'an address that is a pattern': {
    cases: byEmail((stored, asked) => isLike(stored, asked)),
    foundBy: ['does not take an address for a pattern'],
  },
  'an address that is compared as a database sorts': {
    cases: byEmail((stored, asked) => unaccented(stored) === unaccented(asked)),
    foundBy: ['does not take another letter for an ASCII one'],
  },
  'links that are forgotten': {
    cases: users((good) => links(good, 'forgets')),
    foundBy: ['links a subject to a user, and finds the user by it'],
  },
  'a link that cannot be repeated': {
    cases: users((good) => links(good, 'refuses repetitions')),
    foundBy: ['answers true for a link that exists already, parallel ones too'],
  },
  'a subject that can be taken over': {
    cases: users((good) => links(good, 'takes over')),
    foundBy: [
      'does not link a subject to a second user',
      'lets exactly one of 20 parallel links of one subject win',
    ],
  },
  'a user who collects subjects of one provider': {
    cases: users((good) => links(good, 'collects')),
    foundBy: [
      'does not link a user to a second subject of one provider',
      'lets exactly one of 20 parallel subjects of one provider be linked to a user',
    ],
  },
  'a subject without its provider': {
    cases: users((good) => links(good, 'mixes providers')),
    foundBy: ['keeps the subjects of two providers apart'],
  },
  'a subject without regard to case': {
    cases: users((good) => links(good, 'folds case')),
    foundBy: ['compares subjects exactly'],
  },
  'links that look, wait, and then write': {
    cases: users((good) => links(good, 'waits')),
    foundBy: [
      'lets exactly one of 20 parallel links of one subject win',
      'lets exactly one of 20 parallel subjects of one provider be linked to a user',
    ],
  },
  'a new user for each time that an identity is provisioned': {
    cases: users((good) => ({
      async provision({ accountId, subject }) {
        const id = `00000000-0000-4000-8000-${String(good.table.size).padStart(12, '0')}`;
        const user: User = {
          ...{ id, email: `${subject}@example.com`, enabled: true, passwordHash: null, credentialVersion: 1 },
          accountIds: [accountId],
        };
        good.table.set(id, user);
        return user;
      },
    })),
    foundBy: [
      'provisions one user for an identity, however often it is asked and whatever the address is then',
    ],
  },
  'a provisioned user in more accounts than one': {
    cases: users((good) => ({
      provision: async (identity) =>
        changed((await provisioning(good).provision?.(identity)) ?? null, {
          accountIds: [identity.accountId, accountRecord(2).id],
        }),
    })),
    foundBy: ['provisions a user of its own for each identity, into the account of the provider alone'],
  },
  'provisioning onto an address that exists': {
    cases: users((good) => ({ provision: ({ email }) => good.findByEmail(email ?? '') })),
    foundBy: ['never adopts a user who exists when it provisions'],
  },
  'a hash that is saved over any other': {
    cases: users(({ table }) => ({
      async savePasswordHash(id, _, next) {
        const user = table.get(id);
        if (user !== undefined) table.set(id, { ...user, passwordHash: next });
        return user !== undefined;
      },
    })),
    foundBy: [
      'saves a password hash only over the previous one',
      'gives no password hash to a user who has none, nor to nobody',
      'lets exactly one of 20 parallel saves of a password hash win',
    ],
  },
  'a hash that is saved after a look and a wait': {
    cases: users((good) => ({
      async savePasswordHash(id, previous, next) {
        const user = await good.findById(id);
        await later();
        if (user?.passwordHash !== previous) return false;
        good.table.set(id, { ...user, passwordHash: next });
        return true;
      },
    })),
    foundBy: ['lets exactly one of 20 parallel saves of a password hash win'],
  },
  'no hash that is taken for an empty one': {
    cases: users((good) => ({
      async savePasswordHash(id, previous, next) {
        const user = good.table.get(id);
        if ((user?.passwordHash ?? '') !== previous) return false;
        if (user !== undefined) good.table.set(id, { ...user, passwordHash: next });
        return true;
      },
    })),
    foundBy: ['gives no password hash to a user who has none, nor to nobody'],
  },
});

type LinkFlaw =
  | 'forgets'
  | 'refuses repetitions'
  | 'takes over'
  | 'collects'
  | 'mixes providers'
  | 'folds case'
  | 'waits';

/** Links that are kept as they should be, but for one flaw. */
function links(good: UserRepository, flaw: LinkFlaw): Partial<UserRepository> {
  const rows: { idpId: string; subject: string; userId: string }[] = [];
  const fold = (subject: string) => (flaw === 'folds case' ? subject.toLowerCase() : subject);
  const isOf = (idpId: string, subject: string) => (row: { idpId: string; subject: string }) =>
    (flaw === 'mixes providers' || row.idpId === idpId) && fold(row.subject) === fold(subject);
  return {
    async findByFederatedIdentity(idpId, subject) {
      const row = rows.findLast(isOf(idpId, subject));
      return row === undefined ? null : good.findById(row.userId);
    },
    async linkFederatedIdentity(userId, { idpId, subject }) {
      const owner = rows.find(isOf(idpId, subject));
      const another = rows.some((row) => row.userId === userId && row.idpId === idpId);
      if (flaw === 'waits') await later();
      if (owner?.userId === userId) return flaw !== 'refuses repetitions';
      if (owner !== undefined && flaw !== 'takes over') return false;
      if (another && flaw !== 'collects') return false;
      if (flaw !== 'forgets') rows.push({ idpId, subject, userId });
      return true;
    },
  };
}
