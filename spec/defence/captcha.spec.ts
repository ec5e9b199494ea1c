import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { captchaCheck } from '../../lib/defence/captcha.js';
import { dependencyGuard } from '../../lib/defence/dependency.js';
import { guardOneTimeStore } from '../../lib/defence/guarded-stores.js';
import { claimOnce } from '../../lib/defence/once.js';
import { outbound } from '../../lib/defence/outbound.js';
import type { AuditEvent, AuthError } from '../../lib/index.js';
import { type Captcha, type CaptchaOptions, memoryOneTimeStore } from '../../lib/index.js';
import { captchaOf } from '../../lib/options/captcha.js';
import { captchaKey, type Siteverify, siteverifyDouble, type Verdict } from '../support/siteverify.js';

const address = '192.0.2.7';
const solved = { success: true, challenge_ts: '2026-01-01T00:00:00Z', hostname: 'app.example.com' };

let provider: Siteverify;
beforeEach(async () => {
  provider = await siteverifyDouble();
});
afterEach(() => provider.close());

/** A check of one node; `oneTime` is what the nodes share. */
function checkOf(
  given: Partial<CaptchaOptions> | Captcha = {},
  { oneTime = memoryOneTimeStore(), timeout = 0.3 } = {},
) {
  const told: object[] = [];
  const audit = (event: Omit<AuditEvent, 'at'>) => told.push(event);
  const options =
    'verify' in given
      ? given
      : { provider: 'recaptcha' as const, secretKey: captchaKey, endpoint: provider.endpoint, ...given };
  const dependency = dependencyGuard(0.05, audit);
  const check = captchaCheck(captchaOf(options, ['https://app.example.com']), {
    peers: outbound(fetch, { timeout, size: 10_000 }, audit),
    dependency,
    once: claimOnce(guardOneTimeStore(oneTime, dependency), () => `${Math.random()}`),
    audit,
  });
  const codeOf = (response: string) =>
    check(response, address).catch((error: AuthError) => `${error.status} ${error.code}`);
  return { check, codeOf, told };
}

describe('a captcha by siteverify', () => {
  it.each<[string, Partial<CaptchaOptions>, Verdict]>([
    ['reCAPTCHA v2', {}, solved],
    ['reCAPTCHA v3, with the score of a human', {}, { ...solved, score: 0.5, action: 'whatever' }],
    [
      'reCAPTCHA v3, with the action and the score that are asked for',
      { action: 'sign-in', minScore: 0.9 },
      { ...solved, score: 0.9, action: 'sign-in' },
    ],
    [
      'hCaptcha, whose score says the opposite',
      { provider: 'hcaptcha' },
      { ...solved, score: 0, credit: false },
    ],
    [
      'Turnstile',
      { provider: 'turnstile', action: 'sign-in' },
      { ...solved, action: 'sign-in', cdata: '', 'error-codes': [] },
    ],
    ['a host in capitals', { hostnames: ['Example.ORG'] }, { ...solved, hostname: 'EXAMPLE.org' }],
  ])('opens when it is solved here: %s', async (_, options, verdict) => {
    const { check, told } = checkOf(options);
    provider.gives('good', verdict);
    expect(await check('good', address)).toBeNull();
    expect([...(provider.asked[0] ?? [])]).toEqual([
      ['secret', captchaKey],
      ['response', 'good'],
    ]);
    expect(told).toEqual([]);
  });

  it.each<[string, string, Partial<CaptchaOptions>, Verdict]>([
    ['not_solved', 'unsolved', {}, { success: false, 'error-codes': ['invalid-input-response'] }],
    [
      'not_solved',
      'for another page’s key',
      { provider: 'hcaptcha' },
      { success: false, 'error-codes': ['sitekey-secret-mismatch'] },
    ],
    ['not_solved', 'without a word', {}, { success: false }],
    ['not_solved', 'unsolved, though all else is right', {}, { ...solved, success: false }],
    ['other_hostname', 'on another page', {}, { ...solved, hostname: 'evil.com' }],
    [
      'other_hostname',
      'on a page of a similar name',
      {},
      { ...solved, hostname: 'app.example.com.evil.com' },
    ],
    ['other_hostname', 'on a subdomain', {}, { ...solved, hostname: 'x.app.example.com' }],
    ['other_hostname', 'on no page', {}, { success: true }],
    ['other_hostname', 'in an app', {}, { success: true, apk_package_name: 'app.example.com' }],
    ['other_hostname', 'on a page with a port', {}, { ...solved, hostname: 'app.example.com:443' }],
    [
      'other_action',
      'for something else',
      { action: 'sign-in' },
      { ...solved, score: 0.9, action: 'comment' },
    ],
    ['other_action', 'for nothing', { action: 'sign-in' }, { ...solved, score: 0.9 }],
    ['other_action', 'for it in capitals', { action: 'sign-in' }, { ...solved, action: 'Sign-In' }],
    ['low_score', 'by a robot', {}, { ...solved, score: 0.4 }],
    ['low_score', 'by a robot, as low as can be', {}, { ...solved, score: 0 }],
    [
      'low_score',
      'by somebody below the score that is asked for',
      { minScore: 0.9 },
      { ...solved, score: 0.89 },
    ],
    ['low_score', 'without the score that is asked for', { minScore: 0 }, solved],
  ])('is %s: %s', async (refusal, _, options, verdict) => {
    const { check } = checkOf(options);
    provider.gives('other', verdict);
    expect(await check('other', address)).toBe(refusal);
  });

  it('is good once, over all nodes, whatever the provider says the second time', async () => {
    const oneTime = memoryOneTimeStore();
    const [one, other] = [checkOf({}, { oneTime }), checkOf({}, { oneTime })];
    provider.gives('good', solved);
    expect(await one.check('good', address)).toBeNull();
    expect(await other.check('good', address)).toBe('not_solved');
    provider.gives('good', solved);
    expect(await other.check('good', address)).toBe('replayed');
  });

  it.each<[string, Verdict, string, string]>([
    ['an error', { status: 500, text: '{"success":true}' }, '503 unavailable', 'unreachable'],
    ['too many', { status: 429, text: '{"success":true}' }, '503 unavailable', 'unreachable'],
    ['a page', { status: 200, text: '<html>' }, '502 bad_gateway', 'nonsense'],
    ['nothing', { status: 200, text: '' }, '502 bad_gateway', 'nonsense'],
    ['null', { status: 200, text: 'null' }, '502 bad_gateway', 'nonsense'],
    ['a list', { status: 200, text: '[{"success":true}]' }, '502 bad_gateway', 'nonsense'],
    ['a word for yes', { ...solved, success: 'true' }, '502 bad_gateway', 'nonsense'],
    ['one for yes', { ...solved, success: 1 }, '502 bad_gateway', 'nonsense'],
    ['hosts', { ...solved, hostname: ['app.example.com'] }, '502 bad_gateway', 'nonsense'],
    ['a score in words', { ...solved, score: '0.9' }, '502 bad_gateway', 'nonsense'],
    ['too much', { ...solved, more: 'x'.repeat(20_000) }, '502 bad_gateway', 'nonsense'],
    ['another way', { status: 302, text: JSON.stringify(solved) }, '502 bad_gateway', 'nonsense'],
    [
      'that it cannot look',
      { success: false, 'error-codes': ['internal-error'] },
      '503 unavailable',
      'unreachable',
    ],
    [
      'that it knows no such service',
      { success: false, 'error-codes': ['invalid-input-secret'] },
      '502 bad_gateway',
      'client_refused',
    ],
    ['silence', 'silence', '504 gateway_timeout', 'timed_out'],
  ])('opens nothing where the provider answers %s', async (_, verdict, answer, kind) => {
    const { codeOf, told } = checkOf();
    provider.gives('good', verdict);
    expect(await codeOf('good')).toBe(answer);
    expect(told).toEqual([{ type: 'peer_failed', peer: new URL(provider.endpoint).host, kind }]);
    provider.gives('good', solved);
    expect(await codeOf('good')).toBeNull();
  });

  it('opens nothing where there is no provider', async () => {
    const { codeOf, told } = checkOf({ endpoint: 'http://127.0.0.1:1/' });
    expect(await codeOf('good')).toBe('503 unavailable');
    expect(told).toEqual([{ type: 'peer_failed', peer: '127.0.0.1:1', kind: 'unreachable' }]);
  });

  it('tells the address of the client where that is wanted, and sends no form within a form', async () => {
    const { check } = checkOf({ sendAddress: true });
    const odd = 'x&secret=other&response=y%00\r\n';
    expect(await check(odd, address)).toBe('not_solved');
    expect([...(provider.asked[0] ?? [])]).toEqual([
      ['secret', captchaKey],
      ['response', odd],
      ['remoteip', address],
    ]);
  });

  it('asks no more at once than a provider likes', async () => {
    const { codeOf } = checkOf({}, { timeout: 1 });
    for (let n = 0; n < 161; n += 1) provider.gives(`${n}`, 'silence');
    const answers = Array.from({ length: 161 }, (_, n) => codeOf(`${n}`));
    expect(await answers.at(-1)).toBe('429 too_many_requests');
    expect(provider.asked.length).toBeLessThanOrEqual(32);
    await provider.close();
    await Promise.all(answers);
  });
});

describe('a captcha of the host', () => {
  it('is asked with the address, and good once', async () => {
    const asked: unknown[] = [];
    const { check } = checkOf({
      verify: async (response, context) => {
        asked.push([response, context]);
        return response === 'good';
      },
    });
    expect([await check('good', address), await check('bad', address)]).toEqual([null, 'not_solved']);
    expect(await check('good', address)).toBe('replayed');
    expect(asked[0]).toEqual(['good', { address }]);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('marker');
      },
    ],
    ['rejects', () => Promise.reject(new Error('marker'))],
    ['never answers', () => new Promise(() => {})],
    ['says yes in a word', () => 'true'],
    ['says nothing', () => undefined],
  ])('opens nothing where it %s', async (_, verify) => {
    const { codeOf, told } = checkOf({ verify } as Captcha);
    expect(await codeOf('good')).toBe('503 unavailable');
    expect(told).toMatchObject([{ type: 'dependency_failed', operation: 'captcha.verify' }]);
    expect(JSON.stringify(told)).not.toContain('marker');
  });
});
