import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { sessionTokens } from '../../../lib/sessions/token.js';
import { testSecret } from '../../support/app.js';
import { acme, robot } from '../../support/people.js';
import { carriers, onBoth, paths, signIn } from '../../support/session-attack.js';
import { swiftly } from '../../support/swift.js';

const shape = /^[A-Za-z0-9_-]{85}[AQgw]$/;

/** The bytes in which a time could stand in a token: seconds and milliseconds, from either end. */
function timesOf(at: number): Buffer[] {
  const seconds = Buffer.alloc(4);
  seconds.writeUInt32BE(Math.floor(at / 1000));
  const milliseconds = Buffer.alloc(6);
  milliseconds.writeUIntBE(at, 0, 6);
  return [seconds, milliseconds].flatMap((bytes) => [bytes, Buffer.from(bytes).reverse()]);
}

/** In how many of these each bit is set, as a share. */
function shares(all: readonly Buffer[]): number[] {
  return Array.from({ length: 512 }, (_, bit) => {
    const set = all.filter((bytes) => ((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1);
    return set.length / all.length;
  });
}

describe('attacks on the form of a token (SES-03)', () => {
  it.each(carriers)(
    'SES-03: ten thousand %s tokens: unique, 64 bytes, no bit of them more likely',
    (carrier) => {
      const tokens = sessionTokens([testSecret], 'session', randomBytes);
      const all = Array.from({ length: 10_000 }, () => tokens.issue(carrier));
      expect(all.filter(({ token }) => !shape.test(token))).toEqual([]);
      const bytes = all.map(({ token }) => Buffer.from(token, 'base64url'));
      expect(bytes.filter(({ length }) => length !== 64)).toEqual([]);
      for (const parts of [
        all.map(({ token }) => token),
        all.map(({ key }) => key),
        bytes.map((each) => each.subarray(0, 8).toString('hex')),
        bytes.map((each) => each.subarray(24, 32).toString('hex')),
        bytes.map((each) => each.subarray(32, 40).toString('hex')),
      ])
        expect(new Set(parts).size).toBe(10_000);
      for (const share of shares(bytes)) expect(Math.abs(share - 0.5)).toBeLessThan(0.05);
      for (const { token, key } of all.slice(0, 100)) expect(tokens.open(carrier, token)).toBe(key);
    },
  );

  it('SES-03: some hundred tokens over the wire, of one principal at one time, have nothing in common', () =>
    swiftly({}, async (target) => {
      const { nodes, clock } = target;
      const bytes: Buffer[] = [];
      for (let n = 0; n < 300; n += 1) {
        const carrier = carriers[n % 2] ?? 'Bearer';
        const { token } = await signIn(target, { who: robot, carrier, at: nodes[(n >> 1) % 2] ?? nodes[0] });
        expect(token).toMatch(shape);
        bytes.push(Buffer.from(token, 'base64url'));
      }
      const starts = bytes.map((each) => each.subarray(0, 8).toString('hex'));
      expect(new Set(starts).size).toBe(300);
      const ids = [robot.id, acme].map((id) => Buffer.from(id.replaceAll('-', ''), 'hex'));
      const told = [
        ...ids.map((id) => id.subarray(0, 6)),
        ...ids,
        ...timesOf(clock()),
        ...timesOf(Date.now()),
      ];
      for (const each of bytes) for (const part of told) expect(each.includes(part)).toBe(false);
      for (const share of shares(bytes)) expect(Math.abs(share - 0.5)).toBeLessThan(0.25);
    }));
});

describe('attacks by the place of a token (SES-05)', () => {
  it.each(carriers)('SES-05: a %s token is taken from nowhere but its place', (carrier) =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      const { token, headers } = await signIn(target, { carrier });
      const before = JSON.stringify([...target.shared.rows]);
      const queries = ['access_token', 'token', 'session', 'authorization', '__Host-session'];
      const others: Record<string, string>[] = [
        ...['token', 'access_token', 'session', 'Authorization', '__Secure-session', '__host-session'].map(
          (name) => ({ Cookie: `${name}=${token}` }),
        ),
        ...['Proxy-Authorization', 'X-Authorization', 'X-Access-Token', 'Token', 'Authentication'].map(
          (name) => ({ [name]: `Bearer ${token}` }),
        ),
      ];
      for (const path of ['/me', ...Object.values(paths)]) {
        for (const query of queries) {
          const answer = await nodes[0].send({ path: `${path}?${query}=${token}` });
          expect([path, query, answer.status]).toEqual([path, query, 401]);
        }
        for (const body of [{ access_token: token }, { token }, { Authorization: `Bearer ${token}` }])
          expect((await nodes[1].call(path, { acct_id: acme, ...body })).status).toBe(401);
        const form = { headers: { 'Content-Type': 'application/x-www-form-urlencoded' } };
        const posted = await nodes[1].send({ path, ...form, body: `access_token=${token}` });
        expect([401, 415]).toContain(posted.status);
        for (const headers of others) {
          const answer = await nodes[1].send({ path, headers });
          expect([path, headers, answer.status]).toEqual([path, headers, 401]);
        }
      }
      expect(JSON.stringify([...target.shared.rows])).toBe(before);
      expect(await onBoth(target, headers)).toEqual([200, 200]);
    }),
  );

  it('SES-05: two Authorization headers are refused, whichever of them is good', () =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      const [one, other] = [await signIn(target), await signIn(target, { who: robot })];
      const [a, b] = [`Bearer ${one.token}`, `Bearer ${other.token}`];
      for (const Authorization of [
        [a, a],
        [a, b],
        [a, 'Bearer x'],
        ['Bearer x', a],
        [a, ''],
        ['', a],
        [a, 'Basic eDp5'],
      ]) {
        for (const path of ['/me', ...Object.values(paths)]) {
          const answer = await nodes[1].send({ path, headers: { Authorization } });
          expect([path, [400, 401].includes(answer.status), answer.status]).toEqual([
            path,
            true,
            answer.status,
          ]);
        }
      }
      expect([await onBoth(target, one.headers), await onBoth(target, other.headers)]).toEqual([
        [200, 200],
        [200, 200],
      ]);
    }));

  it('SES-05: the scheme may be written in any case, and nothing else of the header otherwise', () =>
    swiftly({}, async (target) => {
      const { token } = await signIn(target, { who: robot });
      for (const scheme of ['Bearer', 'bearer', 'BEARER', 'bEaReR'])
        expect(await onBoth(target, { Authorization: `${scheme} ${token}` })).toEqual([200, 200]);
      for (const Authorization of [
        `Bearer  ${token}`,
        `Bearer\t${token}`,
        `Bearer ${token} ${token}`,
        `Bearer ${token},`,
        `Bearer ${token}, Bearer ${token}`,
        `Bearer "${token}"`,
        `Bearer token=${token}`,
        `Bearer: ${token}`,
        `Bearer=${token}`,
        `Bearer${token}`,
        `Token ${token}`,
        `DPoP ${token}`,
        `Basic ${token}`,
        `Basic ${Buffer.from(`:${token}`).toString('base64')}`,
        `Bearer ${encodeURIComponent(`${token}=`)}`,
        `Bearer ${token}=`,
        token,
        'Bearer',
      ])
        expect([Authorization, await onBoth(target, { Authorization })]).toEqual([Authorization, [401, 401]]);
    }));
});
