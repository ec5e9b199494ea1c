import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { SoftwareAuthenticator } from '../../lib/testing/index.js';
import { basic, origin, type TestApp, testApp } from '../support/app.js';
import type { Fault } from '../support/faults.js';
import { acme, alice, robot } from '../support/people.js';
import { enrolledKey, fido2, pendingSession } from '../support/second-factor.js';
import { signInAlice, signInRobot } from '../support/sign-in.js';

type Headers = Record<string, string>;

const auth = '/sys/v1/session/auth';
const password = { method: 'password', email: alice.email, password: alice.password };
const byName = { method: 'auth-by-app-name', acct_id: acme, name: robot.name, password: robot.secret };

const config = (operation: string) => `/sys/v1/session/config_2fa/${operation}`;

/** Signs alice in, who has a device: the headers of the pending session, and the assertion that completes it. */
async function answering(app: TestApp, carrier: 'Bearer' | 'Cookie'): Promise<Headers> {
  const key = await enrolledKey(app);
  const { headers, options } = await pendingSession(app, alice, carrier);
  return { ...headers, body: JSON.stringify(await key.get(options)) };
}

async function completing({ post }: TestApp, headers: Headers) {
  const { body, ...presented } = headers;
  return post(fido2, body, presented);
}

async function unlocked(app: TestApp): Promise<Headers> {
  const headers = await signInAlice(app);
  expect((await app.post(config('auth'), { password: alice.password }, headers)).status).toBe(200);
  return headers;
}

/** The same, and then she has a key. */
async function unlockedWithKey(app: TestApp): Promise<Headers> {
  const headers = await unlocked(app);
  await enrolledKey(app);
  return headers;
}

/** A pending session of alice, who has recovery codes; the headers, and one of them. */
async function recovering(app: TestApp, carrier: 'Bearer' | 'Cookie'): Promise<Headers> {
  const headers = await unlocked(app);
  const { body } = await app.post('/sys/v1/users/generate_recovery_codes', undefined, headers);
  await enrolledKey(app);
  const { headers: pending } = await pendingSession(app, alice, carrier);
  return { ...pending, body: JSON.stringify({ recovery_code: body.recovery_codes[0] }) };
}

/** The route that completes a session by a recovery code, which asks the same whatever the session travels in. */
function byRecoveryCode(carrier: 'Bearer' | 'Cookie') {
  return {
    signIn: async (app: TestApp) => recovering(app, carrier),
    ask: recoveringBy,
    good: 204,
    reads: [
      ...['store.get', 'oneTime.get', 'oneTime.claim', 'users.findById', 'devices.hasRecoveryCode'],
      ...['counters.increment', 'counters.get', 'index.add'],
    ],
    writes: ['store.set'],
    leavesPending: true,
  };
}

function recoveringBy({ post }: TestApp, headers: Headers) {
  const { body, ...presented } = headers;
  return post('/sys/v1/session/auth/2fa/recovery_code', body, presented);
}

/** Signs alice in and unlocks her configuration; the headers, and an attestation that may be added. */
async function attesting(app: TestApp): Promise<Headers> {
  const headers = await unlocked(app);
  const { body: options } = await app.post(config('new_challenge?protocol=fido2'), undefined, headers);
  const attestationResult = await new SoftwareAuthenticator({ origin }).create(options);
  return { ...headers, body: JSON.stringify({ name: 'key', attestationResult }) };
}

/** Every route: who asks, how, what it answers when all is well, and each call to a dependency that it needs. */
const routes: Record<
  string,
  {
    signIn?: (app: TestApp) => Promise<Headers>;
    ask: (app: TestApp, headers: Headers) => Promise<{ status: number; text: string; headers: Headers }>;
    good: number;
    reads: string[];
    writes: string[];
    /** Whether alice has a device afterwards, so that her sign-in is not complete. */
    leavesPending?: boolean;
  }
> = {
  'session/auth (password)': {
    ask: ({ post }) => post(auth, password),
    good: 200,
    reads: [
      'users.findByEmail',
      'devices.listByUser',
      'counters.get',
      'counters.increment',
      'index.add',
      'oneTime.get',
    ],
    writes: ['store.set'],
  },
  'session/auth (Basic, user)': {
    ask: ({ post }) => post(auth, undefined, basic(alice.email, alice.password)),
    good: 200,
    reads: [
      'users.findByEmail',
      'devices.listByUser',
      'counters.get',
      'counters.increment',
      'index.add',
      'oneTime.get',
    ],
    writes: ['store.set'],
  },
  'session/auth (API key)': {
    ask: ({ post }) => post(auth, undefined, basic(robot.id, robot.secret)),
    good: 200,
    reads: ['apps.findById', 'accounts.findById', 'index.add', 'oneTime.get'],
    writes: ['store.set'],
  },
  'session/auth (auth-by-app-name, Cookie)': {
    ask: ({ post }) => post(auth, { ...byName, token_type: 'Cookie' }),
    good: 200,
    reads: ['apps.findByName', 'accounts.findById', 'index.add', 'oneTime.get'],
    writes: ['store.set'],
  },
  'session/refresh': {
    signIn: signInAlice,
    ask: ({ post }, headers) => post('/sys/v1/session/refresh', undefined, headers),
    good: 204,
    reads: ['store.get', 'oneTime.get', 'oneTime.claim', 'users.findById', 'index.add'],
    writes: ['store.set'],
  },
  'session/reauth': {
    signIn: signInRobot,
    ask: ({ post }, headers) => post('/sys/v1/session/reauth', undefined, headers),
    good: 200,
    reads: ['store.get', 'oneTime.get', 'oneTime.claim', 'apps.findById', 'accounts.findById', 'index.add'],
    writes: ['store.set'],
  },
  'session/select_account': {
    signIn: signInAlice,
    ask: ({ post }, headers) => post('/sys/v1/session/select_account', { acct_id: acme }, headers),
    good: 200,
    reads: ['store.get', 'oneTime.get', 'oneTime.claim', 'users.findById', 'accounts.findById'],
    writes: ['store.set', 'oneTime.put'],
  },
  'session/auth (password, with a device)': {
    signIn: async (app) => {
      await enrolledKey(app);
      return {};
    },
    ask: ({ post }) => post(auth, password),
    good: 200,
    reads: ['users.findByEmail', 'devices.listByUser', 'index.add', 'oneTime.get'],
    writes: ['store.set'],
    leavesPending: true,
  },
  'session/auth/2fa/fido2 (Bearer)': {
    signIn: async (app) => answering(app, 'Bearer'),
    ask: completing,
    good: 204,
    reads: [
      ...['store.get', 'oneTime.get', 'oneTime.claim', 'users.findById', 'devices.listByUser'],
      ...['devices.recordUse', 'counters.increment', 'counters.get', 'index.add'],
    ],
    writes: ['store.set', 'oneTime.put'],
    leavesPending: true,
  },
  'session/auth/2fa/fido2 (Cookie)': {
    signIn: async (app) => answering(app, 'Cookie'),
    ask: completing,
    good: 204,
    reads: [
      ...['store.get', 'oneTime.get', 'oneTime.claim', 'users.findById', 'devices.listByUser'],
      ...['devices.recordUse', 'counters.increment', 'counters.get', 'index.add'],
    ],
    writes: ['store.set'],
    leavesPending: true,
  },
  'session/config_2fa/auth': {
    signIn: signInAlice,
    ask: ({ post }, headers) => post(config('auth'), { password: alice.password }, headers),
    good: 200,
    reads: ['store.get', 'oneTime.get', 'oneTime.claim', 'users.findById', 'counters.increment'],
    writes: ['store.set', 'oneTime.put'],
  },
  'session/config_2fa/new_challenge': {
    signIn: unlocked,
    ask: ({ post }, headers) => post(config('new_challenge?protocol=fido2'), undefined, headers),
    good: 200,
    reads: ['store.get', 'oneTime.get', 'oneTime.claim', 'users.findById', 'devices.listByUser'],
    writes: ['store.set', 'oneTime.put'],
  },
  'session/config_2fa/terminate': {
    signIn: unlocked,
    ask: ({ post }, headers) => post(config('terminate'), undefined, headers),
    good: 204,
    reads: ['store.get', 'oneTime.get', 'oneTime.claim', 'users.findById'],
    writes: ['store.set', 'oneTime.put'],
  },
  'session/config_2fa/devices (list)': {
    signIn: signInAlice,
    ask: ({ get }, headers) => get(config('devices'), headers),
    good: 200,
    reads: [
      ...['store.get', 'oneTime.get', 'users.findById'],
      ...['devices.listByUser', 'devices.countRecoveryCodes'],
    ],
    writes: [],
  },
  'session/config_2fa/devices (add)': {
    signIn: attesting,
    ask: async ({ post }, headers) => {
      const { body, ...presented } = headers;
      return post(config('devices'), body, presented);
    },
    good: 201,
    reads: [
      ...['store.get', 'oneTime.get', 'oneTime.claim', 'users.findById'],
      ...['devices.findByCredentialId', 'devices.listByUser', 'devices.add', 'index.list'],
    ],
    writes: [],
  },
  'session/config_2fa/devices (rename)': {
    signIn: unlockedWithKey,
    ask: ({ sendBy }, headers) =>
      sendBy('patch', config('devices'), { old_name: 'key', new_name: 'other' }, headers),
    good: 204,
    reads: [
      ...['store.get', 'oneTime.get', 'users.findById', 'index.list'],
      ...['devices.listByUser', 'devices.rename'],
    ],
    writes: [],
    leavesPending: true,
  },
  'session/config_2fa/devices (remove)': {
    signIn: unlockedWithKey,
    ask: ({ sendBy }, headers) => sendBy('delete', config('devices'), { name: 'key' }, headers),
    good: 204,
    reads: [
      ...['store.get', 'oneTime.get', 'users.findById', 'index.list'],
      ...['devices.listByUser', 'devices.remove'],
    ],
    writes: [],
  },
  'users/generate_recovery_codes': {
    signIn: unlocked,
    ask: ({ post }, headers) => post('/sys/v1/users/generate_recovery_codes', undefined, headers),
    good: 200,
    reads: ['store.get', 'oneTime.get', 'users.findById', 'index.list'],
    writes: ['devices.replaceRecoveryCodes'],
  },
  'session/auth/2fa/recovery_code (Bearer)': byRecoveryCode('Bearer'),
  'session/auth/2fa/recovery_code (Cookie)': byRecoveryCode('Cookie'),
  'a route of the host': {
    signIn: signInRobot,
    ask: ({ get }, headers) => get('/me', headers),
    good: 200,
    reads: ['store.get', 'oneTime.get', 'apps.findById', 'accounts.findById'],
    writes: [],
  },
  'a route of the host (API key)': {
    ask: ({ get }) => get('/key', basic(robot.id, robot.secret)),
    good: 200,
    reads: ['apps.findById', 'accounts.findById'],
    writes: [],
  },
};

const cases = Object.entries(routes).flatMap(([route, { reads, writes }]) => [
  ...reads.flatMap((call) =>
    (['throw', 'reject', 'hang', 'garbage'] as const).map((fault) => ({ route, call, fault })),
  ),
  ...writes.flatMap((call) =>
    (['throw', 'reject', 'hang'] as const).map((fault) => ({ route, call, fault })),
  ),
]);

function breakCall(app: TestApp, call: string, fault: Fault): void {
  const [name = '', operation = ''] = call.split('.');
  const all = { ...app.faults, ...app.shared.faults };
  all[name as keyof typeof all].break(operation, fault);
}

function heal(app: TestApp): void {
  for (const faults of Object.values({ ...app.faults, ...app.shared.faults })) faults.heal();
}

describe('a dependency that fails', () => {
  it.each(cases)('$route answers 503 when $call does: $fault', async ({ route, call, fault }) => {
    const app = await testApp({ dependencyTimeout: 0.1 });
    const { signIn, ask, good, leavesPending } = routes[route] ?? raise(route);
    const headers = signIn ? await signIn(app) : {};
    const rows = app.shared.rows.size;

    breakCall(app, call, fault);
    const asked = Date.now();
    const answer = await ask(app, headers);
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([503, 'unavailable']);
    expect(Date.now() - asked).toBeLessThan(2000);
    expect(answer.text).not.toContain('secret-of-the-driver');
    expect(app.unforeseen).toEqual([]);

    heal(app);
    expect(app.shared.rows.size).toBe(rows);
    await new Promise((resolve) => setImmediate(resolve));
    expect(app.events).toContainEqual(expect.objectContaining({ type: 'dependency_failed' }));
    expect(JSON.stringify(app.events)).not.toContain('secret-of-the-driver');
    // A circuit that a whole deadline of silence has opened admits the next call after a tenth of it.
    if (fault === 'hang') await sleep(15);
    expect((await ask(app, headers)).status).toBe(good);
    if (!leavesPending) await signInAlice(app);
  });

  it.each(['throw', 'reject', 'hang'] as const)(
    'is not told as the end of a session: oneTime.claim does %s',
    async (fault) => {
      const app = await testApp({ dependencyTimeout: 0.1 });
      const headers = await signInAlice(app);
      breakCall(app, 'oneTime.claim', fault);
      expect((await app.post('/sys/v1/session/terminate', undefined, headers)).status).toBe(503);
      heal(app);
      expect((await app.get('/me', headers)).status).toBe(200);
      expect((await app.post('/sys/v1/session/terminate', undefined, headers)).status).toBe(204);
    },
  );

  it('is no reason to keep a session: whoever signs out is not looked up', async () => {
    const app = await testApp({ dependencyTimeout: 0.1 });
    const headers = await signInAlice(app);
    for (const repository of ['users', 'accounts', 'devices', 'identityProviders'] as const)
      for (const operation of ['findById', 'listByUser']) app.faults[repository].break(operation, 'hang');
    expect((await app.get('/me', headers)).status).toBe(503);
    expect((await app.post('/sys/v1/session/terminate', undefined, headers)).status).toBe(204);
    heal(app);
    expect((await app.get('/me', headers)).status).toBe(401);
    expect(app.shared.rows.size).toBe(0);
  });

  it.each(['throw', 'reject', 'hang'] as const)(
    'leaves no session that lives when store.destroy does %s',
    async (fault) => {
      const app = await testApp({ dependencyTimeout: 0.1 });
      const headers = await signInAlice(app);
      breakCall(app, 'store.destroy', fault);
      expect((await app.post('/sys/v1/session/terminate', undefined, headers)).status).toBe(503);
      expect((await app.get('/me', headers)).status).toBe(401);
      heal(app);
      expect((await app.get('/me', headers)).status).toBe(401);
    },
  );

  it('counts no failure for the user while a repository is down', async () => {
    const app = await testApp({ lockout: { failures: 2 } });
    app.faults.users.break('findByEmail', 'reject');
    for (let index = 0; index < 5; index += 1) expect((await app.post(auth, password)).status).toBe(503);
    app.faults.users.heal();
    expect((await app.post(auth, password)).status).toBe(200);
  });

  it('does not undo a sign-in when its place in the lock cannot be given back', async () => {
    for (const operation of ['clear', 'decrement']) {
      const app = await testApp();
      app.shared.faults.counters.break(operation, 'reject');
      expect((await app.post(auth, password)).status).toBe(200);
    }
  });

  it('lets apps in while the counters are down, and users not', async () => {
    const app = await testApp({ throttle: {} });
    app.shared.faults.counters.break('increment', 'reject');
    app.shared.faults.counters.break('get', 'reject');
    expect((await app.post(auth, byName)).status).toBe(200);
    expect((await app.post(auth, password)).status).toBe(503);
  });

  it('is 503 when the store is full, for new sign-ins only', async () => {
    const { memorySessionStore } = await import('../../lib/index.js');
    const app = await testApp({ session: { store: memorySessionStore({ maxSessions: 2 }) } });
    const first = await signInAlice(app);
    await signInRobot(app);
    expect((await app.post(auth, password)).status).toBe(503);
    expect((await app.get('/me', first)).status).toBe(200);
    expect((await app.post('/sys/v1/session/terminate', undefined, first)).status).toBe(204);
    await signInAlice(app);
  });
});

describe('a row of the session store that is none of ours', () => {
  const rows: unknown[] = [
    {},
    [],
    'text',
    7,
    { v: 2 },
    { cookie: {} },
    { v: 1, state: 'active' },
    { user: 'admin' },
  ];
  it.each(rows)('is 503, and never a session: %j', async (row) => {
    const app = await testApp();
    const headers = await signInAlice(app);
    const [sid = ''] = app.shared.rows.keys();
    await new Promise((resolve) => app.shared.store.set(sid, row, resolve));
    expect((await app.get('/me', headers)).status).toBe(503);
    await signInAlice(app);
  });

  it('is 503 when one field of it has another type', async () => {
    const app = await testApp();
    const headers = await signInAlice(app);
    const [[sid, row] = ['', {}]] = app.shared.rows as Map<string, Record<string, unknown>>;
    for (const field of Object.keys(row).filter((each) => each !== 'cookie')) {
      await new Promise((resolve) => app.shared.store.set(sid, { ...row, [field]: { $ne: null } }, resolve));
      expect([field, (await app.get('/me', headers)).status]).toEqual([field, 503]);
    }
    await new Promise((resolve) => app.shared.store.set(sid, row, resolve));
    expect((await app.get('/me', headers)).status).toBe(200);
  });
});

function raise(route: string): never {
  throw new Error(`there is no route ${route}`);
}
