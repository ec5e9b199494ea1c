import { describe, expect, it } from '@jest/globals';
import { dependencyGuard } from '../../lib/defence/dependency.js';
import { guardCounterStore } from '../../lib/defence/guarded-stores.js';
import { emailLock } from '../../lib/defence/lockout.js';
import { memoryCounterStore } from '../../lib/index.js';
import { from } from '../support/client.js';
import { testClock } from '../support/clock.js';
import { withFaults } from '../support/faults.js';

const limits = { limit: 3, window: 900, closedFor: 900 };
const client = from('192.0.2.1');

function make() {
  const clock = testClock();
  const told: object[] = [];
  const audit = (event: object) => told.push(event);
  const keys = new Set<string>();
  const { wrapped, faults } = withFaults(memoryCounterStore({ clock }));
  const noting = new Proxy(wrapped, {
    get: (target, property) => {
      const method = Reflect.get(target, property);
      return (key: string, ...rest: unknown[]) => {
        keys.add(key);
        return Reflect.apply(method, target, [key, ...rest]);
      };
    },
  });
  const counters = guardCounterStore(noting, dependencyGuard(0.02, audit));
  const lock = emailLock({
    ...{ counters, limits, audit, captcha: null },
    identify: (email) => `hash of ${email.length}`,
  });
  const fail = async (email: string) => (await lock.reserve(email, client)).failed();
  return { clock, told, keys, faults, lock, fail };
}

describe('the lock of e-mail addresses', () => {
  it('locks with the failure that reaches the limit, and tells that once', async () => {
    const { told, lock, fail, clock } = make();
    expect([await fail('a@x'), await fail('a@x'), await fail('a@x')]).toEqual([false, false, true]);
    expect(told).toEqual([{ type: 'locked', what: 'guesses', identifier: 'hash of 3', ...client }]);
    for (let index = 0; index < 3; index += 1)
      await expect(lock.reserve('a@x', client)).rejects.toMatchObject({ code: 'locked', status: 423 });
    expect(told).toHaveLength(1);
    clock.advance(900);
    await expect(lock.reserve('a@x', client)).resolves.toBeDefined();
  });

  it('locks one address and no other, from wherever the guesses come', async () => {
    const { lock } = make();
    for (let index = 0; index < 3; index += 1)
      await (await lock.reserve('alice@x', from(`192.0.2.${index}`))).failed();
    await expect(lock.reserve('alice@x', from('198.51.100.1'))).rejects.toMatchObject({ code: 'locked' });
    await expect(lock.reserve('bob@x', from('192.0.2.1'))).resolves.toBeDefined();
  });

  it('says nothing about when it opens, and nothing about the address', async () => {
    const { lock, fail } = make();
    for (let index = 0; index < 3; index += 1) await fail('marker@x');
    const error = await lock.reserve('marker@x', client).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ retryAfter: undefined, detail: undefined });
    expect(`${error}${JSON.stringify(error)}`).not.toContain('marker');
  });

  it('keeps and tells addresses by their hash alone', async () => {
    const { told, keys, fail } = make();
    for (let index = 0; index < 3; index += 1) await fail('marker@x');
    expect([...keys].length).toBeGreaterThan(0);
    expect(JSON.stringify([told, [...keys]])).not.toContain('marker');
  });

  it.each(['throw', 'reject', 'hang', 'garbage', 'undefined'] as const)(
    'lets nobody guess while its counters %s',
    async (fault) => {
      for (const operation of ['get', 'increment']) {
        const { faults, lock } = make();
        faults.break(operation, fault);
        await expect(lock.reserve('a@x', client)).rejects.toMatchObject({
          code: 'unavailable',
          status: 503,
        });
      }
    },
  );

  it('neither counts nor locks anything without limits', async () => {
    const never = () => {
      throw new Error('the counters were asked');
    };
    const counters = { increment: never, decrement: never, get: never, clear: never };
    const lock = emailLock({ counters, limits: null, captcha: null, identify: never, audit: never });
    for (let index = 0; index < 50; index += 1)
      expect(await (await lock.reserve('a@x', client)).failed()).toBe(false);
  });
});
