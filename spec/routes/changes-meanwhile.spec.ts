import { describe, expect, it } from '@jest/globals';
import { SoftwareAuthenticator } from '../../lib/testing/index.js';
import { bearer, origin, type TestApp, testApp } from '../support/app.js';
import { addDevice, devicesPath, newChallenge, unlocked } from '../support/enrolling.js';
import { alice } from '../support/people.js';
import { enrolledKey } from '../support/second-factor.js';

const codesPath = '/sys/v1/users/generate_recovery_codes';

/** Holds up the next call of an operation of the index until it is let go. */
function holdUp({ shared }: TestApp, operation: 'list' | 'add') {
  const { index } = shared.stores;
  const own = index[operation] as (...given: never[]) => Promise<unknown>;
  let letGo = () => {};
  const held = new Promise<void>((reached) => {
    Object.assign(index, {
      [operation]: async (...given: never[]) => {
        Object.assign(index, { [operation]: own });
        reached();
        await new Promise<void>((resolve) => {
          letGo = resolve;
        });
        return own(...given);
      },
    });
  });
  return { held, letGo: () => letGo() };
}

describe('a change of the second factor in a session that is ended meanwhile', () => {
  it.each<[string, (app: TestApp, headers: Record<string, string>) => PromiseLike<{ status: number }>]>([
    ['removal', (app, headers) => app.sendBy('delete', devicesPath, { name: 'key' }, headers)],
    [
      'renaming',
      (app, headers) => app.sendBy('patch', devicesPath, { old_name: 'key', new_name: 'x' }, headers),
    ],
    ['new recovery codes', (app, headers) => app.post(codesPath, undefined, headers)],
  ])('is not made: %s', async (_, change) => {
    const app = await testApp();
    const headers = await unlocked(app);
    await enrolledKey(app);
    const { held, letGo } = holdUp(app, 'list');
    const changing = Promise.resolve(change(app, headers));
    await held;
    expect(await app.control.sessions.end({ user: alice.id })).toBe(1);
    letGo();
    expect((await changing).status).toBe(401);
    const { devices } = app.repositories;
    expect((await devices.listByUser(alice.id)).map(({ name }) => name)).toEqual(['key']);
    expect(await devices.countRecoveryCodes(alice.id)).toBe(0);
  });

  it('leaves nobody with codes who was signed out while they were saved', async () => {
    const app = await testApp();
    const headers = await unlocked(app);
    const { devices } = app.repositories;
    const { replaceRecoveryCodes } = devices;
    devices.replaceRecoveryCodes = async (...given) => {
      devices.replaceRecoveryCodes = replaceRecoveryCodes;
      await replaceRecoveryCodes(...given);
      await app.control.sessions.end({ user: alice.id });
    };
    expect((await app.post(codesPath, undefined, headers)).status).toBe(401);
    expect(await devices.countRecoveryCodes(alice.id)).toBe(0);
  });

  it('is told of where a device that is not wanted cannot be taken back', async () => {
    const app = await testApp();
    const headers = await unlocked(app);
    const made = await new SoftwareAuthenticator({ origin }).create(await newChallenge(app, headers));
    const { devices } = app.repositories;
    const { add } = devices;
    devices.add = async (...given) => {
      const added = await add(...given);
      await app.control.sessions.end({ user: alice.id });
      return added;
    };
    app.faults.devices.break('remove', 'reject');
    expect((await addDevice({ app, headers }, made)).status).toBe(401);
    await new Promise((resolve) => setImmediate(resolve));
    expect(app.events.filter(({ type }) => type === 'device_added')).toHaveLength(1);
  });
});

describe('a sign-in that is under way while the first device is enrolled', () => {
  it('opens nothing without it', async () => {
    const app = await testApp();
    const headers = await unlocked(app);
    const made = await new SoftwareAuthenticator({ origin }).create(await newChallenge(app, headers));
    const { held, letGo } = holdUp(app, 'add');
    const password = { method: 'password', email: alice.email, password: alice.password };
    const signingIn = Promise.resolve(app.post('/sys/v1/session/auth', password));
    await held;
    expect((await addDevice({ app, headers }, made)).status).toBe(201);
    letGo();
    const answer = await signingIn;
    expect([answer.status, answer.body.access_token]).toEqual([503, undefined]);
    expect(await app.control.sessions.list({ user: alice.id })).toHaveLength(1);
    const again = await app.post('/sys/v1/session/auth', password);
    expect(again.body.fido2_assertion_options).toBeDefined();
    expect((await app.get('/me', bearer(again.body.access_token))).status).toBe(401);
  });
});
