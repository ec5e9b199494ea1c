import { describe, expect, it } from '@jest/globals';
import { hash } from '@node-rs/argon2';
import { type AuditEvent, auditLog } from '../../lib/defence/audit.js';
import { dependencyGuard } from '../../lib/defence/dependency.js';
import { guardRepositories } from '../../lib/defence/guarded-repositories.js';
import { type PasswordHashing, passwordHashing } from '../../lib/defence/password-hashing.js';
import { verifyUserPassword } from '../../lib/defence/user-password.js';
import { AuthError, hashPassword, memoryRepositories, type User } from '../../lib/index.js';
import { alice, bob, dan, people, sue } from '../support/people.js';

const hashing = passwordHashing({ concurrency: 2, queue: 100 });
const weak = hash(alice.password, { memoryCost: 4096, timeCost: 1 });

/** Users of whom alice has a weak hash, and everything that was told. */
async function weakAlice(change: Partial<User> = {}) {
  const { users } = memoryRepositories({
    users: [{ id: alice.id, email: alice.email, passwordHash: await weak, ...change }],
  });
  const told: object[] = [];
  const stored = async () => (await users.findById(alice.id))?.passwordHash ?? '';
  return { users, told, stored, audit: (event: object) => told.push(event) };
}

describe('verifyUserPassword', () => {
  it.each([
    ['the password', alice.email, alice.password, { user: expect.objectContaining({ id: alice.id }) }],
    ['another password', alice.email, bob.password, { reason: 'wrong_secret', entityId: alice.id }],
    ['no such user', 'nobody@example.com', alice.password, { reason: 'unknown_principal', entityId: null }],
    ['a user without a password', sue.email, '', { reason: 'no_secret', entityId: sue.id }],
    ['a disabled user', dan.email, dan.password, { reason: 'disabled', entityId: dan.id }],
    ['a disabled user, wrong password', dan.email, 'x', { reason: 'wrong_secret', entityId: dan.id }],
  ])('%s', async (_, email, password, verdict) => {
    const { users } = await people();
    expect(await verifyUserPassword({ users, hashing, audit: () => {} }, email, password)).toEqual(verdict);
  });

  it.each(['', ' ', 'x', '$argon2id$', 'undefined', 'null'])(
    'takes nobody in by the stored hash %j, not even with itself for a password',
    async (passwordHash) => {
      const { users, audit } = await weakAlice({ passwordHash });
      for (const password of [passwordHash, '', 'x']) {
        const verdict = await verifyUserPassword({ users, hashing, audit }, alice.email, password);
        expect(verdict).toEqual({ reason: 'unusable_hash', entityId: alice.id });
      }
    },
  );

  it('costs one verification, whoever it is', async () => {
    const { users } = await people();
    const asked: (string | null)[] = [];
    const counting: PasswordHashing = {
      ...hashing,
      async verify(stored) {
        asked.push(stored);
        return 'mismatch';
      },
    };
    for (const email of [alice.email, 'nobody@example.com', sue.email, dan.email])
      await verifyUserPassword({ users, hashing: counting, audit: () => {} }, email, 'x');
    const known = expect.stringMatching(/^\$argon2id\$/);
    expect(asked).toEqual([known, null, null, known]);
  });
});

describe('a weak hash', () => {
  it('is renewed after a match, and that is told without the hash', async () => {
    const { users, told, stored, audit } = await weakAlice();
    await verifyUserPassword({ users, hashing, audit }, alice.email, alice.password);
    expect(await stored()).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(await hashing.verify(await stored(), alice.password)).toBe('match');
    expect(told).toEqual([{ type: 'password_rehashed', entityId: alice.id }]);
  });

  it.each([
    ['a wrong password', {}, 'wrong'],
    ['a disabled user', { enabled: false }, alice.password],
  ])('stays with %s', async (_, change, password) => {
    const { users, told, stored, audit } = await weakAlice(change);
    await verifyUserPassword({ users, hashing, audit }, alice.email, password);
    expect([await stored(), told]).toEqual([await weak, []]);
  });

  it('is left alone where the host saves none, and a strong one always', async () => {
    const { users, told, stored, audit } = await weakAlice();
    const { savePasswordHash: _, ...readOnly } = users;
    const verdict = await verifyUserPassword(
      { users: readOnly, hashing, audit },
      alice.email,
      alice.password,
    );
    expect(verdict).toMatchObject({ user: { id: alice.id } });
    expect([await stored(), told]).toEqual([await weak, []]);

    const strong = await weakAlice({ passwordHash: await hashPassword(alice.password) });
    const before = await strong.stored();
    await verifyUserPassword({ users: strong.users, hashing, audit }, alice.email, alice.password);
    expect(await strong.stored()).toBe(before);
  });

  it.each(['isOutdated', 'hash'] as const)(
    'is not written over a password that was changed while it was renewed: during %s',
    async (step) => {
      const { users, told, stored, audit } = await weakAlice();
      const changed = await hashPassword('changed meanwhile');
      const change = () => {
        const row = users.table.get(alice.id);
        if (row) users.table.set(alice.id, { ...row, passwordHash: changed });
      };
      const racing: PasswordHashing = {
        ...hashing,
        [step]: async (text: string) => {
          const answer = await hashing[step](text);
          change();
          return answer;
        },
      };
      const verdict = await verifyUserPassword(
        { users, hashing: racing, audit },
        alice.email,
        alice.password,
      );
      expect(verdict).toMatchObject({ user: { id: alice.id } });
      expect([await stored(), told]).toEqual([changed, []]);
    },
  );

  it('is renewed once by many sign-ins at once', async () => {
    const { users, told, audit } = await weakAlice();
    await Promise.all(
      Array.from({ length: 5 }, () =>
        verifyUserPassword({ users, hashing, audit }, alice.email, alice.password),
      ),
    );
    expect(told).toHaveLength(1);
  });

  it('that cannot be renewed refuses nobody: the queue is full', async () => {
    const { users, stored, audit } = await weakAlice();
    const full: PasswordHashing = {
      ...hashing,
      hash: async () => {
        throw new AuthError('too_many_requests', { retryAfter: 1 });
      },
    };
    const verdict = await verifyUserPassword({ users, hashing: full, audit }, alice.email, alice.password);
    expect(verdict).toMatchObject({ user: { id: alice.id } });
    expect(await stored()).toBe(await weak);
  });

  const failing: [string, () => Promise<boolean>][] = [
    [
      'throws',
      () => {
        throw new Error('down');
      },
    ],
    ['rejects', () => Promise.reject(new Error('down'))],
    ['rejects with nothing', () => Promise.reject()],
    ['answers nonsense', async () => 'OK' as unknown as boolean],
  ];

  it.each(failing)('that cannot be saved refuses nobody: the guarded repository %s', async (_, save) => {
    const { users } = await weakAlice();
    const events: AuditEvent[] = [];
    const audit = auditLog(
      (event) => events.push(event),
      () => 0,
    );
    const guarded = guardRepositories(
      { users: { ...users, savePasswordHash: save } },
      dependencyGuard(1, audit),
    ).users;
    if (guarded === null) throw new Error('there are users');
    const verdict = await verifyUserPassword({ users: guarded, hashing, audit }, alice.email, alice.password);
    expect(verdict).toMatchObject({ user: { id: alice.id } });
    await new Promise((resolve) => setImmediate(resolve));
    expect(events).toMatchObject([{ type: 'dependency_failed', operation: 'users.savePasswordHash' }]);
  });

  it.each(failing)(
    'that cannot be saved refuses nobody: a repository without a guard %s',
    async (_, save) => {
      const { users, audit } = await weakAlice();
      const unguarded = { ...users, savePasswordHash: save };
      const verdict = verifyUserPassword({ users: unguarded, hashing, audit }, alice.email, alice.password);
      await expect(verdict).resolves.toMatchObject({ user: { id: alice.id } });
    },
  );
});
