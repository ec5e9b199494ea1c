import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import type { Page } from 'playwright-core';
import type { IdentityProvider, MethodOptions } from '../../lib/index.js';
import { type TestApp, testApp } from './app.js';
import type { KeyAndCertificate } from './keys.js';

/** A server on a free port of this machine, which is told later what it serves. */
export interface Listening {
  port: number;
  serve(listener: RequestListener): void;
  stop(): void;
}

/** Starts to listen. */
export async function listening(): Promise<Listening> {
  const server: Server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    serve: (listener) => server.on('request', listener),
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A host app on http://localhost, as a browser sees it. */
export interface SsoHost extends Omit<TestApp, 'app'> {
  origin: string;
  entityId: string;
  acsUrl: string;
  callbackUrl: string;
  /** Makes this the host's only identity provider. */
  trust(idp: IdentityProvider): void;
  /** Has the next browser that comes back end on an empty page instead of signed in, and says what it came with. */
  holdBack(): Promise<Return>;
  stop(): void;
}

/** What a browser comes back with: the address, and the form that it posts there. */
export interface Return {
  url: string;
  form: Record<string, string>;
}

/** Starts a host app with a page that signs in, and with the two handlers that browsers come back to. */
export async function ssoHost(
  keys: readonly KeyAndCertificate[] = [],
  methods: MethodOptions = {},
): Promise<SsoHost> {
  const server = await listening();
  const origin = `http://localhost:${server.port}`;
  const [entityId, acsUrl] = [`${origin}/sys/v1/saml/metadata.xml`, `${origin}/acs`];
  const own = express.Router();
  let held: ((back: Return) => void) | null = null;
  const { app, ...host } = await testApp({
    clock: Date.now,
    before: [own],
    methods,
    serviceProvider: { entityId, acsUrl, keys },
    session: { cookie: { dangerouslyAllowHttpOnLocalhost: true } },
  });
  own.get('/', (_request, response) => void response.type('html').send(page));
  own.use(['/callback', '/acs'], express.urlencoded({ extended: false }), (request, response, next) => {
    if (held === null) return next();
    held({ url: origin + request.originalUrl, form: { ...request.body } });
    held = null;
    response.type('html').send('held back');
  });
  own.get('/callback', host.control.oauthCallback({ redirectTo: '/' }));
  own.post('/acs', host.control.samlAcs({ redirectTo: '/' }));
  server.serve(app);
  return {
    ...host,
    ...{ origin, entityId, acsUrl, callbackUrl: `${origin}/callback`, stop: server.stop },
    trust(idp) {
      const { table } = host.repositories.identityProviders;
      table.clear();
      table.set(idp.id, idp);
    },
    holdBack: () =>
      new Promise((resolve) => {
        held = resolve;
      }),
  };
}

/** Begins a sign-in on the host's page, which leaves it for the identity provider. */
export async function begin(page: Page, host: SsoHost, email: string): Promise<void> {
  const { origin } = host;
  await page.goto(origin);
  await standing(page, host);
  await page.getByLabel('E-mail').fill(email);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL((url) => url.origin !== origin);
}

/** What discovery had offered to the page that began the sign-in; to be asked when the browser is back at the host. */
export async function offered(page: Page): Promise<Record<string, string>> {
  return JSON.parse(await page.evaluate<string>('sessionStorage.offer'));
}

/** What the host's page says of itself when it is there: what it was told, and whom the host takes it for. */
export interface Standing {
  told: { session?: Record<string, unknown>; error?: string };
  status: number;
  me: { id?: string; session?: Record<string, unknown>; code?: string };
}

/** Waits until the browser is back at the host, and reads what its page says. */
export async function standing(page: Page, { origin }: SsoHost): Promise<Standing> {
  await page.waitForURL((url) => url.origin === origin);
  // Chromium shows JSON, such as that of an error, as preformatted text.
  const text = await page.locator('output:not(:empty), pre').textContent();
  const said = JSON.parse(text ?? '');
  if (!('told' in said)) throw new Error(`the host does not show its page, but ${text}`);
  return said;
}

const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Host</title>
<form><label>E-mail <input name="email" type="email"></label> <button>Sign in</button></form>
<output></output>
<script type="module">
document.forms[0].addEventListener('submit', async (event) => {
  event.preventDefault();
  const offers = await (await fetch('/sys/v1/session/auth/discover', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ user_email: new FormData(event.target).get('email') }),
  })).json();
  const offer = offers.find(({ method }) => method !== 'password');
  sessionStorage.offer = JSON.stringify(offer);
  const { authorization_url, binding_url, authn_request } = offer;
  if (authorization_url) return location.assign(authorization_url);
  const form = document.createElement('form');
  Object.assign(form, { method: 'post', action: binding_url });
  form.append(Object.assign(document.createElement('input'), { name: 'SAMLRequest', value: authn_request }));
  document.body.append(form);
  form.submit();
});
const told = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
if (told.session) told.session = JSON.parse(atob(told.session.replaceAll('-', '+').replaceAll('_', '/')));
const answer = await fetch('/me');
const me = await answer.json();
document.querySelector('output').textContent = JSON.stringify({ told, status: answer.status, me });
</script></html>`;
