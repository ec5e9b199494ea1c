import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { SoftwareAuthenticator } from '../../lib/testing/index.js';
import { origin, type TestApp, testApp } from '../support/app.js';
import { devicesPath, enrolling, newChallenge, unlocked } from '../support/enrolling.js';
import { alice } from '../support/people.js';
import { enrolledKey, fido2, pendingSession } from '../support/second-factor.js';

const config = (operation: string) => `/sys/v1/session/config_2fa/${operation}`;

/** Sends a request whose body stops in its middle, until it is told to go on. */
async function slowPost({ app }: TestApp, path: string, body: object, headers: Record<string, string>) {
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const text = JSON.stringify(body);
  const request = http.request({
    ...{ host: '127.0.0.1', port: (server.address() as AddressInfo).port, method: 'POST', path },
    headers: { ...headers, 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) },
  });
  const status = new Promise<number | undefined>((resolve, reject) => {
    request.once('error', reject).once('response', (response) => {
      response.resume().once('end', () => resolve(response.statusCode));
    });
  });
  request.write(text.slice(0, 10));
  await new Promise((resolve) => setTimeout(resolve, 50));
  return async () => {
    request.end(text.slice(10));
    const answered = await status;
    server.closeAllConnections();
    server.close();
    return answered;
  };
}

describe('a device whose attestation arrives slowly', () => {
  const endings: [string, (app: TestApp, headers: Record<string, string>) => Promise<unknown>, number][] = [
    [
      'the session is terminated',
      ({ post }, headers) => post('/sys/v1/session/terminate', undefined, headers),
      401,
    ],
    [
      'the configuration is locked',
      ({ post }, headers) => post(config('terminate'), undefined, headers),
      403,
    ],
    ['the host ends all sessions', ({ control }) => control.sessions.end({ user: alice.id }), 401],
    [
      'the user is disabled',
      async ({ repositories: { users } }) => {
        const row = users.table.get(alice.id);
        if (row) users.table.set(alice.id, { ...row, enabled: false });
      },
      401,
    ],
  ];
  it.each(endings)('is not added when %s meanwhile', async (_, end, expected) => {
    const { app, key, headers, options } = await enrolling();
    const body = { name: 'key', attestationResult: await key.create(options) };
    const goOn = await slowPost(app, devicesPath, body, headers);
    await end(app, headers);
    expect(await goOn()).toBe(expected);
    expect(await app.repositories.devices.listByUser(alice.id)).toEqual([]);
  });
});

describe('a device that is being added', () => {
  const endings: [string, string, number][] = [
    ['the session is terminated', '/sys/v1/session/terminate', 401],
    ['the configuration is locked', config('terminate'), 403],
  ];
  for (const operation of ['findByCredentialId', 'add'] as const) {
    it.each(endings)(`is not there when %s beside devices.${operation}`, async (_, path, expected) => {
      const { app, key, headers, options } = await enrolling();
      const body = { name: 'key', attestationResult: await key.create(options) };
      const { devices } = app.repositories;
      const original: (...given: never[]) => Promise<unknown> = devices[operation];
      const slow = async (...given: never[]) => {
        const before = operation === 'add' ? await original(...given) : null;
        expect((await app.post(path, undefined, headers)).status).toBe(204);
        return operation === 'add' ? before : original(...given);
      };
      Object.assign(devices, { [operation]: slow });
      expect((await app.post(devicesPath, body, headers)).status).toBe(expected);
      expect(await devices.listByUser(alice.id)).toEqual([]);
    });
  }
});

describe('a device that was added by a call whose answer was lost', () => {
  it('counts as added when the same attestation comes again, and is told', async () => {
    const { app, key, headers, options } = await enrolling();
    const body = { name: 'key', attestationResult: await key.create(options) };
    const { devices } = app.repositories;
    const add = devices.add.bind(devices);
    devices.add = async (userId, device) => {
      await add(userId, device);
      throw new Error('the answer was lost');
    };
    expect((await app.post(devicesPath, body, headers)).status).toBe(503);
    devices.add = add;
    const again = await app.post(devicesPath, body, headers);
    expect([again.status, again.body.name]).toEqual([201, 'key']);
    await new Promise((resolve) => setImmediate(resolve));
    expect(app.events.filter(({ type }) => type === 'device_added')).toHaveLength(1);
    expect((await app.post(devicesPath, body, headers)).status).toBe(401);
  });
});

describe('the number of devices', () => {
  it('ends at fifty: no more challenges are given to make one', async () => {
    const app = await testApp();
    const headers = await unlocked(app);
    for (let n = 0; n < 49; n += 1) await enrolledKey(app, alice, { name: `key ${n}` });
    expect((await newChallenge(app, headers)).excludeCredentials).toHaveLength(49);
    await enrolledKey(app, alice, { name: 'the fiftieth' });
    const answer = await app.post(config('new_challenge?protocol=fido2'), undefined, headers);
    expect([answer.status, answer.body.code]).toEqual([409, 'too_many_devices']);
  });
});

describe('two copies of one key', () => {
  it('cannot both get in with one counter, however often the second asks', async () => {
    const app = await testApp();
    const key = await enrolledKey(app);
    const clone = new SoftwareAuthenticator({ origin });
    clone.credentials.push(...key.credentials.map((each) => ({ ...each })));
    const [one, other] = [await pendingSession(app), await pendingSession(app)];
    const { devices } = app.repositories;
    const recordUse = devices.recordUse.bind(devices);
    const both: (() => void)[] = [];
    devices.recordUse = async (...use) => {
      await new Promise<void>((resolve) => {
        both.push(resolve);
        if (both.length === 2) for (const each of both) each();
      });
      return recordUse(...use);
    };
    const assertions = [await key.get(one.options), await clone.get(other.options)] as const;
    const answers = await Promise.all([
      app.post(fido2, assertions[0], one.headers),
      app.post(fido2, assertions[1], other.headers),
    ]);
    devices.recordUse = recordUse;
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 401]);

    const [assertion, { headers }] =
      answers[0]?.status === 401 ? [assertions[0], one] : [assertions[1], other];
    expect((await app.post(fido2, assertion, headers)).status).toBe(401);
    expect((await app.get('/me', headers)).status).toBe(401);
    await new Promise((resolve) => setImmediate(resolve));
    expect(app.events).toContainEqual(
      expect.objectContaining({ type: 'second_factor_failed', reason: 'counter_regressed' }),
    );
  });
});

describe('a challenge whose claim could not be given back', () => {
  it('is good again after a minute', async () => {
    const app = await testApp();
    const key = await enrolledKey(app);
    const { headers, options } = await pendingSession(app);
    const assertion = await key.get(options);
    const { devices } = app.repositories;
    const recordUse = devices.recordUse.bind(devices);
    devices.recordUse = async () => {
      for (const operation of ['release', 'put', 'claim'])
        app.shared.faults.oneTime.break(operation, 'reject');
      throw new Error('down');
    };
    expect((await app.post(fido2, assertion, headers)).status).toBe(503);
    app.shared.faults.oneTime.heal();
    devices.recordUse = recordUse;
    expect((await app.post(fido2, assertion, headers)).status).toBe(401);
    app.clock.advance(60);
    expect((await app.post(fido2, assertion, headers)).status).toBe(204);
  });
});

describe('a sign-in that is completed by its second factor', () => {
  it('settles the passwords that were wrong before it', async () => {
    const app = await testApp({ lockout: { failures: 3 } });
    const key = await enrolledKey(app);
    const wrong = () =>
      app.post('/sys/v1/session/auth', { method: 'password', email: alice.email, password: 'wrong' });
    for (let n = 0; n < 2; n += 1) expect((await wrong()).status).toBe(401);
    const { headers, options } = await pendingSession(app);
    expect((await app.post(fido2, await key.get(options), headers)).status).toBe(204);
    for (let n = 0; n < 2; n += 1) expect((await wrong()).status).toBe(401);
    await pendingSession(app);
  });
});
