import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler } from 'express';
import {
  type AuditEvent,
  hashPassword,
  hashSecret,
  type IdentityProvider,
  memoryRepositories,
  memorySessionStore,
  type NewMfaDevice,
  passportControl,
} from '../../lib/index.js';

/** What a marked host is given: who there is, and where its peers are. */
export interface MarkedOptions {
  secret: string;
  user: { id: string; email: string; password: string };
  app: { id: string; accountId: string; name: string; secret: string };
  device: Omit<NewMfaDevice, 'publicKey'> & { publicKey: string };
  identityProviders: readonly IdentityProvider[];
  captchaKey: string;
  /** Requests to peers go there, with the address that they are for as a header. */
  peers: string;
  audience: string;
  /** The message of errors that the repositories throw. */
  fault: string;
}

// A host in a process of its own, whose every secret is known to whoever has started it, and what it has heard and kept.
const options: MarkedOptions = JSON.parse(process.argv[2] ?? '');
const { user, app, device } = options;
const events: AuditEvent[] = [];
const unforeseen: string[] = [];
const rows = new Map<string, unknown>();
let fault = '';

const store = memorySessionStore();
const { set } = store;
store.set = (key, row, done) => {
  rows.set(key, row);
  set.call(store, key, row, done);
};
const repositories = memoryRepositories({
  users: [
    {
      id: user.id,
      email: user.email,
      passwordHash: await hashPassword(user.password),
      accountIds: [app.accountId],
    },
  ],
  apps: [
    {
      ...{ id: app.id, accountId: app.accountId, name: app.name },
      secrets: [{ id: '1', hash: hashSecret(app.secret) }],
      awsPrincipals: [{ partition: 'aws', awsAccountId: '123456789012', type: 'role', name: 'deploy' }],
    },
  ],
  identityProviders: options.identityProviders,
});
for (const [name, repository] of Object.entries(repositories)) {
  for (const [operation, method] of Object.entries(repository as Record<string, unknown>)) {
    if (typeof method !== 'function') continue;
    Reflect.set(repository, operation, async (...given: unknown[]) => {
      if (fault !== `${name}.${operation}`) return method(...given);
      throw Object.assign(new Error(options.fault), { parameters: given, cause: new Error(options.fault) });
    });
  }
}

const control = passportControl({
  repositories,
  secret: options.secret,
  relyingParty: { id: 'example.com', name: 'Example', origins: ['https://app.example.com'] },
  serviceProvider: { entityId: 'https://example.com/saml', acsUrl: 'https://app.example.com/acs' },
  aws: { audience: options.audience },
  captcha: { provider: 'turnstile', secretKey: options.captchaKey },
  lockout: { failures: 6 },
  throttle: false,
  session: { store },
  stores: 'dangerouslyPerProcess',
  fetch: (url, init) =>
    fetch(options.peers, { ...init, headers: { ...toObject(init.headers), 'x-peer': url } }),
  onEvent: (event) => events.push(event),
});

const host = express();
host.get('/told', (_request, response) => {
  response.json({ events, unforeseen, rows: [...rows] });
});
host.post('/devices', async (_request, response) => {
  const publicKey = Buffer.from(device.publicKey, 'base64');
  response.json(await repositories.devices.add(user.id, { ...device, publicKey }));
});
host.post('/fault', (request, response) => {
  fault = String(request.query.in ?? '');
  response.json({});
});
host.use('/sys/v1', control.router);
host.get('/me', control.requireSession(), (request, response) => {
  response.json(request.authSession);
});
host.use(((error, _request, response, _next) => {
  unforeseen.push(
    `${error.stack} ${JSON.stringify(error, Object.getOwnPropertyNames(error))} ${error.cause}`,
  );
  response.status(500).json({});
}) satisfies ErrorRequestHandler);
await control.ready;
const server = host.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listening on ${(server.address() as AddressInfo).port}\n`);
});

function toObject(headers: RequestInit['headers']): Record<string, string> {
  return Object.fromEntries(new Headers(headers).entries());
}
