import { createSecretKey, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { type Flow, flows } from '../../lib/defence/flow.js';
import { testClock } from '../support/clock.js';

const key = () => createSecretKey(randomBytes(32));
const keys = [key(), key()] as const;
const made = (clock = testClock(), by = [keys[0]]) => {
  const own = flows(by, clock, randomBytes);
  const isLive = (...given: Parameters<typeof own.open>) => own.open(...given) !== null;
  return { clock, isLive, ...own };
};
const bent = (text: string, at: number) => {
  const bytes = Buffer.from(text, 'base64url');
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes.toString('base64url');
};

describe('flows', () => {
  it('needs a key', () => {
    expect(() => flows([], Date.now, randomBytes)).toThrow(TypeError);
  });

  it('reads back the flow that a cookie holds, and nothing else', () => {
    const { begin, read } = made();
    const { flow, cookie } = begin(null);
    expect(cookie).toMatch(/^[\w-]{78}$/);
    expect(read(cookie)).toEqual(flow);
    const plain = Buffer.from(cookie, 'base64url').toString('base64');
    for (const other of [
      ...[undefined, '', 'x', cookie.slice(1), `${cookie}A`, `${cookie}=`, `${cookie} `, 'A'.repeat(77)],
      ...[
        `${cookie.slice(0, 77)}\n`,
        `${cookie}${cookie}`,
        /[+/]/.test(plain) ? plain : `+${cookie.slice(1)}`,
      ],
    ])
      expect([other, read(other)]).toEqual([other, null]);
  });

  it('keeps the browser and nothing else when a flow begins anew', () => {
    const { begin, clock } = made();
    const { flow: first } = begin(null);
    clock.advance(5);
    const { flow: second } = begin(first);
    expect(second.browser).toEqual(first.browser);
    expect([second.seed.equals(first.seed), second.at - first.at]).toEqual([false, 5000]);
    expect(begin(null).flow.browser).not.toEqual(first.browser);
  });

  it('gives a flow one token for each provider, however often it is asked', () => {
    const { begin, token } = made();
    const { flow } = begin(null);
    const tokens = [
      token('oauth', 'one', flow),
      token('oauth', 'other', flow),
      token('saml', 'one', flow),
      token('oauth', 'one', begin(flow).flow),
      token('oauth', 'one', begin(null).flow),
    ];
    expect(new Set(tokens).size).toBe(5);
    expect(token('oauth', 'one', flow)).toBe(tokens[0]);
    for (const each of tokens) expect(each).toMatch(/^[\w-]{51}$/);
  });

  it('takes a token for the kind, the provider and the browser that it was made for', () => {
    const { begin, token, isLive } = made();
    const { flow } = begin(null);
    const own = token('oauth', 'one', flow);
    expect(isLive('oauth', 'one', flow, own)).toBe(true);
    expect(isLive('oauth', 'one', begin(flow).flow, own)).toBe(true);
    expect(isLive('oauth', 'one', { ...flow, seed: Buffer.alloc(16), at: 0 }, own)).toBe(true);
    expect(isLive('saml', 'one', flow, own)).toBe(false);
    expect(isLive('oauth', 'two', flow, own)).toBe(false);
    expect(isLive('oauth', '', flow, own)).toBe(false);
    expect(isLive('oauth', 'one', begin(null).flow, own)).toBe(false);
    expect(isLive('oauth', 'one', { ...flow, browser: Buffer.alloc(32) }, own)).toBe(false);
  });

  it('keeps ids apart, whatever stands in them', () => {
    const { begin, token, isLive } = made();
    const { flow } = begin(null);
    const browser = flow.browser.toString('base64url');
    for (const [one, other] of [
      ['a","b', 'a'],
      [`a","${browser}`, 'a'],
      ['a', 'a\0'],
      ['ä', 'a\u0308'],
      ['1', '01'],
    ] as const)
      expect([one, isLive('oauth', other, flow, token('oauth', one, flow))]).toEqual([one, false]);
  });

  it('takes no token with a bit of it bent, and no other spelling of it', () => {
    const { begin, token, isLive } = made();
    const { flow } = begin(null);
    const own = token('oauth', 'one', flow);
    for (let at = 0; at < 38; at += 1)
      expect([at, isLive('oauth', 'one', flow, bent(own, at))]).toEqual([at, false]);
    const last = own.slice(0, 50) + String.fromCharCode(own.charCodeAt(50) + 1);
    for (const other of [
      '',
      own.slice(0, 50),
      `${own}A`,
      `${own}=`,
      ` ${own}`,
      last,
      `${own.slice(0, 50)}\0`,
    ])
      expect([other, isLive('oauth', 'one', flow, other)]).toEqual([other, false]);
  });

  it('takes a token for ten minutes, also on a node whose clock is a minute behind', () => {
    const { begin, token, isLive, clock } = made();
    const { flow } = begin(null);
    const own = token('oauth', 'one', flow);
    clock.advance(-60);
    expect(isLive('oauth', 'one', flow, own)).toBe(true);
    clock.advance(-1);
    expect(isLive('oauth', 'one', flow, own)).toBe(false);
    clock.advance(61 + 599);
    expect(isLive('oauth', 'one', flow, own)).toBe(true);
    clock.advance(1);
    expect(isLive('oauth', 'one', flow, own)).toBe(false);
  });

  it('gives no browser a longer time by a cookie of its own making', () => {
    const { begin, read, isLive, clock } = made();
    const { cookie } = begin(null);
    const bytes = Buffer.from(cookie, 'base64url');
    for (const at of [clock() + 60_001, clock() + 86_400_000, 2 ** 47, 2 ** 48 - 1]) {
      bytes.writeUIntBE(at, 48, 6);
      expect([at, read(bytes.toString('base64url'))]).toEqual([at, null]);
    }
    for (const at of [clock() - 600_000, 0]) {
      bytes.writeUIntBE(at, 48, 6);
      const flow = read(bytes.toString('base64url')) as Flow;
      expect([at, isLive('oauth', 'one', flow)]).toEqual([at, false]);
    }
  });

  it('must be remembered for longer than any token is good', () => {
    const { begin, token, isLive, used, clock } = made();
    const { flow } = begin(null);
    const ahead = { ...flow, at: clock() + 60_000 };
    const own = token('oauth', 'one', ahead);
    expect(isLive('oauth', 'one', flow, own)).toBe(true);
    clock.advance(used(own).seconds);
    expect(isLive('oauth', 'one', flow, own)).toBe(false);
    clock.advance(-60);
    expect(isLive('oauth', 'one', flow, own)).toBe(false);
    clock.advance(-1);
    expect(isLive('oauth', 'one', flow, own)).toBe(true);
  });

  it('derives a verifier and a nonce from a token, each its own', () => {
    const { begin, open } = made();
    const { flow } = begin(null);
    const [own, other] = [open('oauth', 'one', flow), open('oauth', 'two', flow)];
    const texts = [own, other].flatMap((each) => [each?.verifier, each?.nonce]);
    expect(new Set(texts).size).toBe(4);
    // RFC 7636, section 4.1: 43 to 128 characters that need no escape.
    for (const text of texts) expect(text).toMatch(/^[\w-]{43}$/);
    expect(open('oauth', 'one', flow, own?.token)).toEqual(own);
  });

  it('takes what an older key has made, with all that was derived from it then', () => {
    const clock = testClock();
    const [older, both, newer] = [made(clock, [keys[1]]), made(clock, [...keys]), made(clock, [keys[0]])];
    const { flow } = older.begin(null);
    const own = older.open('oauth', 'one', flow);
    expect(own).not.toBeNull();
    expect(both.open('oauth', 'one', flow, own?.token)).toEqual(own);
    expect(both.open('oauth', 'one', flow)).toEqual(own);
    expect(newer.isLive('oauth', 'one', flow, own?.token)).toBe(false);
    const next = both.begin(flow).flow;
    expect(newer.isLive('oauth', 'one', next, both.token('oauth', 'one', next))).toBe(true);
    expect(older.isLive('oauth', 'one', next, both.token('oauth', 'one', next))).toBe(false);
  });
});
