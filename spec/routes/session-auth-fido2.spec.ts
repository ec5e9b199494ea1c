import { describe, expect, it } from '@jest/globals';
import { testApp } from '../support/app.js';
import { alice, bob } from '../support/people.js';
import { enrolledKey, fido2, pendingSession } from '../support/second-factor.js';
import { presentingAnswer } from '../support/sign-in.js';

const auth = '/sys/v1/session/auth';
const password = { method: 'password', email: alice.email, password: alice.password };

describe('a sign-in whose second factor is owed', () => {
  it('carries the challenge in each place where clients look for it', async () => {
    const app = await testApp();
    const key = await enrolledKey(app);
    const { status, body } = await app.post(auth, password);

    expect(status).toBe(200);
    const options = body.fido2_assertion_options;
    expect(options).toEqual({
      challenge: expect.stringMatching(/^[\w-]{43}$/),
      timeout: 300_000,
      rpId: 'example.com',
      allowCredentials: [{ type: 'public-key', id: key.credentials[0]?.id, transports: ['usb'] }],
      userVerification: 'preferred',
    });
    expect(body.allowed_mfa_methods).toEqual([
      {
        Fido2: {
          challenge: options,
          challenge_token: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/),
          mfa_devices: [{ name: 'key', type: 'Fido2', origin: 'https://app.example.com' }],
        },
      },
    ]);
    expect(body.expires_in).toBe(300);
  });

  it('says nothing of devices to whoever has not proven the password', async () => {
    const app = await testApp();
    await enrolledKey(app);
    const wrong = await app.post(auth, { ...password, password: 'wrong' });
    const without = await app.post(auth, { ...password, email: bob.email, password: 'wrong' });
    expect(wrong.status).toBe(401);
    expect(wrong.text).toBe(without.text);
  });

  it('is completed by the assertion: the Bearer token stays and is good from now on', async () => {
    const app = await testApp();
    const key = await enrolledKey(app);
    const { headers, options } = await pendingSession(app);
    expect((await app.get('/me', headers)).status).toBe(401);

    const answer = await app.post(fido2, await key.get(options), headers);
    expect([answer.status, answer.text, answer.headers['set-cookie']]).toEqual([204, '', undefined]);
    const me = await app.get('/me', headers);
    expect(me.body).toMatchObject({
      id: alice.id,
      session: { state: 'active', secondFactor: true, method: 'password' },
    });
    expect(me.body.session.expiresAt - app.clock()).toBe(86_400_000);
    expect((await app.repositories.devices.listByUser(alice.id))[0]).toMatchObject({
      counter: 1,
      lastUsedAt: app.clock(),
    });
  });

  it('rotates a Cookie: the pending one is dead, the new one good', async () => {
    const app = await testApp();
    const key = await enrolledKey(app);
    const { headers, options } = await pendingSession(app, alice, 'Cookie');
    const answer = await app.post(fido2, await key.get(options), headers);
    expect(answer.status).toBe(204);
    const rotated = presentingAnswer(answer);
    expect(rotated.Cookie).toMatch(/^__Host-session=[\w-]{86}$/);
    expect(rotated).not.toEqual(headers);
    expect((await app.get('/me', headers)).status).toBe(401);
    expect((await app.post(fido2, await key.get(options), headers)).status).toBe(401);
    expect((await app.get('/me', rotated)).body.session).toMatchObject({
      state: 'active',
      secondFactor: true,
    });
  });

  it('is over when it is completed: the route is not for active sessions', async () => {
    const app = await testApp();
    const key = await enrolledKey(app);
    const { headers, options } = await pendingSession(app);
    const assertion = await key.get(options);
    expect((await app.post(fido2, assertion, headers)).status).toBe(204);
    const again = await app.post(fido2, assertion, headers);
    expect([again.status, again.body.code]).toEqual([403, 'wrong_session_state']);
    expect((await app.get('/me', headers)).status).toBe(200);
  });
});
