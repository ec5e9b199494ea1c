import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { attack, type Node } from '../../support/attack.js';
import { alice } from '../../support/people.js';

const credentials = JSON.stringify({ method: 'password', email: alice.email, password: alice.password });
const json = { 'Content-Type': 'application/json' };

const status = async (
  node: Node,
  headers: Record<string, string>,
  body: string | Buffer | Iterable<Buffer>,
) => (await node.send({ headers, body })).status;

describe('attacks on the envelope (HTTP-*)', () => {
  it('HTTP-01, HTTP-19: JSON under another Content-Type is 415', () =>
    attack({}, async ({ nodes: [node] }) => {
      for (const type of [
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
        'x',
      ]) {
        expect([type, await status(node, { 'Content-Type': type }, credentials)]).toEqual([type, 415]);
      }
    }));

  it('HTTP-04: of duplicate keys the last counts, and one method is tried', () =>
    attack({}, async ({ nodes: [node] }) => {
      const twice = `{"method":"password",${credentials.slice(1, -1)},"method":"ldap-basic-auth"}`;
      expect(await status(node, json, twice)).toBe(400);
      expect(node.faults.users.calls.get('findByEmail')).toBeUndefined();
    }));

  it('HTTP-10: more than the limit is 413, with a Content-Length and without one', () =>
    attack({}, async ({ nodes: [node] }) => {
      const large = `${credentials.slice(0, -1)},"x":"${'x'.repeat(200_000)}"}`;
      expect(await status(node, json, large)).toBe(413);
      const chunks = Array.from({ length: 160 }, () => Buffer.alloc(65_536, 'x'));
      const before = process.memoryUsage().arrayBuffers;
      expect(await status(node, json, chunks)).toBe(413);
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
    }));

  it('HTTP-11: 50,000 nested arrays are 400', () =>
    attack({}, async ({ nodes: [node] }) => {
      const deep = '['.repeat(50_000) + ']'.repeat(50_000);
      expect(await status(node, json, deep.slice(0, 60_000))).toBe(400);
      expect(await status(node, json, deep)).toBe(400);
    }));

  it('HTTP-12: encoded bodies are 415, bombs among them', () =>
    attack({}, async ({ nodes: [node] }) => {
      const bomb = gzipSync(Buffer.alloc(50_000_000));
      for (const encoding of ['gzip', 'br', 'deflate', 'GZIP', 'gzip, gzip']) {
        expect(await status(node, { ...json, 'Content-Encoding': encoding }, bomb)).toBe(415);
      }
    }));

  it('HTTP-13: other charsets are 415; invalid UTF-8, overlong forms and a byte order mark are 400', () =>
    attack({}, async ({ nodes: [node] }) => {
      const utf16 = Buffer.from(credentials, 'utf16le');
      expect(await status(node, { 'Content-Type': 'application/json; charset=utf-16' }, utf16)).toBe(415);
      const [head = '', tail = ''] = credentials.split('wörd');
      for (const bytes of [
        [0xff, 0xfe],
        [0xc0, 0xaf],
        [0xed, 0xa0, 0x80],
        [0xf5, 0x80, 0x80, 0x80],
      ]) {
        const body = Buffer.concat([Buffer.from(head), Buffer.from(bytes), Buffer.from(tail)]);
        expect(await status(node, json, body)).toBe(400);
      }
      expect(await status(node, json, `\ufeff${credentials}`)).toBe(400);
    }));

  it('HTTP-15: no header of the client changes method, address or scheme', () =>
    attack({ throttle: { perAddress: { failures: 3 } } }, async ({ nodes: [node] }) => {
      const wrong = credentials.replace('wörd', 'wrong');
      const statuses = [];
      for (let index = 0; index < 5; index += 1) {
        const headers = { ...json, 'X-Forwarded-For': `10.0.0.${index}`, 'X-HTTP-Method-Override': 'GET' };
        statuses.push(await status(node, headers, wrong));
      }
      expect(statuses).toEqual([401, 401, 401, 429, 429]);
      node.shared.faults.counters.heal();
      node.clock.advance(900);
    }));

  it('HTTP-16: two hundred slow bodies keep nobody else out, not even from the same address', () =>
    attack({ throttle: {} }, async ({ nodes: [node], expectSessionsOf }) => {
      expectSessionsOf(alice.id);
      const sockets = Array.from({ length: 200 }, () => {
        const socket = connect(node.port, '127.0.0.1').on('error', () => {});
        socket.write(
          'POST /sys/v1/session/auth HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{',
        );
        return socket;
      });
      const asked = Date.now();
      expect(await status(node, json, credentials)).toBe(200);
      expect(Date.now() - asked).toBeLessThan(1000);
      for (const socket of sockets) socket.destroy();
    }));

  it('HTTP-17: a client that hangs up leaves no token behind, and no rejection', () =>
    attack({}, async ({ nodes: [node], expectSessionsOf }) => {
      expectSessionsOf(alice.id);
      for (let delay = 0; delay < 60; delay += 4) {
        const socket = connect(node.port, '127.0.0.1').on('error', () => {});
        const head = `POST /sys/v1/session/auth HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(credentials)}\r\n\r\n`;
        socket.write(head + credentials);
        await new Promise((resolve) => setTimeout(resolve, delay));
        socket.destroy();
      }
      await new Promise((resolve) => setTimeout(resolve, 300));
    }));
});
