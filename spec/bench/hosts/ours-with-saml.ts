import { randomBytes } from 'node:crypto';
import express from 'express';
import { memoryRepositories, passportControl, type SamlIdentityProvider } from 'passport-control';
import { relyingParty } from '../bursts/fido2-parties.js';
import { idpEntityId, type SamlSeed, serviceProvider } from '../bursts/saml-parties.js';
import { type Hosted, listen } from './host.js';

const accountId = 'acc00000-0000-4000-8000-000000000000';

/** passport-control in memory, with a SAML provider to which all users are linked. */
export async function oursWithSaml({ certificate, people }: SamlSeed): Promise<Hosted> {
  const repositories = memoryRepositories({
    users: people.map(({ id, email }) => ({ id, email, accountIds: [accountId] })),
    identityProviders: [recordOf(certificate)],
  });
  for (const { id, subject } of people)
    await repositories.users.linkFederatedIdentity?.(id, { idpId: 'saml', subject });
  // All that is prepared is begun from one address, much faster than people would.
  const discoveries = { requests: 1_000_000 };
  const control = passportControl({
    ...{ repositories, secret: randomBytes(32), relyingParty, serviceProvider },
    throttle: { discoveries, overall: { discoveries: discoveries.requests } },
  });
  await control.ready;
  const app = express();
  app.use('/sys/v1', control.router);
  return { port: (await listen(app)).port, requests: {} };
}

/** The record of the provider, which signs everything. */
function recordOf(certificate: string): SamlIdentityProvider {
  return {
    ...{ id: 'saml', accountId, kind: 'saml', name: 'Provider', iconUrl: '', enabled: true },
    ...{ domains: ['example.com'], authoritative: true, secondFactor: 'trust', emailAttribute: 'mail' },
    ...{ entityId: idpEntityId, ssoUrl: 'https://idp.example/sso', certificates: [certificate] },
  };
}
