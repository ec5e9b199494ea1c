import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { AuthError } from '../../lib/index.js';
import { type TestApp, testApp } from '../support/app.js';
import { acme, alice, robot } from '../support/people.js';
import { propertyRuns } from '../support/rounds.js';
import { enrolledKey } from '../support/second-factor.js';
import { alices, makeSession, presenting, robots } from '../support/session-maker.js';

/** Milliseconds that an answer may take, whatever was asked; one that a busy machine has delayed is asked for again. */
const soon = 300;

let app: TestApp;
let port: number;
let server: http.Server;
const agent = new http.Agent({ keepAlive: true });

beforeAll(async () => {
  app = await testApp({
    ...{ hashing: { queue: 1000 }, lockout: { failures: 1000 } },
    serviceProvider: { entityId: 'https://app.example.com/saml', acsUrl: 'https://app.example.com/acs' },
    aws: { audience: 'https://app.example.com' },
    // Nobody is asked: whatever a body holds, no peer is known by it.
    fetch: async () => new Response('<ErrorResponse/>', { status: 403 }),
  });
  await app.control.ready;
  server = app.app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  agent.destroy();
  server.closeAllConnections();
  server.close();
});

interface Sent {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
}

function ask({ method, path, headers, body = '' }: Sent): Promise<{ status: number; took: number }> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const request = http.request({ agent, host: '127.0.0.1', port, method, path, headers }, (response) => {
      response.resume().once('end', () => {
        resolve({ status: response.statusCode ?? 0, took: performance.now() - started });
      });
    });
    request.once('error', reject).end(body);
  });
}

/** Expects an answer that the contract knows or a problem that is the client's, and soon. What it says is held against the contract after the spec. */
async function expectHonest(sent: Sent): Promise<void> {
  let { status, took } = await ask(sent);
  if (took > soon) ({ status, took } = await ask(sent));
  expect([sent, status >= 200 && status < 500, took < soon]).toEqual([sent, true, true]);
}

const routes = () => {
  const { stack } = app.control.router as unknown as {
    stack: { route: { path: string; methods: Record<string, boolean> } }[];
  };
  return stack.flatMap(({ route: { path } }) =>
    ['POST', 'GET', 'PATCH', 'DELETE', 'PUT'].map((method) => ({ method, path: `/sys/v1${path}` })),
  );
};

/** Fields and values that the API knows, in whatever places. */
const known = fc.oneof(
  fc.constantFrom<unknown>(
    alice.email,
    alice.password,
    acme,
    robot.name,
    'password',
    'Bearer',
    'Cookie',
    'fido2',
  ),
  fc.constantFrom<unknown>(
    'ldap-basic-auth',
    'saml-response',
    'oauth-auth-code',
    'aws-iam',
    'auth-by-app-name',
  ),
  fc.base64String(),
  fc.jsonValue({ maxDepth: 2 }),
);
const names = [
  ...[
    'method',
    'email',
    'password',
    'token_type',
    'acct_id',
    'name',
    'idp_id',
    'code',
    'state',
    'id',
    'response',
  ],
  ...[
    'region',
    'headers',
    'recaptcha_response',
    'user_email',
    'assertion',
    'recovery_code',
    'old_name',
    'new_name',
  ],
  ...[
    'attestationResult',
    'rawId',
    'type',
    'keyHandle',
    'clientData',
    'signatureData',
    '__proto__',
    'constructor',
  ],
];
const body = fc.oneof(
  fc.json(),
  fc.json({ maxDepth: 4, stringUnit: 'binary' }),
  fc.dictionary(fc.constantFrom(...names), known, { maxKeys: 8 }).map((object) => JSON.stringify(object)),
);
const header = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary-ascii' }),
  fc.base64String().map((text) => `Basic ${text}`),
  fc
    .tuple(fc.string(), fc.string())
    .map(([user, secret]) => `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`),
  fc
    .constantFrom(
      `${alice.email}:x`,
      `${robot.id}:x`,
      `${robot.id}:${robot.secret}`,
      ':',
      'x',
      '\u0000:\u0000',
    )
    .map((text) => `bASic ${Buffer.from(text).toString('base64')}`),
  fc.base64String({ minLength: 80, maxLength: 90 }).map((text) => `Bearer ${text}`),
  fc
    .tuple(fc.constantFrom('Bearer', 'Basic', 'Digest', 'bearer', ''), fc.string())
    .map((parts) => parts.join(' ')),
);
/** What Node lets a client send in a header. */
const sendable = (text: string) => /^[\t\x20-\x7e\x80-\xff]*$/.test(text);

describe('whatever is sent', () => {
  it('any JSON to any route, in any state of a session, is an answer of the contract or a problem of the client', async () => {
    await enrolledKey(app, { id: alice.id });
    const kinds = [
      ...[alices, { ...alices, state: 'pending' as const }, { ...alices, state: 'enrolling' as const }],
      robots,
    ];
    const sessions = await Promise.all(kinds.map(async (kind) => presenting(await makeSession(app, kind))));
    const property = fc.asyncProperty(
      fc.constantFrom(...routes()),
      fc.nat({ max: kinds.length }),
      body,
      async (route, at, text) => {
        const headers = { ...sessions[at], 'Content-Type': 'application/json' };
        await expectHonest({ ...route, headers, body: text });
        const kind = kinds[at];
        // What ends a session or changes it leaves none for those that follow.
        if (kind && /terminate|reauth|2fa/.test(route.path))
          sessions[at] = presenting(await makeSession(app, kind));
      },
    );
    await fc.assert(property, { numRuns: propertyRuns(), endOnFailure: true });
    expect(app.unforeseen).toEqual([]);
  }, 300_000);

  it('any Authorization header is one too, on any route of the API and of the host', async () => {
    const hosts = ['/me', '/user', '/app', '/key', '/account'].map((path) => ({ method: 'GET', path }));
    const property = fc.asyncProperty(
      fc.constantFrom(...routes(), ...hosts),
      header.filter(sendable),
      (route, Authorization) => expectHonest({ ...route, headers: { Authorization } }),
    );
    await fc.assert(property, { numRuns: propertyRuns(), endOnFailure: true });
    expect(app.unforeseen as AuthError[]).toEqual([]);
  }, 300_000);
});
