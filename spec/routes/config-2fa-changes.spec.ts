import { describe, expect, it } from '@jest/globals';
import { type TestApp, testApp } from '../support/app.js';
import { devicesPath, unlocked } from '../support/enrolling.js';
import { alice, bob } from '../support/people.js';
import { enrolledKey, fido2, pendingSession } from '../support/second-factor.js';
import { signInAlice } from '../support/sign-in.js';

const codesPath = '/sys/v1/users/generate_recovery_codes';
const recoveryPath = '/sys/v1/session/auth/2fa/recovery_code';
const rename = (app: TestApp, headers: Record<string, string>, from: unknown, to: unknown) =>
  app.sendBy('patch', devicesPath, { old_name: from, new_name: to }, headers);
const remove = (app: TestApp, headers: Record<string, string>, name: unknown) =>
  app.sendBy('delete', devicesPath, { name }, headers);
const names = async (app: TestApp, user = alice) =>
  (await app.repositories.devices.listByUser(user.id)).map(({ name }) => name);
const told = async ({ events }: TestApp, ...types: string[]) => {
  await new Promise((resolve) => setImmediate(resolve));
  return events.filter(({ type }) => types.includes(type));
};

/** Alice with two keys and a session whose configuration is unlocked. */
async function withKeys() {
  const app = await testApp();
  const headers = await unlocked(app);
  const [blue, red] = [
    await enrolledKey(app, alice, { name: 'blue' }),
    await enrolledKey(app, alice, { name: 'red' }),
  ];
  return { app, headers, blue, red };
}

describe('renaming a device', () => {
  it('gives it the name, by which the next sign-in names it, and its key goes on', async () => {
    const { app, headers, blue } = await withKeys();
    const answer = await rename(app, headers, 'blue', 'the key on my ring');
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(await names(app)).toEqual(['the key on my ring', 'red']);
    const [event] = await told(app, 'device_renamed');
    expect(event).toMatchObject({ entityId: alice.id, credentialId: blue.credentials[0]?.id });
    const { options, headers: pending } = await pendingSession(app);
    expect((await app.post(fido2, await blue.get(options), pending)).status).toBe(204);
  });

  it('refuses a name that is taken and a device that is not there, and takes the name that it has for no change', async () => {
    const { app, headers } = await withKeys();
    await enrolledKey(app, bob, { name: 'of bob' });
    const other = await pendingSession(app);
    for (const [from, to, status, code] of [
      ['blue', 'red', 409, 'name_taken'],
      ['green', 'yellow', 404, 'device_not_found'],
      ['of bob', 'mine', 404, 'device_not_found'],
      ['green', 'red', 404, 'device_not_found'],
      ['Blue', 'x', 404, 'device_not_found'],
    ] as const) {
      const answer = await rename(app, headers, from, to);
      expect([from, answer.status, answer.body.code]).toEqual([from, status, code]);
    }
    expect((await rename(app, headers, 'blue', 'blue')).status).toBe(204);
    expect([await names(app), await names(app, bob)]).toEqual([['blue', 'red'], ['of bob']]);
    expect(await told(app, 'device_renamed', 'session_ended')).toEqual([]);
    expect((await app.post('/sys/v1/session/terminate', undefined, other.headers)).status).toBe(204);
  });

  it.each(['', ' ', 'a\nb', 5, null, ['a'], 'x'.repeat(4097), '\ud800'])(
    'refuses the name %j',
    async (name) => {
      const { app, headers } = await withKeys();
      for (const answer of [
        await rename(app, headers, 'blue', name),
        await rename(app, headers, name, 'x'),
        await remove(app, headers, name),
      ])
        expect([answer.status, answer.body.code]).toEqual([400, 'malformed_request']);
      expect(await names(app)).toEqual(['blue', 'red']);
    },
  );
});

describe('removing a device', () => {
  it('takes it away, so that it opens nothing, and leaves the others', async () => {
    const { app, headers, blue, red } = await withKeys();
    const answer = await remove(app, headers, 'blue');
    expect([answer.status, answer.text]).toEqual([204, '']);
    const [event] = await told(app, 'device_removed');
    expect(event).toMatchObject({ entityId: alice.id, credentialId: blue.credentials[0]?.id });
    const { options, headers: pending } = await pendingSession(app);
    expect(options.allowCredentials.map(({ id }) => id)).toEqual([red.credentials[0]?.id]);
    const named = { ...options, allowCredentials: [{ id: blue.credentials[0]?.id ?? '' }] };
    expect((await app.post(fido2, await blue.get(named), pending)).status).toBe(401);
    expect((await app.post(fido2, await red.get(options), pending)).status).toBe(204);
    expect((await remove(app, headers, 'blue')).body.code).toBe('device_not_found');
  });

  it('of the last one leaves a user who owes nothing', async () => {
    const { app, headers } = await withKeys();
    for (const name of ['blue', 'red']) expect((await remove(app, headers, name)).status).toBe(204);
    expect((await app.get('/me', await signInAlice(app))).status).toBe(200);
  });

  it('knows no device of anybody else', async () => {
    const { app, headers } = await withKeys();
    await enrolledKey(app, bob, { name: 'of bob' });
    expect((await remove(app, headers, 'of bob')).status).toBe(404);
    expect(await names(app, bob)).toEqual(['of bob']);
  });
});

describe('any change of the second factor', () => {
  const changes: Record<
    string,
    (app: TestApp, headers: Record<string, string>) => Promise<{ status: number }>
  > = {
    rename: (app, headers) => rename(app, headers, 'blue', 'green'),
    removal: (app, headers) => remove(app, headers, 'blue'),
    'new recovery codes': (app, headers) => app.post(codesPath, undefined, headers),
  };

  it.each(Object.keys(changes))(
    'by a %s ends the other sessions of the user, and nobody else’s',
    async (name) => {
      const { app, headers, red } = await withKeys();
      const ofBob = await unlocked(app, bob);
      const active = await pendingSession(app);
      expect((await app.post(fido2, await red.get(active.options), active.headers)).status).toBe(204);
      const pending = await pendingSession(app);
      expect((await changes[name]?.(app, headers))?.status).toBeLessThan(300);
      for (const each of [headers, ofBob]) expect((await app.get('/me', each)).status).toBe(200);
      expect((await app.get('/me', active.headers)).body.code).toBe('invalid_session');
      const late = await app.post(fido2, await red.get(pending.options), pending.headers);
      expect([late.status, late.body.code]).toEqual([401, 'invalid_session']);
      const ended = await told(app, 'session_ended');
      expect(ended.map((each) => ('cause' in each ? each.cause : ''))).toEqual(
        Array(2).fill('second_factor_changed'),
      );
      expect(await app.control.sessions.list({ user: alice.id })).toHaveLength(1);
    },
  );

  it.each(Object.keys(changes))('by a %s leaves them where the host says so', async (name) => {
    const app = await testApp({ secondFactor: { endOtherSessionsOnChange: false } });
    const other = await signInAlice(app);
    const headers = await unlocked(app);
    await enrolledKey(app, alice, { name: 'blue' });
    expect((await changes[name]?.(app, headers))?.status).toBeLessThan(300);
    expect((await app.get('/me', other)).status).toBe(200);
  });

  it('ends those that began while it was made', async () => {
    const { app, headers } = await withKeys();
    const { devices } = app.repositories;
    const { remove: own } = devices;
    let meanwhile: Record<string, string> = {};
    devices.remove = async (...given) => {
      ({ headers: meanwhile } = await pendingSession(app));
      return own(...given);
    };
    expect((await remove(app, headers, 'blue')).status).toBe(204);
    expect((await app.post('/sys/v1/session/terminate', undefined, meanwhile)).status).toBe(401);
  });

  it.each(Object.keys(changes))('by a %s is for an unlocked configuration', async (name) => {
    const { app, headers } = await withKeys();
    await app.post('/sys/v1/session/config_2fa/terminate', undefined, headers);
    expect(await changes[name]?.(app, headers)).toMatchObject({
      status: 403,
      body: { code: 'configuration_locked' },
    });
    expect(await names(app)).toEqual(['blue', 'red']);
    expect(await app.repositories.devices.countRecoveryCodes(alice.id)).toBe(0);
  });
});

describe('recovery codes', () => {
  const code = /^[0-7][0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{5}){3}-[0-9A-HJKMNP-TV-Z]{6}$/;

  it('are ten that differ, shown once, and kept as hashes', async () => {
    const { app, headers } = await withKeys();
    const stored: string[] = [];
    const { devices } = app.repositories;
    const { replaceRecoveryCodes } = devices;
    devices.replaceRecoveryCodes = (userId, hashes) => {
      stored.push(...hashes);
      return replaceRecoveryCodes(userId, hashes);
    };
    const { status, body } = await app.post(codesPath, undefined, headers);
    expect(status).toBe(200);
    const codes: string[] = body.recovery_codes;
    expect([codes.length, new Set(codes).size, Object.keys(body)]).toEqual([10, 10, ['recovery_codes']]);
    for (const each of codes) expect(each).toMatch(code);
    for (const each of stored) expect(each).toMatch(/^[0-9a-f]{64}$/);
    expect(stored).toHaveLength(10);
    expect((await app.get(devicesPath, headers)).body.recovery_codes_left).toBe(10);
    const events = JSON.stringify(app.events);
    for (const each of codes) expect(events).not.toContain(each);
    expect(await told(app, 'recovery_codes_generated')).toHaveLength(1);
  });

  it.each(['Bearer', 'Cookie'] as const)(
    'complete a pending %s, each once, and are counted down',
    async (carrier) => {
      const { app, headers } = await withKeys();
      const { body } = await app.post(codesPath, undefined, headers);
      const [first, second] = body.recovery_codes;
      const pending = await pendingSession(app, alice, carrier);
      const answer = await app.post(recoveryPath, { recovery_code: first }, pending.headers);
      expect([answer.status, answer.text]).toEqual([204, '']);
      const [cookie = ''] = answer.headers['set-cookie'] ?? [];
      const active = carrier === 'Cookie' ? { Cookie: cookie.split(';')[0] ?? '' } : pending.headers;
      const me = await app.get('/me', active);
      expect(me.body.session).toMatchObject({ state: 'active', secondFactor: true });
      if (carrier === 'Cookie') expect((await app.get('/me', pending.headers)).status).toBe(401);
      expect((await app.get(devicesPath, headers)).body.recovery_codes_left).toBe(9);

      const again = await pendingSession(app, alice, carrier);
      const used = await app.post(recoveryPath, { recovery_code: first }, again.headers);
      expect([used.status, used.body.code]).toEqual([401, 'invalid_credentials']);
      expect((await app.post(recoveryPath, { recovery_code: second }, again.headers)).status).toBe(204);
      expect(await told(app, 'recovery_code_used', 'second_factor_completed')).toMatchObject([
        { type: 'recovery_code_used', left: 9, entityId: alice.id },
        { type: 'second_factor_completed', factor: 'recovery_code' },
        { type: 'recovery_code_used', left: 8 },
        { type: 'second_factor_completed' },
      ]);
      // Nothing of the second factor is switched off by it.
      expect((await pendingSession(app)).options.allowCredentials).toHaveLength(2);
    },
  );

  it('are read in whatever case, with whatever separators, and with letters that look alike', async () => {
    const { app, headers } = await withKeys();
    const { body } = await app.post(codesPath, undefined, headers);
    const codes: string[] = body.recovery_codes;
    const spellings = [
      (text: string) => text.toLowerCase(),
      (text: string) => text.replaceAll('-', ''),
      (text: string) => ` ${text.replaceAll('-', ' ')} `,
      (text: string) => text.replaceAll('1', 'l').replaceAll('0', 'o'),
      (text: string) => text.replaceAll('1', 'I').replaceAll('0', 'O'),
    ];
    for (const [at, spell] of spellings.entries()) {
      const pending = await pendingSession(app);
      const typed = spell(codes[at] ?? '');
      const { status } = await app.post(recoveryPath, { recovery_code: typed }, pending.headers);
      expect([typed, status]).toEqual([typed, 204]);
    }
  });

  it('of before are good for nothing when there are new ones', async () => {
    const { app, headers } = await withKeys();
    const { body: before } = await app.post(codesPath, undefined, headers);
    const { body: now } = await app.post(codesPath, undefined, headers);
    const pending = await pendingSession(app);
    const post = (text: string) => app.post(recoveryPath, { recovery_code: text }, pending.headers);
    expect((await post(before.recovery_codes[0])).status).toBe(401);
    expect((await post(now.recovery_codes[0])).status).toBe(204);
  });
});
