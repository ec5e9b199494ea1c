import express, { type ErrorRequestHandler } from 'express';
import type { IdentityProvider } from 'passport-control';
import { listen } from '../listen.js';
import { startDirectory } from './directory.js';
import { startOpenIdConnect } from './openid-connect.js';
import { startSaml } from './saml.js';

/** Starts the identity providers of an account on ports of their own; their records, as the host keeps them. */
export async function startProviders(host: {
  accountId: string;
  entityId: string;
  acsUrl: string;
  redirectUri: string;
}): Promise<{ origin: string; records: readonly IdentityProvider[] }> {
  const { server, origin } = await listen('0');
  const app = express();
  app.disable('x-powered-by');
  const records = [
    await startSaml(app, origin, { ...host, name: 'Acme by SAML', path: '/saml', secondFactor: 'trust' }),
    await startSaml(app, origin, {
      ...{ ...host, name: 'Acme by SAML, and a key', path: '/saml-and-key', secondFactor: 'require' },
    }),
    await startOpenIdConnect(app, origin, host),
    await startDirectory(host.accountId),
  ];
  app.use(((_error, _request, response, _next) => {
    response.status(400).type('text').send('This page was not reached from a sign-in.');
  }) satisfies ErrorRequestHandler);
  server.on('request', app);
  return { origin, records };
}
