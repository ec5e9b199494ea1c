import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { origin } from '../../support/app.js';
import type { Target } from '../../support/attack.js';
import {
  altered,
  codeOf,
  expectAccepted,
  expectRefused,
  type Forgery,
  owing,
  pay,
  roomy,
} from '../../support/owing.js';
import { alice } from '../../support/people.js';
import { enrolledKey } from '../../support/second-factor.js';
import { swiftly } from '../../support/swift.js';

const hash = (text: string) => createHash('sha256').update(text).digest();
const rpIdHash = (text: string): Forgery => ({ rpIdHash: hash(text) });
const flags = (value: number): Forgery => ({ flags: () => value });
const appended = (hex: string, flag = 0): Forgery => ({
  flags: (own) => own | flag,
  authenticatorData: (own) => Buffer.concat([own, Buffer.from(hex, 'hex')]),
});
/** What anybody can post: the same bytes, and a signature by nobody. */
const unsigned = (change: (own: Buffer) => Uint8Array): Forgery =>
  altered(({ response, ...rest }) => ({
    ...rest,
    response: {
      ...response,
      authenticatorData: Buffer.from(change(Buffer.from(response.authenticatorData, 'base64url'))).toString(
        'base64url',
      ),
    },
  }));

const AT = 0x40;
const ED = 0x80;

const reasons = ({ nodes }: Target) =>
  nodes
    .flatMap(({ events }) => events)
    .flatMap((event) => (event.type === 'second_factor_failed' ? [event.reason] : []));

describe('attacks on the authenticator data of an assertion', () => {
  it('FIDO-12, FIDO-13: the id of another relying party is refused, and so is an AppID, whatever the page says', () =>
    swiftly(roomy, async (target) => {
      const key = await enrolledKey(target.nodes[0], alice, { counts: false });
      const appid = (value: unknown): Forgery => ({
        rpIdHash: hash(origin),
        json: (answer) => ({ ...(answer as object), clientExtensionResults: { appid: value } }),
      });
      await expectRefused(target, key, {
        ...Object.fromEntries(
          ['com', 'app.example.com', 'evil.com', 'example.org', 'EXAMPLE.COM', 'example.com.', ''].map(
            (id) => [`of ${id}`, rpIdHash(id)],
          ),
        ),
        zeros: { rpIdHash: Buffer.alloc(32) },
        'the id itself': { rpIdHash: Buffer.from('example.com'.padEnd(32, '\0')) },
        'the origin, true': appid(true),
        'the origin, false': appid(false),
        'the origin, absent': rpIdHash(origin),
        'a file of the origin': rpIdHash(`${origin}/appid.json`),
        'by the other name': {
          rpIdHash: hash(origin),
          json: (answer) => ({ ...(answer as object), get_client_extension_results: { appid: true } }),
        },
      });
    }));

  it.each(['required', 'preferred', 'discouraged'] as const)(
    'FIDO-14: nobody there is refused, whatever user verification is asked for: %s',
    (userVerification) =>
      swiftly({ secondFactor: { userVerification } }, async (target) => {
        const key = await enrolledKey(target.nodes[0], alice, { counts: false });
        await expectRefused(target, key, {
          'nobody there': flags(0),
          'nobody there, and verified': flags(0x04),
          'all but there': flags(0x3e),
        });
      }),
  );

  it('FIDO-15: nobody verified is refused where that is required, and the page has no say in it', () =>
    swiftly({ secondFactor: { userVerification: 'required' } }, async (target) => {
      const key = await enrolledKey(target.nodes[0], alice, { counts: false });
      const told = (word: string): Forgery => ({
        flags: () => 0x01,
        clientData: (data) => ({ ...data, userVerification: word }),
        json: (answer) => ({ ...(answer as object), userVerification: word }),
      });
      await expectRefused(target, key, {
        'not verified': flags(0x01),
        'with options that ask for less': async ({ options }, device) =>
          device.get({ ...options, userVerification: 'discouraged' } as never, { flags: () => 0x01 }),
        discouraged: told('discouraged'),
      });
    }));

  it('FIDO-15: what a challenge was given with is asked for, whatever the settings of the node are', () =>
    swiftly({ secondFactor: { userVerification: 'discouraged' } }, async (target) => {
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(target.nodes[0]);
      const session = await owing(target);
      const [[sid, row] = ['', {}]] = [...target.shared.rows] as [string, { challenge?: object }][];
      const strict = { ...row, challenge: { ...row.challenge, userVerification: 'required' } };
      await new Promise((resolve) => target.shared.store.set(sid, strict, resolve));
      const unverified = await key.get(session.options, { flags: () => 0x01 });
      expect((await pay(target.nodes[0], session, unverified)).status).toBe(401);
      expect((await pay(target.nodes[1], session, await key.get(session.options))).status).toBe(204);
    }));

  it.each(['preferred', 'discouraged'] as const)('FIDO-15: %s is no requirement', (userVerification) =>
    swiftly({ secondFactor: { userVerification } }, async (target) => {
      const key = await enrolledKey(target.nodes[0], alice, { counts: false });
      await expectAccepted(target, key, { 'not verified': flags(0x01) });
    }),
  );

  it('FIDO-17: a counter that has not grown is refused, and moves nothing', () =>
    swiftly(roomy, async (target) => {
      const { devices } = target.nodes[0].repositories;
      const key = await enrolledKey(target.nodes[0], alice, { counter: 40 });
      target.expectSessionsOf(alice.id);
      const session = await owing(target);
      for (const counter of [40, 39, 0, 1]) {
        const answer = await pay(target.nodes[0], session, await key.get(session.options, { counter }));
        expect([counter, answer.status, codeOf(answer)]).toEqual([counter, 401, 'invalid_credentials']);
      }
      expect(reasons(target)).toEqual(Array(4).fill('counter_regressed'));
      expect(await devices.listByUser(alice.id)).toMatchObject([{ counter: 40, lastUsedAt: null }]);
      const next = await key.get(session.options, { counter: 41 });
      expect((await pay(target.nodes[1], session, next)).status).toBe(204);
      expect(await devices.listByUser(alice.id)).toMatchObject([{ counter: 41 }]);
    }));

  it('FIDO-17: a counter at its end does not begin anew', () =>
    swiftly(roomy, async (target) => {
      const key = await enrolledKey(target.nodes[0], alice, { counter: 2 ** 32 - 2 });
      await expectAccepted(target, key, { last: { counter: 2 ** 32 - 1 } });
      const session = await owing(target);
      for (const counter of [0, 1, 2 ** 32 - 1]) {
        const answer = await pay(target.nodes[0], session, await key.get(session.options, { counter }));
        expect([counter, answer.status]).toEqual([counter, 401]);
      }
      expect(reasons(target)).toEqual(Array(3).fill('counter_regressed'));
    }));

  it('FIDO-17: an authenticator that never counts is good time and again, until it has counted', () =>
    swiftly(roomy, async (target) => {
      const key = await enrolledKey(target.nodes[0], alice, { counts: false });
      for (const counter of [0, 0, 7]) await expectAccepted(target, key, { [counter]: { counter } });
      const session = await owing(target);
      const answer = await pay(target.nodes[0], session, await key.get(session.options));
      expect([answer.status, reasons(target)]).toEqual([401, ['counter_regressed']]);
    }));

  it('FIDO-18: without the key nobody learns anything of the counter, nor raises the alarm', () =>
    swiftly(roomy, async (target) => {
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(target.nodes[0], alice, { counter: 9 });
      const session = await owing(target);
      const seen = new Set<string>();
      for (const counter of [0, 9, 99, 2 ** 32 - 1]) {
        const assertion = await key.get(session.options, { counter, signed: () => Buffer.from('garbage') });
        const { status, body, headers } = await pay(target.nodes[0], session, assertion);
        const { date, ...rest } = headers;
        seen.add(JSON.stringify([status, body, rest]));
      }
      expect(seen.size).toBe(1);
      expect(JSON.parse([...seen][0] ?? '[]')[0]).toBe(401);
      await new Promise((resolve) => setTimeout(resolve, 10));
      expect(reasons(target)).toEqual(Array(4).fill('not_verified'));
      expect((await pay(target.nodes[0], session, await key.get(session.options))).status).toBe(204);
    }));

  it('FIDO-19: bytes that are too few, too many, or not what the flags say, now or at first, are refused', () =>
    swiftly(roomy, async (target) => {
      const key = await enrolledKey(target.nodes[0], alice, { counts: false });
      await expectRefused(target, key, {
        'backed up and not eligible': flags(0x01 | 0x10),
        'eligible now': flags(0x01 | 0x08),
        'eligible and backed up now': flags(0x01 | 0x08 | 0x10),
        '36 bytes': { authenticatorData: (own) => own.subarray(0, 36) },
        '32 bytes': { authenticatorData: (own) => own.subarray(0, 32) },
        'one byte': { authenticatorData: () => Buffer.from([1]) },
        'a byte left over': appended('00'),
        'three thousand left over': appended('00'.repeat(3000)),
        'extensions without the flag': appended('a0'),
        'the flag without extensions': appended('', ED),
        'half an extension': appended('a16a63726564', ED),
        'a byte behind the extensions': appended('a000', ED),
        'a list for extensions': appended('8000', ED),
        'the flag of a credential, and none': appended('', AT),
        'a credential in an assertion': appended(attested, AT),
        'a credential and extensions': appended(`${attested}a0`, AT | ED),
        'a credential of 65,535 bytes': appended(`${'00'.repeat(16)}ffff`, AT),
      });
    }));

  /** CBOR that costs a careless reader its stack, its memory or its time. */
  const bombs = {
    'four thousand lists deep': '81'.repeat(4000),
    'four thousand maps deep': 'a1'.repeat(4000),
    'four billion items': '9affffffff',
    'four billion pairs': 'baffffffff',
    'four gigabytes': '5affffffff',
    'four gigabytes of text': '7affffffff',
    'more items than there are numbers': '9bffffffffffffffff',
    'more bytes than there are numbers': '5bffffffffffffffff',
    'a list that never ends': `9f${'9f'.repeat(3900)}`,
    'four thousand tags deep': 'c0'.repeat(4000),
    __proto__: 'a1695f5f70726f746f5f5fa16161f5',
  };
  it.each([
    [
      'extensions',
      (hex: string) => (own: Buffer) => Buffer.concat([flagged(own, ED), Buffer.from(hex, 'hex')]),
    ],
    [
      'a key',
      (hex: string) => (own: Buffer) =>
        Buffer.concat([flagged(own, AT), Buffer.alloc(18), Buffer.from(hex, 'hex')]),
    ],
  ] as const)('FIDO-19: CBOR that is a bomb is refused at once, as %s', (_, bomb) =>
    swiftly(roomy, async (target) => {
      const key = await enrolledKey(target.nodes[0], alice, { counts: false });
      const forgeries = Object.entries(bombs).map(([name, hex]) => [name, unsigned(bomb(hex))]);
      const asked = process.cpuUsage();
      await expectRefused(target, key, Object.fromEntries(forgeries));
      expect(process.cpuUsage(asked).user / 1000).toBeLessThan(5000);
      expect(({} as { a?: unknown }).a).toBeUndefined();
    }),
  );

  it('FIDO-19: ten thousand lists deep is longer than authenticator data can be', () =>
    swiftly({}, async (target) => {
      const key = await enrolledKey(target.nodes[0]);
      const deep = { bomb: unsigned((own) => Buffer.concat([flagged(own, ED), Buffer.alloc(10_000, 0x81)])) };
      await expectRefused(target, key, deep, { status: 400, code: 'malformed_request' });
    }));

  it('FIDO-22: extensions that nobody asked for change nothing', () =>
    swiftly(roomy, async (target) => {
      const key = await enrolledKey(target.nodes[0], alice, { counts: false });
      const results = (value: object): Forgery => ({
        json: (answer) => ({ ...(answer as object), clientExtensionResults: value }),
      });
      await expectAccepted(target, key, {
        credProps: results({ credProps: { rk: true } }),
        largeBlob: results({ largeBlob: { blob: 'A'.repeat(30_000) } }),
        appid: results({ appid: true }),
        'credProtect of the authenticator': {
          extensions: Buffer.from('a16b6372656450726f7465637403', 'hex'),
        },
        'three thousand bytes': {
          extensions: Buffer.concat([Buffer.from('a1616159', 'hex'), uint16(3000), Buffer.alloc(3000)]),
        },
      });
    }));

  it('FIDO-22: extensions of 100 KB are too large', () =>
    swiftly(roomy, async (target) => {
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(target.nodes[0], alice, { counts: false });
      const session = await owing(target);
      const extensions = Buffer.concat([Buffer.from('a161615a00019000', 'hex'), Buffer.alloc(102_400)]);
      const answer = await pay(target.nodes[0], session, await key.get(session.options, { extensions }));
      expect([answer.status, codeOf(answer)]).toEqual([413, 'payload_too_large']);
      expect((await pay(target.nodes[0], session, await key.get(session.options))).status).toBe(204);
    }));
});

/** Attested credential data (WebAuthn L3, section 6.5.1) with a key on P-256. */
const attested = `${'00'.repeat(16)}000101a5010203262001215820${'11'.repeat(32)}225820${'22'.repeat(32)}`;

function flagged(own: Buffer, flag: number): Buffer {
  own[32] = (own[32] ?? 0) | flag;
  return own;
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
