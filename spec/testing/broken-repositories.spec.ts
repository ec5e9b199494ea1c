import {
  type App,
  type AppRepository,
  type IdentityProvider,
  type IdentityProviderRepository,
  type MemoryRepositories,
  memoryRepositories,
  type SamlIdentityProvider,
} from '../../lib/index.js';
import {
  accountRepositoryContract,
  appRepositoryContract,
  identityProviderRepositoryContract,
} from '../../lib/testing/index.js';
import { describeFaults } from './faults.js';
import { changed, isLike } from './rows.js';

const apps = (change: (good: AppRepository, all: readonly App[]) => Partial<AppRepository>) =>
  appRepositoryContract(({ apps: all, awsPrincipals }) => {
    const seed = all.map((app) => ({
      ...app,
      awsPrincipals: awsPrincipals.filter(({ appId }) => appId === app.id).map(({ principal }) => principal),
    }));
    const good = memoryRepositories({ apps: seed }).apps;
    return { ...good, ...change(good, all) };
  });

describeFaults('appRepositoryContract', {
  'any app for an unknown id': {
    cases: apps((good, [first]) => ({ findById: async (id) => (await good.findById(id)) ?? first ?? null })),
    foundBy: ['finds an app by id, and answers null for an unknown one'],
  },
  'a secret whose end was forgotten': {
    cases: apps((good) => ({
      async findById(id) {
        const app = await good.findById(id);
        return changed(app, { secrets: (app?.secrets ?? []).map(({ id, hash }) => ({ id, hash })) });
      },
    })),
    foundBy: ['gives back all that sign-ins and sessions depend on'],
  },
  'a name without regard to case': {
    cases: apps((_, all) => ({
      findByName: async (accountId, name) =>
        all.find((app) => app.accountId === accountId && app.name === name.toLowerCase()) ?? null,
    })),
    foundBy: ['finds an app by its account and its exact name'],
  },
  'a name without its account': {
    cases: apps((_, all) => ({
      findByName: async (_, name) => all.find((app) => app.name === name) ?? null,
    })),
    foundBy: ['finds an app by its account and its exact name'],
  },
  'an AWS name without its AWS account': {
    cases: apps((good) => ({
      findByAwsPrincipal: async (accountId, principal) =>
        (await good.findByAwsPrincipal?.(accountId, { ...principal, awsAccountId: '123456789012' })) ?? null,
    })),
    foundBy: [
      'finds an app by an AWS principal of its account, all of it compared but for what a session is called',
    ],
  },
});

const accounts = (
  change: (good: MemoryRepositories['accounts']) => Partial<MemoryRepositories['accounts']>,
) =>
  accountRepositoryContract((seed) => {
    const good = memoryRepositories(seed).accounts;
    return { ...good, ...change(good) };
  });

describeFaults('accountRepositoryContract', {
  'an account for every id': {
    cases: accounts((good) => ({
      findById: async (id) => (await good.findById(id)) ?? { id, enabled: true },
    })),
    foundBy: ['finds an account by id, and answers null for an unknown one'],
  },
  'an account that is never closed': {
    cases: accounts((good) => ({
      findById: async (id) => changed(await good.findById(id), { enabled: true }),
    })),
    foundBy: ['says whether an account is enabled'],
  },
  'a policy without its second factor': {
    cases: accounts((good) => ({
      async findById(id) {
        const { secondFactor: _, ...signIn } = (await good.findById(id))?.signIn ?? {};
        return changed(await good.findById(id), { signIn });
      },
    })),
    foundBy: ['gives back the whole policy, and none where there is none'],
  },
  'an empty list that becomes none': {
    cases: accounts((good) => ({
      async findById(id) {
        const account = await good.findById(id);
        return account?.signIn?.methods?.length === 0 ? changed(account, { signIn: {} }) : account;
      },
    })),
    foundBy: ['does not take an empty list of methods for no list'],
  },
});

const idps = (
  change: (
    good: IdentityProviderRepository,
    all: readonly IdentityProvider[],
  ) => Partial<IdentityProviderRepository>,
) =>
  identityProviderRepositoryContract(({ identityProviders: all }) => {
    const good = memoryRepositories({ identityProviders: all }).identityProviders;
    return { ...good, ...change(good, all) };
  });
const isSaml = (idp: IdentityProvider): idp is SamlIdentityProvider => idp.kind === 'saml';

describeFaults('identityProviderRepositoryContract', {
  'an id without its last space': {
    cases: idps((good) => ({ findById: (id) => good.findById(id.trimEnd()) })),
    foundBy: ['finds a provider by id, and answers null for an unknown one'],
  },
  'a provider that vouches for more than it may': {
    cases: idps((good) => ({
      findById: async (id) => changed(await good.findById(id), { authoritative: true }),
    })),
    foundBy: ['gives back all that sign-ins and sessions depend on'],
  },
  'the first tenant of an entity id alone': {
    cases: idps((good) => ({
      listSamlByEntityId: async (id) => (await good.listSamlByEntityId(id)).slice(0, 1),
    })),
    foundBy: ['lists all tenants of one SAML entity id'],
  },
  'an entity id without regard to case': {
    cases: idps((_, all) => ({
      listSamlByEntityId: async (id) => all.filter(isSaml).filter(({ entityId }) => isLike(entityId, id)),
    })),
    foundBy: ['compares SAML entity ids exactly'],
  },
  'subdomains of a domain': {
    cases: idps((_, all) => ({
      listForEmail: async (email) =>
        all.filter(({ domains }) => domains.some((each) => email.endsWith(each))),
    })),
    foundBy: ['lists the providers of the domain of an address, and of no domain like it'],
  },
  'the providers of everybody': {
    cases: idps((_, all) => ({ listForAccount: async () => all })),
    foundBy: ['lists the providers of an account, and an empty list for one that has none'],
  },
});
