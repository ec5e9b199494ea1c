import { describe, expect, it } from '@jest/globals';
import { type AuditEvent, auditLog } from '../../lib/defence/audit.js';
import { testClock } from '../support/clock.js';

const clock = testClock();
const event = { type: 'throttled', scope: 'app', address: '192.0.2.1', requestId: null } as const;
const soon = () => new Promise((resolve) => setTimeout(resolve, 10));

/** Tells a listener of a few events; what came of it in this process. */
async function tell(listener: (event: AuditEvent) => unknown, times = 3) {
  const loose: unknown[] = [];
  const note = (error: unknown) => loose.push(error);
  process.on('unhandledRejection', note).on('uncaughtException', note);
  try {
    const audit = auditLog(listener, clock);
    const started = performance.now();
    for (let index = 0; index < times; index += 1) audit({ ...event, address: `192.0.2.${index}` });
    const took = performance.now() - started;
    await soon();
    return { loose, took };
  } finally {
    process.off('unhandledRejection', note).off('uncaughtException', note);
  }
}

describe('the audit log', () => {
  it('tells each event once, in order, with the time at which it happened', async () => {
    const events: AuditEvent[] = [];
    const audit = auditLog((told) => events.push(told), clock);
    const at = clock();
    audit(event);
    clock.advance(5);
    audit({ type: 'locked', what: 'guesses', identifier: 'x', address: '192.0.2.2', requestId: null });
    expect(events).toEqual([]);
    await soon();
    expect(events).toEqual([
      { ...event, at },
      {
        type: 'locked',
        what: 'guesses',
        identifier: 'x',
        address: '192.0.2.2',
        requestId: null,
        at: at + 5000,
      },
    ]);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken'))],
    ['rejects with nothing', () => Promise.reject()],
    ['hangs', () => new Promise(() => {})],
    [
      'answers a thenable that throws',
      () => ({
        // biome-ignore lint/suspicious/noThenProperty: a thenable that is no promise is the point
        then() {
          throw new Error('broken');
        },
      }),
    ],
    // biome-ignore lint/suspicious/noThenProperty: a thenable that is no promise is the point
    ['answers a thenable that never calls back', () => ({ then() {} })],
  ])('goes on when the listener %s', async (_, listener) => {
    let calls = 0;
    const { loose, took } = await tell(() => {
      calls += 1;
      return listener();
    });
    expect([loose, calls]).toEqual([[], 3]);
    expect(took).toBeLessThan(50);
  });

  it('does not wait for a listener that takes its time', async () => {
    const busy = () => {
      const until = performance.now() + 2;
      while (performance.now() < until);
    };
    const { took } = await tell(busy, 5);
    expect(took).toBeLessThan(5);
  });

  it('gives the listener an object of its own', async () => {
    const given = { ...event };
    auditLog((told) => Object.assign(told, { address: 'changed' }), clock)(given);
    await soon();
    expect(given).toEqual(event);
  });

  it('asks nobody anything when nobody listens', () => {
    const audit = auditLog(undefined, () => {
      throw new Error('the clock was asked');
    });
    expect(() => audit(event)).not.toThrow();
  });
});
