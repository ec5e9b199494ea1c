import { AsyncLocalStorage } from 'node:async_hooks';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { type PassportControlOptions, passportControl, type SessionStore } from '../../lib/index.js';

/** What a host that will be killed is given. What it asks of others, it asks of whoever has started it. */
export interface KilledOptions {
  secret: string;
  /** Milliseconds by which its clock is ahead. */
  ahead: number;
  /** The operations of each store and each repository. */
  operations: Record<string, readonly string[]>;
}

/** A call to a store or a repository, and the request that it is made in. */
export interface OutsideCall {
  id: number;
  request: string;
  name: string;
  parameters: unknown[];
}

/** What has come of it. */
export interface OutsideAnswer {
  id: number;
  value: unknown;
}

// A host in a process of its own that keeps nothing: what it has stored is with its parent, and outlives it.
const { secret, ahead, operations }: KilledOptions = JSON.parse(process.argv[2] ?? '');
const requests = new AsyncLocalStorage<string>();
const waiting = new Map<number, (value: unknown) => void>();
let last = 0;
process.on('message', ({ id, value }: OutsideAnswer) => {
  waiting.get(id)?.(value);
  waiting.delete(id);
});
process.on('disconnect', () => process.exit());

const ask = (name: string, parameters: unknown[]): Promise<unknown> => {
  last += 1;
  const call: OutsideCall = { id: last, request: requests.getStore() ?? '', name, parameters };
  return new Promise((resolve) => {
    waiting.set(call.id, resolve);
    process.send?.(call);
  });
};
const outside = <T>(name: string): T => {
  const asked = (operations[name] ?? []).map((operation) => [
    operation,
    (...parameters: unknown[]) => ask(`${name}.${operation}`, parameters),
  ]);
  return Object.fromEntries(asked) as T;
};
const store: SessionStore = {
  get: (sid, done) => void ask('store.get', [sid]).then((row) => done(null, row)),
  set: (sid, row, done) => void ask('store.set', [sid, JSON.parse(JSON.stringify(row))]).then(() => done?.()),
  destroy: (sid, done) => void ask('store.destroy', [sid]).then(() => done?.()),
};
type Repositories = Required<PassportControlOptions['repositories']>;

const control = passportControl({
  repositories: {
    users: outside<Repositories['users']>('users'),
    apps: outside<Repositories['apps']>('apps'),
    accounts: outside<Repositories['accounts']>('accounts'),
    devices: outside<Repositories['devices']>('devices'),
    identityProviders: outside<Repositories['identityProviders']>('identityProviders'),
  },
  secret,
  relyingParty: { id: 'example.com', name: 'Example', origins: ['https://app.example.com'] },
  serviceProvider: { entityId: 'https://example.com/saml', acsUrl: 'https://app.example.com/acs' },
  session: { store },
  stores: { oneTime: outside('oneTime'), counters: outside('counters'), index: outside('index') },
  throttle: false,
  clock: () => Date.now() + ahead,
});

const host = express();
host.use((request, _response, next) => requests.run(request.get('x-request') ?? '', next));
host.use('/sys/v1', control.router);
host.get('/me', control.requireSession(), (request, response) => {
  response.json({ id: request.user?.id });
});
host.get('/users/:id/sessions', async (request, response) => {
  response.json(await control.sessions.list({ user: request.params.id }));
});
host.delete('/users/:id/sessions', async (request, response) => {
  await control.sessions.end({ user: request.params.id });
  response.json(await control.sessions.list({ user: request.params.id }));
});
await control.ready;
const server = host.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listening on ${(server.address() as AddressInfo).port}\n`);
});
