import { describe, expect, it } from '@jest/globals';
import { networkOf } from '../../lib/defence/network.js';
import { throttle } from '../../lib/defence/throttle.js';
import { memoryCounterStore } from '../../lib/index.js';
import { basic, testApp } from '../support/app.js';
import { from } from '../support/client.js';
import { testClock } from '../support/clock.js';
import { withFaults } from '../support/faults.js';
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
    ['203.0.113.7:50001', '203.0.113.7'],
    ['[2001:db8:1:2::9]:443', '2001:db8:1:2::/64'],
    ['unknown', 'unknown'],
  ])('of %s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});

describe('the throttle', () => {
  const limits = {
    perAddress: { limit: 3, window: 60 },
    perApp: { limit: 2, window: 60 },
    discoveries: { limit: 5, window: 30 },
    overall: { failures: { limit: 50, window: 60 }, discoveries: { limit: 7, window: 20 } },
  };

  it('counts discoveries whatever comes of them, apart from failures, in windows that end', async () => {
    const clock = testClock();
    const events: unknown[] = [];
    const limited = throttle(memoryCounterStore({ clock }), limits, clock, (event) => events.push(event));
    const tooMany = expect.objectContaining({ code: 'too_many_requests', retryAfter: 30 });
    for (let n = 0; n < 5; n += 1) await limited.discover(from('192.0.2.7'));
    await expect(limited.discover(from('192.0.2.7'))).rejects.toEqual(tooMany);
    expect(events).toEqual([{ type: 'throttled', scope: 'address', ...from('192.0.2.7') }]);
    await limited.discover(from('192.0.2.8'));
    await limited.check(from('192.0.2.7'));
    clock.advance(30);
    await limited.discover(from('192.0.2.7'));
  });

  it('counts them in this process while the shared counters are down', async () => {
    const clock = testClock();
    const down = () => Promise.reject(new Error('down'));
    const broken = { ...memoryCounterStore({ clock }), increment: down, get: down };
    const limited = throttle(broken, limits, clock, () => {});
    for (let n = 0; n < 5; n += 1) await limited.discover(from('192.0.2.7'));
    await expect(limited.discover(from('192.0.2.7'))).rejects.toMatchObject({ code: 'too_many_requests' });
  });

  it('goes on in this process while the shared counters are down, and is never unlimited', async () => {
    const clock = testClock();
    const down = () => Promise.reject(new Error('down'));
    const broken = { ...memoryCounterStore({ clock }), increment: down, get: down };
    const limited = throttle(broken, limits, clock, () => {});
    for (let index = 0; index < 3; index += 1) await (await limited.address(from('192.0.2.1'))).failed();
    await expect(limited.address(from('192.0.2.1'))).rejects.toMatchObject({
      code: 'too_many_requests',
      retryAfter: 60,
    });
    await expect(limited.address(from('192.0.2.2'))).resolves.toBeDefined();
  });

  it('counts an app by the network that it is guessed at from', async () => {
    const clock = testClock();
    const limited = throttle(memoryCounterStore({ clock }), limits, clock, () => {});
    for (let index = 0; index < 2; index += 1)
      await (await limited.app(from(`2001:db8::${index}`), 'app')).failed();
    await expect(limited.app(from('2001:db8::9'), 'app')).rejects.toMatchObject({
      code: 'too_many_requests',
    });
    await expect(limited.app(from('2001:db8:0:1::9'), 'app')).resolves.toBeDefined();
    await expect(limited.app(from('2001:db8::9'), 'other app')).resolves.toBeDefined();
  });

  it('keeps apps apart under a hash of their key, so that no name is long', async () => {
    const clock = testClock();
    const keys = new Set<string>();
    const counters = memoryCounterStore({ clock });
    const noting = {
      ...counters,
      increment: (key: string, window: number) => {
        keys.add(key);
        return counters.increment(key, window);
      },
    };
    const limited = throttle(noting, limits, clock, () => {});
    for (const app of ['a', 'b', `marker${'x'.repeat(4096)}`])
      await (await limited.app(from('192.0.2.1'), app)).failed();
    expect([...keys].filter((key) => key.includes('marker') || key.length > 100)).toEqual([]);
    expect([...keys].filter((key) => key.includes('taken'))).toHaveLength(3);
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

describe('networkOf, in the spellings that proxies write', () => {
  it.each([
    [
      '2001:db8:1:2::3',
      ['2001:0db8:0001:0002:0000:0000:0000:0003', '2001:DB8:1:2:0:0:0:3', '2001:db8:1:2::9%1'],
    ],
    ['2001:db8::1', ['2001:db8:0:0::1', '2001:db8:0:0:0:0:0:1', '2001:0db8::0001', '2001:db8:0::']],
    ['192.0.2.7', ['::ffff:192.0.2.7', '::ffff:c000:207', '0:0:0:0:0:ffff:192.0.2.7', '::FFFF:C000:0207']],
  ])('%s is one network with all of %j', (address, others) => {
    expect(others.map(networkOf)).toEqual(others.map(() => networkOf(address)));
  });

  it('keeps neighbours apart', () => {
    const apart = [
      '192.0.2.7',
      '192.0.2.8',
      '2001:db8:1:2::',
      '2001:db8:1:3::',
      '2001:db8:12::',
      '2001:db8:1200::',
    ];
    expect(new Set(apart.map(networkOf)).size).toBe(apart.length);
  });
});

describe('the throttle, while the shared counters come and go', () => {
  const limits = {
    perAddress: { limit: 3, window: 60 },
    perApp: { limit: 2, window: 60 },
    discoveries: { limit: 5, window: 30 },
    overall: { failures: { limit: 50, window: 60 }, discoveries: { limit: 7, window: 20 } },
  };
  const make = () => {
    const clock = testClock();
    const { wrapped, faults } = withFaults(memoryCounterStore({ clock }));
    const told: object[] = [];
    return {
      clock,
      faults,
      told,
      limited: throttle(wrapped, limits, clock, (event) => told.push(event)),
    };
  };

  it.each(['throw', 'reject'] as const)('counts addresses and apps by itself: they %s', async (fault) => {
    const { faults, limited, told } = make();
    for (const operation of faults.operations) faults.break(operation, fault);
    for (let index = 0; index < 3; index += 1) await (await limited.address(from('192.0.2.1'))).failed();
    for (let index = 0; index < 2; index += 1) await (await limited.app(from('192.0.2.1'), 'app')).failed();
    const closed = { code: 'too_many_requests', status: 429 };
    await expect(limited.check(from('192.0.2.1'))).rejects.toMatchObject(closed);
    await expect(limited.address(from('192.0.2.1'))).rejects.toMatchObject(closed);
    await expect(limited.app(from('192.0.2.1'), 'app')).rejects.toMatchObject(closed);
    await expect(limited.check(from('192.0.2.2'))).resolves.toBeUndefined();
    expect(told).toContainEqual({ type: 'throttled', scope: 'app', ...from('192.0.2.1') });
  });

  it('goes back to the shared ones when they are there again', async () => {
    const { faults, limited } = make();
    for (let index = 0; index < 2; index += 1) await (await limited.address(from('192.0.2.1'))).failed();
    faults.break('get', 'reject');
    await (await limited.address(from('192.0.2.1'))).failed();
    faults.heal();
    await (await limited.address(from('192.0.2.1'))).failed();
    await expect(limited.check(from('192.0.2.1'))).rejects.toMatchObject({ code: 'too_many_requests' });
  });

  it('takes no place by a check', async () => {
    const { limited } = make();
    for (let index = 0; index < 10; index += 1) await limited.check(from('192.0.2.1'));
    for (let index = 0; index < 3; index += 1) await (await limited.address(from('192.0.2.1'))).failed();
    await expect(limited.check(from('192.0.2.1'))).rejects.toMatchObject({
      code: 'too_many_requests',
      retryAfter: 60,
    });
  });

  it('gives a place back for every attempt that did not fail', async () => {
    const { limited } = make();
    for (let index = 0; index < 20; index += 1) {
      await (await limited.address(from('192.0.2.1'))).forgiven();
      await (await limited.app(from('192.0.2.1'), 'app')).cleared();
    }
    await expect(limited.check(from('192.0.2.1'))).resolves.toBeUndefined();
  });

  it('limits nothing when it is off', async () => {
    const off = throttle(memoryCounterStore(), null, Date.now, () => {});
    for (let index = 0; index < 50; index += 1) {
      await off.check(from('192.0.2.1'));
      expect(await (await off.address(from('192.0.2.1'))).failed()).toBe(false);
      expect(await (await off.app(from('192.0.2.1'), 'app')).failed()).toBe(false);
    }
  });
});
