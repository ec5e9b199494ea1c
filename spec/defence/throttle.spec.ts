import { describe, expect, it } from '@jest/globals';
import { networkOf, throttle } from '../../lib/defence/throttle.js';
import { memoryCounterStore } from '../../lib/index.js';
import { basic, testApp } from '../support/app.js';
import { testClock } from '../support/clock.js';
import { alice, robot } from '../support/people.js';

const auth = '/sys/v1/session/auth';

describe('networkOf', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:0001:0002::1', '2001:db8:1:2::/64'],
    ['2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:0:0:1::', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['unknown', 'unknown'],
  ])('of %s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});

describe('the throttle', () => {
  const limits = { perAddress: { limit: 3, window: 60 }, perApp: { limit: 2, window: 60 } };

  it('goes on in this process while the shared counters are down, and is never unlimited', async () => {
    const clock = testClock();
    const down = () => Promise.reject(new Error('down'));
    const broken = { ...memoryCounterStore({ clock }), increment: down, get: down };
    const limited = throttle(broken, limits, clock, () => {});
    for (let index = 0; index < 3; index += 1) await (await limited.address('192.0.2.1')).failed();
    await expect(limited.address('192.0.2.1')).rejects.toMatchObject({
      code: 'too_many_requests',
      retryAfter: 60,
    });
    await expect(limited.address('192.0.2.2')).resolves.toBeDefined();
  });

  it('counts an app by the network that it is guessed at from', async () => {
    const clock = testClock();
    const limited = throttle(memoryCounterStore({ clock }), limits, clock, () => {});
    for (let index = 0; index < 2; index += 1)
      await (await limited.app(`2001:db8::${index}`, 'app')).failed();
    await expect(limited.app('2001:db8::9', 'app')).rejects.toMatchObject({ code: 'too_many_requests' });
    await expect(limited.app('2001:db8:0:1::9', 'app')).resolves.toBeDefined();
    await expect(limited.app('2001:db8::9', 'other app')).resolves.toBeDefined();
  });

  it('answers 429 with Retry-After before anything is looked up, and not to a good token', async () => {
    const app = await testApp({ throttle: { perAddress: { failures: 2, window: 60 } } });
    const token = (await app.post(auth, undefined, basic(robot.id, robot.secret))).body.access_token;
    for (let index = 0; index < 2; index += 1) {
      expect((await app.post(auth, undefined, basic(alice.email, 'wrong'))).status).toBe(401);
    }
    const reads = app.faults.users.calls.get('findByEmail');
    const answer = await app.post(auth, undefined, basic(alice.email, alice.password));
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '60']);
    expect(app.faults.users.calls.get('findByEmail')).toBe(reads);
    expect((await app.get('/me', { Authorization: `Bearer ${token}` })).status).toBe(200);
    app.clock.advance(60);
    expect((await app.post(auth, undefined, basic(alice.email, alice.password))).status).toBe(200);
    expect(app.events).toContainEqual(expect.objectContaining({ type: 'throttled', scope: 'address' }));
  });

  it('does not count what is malformed, missing or good', async () => {
    const app = await testApp({ throttle: { perAddress: { failures: 2 } } });
    for (let index = 0; index < 5; index += 1) {
      expect((await app.post(auth, { method: 'password' })).status).toBe(400);
      expect((await app.post(auth)).status).toBe(401);
      expect((await app.post(auth, undefined, basic(robot.id, robot.secret))).status).toBe(200);
    }
  });
});

describe('the lock', () => {
  const guess = { method: 'password', email: alice.email, password: 'wrong' };
  const right = { ...guess, password: alice.password };

  it('is one for all ways to guess an address, in any spelling', async () => {
    const app = await testApp({ lockout: { failures: 4 } });
    expect((await app.post(auth, guess)).status).toBe(401);
    expect((await app.post(auth, { ...guess, email: 'ALICE@EXAMPLE.COM' })).status).toBe(401);
    expect((await app.post(auth, undefined, basic('Alice@example.com', 'wrong'))).status).toBe(401);
    expect((await app.post(auth, undefined, basic(alice.email, 'wrong'))).status).toBe(401);
    for (const answer of [
      await app.post(auth, right),
      await app.post(auth, undefined, basic(alice.email, alice.password)),
    ]) {
      expect([answer.status, answer.body.code]).toEqual([423, 'locked']);
    }
    app.clock.advance(900);
    expect((await app.post(auth, right)).status).toBe(200);
    expect(app.events.filter(({ type }) => type === 'locked')).toHaveLength(1);
  });

  it('closes for addresses that nobody has, with the same answers', async () => {
    const transcript = async (email: string) => {
      const app = await testApp({ lockout: { failures: 3 } });
      const texts = [];
      for (let index = 0; index < 5; index += 1) texts.push((await app.post(auth, { ...guess, email })).text);
      return texts;
    };
    expect(await transcript('nobody@example.com')).toEqual(await transcript(alice.email));
  });

  it('forgets the failures with a sign-in that is complete', async () => {
    const app = await testApp({ lockout: { failures: 3 } });
    for (let round = 0; round < 3; round += 1) {
      for (let index = 0; index < 2; index += 1) expect((await app.post(auth, guess)).status).toBe(401);
      expect((await app.post(auth, right)).status).toBe(200);
    }
  });

  it('keeps the failures through a first factor whose second is owed', async () => {
    const app = await testApp({ lockout: { failures: 3 } });
    const { deviceRecord } = await import('../../lib/testing/index.js');
    await app.repositories.devices.add(alice.id, deviceRecord(1));
    for (let index = 0; index < 2; index += 1) expect((await app.post(auth, guess)).status).toBe(401);
    expect((await app.post(auth, right)).status).toBe(200);
    expect((await app.post(auth, guess)).status).toBe(401);
    expect((await app.post(auth, right)).status).toBe(423);
  });

  it('does not lock apps', async () => {
    const app = await testApp({ lockout: { failures: 2 } });
    for (let index = 0; index < 5; index += 1) {
      expect((await app.post(auth, undefined, basic(robot.id, 'wrong'))).status).toBe(401);
    }
    expect((await app.post(auth, undefined, basic(robot.id, robot.secret))).status).toBe(200);
  });
});
