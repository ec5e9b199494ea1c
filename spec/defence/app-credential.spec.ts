import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { hasValidSecret, verifyApp, verifyAppSecret } from '../../lib/defence/app-credential.js';
import { type Account, type App, type AppSecret, hashSecret } from '../../lib/index.js';
import { acme, robot } from '../support/people.js';

const now = Date.UTC(2026, 0, 1);
const secretOf = (id: string, secret: string, validUntil?: number): AppSecret => ({
  id,
  hash: hashSecret(secret),
  ...(validUntil === undefined ? {} : { validUntil }),
});
const appWith = (...secrets: AppSecret[]): App => ({
  ...{ id: robot.id, accountId: acme, name: robot.name, enabled: true },
  secrets,
});
const rotating = appWith(secretOf('old', 'old secret', now + 1000), secretOf('new', 'new secret'));

describe('hashSecret', () => {
  it.each(['', 'x'.repeat(1025), '\ud800'])('takes none by which no app could sign in', (secret) => {
    expect(() => hashSecret(secret)).toThrow(RangeError);
  });

  it('is the hexadecimal SHA-256 of the exact bytes', () => {
    expect(hashSecret('pä ')).toBe(createHash('sha256').update(Buffer.from('pä ')).digest('hex'));
    expect(hashSecret('pä')).not.toBe(hashSecret('pä'.normalize('NFD')));
    expect(hashSecret('x')).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('verifyAppSecret', () => {
  it('finds which of several secrets was presented', () => {
    expect(verifyAppSecret(rotating, 'old secret', now)).toBe('old');
    expect(verifyAppSecret(rotating, 'new secret', now)).toBe('new');
    for (const other of ['', 'old secret ', 'OLD SECRET', 'old secret\0', 'old', hashSecret('old secret')])
      expect(verifyAppSecret(rotating, other, now)).toBeNull();
  });

  it.each([
    [999, 'old'],
    [1000, null],
    [1001, null],
  ])('%d ms later, of a secret that is good for 1000 ms: %s', (later, found) => {
    expect(verifyAppSecret(rotating, 'old secret', now + later)).toBe(found);
    expect(verifyAppSecret(rotating, 'new secret', now + later)).toBe('new');
  });

  it('finds the one that is valid of two that are the same', () => {
    const twice = [secretOf('ended', 'same', now), secretOf('live', 'same')];
    expect(verifyAppSecret(appWith(...twice), 'same', now)).toBe('live');
    expect(verifyAppSecret(appWith(...twice.reverse()), 'same', now)).toBe('live');
  });

  it('finds none for an app without secrets, and for no app', () => {
    expect(verifyAppSecret(appWith(), '', now)).toBeNull();
    expect(verifyAppSecret(null, 'old secret', now)).toBeNull();
  });

  it('knows no secret whose end makes no sense', () => {
    expect(verifyAppSecret(appWith(secretOf('odd', 'x', Number.NaN)), 'x', now)).toBeNull();
  });
});

describe('hasValidSecret', () => {
  it('is whether the secret is still there and has not ended', () => {
    expect(hasValidSecret(rotating, 'old', now)).toBe(true);
    expect(hasValidSecret(rotating, 'old', now + 1000)).toBe(false);
    expect(hasValidSecret(rotating, 'new', now + 1_000_000)).toBe(true);
    expect(hasValidSecret(rotating, 'gone', now)).toBe(false);
  });
});

describe('verifyApp', () => {
  const asked: string[] = [];
  const accountsWith = (account: Account | null) => ({
    async findById(id: string) {
      asked.push(id);
      return account;
    },
  });
  const verify = (app: App | null, secret: string, account: Account | null = { id: acme, enabled: true }) =>
    verifyApp({ accounts: accountsWith(account), clock: () => now }, app, secret);

  it('is the app and the secret that it came with', async () => {
    expect(await verify(rotating, 'old secret')).toEqual({ app: rotating, secretId: 'old' });
    expect(asked.splice(0)).toEqual([acme]);
  });

  it('takes every account for enabled where there is no repository of accounts', async () => {
    const verdict = await verifyApp({ accounts: null, clock: () => now }, rotating, 'new secret');
    expect(verdict).toEqual({ app: rotating, secretId: 'new' });
  });

  it.each([
    ['no app', null, 'old secret', undefined, { reason: 'unknown_principal', entityId: null }],
    ['an app without secrets', appWith(), '', undefined, { reason: 'no_secret', entityId: robot.id }],
    ['another secret', rotating, 'guess', undefined, { reason: 'wrong_secret', entityId: robot.id }],
    [
      'a secret that has ended',
      appWith(secretOf('old', 'x', now)),
      'x',
      undefined,
      { reason: 'wrong_secret', entityId: robot.id },
    ],
    [
      'a disabled app',
      { ...rotating, enabled: false },
      'old secret',
      undefined,
      { reason: 'disabled', entityId: robot.id },
    ],
    [
      'a disabled account',
      rotating,
      'old secret',
      { id: acme, enabled: false },
      { reason: 'account_disabled', entityId: robot.id },
    ],
    ['no account', rotating, 'old secret', null, { reason: 'account_disabled', entityId: robot.id }],
  ] as const)('refuses %s', async (_, app, secret, account, verdict) => {
    expect(await verify(app, secret, account)).toEqual(verdict);
  });

  it('says of a disabled app with a wrong secret no more than of any other, and asks for no account', async () => {
    asked.splice(0);
    expect(await verify({ ...rotating, enabled: false }, 'guess')).toEqual({
      reason: 'wrong_secret',
      entityId: robot.id,
    });
    expect(asked).toEqual([]);
  });

  it('does not hide that the accounts are out of reach', async () => {
    const accounts = { findById: () => Promise.reject(new Error('down')) };
    await expect(verifyApp({ accounts, clock: () => now }, rotating, 'old secret')).rejects.toThrow('down');
  });
});
