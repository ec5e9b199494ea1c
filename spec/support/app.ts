import { afterEach, expect } from '@jest/globals';
import express, { type Express, type RequestHandler } from 'express';
import supertest from 'supertest';
import {
  type AuditEvent,
  type MemoryRepositories,
  type PassportControl,
  type PassportControlOptions,
  passportControl,
} from '../../lib/index.js';
import { type TestClock, testClock } from './clock.js';
import { complaints } from './contract.js';
import { type Faults, withFaults } from './faults.js';
import { people } from './people.js';
import { type Shared, sharedStores } from './shared.js';

export const testSecret = Buffer.from('0123456789abcdefghijklmnopqrstuvwxyzABCDEF');
export const origin = 'https://app.example.com';

/** A host app with the API mounted and a few routes of its own, and everything a spec wants to look at. */
export interface TestApp {
  app: Express;
  control: PassportControl;
  repositories: MemoryRepositories;
  clock: TestClock;
  events: AuditEvent[];
  shared: Shared;
  /** Breaks the repositories on command. */
  faults: Record<'users' | 'apps' | 'accounts' | 'devices' | 'identityProviders', Faults>;
  /** Errors that reached the host's error handler: there should be none. */
  unforeseen: unknown[];
  /** Sends a request; `headers` as an object, `body` as JSON unless it is a string. */
  post(path: string, body?: unknown, headers?: Record<string, string>): supertest.Test;
  get(path: string, headers?: Record<string, string>): supertest.Test;
  /** The same by another method. */
  sendBy(
    method: 'patch' | 'delete',
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): supertest.Test;
}

/** What a spec may choose. */
export interface TestAppOptions extends Partial<PassportControlOptions> {
  /** Stores of other nodes, to be one deployment with them. */
  shared?: Shared;
  testClock?: TestClock;
  memory?: MemoryRepositories;
  /** What the host has mounted before the API. */
  before?: RequestHandler[];
}

const found: string[] = [];

afterEach(() => {
  expect(found.splice(0)).toEqual([]);
});

/** Makes an app under test. Every answer that it gives is held against the contract after the spec. */
export async function testApp(options: TestAppOptions = {}): Promise<TestApp> {
  const { shared: given, testClock: time, memory, before = [], ...overrides } = options;
  const clock = time ?? testClock();
  const repositories = memory ?? (await people());
  const shared = given ?? sharedStores(clock);
  const events: AuditEvent[] = [];
  const unforeseen: unknown[] = [];

  const broken = breakable(repositories);
  const control = passportControl({
    repositories: broken.repositories,
    secret: testSecret,
    relyingParty: { id: 'example.com', name: 'Example', origins: [origin] },
    session: { store: shared.store, ...overrides.session },
    stores: shared.stores,
    throttle: false,
    dependencyTimeout: 2,
    onEvent: (event) => events.push(event),
    clock,
    ...without(overrides, 'session'),
  });

  const app = express();
  app.disable('x-powered-by');
  for (const each of before) app.use(each);
  app.use('/sys/v1', againstContract, control.router);
  app.get('/me', control.requireSession(), who);
  app.post('/me', control.requireSession(), who);
  app.get('/user', control.requireSession({ principal: 'user' }), who);
  app.get('/app', control.requireSession({ principal: 'app' }), who);
  app.get('/key', control.requireSession({ principal: 'app', allowApiKey: true }), who);
  app.get('/account', control.requireSession({ account: 'selected' }), who);
  app.get('/accounts/:id', control.requireSession({ account: (request) => String(request.params.id) }), who);
  app.use(((error, _request, response, _next) => {
    unforeseen.push(error);
    response.status(500).json({ unforeseen: true });
  }) satisfies express.ErrorRequestHandler);

  const send = (test: supertest.Test, headers: Record<string, string>) => {
    for (const [name, value] of Object.entries(headers)) test.set(name, value);
    return test;
  };
  const sent = (test: supertest.Test, body: unknown, headers: Record<string, string>) => {
    send(test, headers);
    if (body === undefined) return test;
    if (!('Content-Type' in headers)) test.set('Content-Type', 'application/json');
    return test.send(typeof body === 'string' ? body : JSON.stringify(body));
  };
  return {
    ...{ app, control, repositories, clock, events, shared, faults: broken.faults, unforeseen },
    post: (path, body, headers = {}) => sent(supertest(app).post(path), body, headers),
    sendBy: (method, path, body, headers = {}) => sent(supertest(app)[method](path), body, headers),
    get: (path, headers = {}) => send(supertest(app).get(path), headers),
  };
}

function breakable({ users, apps, accounts, devices, identityProviders }: MemoryRepositories) {
  const each = {
    users: withFaults(users),
    apps: withFaults(apps),
    accounts: withFaults(accounts),
    devices: withFaults(devices),
    identityProviders: withFaults(identityProviders),
  };
  return {
    repositories: {
      users: each.users.wrapped,
      apps: each.apps.wrapped,
      accounts: each.accounts.wrapped,
      devices: each.devices.wrapped,
      identityProviders: each.identityProviders.wrapped,
    },
    faults: {
      users: each.users.faults,
      apps: each.apps.faults,
      accounts: each.accounts.faults,
      devices: each.devices.faults,
      identityProviders: each.identityProviders.faults,
    },
  };
}

/** `Authorization: Bearer …` */
export function bearer(token: string): Record<string, string> {
  return { Authorization: `Bearer ${token}` };
}

/** `Authorization: Basic …` of a user name and a password. */
export function basic(username: string, password: string): Record<string, string> {
  return { Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}

/** The handler of the host's routes: who the request was let through as. */
const who: RequestHandler = (request, response) => {
  response.json({ id: request.user?.id, session: request.authSession });
};

/** Looks at every answer of the API as it goes out. */
const againstContract: RequestHandler = (request, response, next) => {
  const { method, path } = request;
  const chunks: Buffer[] = [];
  const end = response.end.bind(response);
  response.end = ((chunk?: unknown, ...rest: unknown[]) => {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk));
    return Reflect.apply(end, response, [chunk, ...rest]);
  }) as typeof response.end;
  response.once('finish', () => {
    const body = Buffer.concat(chunks).toString();
    // A path that is no route of ours is the host's to answer, and so is an unforeseen error.
    if (response.statusCode === 404 || body === '{"unforeseen":true}') return;
    found.push(
      ...complaints({
        method,
        path: path || '/',
        status: response.statusCode,
        headers: response.getHeaders(),
        body,
      }),
    );
  });
  next();
};

function without<T extends object, K extends keyof T>(object: T, key: K): Omit<T, K> {
  const { [key]: _, ...rest } = object;
  return rest;
}
