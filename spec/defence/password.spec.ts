import { describe, expect, it } from '@jest/globals';
import { hash } from '@node-rs/argon2';
import { passwordHashing } from '../../lib/defence/password-hashing.js';
import { verifyUserPassword } from '../../lib/defence/user-password.js';
import { hashPassword, memoryRepositories } from '../../lib/index.js';
import { alice } from '../support/people.js';

const hashing = passwordHashing({ concurrency: 2, queue: 100 });

describe('password hashing', () => {
  it('takes the exact bytes', async () => {
    const password = `pass wörd${'x'.repeat(100)}`;
    const stored = await hashPassword(password);
    expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(await hashing.verify(stored, password)).toBe('match');
    for (const other of [
      `${password} `,
      `${password}\0`,
      password.normalize('NFD'),
      password.slice(0, -1),
      ` ${password}`,
    ]) {
      expect(await hashing.verify(stored, other)).toBe('mismatch');
    }
  });

  it('finds what is no argon2id hash, or one of absurd cost, unusable, and lives on', async () => {
    const good = await hashPassword('x');
    const bad = [
      ...['', 'x', '$argon2id$', '$2b$12$abcdefghijklmnopqrstuv', 'x'.repeat(1_000_000)],
      ...[
        good.slice(0, -30),
        good.slice(0, 40),
        good.replace('argon2id', 'argon2i'),
        good.replace('v=19', 'v=16'),
      ],
      good.replace('m=19456', 'm=4194304'),
      good.replace('t=2', 't=4000000'),
      good.replace('p=1', 'p=255'),
      good.replace('m=19456', 'm=1'),
      good.replace('m=19456', 'm=-5'),
    ];
    for (const each of bad)
      expect([each.slice(0, 50), await hashing.verify(each, 'x')]).toEqual([each.slice(0, 50), 'unusable']);
    expect(await hashing.verify(good, 'x')).toBe('match');
  });

  it('runs so many at once, lets so many wait, and refuses the rest', async () => {
    const small = passwordHashing({ concurrency: 1, queue: 3 });
    const stored = await hashPassword('x');
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => small.verify(stored, 'x')));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(4);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'too_many_requests' });
    }
    expect(await small.verify(stored, 'x')).toBe('match');
  });
});

describe('verifyUserPassword', () => {
  const weak = () => hash('old password', { memoryCost: 4096, timeCost: 1 });
  const usersWith = (passwordHash: string) =>
    memoryRepositories({ users: [{ id: alice.id, email: alice.email, passwordHash }] }).users;
  const audit = () => {};
  const isWeak = (stored: string | null | undefined) => stored?.includes('m=4096') ?? false;

  it('renews a weak hash after a match, and only then', async () => {
    const users = usersWith(await weak());
    await verifyUserPassword({ users, hashing, audit }, alice.email, 'wrong');
    expect(isWeak((await users.findById(alice.id))?.passwordHash)).toBe(true);
    expect(await verifyUserPassword({ users, hashing, audit }, alice.email, 'old password')).toMatchObject({
      user: { id: alice.id },
    });
    const renewed = (await users.findById(alice.id))?.passwordHash ?? '';
    expect(isWeak(renewed)).toBe(false);
    expect(await hashing.verify(renewed, 'old password')).toBe('match');
  });

  it('does not write over a password that was changed meanwhile', async () => {
    const users = usersWith(await weak());
    const changed = await hashPassword('new password');
    const slow = {
      ...hashing,
      async hash(password: string) {
        const row = users.table.get(alice.id);
        if (row) users.table.set(alice.id, { ...row, passwordHash: changed });
        return hashPassword(password);
      },
    };
    await verifyUserPassword({ users, hashing: slow, audit }, alice.email, 'old password');
    expect((await users.findById(alice.id))?.passwordHash).toBe(changed);
  });
});
