import { describe, expect, it } from '@jest/globals';
import { type GuessLimits, guessLimits } from '../../lib/defence/guesses.js';
import { emailLock } from '../../lib/defence/lockout.js';
import { throttle } from '../../lib/defence/throttle.js';
import { AuthError, memoryCounterStore, type ProblemCode } from '../../lib/index.js';
import { from } from '../support/client.js';
import { testClock } from '../support/clock.js';
import { withFaults } from '../support/faults.js';

const address = from('192.0.2.1');

function make({ perAddress = 100, perApp = 3, email = 3 } = {}) {
  const clock = testClock();
  const audit = () => {};
  const { wrapped, faults } = withFaults(memoryCounterStore({ clock }));
  const limited = {
    perAddress: { limit: perAddress, window: 60 },
    perApp: { limit: perApp, window: 60 },
    discoveries: { limit: 9, window: 60 },
    overall: { failures: { limit: 50, window: 60 }, discoveries: { limit: 50, window: 60 } },
  };
  const limits = guessLimits(
    emailLock({
      ...{ counters: wrapped, captcha: null, audit },
      ...{ limits: { limit: email, window: 60, closedFor: 60 }, identify: (each) => each },
    }),
    throttle(wrapped, limited, clock, audit),
  );
  return { clock, faults, limits };
}

const refused = (code: ProblemCode) => async () => {
  throw new AuthError(code);
};
const through = async () => 'through';
const complete = () => true;
/** How a guess ends: what the work answered, or the code that it was refused with. */
const end = (limits: GuessLimits, guess: Parameters<GuessLimits['at']>[0], work: () => Promise<unknown>) =>
  limits.at(guess, address, work, complete).catch((error: AuthError) => error.code ?? String(error));

describe('guesses', () => {
  it.each(['invalid_credentials', 'locked'] as const)('count when the answer is %s', async (code) => {
    const { limits } = make();
    for (let index = 0; index < 3; index += 1)
      expect(await end(limits, { email: 'a@x' }, refused(code))).toBe(code);
    expect(await end(limits, { email: 'a@x' }, through)).toBe('locked');
  });

  it.each([
    ...(['malformed_request', 'method_not_configured', 'payload_too_large', 'too_many_requests'] as const),
    ...(['unavailable', 'gateway_timeout', 'bad_gateway', 'cross_site_request'] as const),
  ])('do not count when the answer is %s', async (code) => {
    const { limits } = make();
    for (let index = 0; index < 10; index += 1)
      expect(await end(limits, { email: 'a@x' }, refused(code))).toBe(code);
    expect(await end(limits, { email: 'a@x' }, through)).toBe('through');
  });

  it('do not count when something unforeseen is thrown, which is thrown on', async () => {
    const { limits } = make();
    const broken = async () => {
      throw new TypeError('unforeseen');
    };
    for (let index = 0; index < 10; index += 1)
      expect(await end(limits, { email: 'a@x' }, broken)).toBe('TypeError: unforeseen');
    expect(await end(limits, { email: 'a@x' }, through)).toBe('through');
  });

  it('at an app slow down that app from that address, and lock nobody', async () => {
    const { limits } = make();
    for (let index = 0; index < 3; index += 1)
      await end(limits, { app: 'a' }, refused('invalid_credentials'));
    expect(await end(limits, { app: 'a' }, through)).toBe('too_many_requests');
    expect(await end(limits, { app: 'b' }, through)).toBe('through');
    expect(await limits.at({ app: 'a' }, from('198.51.100.7'), through, complete)).toBe('through');
  });

  it('at nobody who could exist count for the client address alone', async () => {
    const { limits } = make({ perAddress: 3 });
    for (let index = 0; index < 3; index += 1) await end(limits, null, refused('invalid_credentials'));
    expect(await end(limits, null, through)).toBe('too_many_requests');
    await expect(limits.check(address)).rejects.toMatchObject({ code: 'too_many_requests' });
    await expect(limits.check(from('198.51.100.7'))).resolves.toBeUndefined();
  });

  it('are forgotten by a success that is complete, and not by one that is not', async () => {
    for (const [isComplete, answer] of [
      [true, 'invalid_credentials'],
      [false, 'locked'],
    ] as const) {
      const { limits } = make();
      for (let index = 0; index < 2; index += 1)
        await end(limits, { email: 'a@x' }, refused('invalid_credentials'));
      await limits.at({ email: 'a@x' }, address, through, () => isComplete);
      await end(limits, { email: 'a@x' }, refused('invalid_credentials'));
      expect(await end(limits, { email: 'a@x' }, refused('invalid_credentials'))).toBe(answer);
    }
  });

  it('from an address are not forgotten by a success at its own account', async () => {
    const { limits } = make({ perAddress: 4 });
    for (let index = 0; index < 4; index += 1) {
      await end(limits, { email: `${index}@x` }, refused('invalid_credentials'));
      if (index < 3) await limits.at({ email: 'mine@x' }, address, through, complete);
    }
    await expect(limits.check(address)).rejects.toMatchObject({ code: 'too_many_requests' });
  });

  it('stand when their place cannot be settled', async () => {
    const { faults, limits } = make();
    faults.break('clear', 'reject');
    faults.break('decrement', 'reject');
    expect(await end(limits, { email: 'a@x' }, through)).toBe('through');
  });

  it('that are refused are not worked for', async () => {
    const { limits } = make();
    for (let index = 0; index < 3; index += 1)
      await end(limits, { email: 'a@x' }, refused('invalid_credentials'));
    let worked = false;
    const work = async () => {
      worked = true;
    };
    expect([await end(limits, { email: 'a@x' }, work), worked]).toEqual(['locked', false]);
  });
});
