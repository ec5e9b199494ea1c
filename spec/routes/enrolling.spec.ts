import { describe, expect, it } from '@jest/globals';
import { SoftwareAuthenticator } from '../../lib/testing/index.js';
import { origin, type TestApp, testApp } from '../support/app.js';
import { addDevice, devicesPath, newChallenge } from '../support/enrolling.js';
import { alice, bob } from '../support/people.js';
import { enrolledKey, fido2, pendingSession } from '../support/second-factor.js';
import { alices, makeSession, presenting } from '../support/session-maker.js';
import { presentingAnswer, signInAlice } from '../support/sign-in.js';

const challengePath = '/sys/v1/session/config_2fa/new_challenge?protocol=fido2';
const configAuth = '/sys/v1/session/config_2fa/auth';
const carriers = ['Bearer', 'Cookie'] as const;
const newKey = () => new SoftwareAuthenticator({ origin });

/** A session of alice that must enrol a device, as a sign-in through a provider that demands one makes it. */
async function enrolling(app: TestApp, carrier: 'Bearer' | 'Cookie' = 'Bearer') {
  return presenting(await makeSession(app, { ...alices, carrier, state: 'enrolling' }));
}

describe('a session that must enrol a second factor', () => {
  it.each(carriers)(
    'as a %s enrols a key, owes it at once, and is active when the key has answered',
    async (carrier) => {
      const app = await testApp();
      const headers = await enrolling(app, carrier);
      const key = newKey();
      const added = await addDevice({ app, headers }, await key.create(await newChallenge(app, headers)));
      expect([added.status, added.body]).toEqual([
        201,
        {
          ...{ name: 'key', type: 'Fido2', origin, last_used_at: null },
          created_at: new Date(app.clock()).toISOString(),
          fido2_assertion_options: {
            challenge: expect.stringMatching(/^[\w-]{43}$/),
            ...{ timeout: 300_000, rpId: 'example.com', userVerification: 'preferred' },
            allowCredentials: [{ type: 'public-key', id: key.credentials[0]?.id, transports: ['usb'] }],
          },
        },
      ]);
      const owed = await app.get('/me', headers);
      expect([owed.status, owed.body.code]).toEqual([401, 'second_factor_required']);
      expect((await addDevice({ app, headers }, {})).status).toBe(401);

      const { fido2_assertion_options: options } = added.body;
      const answer = await app.post(fido2, await key.get(options), headers);
      expect(answer.status).toBe(204);
      const active = carrier === 'Cookie' ? presentingAnswer({ body: {}, headers: answer.headers }) : headers;
      const me = await app.get('/me', active);
      expect(me.body.session).toMatchObject({ state: 'active', secondFactor: true });
    },
  );

  it('is good for nothing else, and for nobody else’s device', async () => {
    const app = await testApp();
    const headers = await enrolling(app);
    for (const answer of [
      await app.get('/me', headers),
      await app.get(devicesPath, headers),
      await app.post(configAuth, { password: alice.password }, headers),
      await app.post('/sys/v1/users/generate_recovery_codes', undefined, headers),
      await app.sendBy('delete', devicesPath, { name: 'key' }, headers),
      await app.post(fido2, await newKey().create(await newChallenge(app, headers)), headers),
    ])
      expect([answer.status, answer.body.code].join(' ')).toMatch(
        /^(?:401 enrolment_required|400 malformed_request)$/,
      );
    const key = await enrolledKey(app, bob, { name: 'of bob' });
    expect(key.credentials).toHaveLength(1);
    expect(await app.repositories.devices.listByUser(alice.id)).toEqual([]);
  });

  it('refuses what is no attestation over its challenge, and takes the honest one after it', async () => {
    const app = await testApp();
    const headers = await enrolling(app);
    const options = await newChallenge(app, headers);
    const key = newKey();
    const other = { ...options, challenge: Buffer.alloc(32).toString('base64url') };
    const refused = await addDevice({ app, headers }, await key.create(other));
    expect([refused.status, refused.body.code]).toEqual([401, 'invalid_credentials']);
    expect((await addDevice({ app, headers }, await newKey().create(options))).status).toBe(201);
  });

  it('ends the user’s other sessions by it', async () => {
    const app = await testApp();
    const other = await signInAlice(app);
    const headers = await enrolling(app);
    const attested = await newKey().create(await newChallenge(app, headers));
    expect((await addDevice({ app, headers }, attested)).status).toBe(201);
    expect((await app.get('/me', other)).status).toBe(401);
  });

  it.each(['before its challenge', 'after its challenge', 'while it adds'])(
    'ends when the user gets a device %s: it has shown nothing but a password',
    async (when) => {
      const app = await testApp({ secondFactor: { endOtherSessionsOnChange: false } });
      const headers = await enrolling(app);
      if (when.startsWith('before')) {
        await enrolledKey(app, alice, { name: 'genuine' });
        const answer = await app.post(challengePath, undefined, headers);
        expect([answer.status, answer.body.code]).toEqual([401, 'invalid_session']);
      } else {
        const attested = await newKey().create(await newChallenge(app, headers));
        const { devices } = app.repositories;
        const { add } = devices;
        if (when.startsWith('after')) await enrolledKey(app, alice, { name: 'genuine' });
        else
          devices.add = async (...given) => {
            devices.add = add;
            await enrolledKey(app, alice, { name: 'genuine' });
            return add(...given);
          };
        const answer = await addDevice({ app, headers }, attested);
        expect([answer.status, answer.body.code]).toEqual([401, 'invalid_session']);
      }
      expect((await app.repositories.devices.listByUser(alice.id)).map(({ name }) => name)).toEqual([
        'genuine',
      ]);
      expect(app.shared.rows.size).toBe(0);
      expect((await pendingSession(app)).options.allowCredentials).toHaveLength(1);
    },
  );

  it('of two that add a device at once, one at most has added it', async () => {
    for (let round = 0; round < 5; round += 1) {
      const app = await testApp();
      const both = [await enrolling(app), await enrolling(app)];
      const attested = await Promise.all(
        both.map(async (headers) => newKey().create(await newChallenge(app, headers))),
      );
      const answers = await Promise.all(
        both.map((headers, at) => addDevice({ app, headers }, attested[at], `key ${at}`)),
      );
      const added = answers.filter(({ status }) => status === 201).length;
      expect(await app.repositories.devices.listByUser(alice.id)).toHaveLength(added);
      expect(added).toBeLessThan(2);
    }
  });

  it('goes on where the store failed when it was to owe the key, with the same attestation', async () => {
    const app = await testApp();
    const headers = await enrolling(app);
    const key = newKey();
    const attested = await key.create(await newChallenge(app, headers));
    app.shared.faults.store.break('set', 'reject');
    expect((await addDevice({ app, headers }, attested)).status).toBe(503);
    app.shared.faults.store.heal();
    const added = await addDevice({ app, headers }, attested);
    expect(added.status).toBe(201);
    const { fido2_assertion_options: options } = added.body;
    expect((await app.post(fido2, await key.get(options), headers)).status).toBe(204);
    expect(await app.repositories.devices.listByUser(alice.id)).toHaveLength(1);
  });

  it('lives no longer by enrolling', async () => {
    const app = await testApp();
    const headers = await enrolling(app);
    const key = newKey();
    const attested = await key.create(await newChallenge(app, headers));
    app.clock.advance(299);
    const { fido2_assertion_options: options } = (await addDevice({ app, headers }, attested)).body;
    app.clock.advance(1);
    expect((await app.post(fido2, await key.get(options), headers)).body.code).toBe('invalid_session');
  });
});

describe('the configuration of a user who has no password', () => {
  /** Alice without a password, in a session that began so many seconds ago. */
  async function passwordless(app: TestApp, age = 0) {
    const { table } = app.repositories.users;
    const row = table.get(alice.id);
    if (row) table.set(alice.id, { ...row, passwordHash: null });
    const headers = presenting(await makeSession(app, { ...alices, method: 'oauth-auth-code' }));
    app.clock.advance(age);
    return headers;
  }

  it('is unlocked by a sign-in of the last five minutes where there is no device either', async () => {
    const app = await testApp();
    const headers = await passwordless(app, 300);
    expect((await app.post(challengePath, undefined, headers)).status).toBe(403);
    const answer = await app.post(configAuth, {}, headers);
    expect([answer.status, answer.body]).toEqual([200, {}]);
    const attested = await newKey().create(await newChallenge(app, headers));
    expect((await addDevice({ app, headers }, attested)).status).toBe(201);
  });

  it('wants a newer sign-in, and says so as RFC 9470 does', async () => {
    const app = await testApp();
    const headers = await passwordless(app, 301);
    const answer = await app.post(configAuth, {}, headers);
    expect([answer.status, answer.body.code]).toEqual([401, 'fresh_sign_in_required']);
    expect(answer.headers['www-authenticate']).toBe(
      'Bearer error="insufficient_user_authentication", max_age="300"',
    );
    expect((await app.get('/me', headers)).status).toBe(200);
  });

  it('wants the device where there is one, however new the sign-in is', async () => {
    const app = await testApp();
    const headers = await passwordless(app);
    const key = await enrolledKey(app);
    const answer = await app.post(configAuth, {}, headers);
    expect([answer.status, answer.body.errors]).toEqual([
      400,
      [{ path: 'assertion', detail: 'is required, or a recovery_code' }],
    ]);
    const { body: options } = await app.post(challengePath, undefined, headers);
    expect((await app.post(configAuth, { assertion: await key.get(options) }, headers)).status).toBe(200);
  });
});
