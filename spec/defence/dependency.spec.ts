import { describe, expect, it } from '@jest/globals';
import { type AuditEvent, auditLog } from '../../lib/defence/audit.js';
import { dependencyGuard, fromCallback } from '../../lib/defence/dependency.js';
import { guardRepositories } from '../../lib/defence/guarded-repositories.js';
import type { App, Repositories, User } from '../../lib/index.js';
import { appRecord, userRecord } from '../../lib/testing/index.js';

const told: object[] = [];
const dependency = dependencyGuard(0.05, (event) => told.push(event));
const anything = (answer: unknown) => ({ answer });

describe('a call to a dependency', () => {
  const broken: [string, () => unknown, string][] = [
    [
      'throws',
      () => {
        throw new TypeError('secret');
      },
      'threw',
    ],
    [
      'throws no error',
      () => {
        throw 'secret';
      },
      'threw',
    ],
    ['rejects', () => Promise.reject(new Error('secret')), 'threw'],
    ['never answers', () => new Promise(() => {}), 'timed_out'],
    // biome-ignore lint/suspicious/noThenProperty: a thenable that is no promise is the point
    ['never calls back', () => ({ then() {} }), 'timed_out'],
    [
      'answers late',
      () => new Promise((_, reject) => setTimeout(() => reject(new Error('late')), 80)),
      'timed_out',
    ],
  ];
  it.each(broken)('that %s is unavailable', async (_, call, kind) => {
    await expect(dependency('users.findById', call, anything)).rejects.toMatchObject({
      code: 'unavailable',
      status: 503,
    });
    expect(told.at(-1)).toMatchObject({ type: 'dependency_failed', operation: 'users.findById', kind });
    expect(JSON.stringify(told)).not.toContain('secret');
    await new Promise((resolve) => setTimeout(resolve, 60));
  });

  it('that answers in time is taken, by value, by promise or by any thenable', async () => {
    // biome-ignore lint/suspicious/noThenProperty: a thenable that is no promise is the point
    const thenable = { then: (resolve: (value: number) => void) => resolve(3) };
    for (const [call, answer] of [
      [() => 1, 1],
      [async () => 2, 2],
      [() => thenable, 3],
    ] as const) {
      expect(await dependency('x', call, anything)).toEqual({ answer });
    }
  });
});

describe('the guarded repositories', () => {
  const user = userRecord(1);
  const app = appRecord(1);
  const answering = (answer: unknown): Repositories => ({
    users: {
      findById: async () => answer as User,
      findByEmail: async () => answer as User,
    } as unknown as NonNullable<Repositories['users']>,
    apps: {
      findById: async () => answer as App,
      findByName: async () => answer as App,
    } as unknown as NonNullable<Repositories['apps']>,
  });
  const guarded = (answer: unknown) => guardRepositories(answering(answer), dependency);
  const unavailable = { code: 'unavailable' };

  const nonsense: unknown[] = [
    ...[
      undefined,
      false,
      0,
      '',
      'user',
      [],
      [user],
      {},
      { ...user, id: undefined },
      { ...user, id: 'not-a-uuid' },
    ],
    ...[userRecord(2), { ...user, email: 5 }, { ...user, enabled: 'yes' }],
    ...[
      { ...user, enabled: undefined },
      { ...user, passwordHash: undefined },
      { ...user, passwordHash: 5 },
    ],
    ...[
      { ...user, credentialVersion: null },
      { ...user, accountIds: undefined },
      { ...user, accountIds: ['x'] },
    ],
  ];
  it.each(nonsense)('do not take %j for a user', async (answer) => {
    await expect(guarded(answer).users?.findById(user.id)).rejects.toMatchObject(unavailable);
  });

  const strangeApps: unknown[] = [
    ...[undefined, [], { ...app, accountId: 'x' }, { ...app, enabled: 1 }, { ...app, secrets: {} }],
    ...[
      { ...app, secrets: [{ id: 'a', hash: 'short' }] },
      { ...app, secrets: [{ id: 'a', hash: 'F'.repeat(64) }] },
    ],
    { ...app, secrets: [{ id: 'a', hash: '0'.repeat(64), validUntil: 'soon' }] },
  ];
  it.each(strangeApps)('do not take %j for an app', async (answer) => {
    await expect(guarded(answer).apps?.findById(app.id)).rejects.toMatchObject(unavailable);
  });

  it('take what was asked for, and null for none', async () => {
    expect(await guarded(user).users?.findById(user.id)).toBe(user);
    expect(
      await guarded({ ...user, email: 'USER1@Example.com' }).users?.findByEmail(user.email),
    ).toMatchObject({ id: user.id });
    expect(await guarded(null).users?.findById(user.id)).toBeNull();
    expect(await guarded(app).apps?.findById(app.id)).toBe(app);
  });
});

describe('the audit log', () => {
  it('tells later, with the time, and minds no listener that fails', async () => {
    const events: AuditEvent[] = [];
    const listeners = [
      (event: AuditEvent) => events.push(event),
      () => {
        throw new Error('x');
      },
      () => Promise.reject(new Error('x')),
    ];
    for (const listener of listeners)
      auditLog(
        listener,
        () => 42,
      )({ type: 'throttled', scope: 'app', address: '192.0.2.1', requestId: null });
    expect(events).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(events).toEqual([
      { type: 'throttled', scope: 'app', address: '192.0.2.1', requestId: null, at: 42 },
    ]);
  });
});

describe('a call to a dependency that misbehaves in some other way', () => {
  const code = (call: () => unknown) => dependency('x', call, anything).catch((error) => error.code);
  /** What nobody caught while this ran, and a little later. */
  async function loose(work: () => Promise<unknown>): Promise<unknown[]> {
    const found: unknown[] = [];
    const note = (error: unknown) => found.push(error);
    process.on('unhandledRejection', note).on('uncaughtException', note);
    try {
      await work();
      await new Promise((resolve) => setTimeout(resolve, 120));
      return found;
    } finally {
      process.off('unhandledRejection', note).off('uncaughtException', note);
    }
  }
  const later = (then: () => void) => setTimeout(then, 90);

  it('leaves no rejection behind that comes when nobody waits any more', async () => {
    const late: (() => unknown)[] = [
      () => new Promise((_, reject) => later(() => reject(new Error('late')))),
      () => new Promise((_, reject) => later(() => reject())),
      // biome-ignore lint/suspicious/noThenProperty: a thenable that is no promise is the point
      () => ({ then: (_: unknown, reject: (e: Error) => void) => later(() => reject(new Error('late'))) }),
      // biome-ignore lint/suspicious/noThenProperty: a thenable that is no promise is the point
      () => ({ then: (resolve: (value: unknown) => void) => later(() => resolve(Promise.reject(1))) }),
    ];
    const found = await loose(async () => {
      for (const call of late) expect(await code(call)).toBe('unavailable');
    });
    expect(found).toEqual([]);
  });

  it('is believed once: what comes after the first answer changes nothing', async () => {
    const twice = (first: 'resolve' | 'reject') => ({
      // biome-ignore lint/suspicious/noThenProperty: a thenable that is no promise is the point
      then(resolve: (value: string) => void, reject: (error: Error) => void) {
        if (first === 'resolve') resolve('first');
        reject(new Error('second'));
        resolve('third');
        throw new Error('fourth');
      },
    });
    expect(await dependency('x', () => twice('resolve'), anything)).toEqual({ answer: 'first' });
    expect(await code(() => twice('reject'))).toBe('unavailable');
  });

  it.each([
    // biome-ignore lint/suspicious/noThenProperty: a thenable that is no promise is the point
    ['a then that throws', () => ({ then: () => nothing() })],
    ['a then that cannot be read', () => Object.defineProperty({}, 'then', { get: () => nothing() })],
    ['a proxy that answers nothing', () => new Proxy({}, { get: nothing, has: nothing })],
    ['a promise of such a thing', async () => Object.defineProperty({}, 'then', { get: () => nothing() })],
  ])('is unavailable: %s', async (_, call) => {
    expect(await code(call)).toBe('unavailable');
    expect(told.at(-1)).toMatchObject({ kind: 'threw' });
  });

  it('is unavailable when its answer cannot be looked at', async () => {
    const row = Object.defineProperty({}, 'id', { get: () => nothing(), enumerable: true });
    const look = (answer: unknown) => ({ id: Reflect.get(Object(answer), 'id') });
    await expect(dependency('users.findById', async () => row, look)).rejects.toMatchObject({
      code: 'unavailable',
    });
  });

  it('answers nonsense: that is told as such', async () => {
    await expect(
      dependency(
        'x',
        async () => 'nonsense',
        () => undefined,
      ),
    ).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect(told.at(-1)).toEqual({
      ...{ type: 'dependency_failed', operation: 'x' },
      ...{ kind: 'impossible_answer', error: null },
    });
  });

  it.each([
    [Object.assign(new Error('marker'), { code: 'ECONNREFUSED' }), 'Error ECONNREFUSED'],
    [Object.assign(new TypeError('marker'), { code: 5, detail: 'marker' }), 'TypeError'],
    [Object.assign(new Error('x'), { name: 'x'.repeat(500) }), 'x'.repeat(80)],
    ['marker', 'string'],
    [{ marker: 'marker' }, 'object'],
    [undefined, null],
    [null, null],
  ])('is told by the name of what it threw, and no more', async (error, name) => {
    await code(() => Promise.reject(error));
    expect(told.at(-1)).toMatchObject({ error: name });
    expect(JSON.stringify(told.at(-1))).not.toContain('marker');
  });

  it('is waited for until the deadline, and not longer', async () => {
    const started = performance.now();
    expect(await code(() => new Promise(() => {}))).toBe('unavailable');
    expect(performance.now() - started).toBeGreaterThan(40);
    expect(performance.now() - started).toBeLessThan(500);
    const slow = () => new Promise((resolve) => setTimeout(() => resolve('in time'), 20));
    expect(await dependency('x', slow, anything)).toEqual({ answer: 'in time' });
  });
});

function nothing(): never {
  throw new Error('cannot be looked at');
}

describe('what calls back', () => {
  const error = new Error('x');

  it('is there at once when it calls back at once', () => {
    expect(fromCallback((done) => done(null, 'row'))).toBe('row');
    expect(() => fromCallback((done) => done(error))).toThrow('x');
  });

  it('is there later when it calls back later', async () => {
    expect(await fromCallback((done) => setImmediate(done, null, 'row'))).toBe('row');
    await expect(fromCallback((done) => setImmediate(done, error))).rejects.toThrow('x');
  });

  it('fails when it rejects instead of calling back, whatever with', async () => {
    for (const reason of [error, null, undefined, ''])
      await expect(fromCallback(() => Promise.reject(reason))).rejects.toBeInstanceOf(Error);
  });

  it('stays what it called back first, and a rejection after that is nobody’s', async () => {
    const twice = (done: (error?: unknown, value?: unknown) => void) => {
      done(null, 'first');
      done(null, 'second');
      return Promise.reject(error);
    };
    expect(fromCallback(twice)).toBe('first');
    await new Promise((resolve) => setImmediate(resolve));
  });
});
