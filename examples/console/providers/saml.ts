import express, { type Express } from 'express';
import type { SamlIdentityProvider } from 'passport-control';
import { samlProvider } from 'passport-control/testing';
import { selfSigned } from './certificate.js';
import { logins, postingPage, signInPage } from './sign-in-page.js';

/** A service as a SAML identity provider knows it, and how that provider is called here. */
export interface SamlSettings {
  entityId: string;
  acsUrl: string;
  accountId: string;
  name: string;
  /** Its path on the server of the providers. */
  path: string;
  /** Whether whoever comes through it owes a second factor of this service. */
  secondFactor: 'trust' | 'require';
}

/** A SAML identity provider with one page, which knows one service; and its record for that service. */
export async function startSaml(
  app: Express,
  origin: string,
  { entityId, acsUrl, accountId, name, path, secondFactor }: SamlSettings,
): Promise<SamlIdentityProvider> {
  const issuer = `${origin}${path}`;
  const keys = await selfSigned(name);
  const provider = samlProvider({ entityId: issuer, ...keys });
  const form = express.urlencoded({ extended: false });

  app.post(`${path}/sso`, form, (request, response) => {
    const { SAMLRequest = '', RelayState = '' } = request.body ?? {};
    const inResponseTo = provider.requestId(String(SAMLRequest));
    const fields = { inResponseTo, RelayState: String(RelayState) };
    response.type('html').send(signInPage({ name, form: `${path}/login`, fields }));
  });
  app.post(`${path}/login`, form, async (request, response) => {
    const { login, inResponseTo = '', RelayState = '' } = request.body ?? {};
    const who = logins.find(({ id }) => id === login);
    if (who === undefined) return response.redirect(303, new URL(acsUrl).origin);
    const SAMLResponse = await provider.response({
      ...{ subject: `acme-${who.id}`, audience: entityId, acsUrl, inResponseTo: String(inResponseTo) },
      attributes: { mail: who.email },
    });
    response.type('html').send(postingPage(acsUrl, { SAMLResponse, RelayState: String(RelayState) }));
  });

  return {
    ...{ id: `acme${path.replaceAll('/', '-')}`, accountId, kind: 'saml', name, iconUrl: '', enabled: true },
    ...{ domains: ['example.com'], authoritative: true, secondFactor },
    ...{
      entityId: issuer,
      ssoUrl: `${issuer}/sso`,
      certificates: [keys.certificate],
      emailAttribute: 'mail',
    },
  };
}
