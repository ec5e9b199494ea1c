import { describe, expect, it } from '@jest/globals';
import type { TestApp } from '../support/app.js';
import { appWithOidc, appWithSaml, auth, browser, discover, serviceProvider } from '../support/federation.js';
import { alice } from '../support/people.js';

type Ask = () => Promise<{ status: number; text: string }>;

const options = { dependencyTimeout: 0.1 };
const shared = [
  ...[
    'identityProviders.findById',
    'accounts.findById',
    'users.findByFederatedIdentity',
    'users.findByEmail',
  ],
  ...['users.linkFederatedIdentity', 'devices.listByUser', 'oneTime.claim', 'index.add'],
];

/** Every way in through a provider: how to ask, and each call to a dependency that it needs. */
const ways: Record<string, { begin: () => Promise<{ app: TestApp; ask: Ask }>; calls: string[] }> = {
  discovery: {
    async begin() {
      const app = await appWithOidc({}, options);
      return { app, ask: () => app.post(discover, { user_email: alice.email }) };
    },
    calls: ['identityProviders.listForEmail'],
  },
  'oauth-auth-code': {
    async begin() {
      const app = await appWithOidc({}, options);
      // A provider that takes a code twice, so that what is used up here can be told from what is used up there.
      app.provider.misbehave({ permissive: true });
      const own = browser(app);
      const offer = await own.offer('oauth-auth-code-grant');
      const claims = { sub: 'alice-1', email: alice.email, email_verified: true };
      const code = app.provider.authorize(String(offer.authorization_url), claims);
      const body = { method: 'oauth-auth-code', idp_id: offer.idp_id, email: alice.email, code };
      return { app, ask: () => app.post(auth, body, own.headers) };
    },
    calls: shared,
  },
  'saml-response': {
    async begin() {
      const app = await appWithSaml({}, options);
      const own = browser(app);
      const { id = '' } = await own.offer('saml-post');
      const { entityId: audience, acsUrl } = serviceProvider;
      const attributes = { mail: alice.email };
      const response = await app.provider.response({
        ...{ subject: 'alice-1', audience, acsUrl, inResponseTo: id, attributes },
      });
      return { app, ask: () => app.post(auth, { method: 'saml-response', id, response }, own.headers) };
    },
    calls: ['identityProviders.listSamlByEntityId', ...shared],
  },
};

const cases = Object.entries(ways).flatMap(([way, { calls }]) => [
  ...calls.flatMap((call) =>
    (['throw', 'reject', 'hang', 'garbage'] as const).map((fault) => ({ way, call, fault })),
  ),
  ...(way === 'discovery'
    ? []
    : (['throw', 'reject', 'hang'] as const).map((fault) => ({ way, call: 'store.set', fault }))),
]);

describe('a dependency that fails beside an identity provider', () => {
  it.each(cases)('$way answers 503 when $call does: $fault', async ({ way, call, fault }) => {
    const begun = await ways[way]?.begin();
    if (begun === undefined) throw new Error(`there is no ${way}`);
    const { app, ask } = begun;
    const [name = '', operation = ''] = call.split('.');
    const faults = { ...app.faults, ...app.shared.faults };
    faults[name as keyof typeof faults].break(operation, fault);
    const answer = await ask();
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([503, 'unavailable']);
    expect([app.unforeseen, app.shared.rows.size]).toEqual([[], 0]);

    for (const each of Object.values(faults)) each.heal();
    expect((await ask()).status).toBe(200);
  });
});
