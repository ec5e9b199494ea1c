import { describe, expect, it } from '@jest/globals';
import { type AuditEvent, auditLog } from '../../lib/defence/audit.js';
import { dependencyGuard } from '../../lib/defence/dependency.js';
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
    ...[
      userRecord(2),
      { ...user, email: 5 },
      { ...user, email: 'bob@example.com' },
      { ...user, enabled: 'yes' },
    ],
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
    await expect(guarded(answer).users?.findByEmail(user.email)).rejects.toMatchObject(unavailable);
    const emailAlone = (answer as User | undefined)?.email === 'bob@example.com';
    if (!emailAlone)
      await expect(guarded(answer).users?.findById(user.id)).rejects.toMatchObject(unavailable);
  });

  const strangeApps: unknown[] = [
    ...[
      undefined,
      [],
      { ...app, accountId: 'x' },
      { ...app, name: 'other' },
      { ...app, enabled: 1 },
      { ...app, secrets: {} },
    ],
    ...[
      { ...app, secrets: [{ id: 'a', hash: 'short' }] },
      { ...app, secrets: [{ id: 'a', hash: 'F'.repeat(64) }] },
    ],
    { ...app, secrets: [{ id: 'a', hash: '0'.repeat(64), validUntil: 'soon' }] },
  ];
  it.each(strangeApps)('do not take %j for an app', async (answer) => {
    await expect(guarded(answer).apps?.findByName(app.accountId, app.name)).rejects.toMatchObject(
      unavailable,
    );
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
      auditLog(listener, () => 42)({ type: 'throttled', scope: 'app', address: '192.0.2.1' });
    expect(events).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(events).toEqual([{ type: 'throttled', scope: 'app', address: '192.0.2.1', at: 42 }]);
  });
});
