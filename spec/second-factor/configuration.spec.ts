import { describe, expect, it } from '@jest/globals';
import { type TestApp, testApp } from '../support/app.js';
import { from } from '../support/client.js';
import { newChallenge } from '../support/enrolling.js';
import { alice, sue } from '../support/people.js';
import { enrolledKey, rpId } from '../support/second-factor.js';
import { alices, makeSession, presenting } from '../support/session-maker.js';

const config = (operation: string) => `/sys/v1/session/config_2fa/${operation}`;

/** Sue came in by another way than a password, of which she has none. */
async function sueIn(app: TestApp) {
  return presenting(await makeSession(app, { ...alices, entityId: sue.id, secondFactor: true }));
}

/** Her recovery codes, which she had made when she had no key yet; and the headers of a session that is locked. */
async function sueWithCodes(options: Parameters<typeof testApp>[0] = {}) {
  const app = await testApp(options);
  const headers = await sueIn(app);
  expect((await app.post(config('auth'), {}, headers)).status).toBe(200);
  const made = await app.post('/sys/v1/users/generate_recovery_codes', undefined, headers);
  const codes: string[] = made.body.recovery_codes;
  await app.post(config('terminate'), undefined, headers);
  return { app, headers, codes };
}

describe('a user without a password', () => {
  /** Sue came in by another way, and has a key. */
  async function sueWithKey() {
    const app = await testApp();
    const key = await enrolledKey(app, sue);
    return { app, key, headers: await sueIn(app) };
  }

  it('unlocks the configuration by an assertion over the challenge for that', async () => {
    const { app, key, headers } = await sueWithKey();
    const options = await newChallenge(app, headers);
    const assertion = await key.get(options);
    const answer = await app.post(config('auth'), { assertion }, headers);
    expect([answer.status, answer.body]).toEqual([200, {}]);
    expect(await newChallenge(app, headers)).toHaveProperty('pubKeyCredParams');
    expect((await app.post(config('auth'), { assertion }, headers)).status).toBe(401);
  });

  it('cannot unlock it by a challenge that was given to make a credential, or by none', async () => {
    const { app, key, headers } = await sueWithKey();
    const none = { challenge: Buffer.alloc(32).toString('base64url'), rpId };
    const refused = await app.post(config('auth'), { assertion: await key.get(none) }, headers);
    expect([refused.status, refused.body.code]).toEqual([401, 'invalid_credentials']);

    await app.post(config('auth'), { assertion: await key.get(await newChallenge(app, headers)) }, headers);
    const creation = await newChallenge(app, headers);
    await app.post(config('terminate'), undefined, headers);
    const other = await key.get({ challenge: creation.challenge, rpId });
    expect((await app.post(config('auth'), { assertion: other }, headers)).status).toBe(401);
  });

  it('fails in the count of second factors, and keeps the session', async () => {
    const { app, key, headers } = await sueWithKey();
    for (let n = 0; n < 10; n += 1) {
      const options = await newChallenge(app, headers);
      const assertion = await key.get(options, {
        signature: (bytes) => bytes.fill((bytes[40] ?? 0) ^ 1, 40, 41),
      });
      expect((await app.post(config('auth'), { assertion }, headers)).status).toBe(401);
    }
    const good = await key.get(await newChallenge(app, headers));
    expect((await app.post(config('auth'), { assertion: good }, headers)).status).toBe(423);
    expect((await app.get('/me', headers)).status).toBe(200);
  });

  it('who has lost the key unlocks it by a recovery code, which is used up, and can mend what there is', async () => {
    const { app, headers, codes } = await sueWithCodes();
    await enrolledKey(app, sue);
    const nothing = await app.post(config('auth'), {}, headers);
    expect([nothing.status, nothing.body.errors]).toEqual([
      400,
      [{ path: 'assertion', detail: 'is required, or a recovery_code' }],
    ]);

    const [code = ''] = codes;
    const answer = await app.post(config('auth'), { recovery_code: code.toLowerCase() }, headers);
    expect([answer.status, answer.body]).toEqual([200, {}]);
    const list = await app.get(config('devices'), headers);
    expect(list.body).toMatchObject({ mfa_devices: [{ name: 'key' }], recovery_codes_left: 9 });
    const removed = await app.sendBy('delete', config('devices'), { name: 'key' }, headers);
    expect(removed.status).toBe(204);
    await new Promise((resolve) => setImmediate(resolve));
    const told = { session: expect.any(String), entityId: sue.id, at: app.clock(), ...from('127.0.0.1') };
    expect(app.events).toEqual(
      expect.arrayContaining([
        { type: 'recovery_code_used', left: 9, ...told },
        { type: 'second_factor_completed', factor: 'recovery_code', purpose: 'configuration', ...told },
        { type: 'configuration_unlocked', ...told },
      ]),
    );
  });

  it('cannot unlock it by a code that was used, by a wrong one, or by one of another user', async () => {
    const { app, headers, codes } = await sueWithCodes();
    await enrolledKey(app, sue);
    const [code = '', ...rest] = codes;
    const unlock = (recovery_code: string, as = headers) => app.post(config('auth'), { recovery_code }, as);
    expect((await unlock(code)).status).toBe(200);
    await app.post(config('terminate'), undefined, headers);
    for (const wrong of [code, '', '0'.repeat(26), `${rest[0]}0`]) {
      const answer = await unlock(wrong);
      expect([answer.status, answer.body.code]).toEqual([401, 'invalid_credentials']);
    }
    const alicesSession = presenting(await makeSession(app, alices));
    expect((await unlock(rest[0] ?? '', alicesSession)).status).toBe(401);
    const stillLocked = await app.post('/sys/v1/users/generate_recovery_codes', undefined, headers);
    expect([stillLocked.status, stillLocked.body.code]).toEqual([403, 'configuration_locked']);
    expect((await unlock(rest[0] ?? '')).status).toBe(200);
  });

  it('is locked by wrong codes, and keeps the session', async () => {
    const { app, headers, codes } = await sueWithCodes();
    for (let n = 0; n < 10; n += 1)
      expect(
        (await app.post(config('auth'), { recovery_code: `${n}`.padStart(26, '0') }, headers)).status,
      ).toBe(401);
    expect((await app.post(config('auth'), { recovery_code: codes[0] }, headers)).status).toBe(423);
    expect((await app.get('/me', headers)).status).toBe(200);
  });

  it('is not told of a failure where nothing was asked: a challenge that is gone counts for nothing', async () => {
    const { app, key, headers } = await sueWithKey();
    const assertion = await key.get(await newChallenge(app, headers));
    await app.post(config('terminate'), undefined, headers);
    for (let n = 0; n < 12; n += 1)
      expect((await app.post(config('auth'), { assertion }, headers)).status).toBe(401);
    const good = await key.get(await newChallenge(app, headers));
    expect((await app.post(config('auth'), { assertion: good }, headers)).status).toBe(200);
  });
});

describe('a proof for config_2fa/auth', () => {
  it('is one: two of them are malformed, whichever is good', async () => {
    const app = await testApp();
    const key = await enrolledKey(app, sue);
    const headers = await sueIn(app);
    const assertion = await key.get(await newChallenge(app, headers));
    for (const two of [
      { assertion, recovery_code: 'A' },
      { assertion, password: 'x' },
      { password: 'x', recovery_code: 'A' },
    ]) {
      const answer = await app.post(config('auth'), two, headers);
      expect([answer.status, answer.body.code]).toEqual([400, 'malformed_request']);
    }
    expect((await app.post(config('auth'), { assertion }, headers)).status).toBe(200);
  });
});

describe('a user with a password', () => {
  it('cannot leave it out', async () => {
    const app = await testApp();
    const key = await enrolledKey(app);
    const headers = presenting(await makeSession(app, { ...alices, secondFactor: true }));
    const assertion = await key.get(await newChallenge(app, headers));
    const answer = await app.post(config('auth'), { assertion }, headers);
    expect([answer.status, answer.body.code]).toEqual([401, 'invalid_credentials']);
    const byCode = await app.post(config('auth'), { recovery_code: '0'.repeat(26) }, headers);
    expect([byCode.status, byCode.body.code]).toEqual([401, 'invalid_credentials']);
    expect((await app.post(config('auth'), { password: alice.password }, headers)).status).toBe(200);
  });
});
