import type { Response as Answer } from 'supertest';
import type { OauthIdentityProvider, SamlIdentityProvider } from '../../lib/index.js';
import {
  type OauthProvider,
  oauthProvider,
  type SamlProvider,
  samlProvider,
} from '../../lib/testing/index.js';
import { type TestApp, type TestAppOptions, testApp } from './app.js';
import { type KeyAndCertificate, keyAndCertificate } from './keys.js';
import { acme, alice } from './people.js';

export const auth = '/sys/v1/session/auth';
export const discover = `${auth}/discover`;

/** This service in the specs, as SAML providers know it. */
export const serviceProvider = {
  entityId: 'https://example.com/saml',
  acsUrl: 'https://app.example.com/acs',
};

/** An OpenID Connect provider of acme, authoritative for example.com. */
export function oidcRecord(change: Partial<OauthIdentityProvider> = {}): OauthIdentityProvider {
  return {
    ...{ id: 'oidc', accountId: acme, kind: 'oauth', name: 'Provider', iconUrl: '', enabled: true },
    ...{ domains: ['example.com'], authoritative: true, secondFactor: 'trust' },
    ...{
      clientId: 'host',
      redirectUri: 'https://app.example.com/callback',
      issuer: 'https://provider.example',
    },
    clientAuthentication: { method: 'client_secret_basic', secret: 'client-secret-of-the-specs' },
    ...change,
  };
}

/** A SAML provider of acme, authoritative for example.com, that signs everything. */
export function samlRecordOf(
  { certificate }: KeyAndCertificate,
  change: Partial<SamlIdentityProvider> = {},
): SamlIdentityProvider {
  return {
    ...{ id: 'saml', accountId: acme, kind: 'saml', name: 'Provider', iconUrl: '', enabled: true },
    ...{ domains: ['example.com'], authoritative: true, secondFactor: 'trust', emailAttribute: 'mail' },
    ...{ entityId: 'https://idp.example/metadata', ssoUrl: 'https://idp.example/sso' },
    certificates: [certificate],
    ...change,
  };
}

/** One browser: it keeps the cookie that discovery gives it. */
export interface Browser {
  headers: Record<string, string>;
  /** What discovery offers for alice's address, by method. */
  offer(method: string): Promise<Record<string, string>>;
}

/** A new browser in front of an app. */
export function browser({ post }: Pick<TestApp, 'post'>, email = alice.email): Browser {
  const own: Browser = {
    headers: {},
    async offer(method) {
      const answer = await post(discover, { user_email: email }, own.headers);
      keepCookies(own, answer);
      const offers: Record<string, string>[] = answer.body;
      const found = offers.find((each) => each.method === method);
      if (found === undefined) throw new Error(`${method} is not offered: ${answer.status} ${answer.text}`);
      return found;
    },
  };
  return own;
}

function keepCookies(own: Browser, answer: Answer): void {
  const cookies = (answer.headers['set-cookie'] ?? []) as unknown as string[];
  for (const each of cookies) own.headers = { Cookie: each.split(';')[0] ?? '' };
}

/** An app with an OpenID Connect provider that misbehaves on command. */
export async function appWithOidc(
  change: Partial<OauthIdentityProvider> = {},
  options: TestAppOptions = {},
): Promise<TestApp & { provider: OauthProvider }> {
  let provider: OauthProvider | undefined;
  const fetch: OauthProvider['fetch'] = (url, init) => {
    if (provider === undefined) throw new TypeError('there is no provider yet');
    return provider.fetch(url, init);
  };
  const app = await testApp({ fetch, ...options });
  provider = oauthProvider({ clientId: 'host', clock: app.clock });
  app.repositories.identityProviders.table.set('oidc', oidcRecord(change));
  return { ...app, provider };
}

const idpKeys = keyAndCertificate('idp');

/** An app with a SAML provider that signs whatever it is told. */
export async function appWithSaml(
  change: Partial<SamlIdentityProvider> = {},
  options: TestAppOptions = {},
  keys = idpKeys,
): Promise<TestApp & { provider: SamlProvider; keys: KeyAndCertificate }> {
  const app = await testApp({ serviceProvider, ...options });
  app.repositories.identityProviders.table.set('saml', samlRecordOf(keys, change));
  const provider = samlProvider({ entityId: 'https://idp.example/metadata', ...keys, clock: app.clock });
  return { ...app, provider, keys };
}
