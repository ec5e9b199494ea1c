import { describe, expect, it } from '@jest/globals';
import { SoftwareAuthenticator } from '../../lib/testing/index.js';
import { origin, type TestApp, testApp } from '../support/app.js';
import { alice, bob } from '../support/people.js';
import { enrolledKey, fido2, pendingSession } from '../support/second-factor.js';
import { signInAlice } from '../support/sign-in.js';

const config = (operation: string) => `/sys/v1/session/config_2fa/${operation}`;
const newChallenge = config('new_challenge?protocol=fido2');
const password = { password: alice.password };

async function unlockedAlice(app: TestApp) {
  const headers = await signInAlice(app);
  const answer = await app.post(config('auth'), password, headers);
  expect([answer.status, answer.body]).toEqual([200, {}]);
  return headers;
}

describe('enrolling a security key', () => {
  it('goes from the password to a device that the next sign-in asks for', async () => {
    const app = await testApp();
    const headers = await unlockedAlice(app);
    const { status, body: options } = await app.post(newChallenge, undefined, headers);
    expect(status).toBe(200);
    expect(options).toEqual({
      rp: { id: 'example.com', name: 'Example' },
      user: { id: 'oRzgAAAAQACAAAAAAAAAAQ', name: alice.email, displayName: alice.email },
      challenge: expect.stringMatching(/^[\w-]{43}$/),
      pubKeyCredParams: [-8, -7, -257].map((alg) => ({ type: 'public-key', alg })),
      timeout: 300_000,
      excludeCredentials: [],
      authenticatorSelection: {
        ...{ residentKey: 'discouraged', requireResidentKey: false, userVerification: 'preferred' },
      },
      attestation: 'none',
    });

    const key = new SoftwareAuthenticator({ origin });
    const attestationResult = await key.create(options);
    const added = await app.post(config('devices'), { name: 'blue key', attestationResult }, headers);
    const device = {
      ...{ name: 'blue key', type: 'Fido2', origin, last_used_at: null },
      created_at: new Date(app.clock()).toISOString(),
    };
    expect([added.status, added.body]).toEqual([201, device]);
    const list = await app.get(config('devices'), headers);
    expect(list.body).toEqual({ mfa_devices: [device], recovery_codes_left: 0 });

    const pending = await pendingSession(app);
    const completed = await app.post(fido2, await key.get(pending.options), pending.headers);
    expect(completed.status).toBe(204);
    const [used] = (await app.get(config('devices'), headers)).body.mfa_devices;
    expect(used.last_used_at).toBe(new Date(app.clock()).toISOString());
  });

  it('excludes the authenticators that are enrolled already', async () => {
    const app = await testApp();
    const headers = await unlockedAlice(app);
    const key = await enrolledKey(app);
    const { body: options } = await app.post(newChallenge, undefined, headers);
    expect(options.excludeCredentials).toEqual([
      { type: 'public-key', id: key.credentials[0]?.id, transports: ['usb'] },
    ]);
    await expect(key.create(options)).rejects.toThrow('enrolled already');
  });

  it('is closed until the password has been proven again, and after ten minutes', async () => {
    const app = await testApp();
    const headers = await signInAlice(app);
    const locked = await app.post(newChallenge, undefined, headers);
    expect([locked.status, locked.body.code]).toEqual([403, 'configuration_locked']);

    await app.post(config('auth'), password, headers);
    app.clock.advance(599);
    expect((await app.post(newChallenge, undefined, headers)).status).toBe(200);
    app.clock.advance(1);
    expect((await app.post(newChallenge, undefined, headers)).status).toBe(403);
  });

  it('is locked again by terminate, which may be said twice', async () => {
    const app = await testApp();
    const headers = await unlockedAlice(app);
    for (const _ of ['once', 'twice'])
      expect((await app.post(config('terminate'), undefined, headers)).status).toBe(204);
    expect((await app.post(newChallenge, undefined, headers)).status).toBe(403);
    expect((await app.get('/me', headers)).status).toBe(200);
  });

  it('unlocks one session, and no other of the same user', async () => {
    const app = await testApp();
    await unlockedAlice(app);
    const other = await signInAlice(app);
    expect((await app.post(newChallenge, undefined, other)).status).toBe(403);
  });
});

describe('config_2fa/auth', () => {
  it('refuses a wrong password, and that of somebody else, and keeps the session', async () => {
    const app = await testApp();
    const headers = await signInAlice(app);
    for (const wrong of ['wrong', bob.password]) {
      const answer = await app.post(config('auth'), { password: wrong }, headers);
      expect([answer.status, answer.body.code]).toEqual([401, 'invalid_credentials']);
    }
    expect((await app.get('/me', headers)).status).toBe(200);
    expect((await app.post(newChallenge, undefined, headers)).status).toBe(403);
  });

  it('counts in the same lock as sign-ins', async () => {
    const app = await testApp({ lockout: { failures: 3 } });
    const headers = await signInAlice(app);
    for (let index = 0; index < 3; index += 1)
      expect((await app.post(config('auth'), { password: 'wrong' }, headers)).status).toBe(401);
    expect((await app.post(config('auth'), password, headers)).status).toBe(423);
    const signIn = { method: 'password', email: alice.email, password: alice.password };
    expect((await app.post('/sys/v1/session/auth', signIn)).status).toBe(423);
  });

  it.each([undefined, {}, { password: '' }, { password: 5 }, { password: ['a'] }])(
    'wants a password: %j is malformed',
    async (body) => {
      const app = await testApp();
      const headers = await signInAlice(app);
      const answer = await app.post(config('auth'), body, headers);
      expect([answer.status, answer.body.code]).toEqual([400, 'malformed_request']);
    },
  );
});

describe('config_2fa/new_challenge', () => {
  it.each(['', '?protocol=u2f', '?protocol=', '?protocol=fido2&protocol=u2f', '?protocol[]=fido2'])(
    'offers FIDO2 and nothing else: new_challenge%s is malformed',
    async (query) => {
      const app = await testApp();
      const headers = await unlockedAlice(app);
      const answer = await app.post(config(`new_challenge${query}`), undefined, headers);
      expect([answer.status, answer.body.code]).toEqual([400, 'malformed_request']);
    },
  );

  it('asks for a proof while the configuration is locked and there are devices', async () => {
    const app = await testApp();
    const headers = await signInAlice(app);
    const key = await enrolledKey(app);
    const { status, body } = await app.post(newChallenge, undefined, headers);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      rpId: 'example.com',
      allowCredentials: [{ type: 'public-key', id: key.credentials[0]?.id }],
    });
    expect(body).not.toHaveProperty('pubKeyCredParams');
  });

  it('gives another challenge each time, and only the last is good', async () => {
    const app = await testApp();
    const headers = await unlockedAlice(app);
    const { body: first } = await app.post(newChallenge, undefined, headers);
    const { body: second } = await app.post(newChallenge, undefined, headers);
    expect(first.challenge).not.toBe(second.challenge);
    const key = new SoftwareAuthenticator({ origin });
    const add = async (options: typeof first) =>
      app.post(config('devices'), { name: 'key', attestationResult: await key.create(options) }, headers);
    expect((await add(first)).status).toBe(401);
    expect((await add(second)).status).toBe(201);
  });
});

describe('the option secondFactor.userVerification', () => {
  it('is what both ceremonies ask for, and required means it', async () => {
    const app = await testApp({ secondFactor: { userVerification: 'required' } });
    const key = await enrolledKey(app);
    const { headers, options } = await pendingSession(app);
    expect(options.userVerification).toBe('required');
    const unverified = await key.get(options, { flags: (flags) => flags & ~0x04 });
    expect((await app.post(fido2, unverified, headers)).status).toBe(401);
    expect((await app.post(fido2, await key.get(options), headers)).status).toBe(204);
  });
});
