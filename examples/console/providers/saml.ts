import express, { type Express } from 'express';
import type { SamlIdentityProvider } from 'passport-control';
import { samlProvider } from 'passport-control/testing';
import { selfSigned } from './certificate.js';
import { logins, postingPage, signInPage } from './sign-in-page.js';

const name = 'Acme by SAML';

/** A SAML identity provider with one page, which knows one service; and its record for that service. */
export async function startSaml(
  app: Express,
  origin: string,
  service: { entityId: string; acsUrl: string; accountId: string },
): Promise<SamlIdentityProvider> {
  const { entityId, acsUrl, accountId } = service;
  const issuer = `${origin}/saml`;
  const keys = await selfSigned(name);
  const provider = samlProvider({ entityId: issuer, ...keys });
  const form = express.urlencoded({ extended: false });

  app.post('/saml/sso', form, (request, response) => {
    const { SAMLRequest = '', RelayState = '' } = request.body ?? {};
    const inResponseTo = provider.requestId(String(SAMLRequest));
    const fields = { inResponseTo, RelayState: String(RelayState) };
    response.type('html').send(signInPage({ name, form: '/saml/login', fields }));
  });
  app.post('/saml/login', form, async (request, response) => {
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
    ...{ id: 'acme-saml', accountId, kind: 'saml', name, iconUrl: '', enabled: true },
    ...{ domains: ['example.com'], authoritative: true, secondFactor: 'trust' },
    ...{
      entityId: issuer,
      ssoUrl: `${issuer}/sso`,
      certificates: [keys.certificate],
      emailAttribute: 'mail',
    },
  };
}
