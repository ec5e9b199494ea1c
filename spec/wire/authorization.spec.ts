import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import {
  authorizationHeader,
  isBasic,
  readBasicHeader,
  readBearerHeader,
} from '../../lib/wire/authorization.js';

const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64');

describe('readBasicHeader', () => {
  it.each([
    ['alice:secret', 'alice', 'secret'],
    ['alice:a:b::c', 'alice', 'a:b::c'],
    ['alice: ', 'alice', ' '],
    [`alice:${'x'.repeat(1024)}`, 'alice', 'x'.repeat(1024)],
    [':secret', '', 'secret'],
    ['alice:pä ß\0x', 'alice', 'pä ß\0x'],
  ])('splits %j at the first colon and trims nothing', (pair, username, password) => {
    for (const scheme of ['Basic', 'basic', 'BASIC']) {
      expect(readBasicHeader(`${scheme} ${base64(pair)}`)).toEqual({ username, password });
    }
  });

  it.each([
    ...[`Basic ${base64('alice:')}`, `Basic ${base64(`alice:${'x'.repeat(1025)}`)}`],
    ...['Basic', 'Basic ', `xBASICx ${base64('a:b')}`, `Basic  ${base64('a:b')}`, `Basic\t${base64('a:b')}`],
    ...[
      `Basic ${base64('a:b')} x`,
      `Basic ${base64('a:b')}, Basic ${base64('c:d')}`,
      `Basic ${base64('a:b')}=`,
    ],
    ...[
      'Basic YTpi=',
      'Basic YTpiY',
      'Basic a:b',
      'Basic YTp-_w==',
      `Basic ${base64('no colon')}`,
      'Basic ÿÿ==',
    ],
    `Basic ${base64(Buffer.from([0x75, 0x3a, 0xff, 0xfe]))}`,
  ])('refuses %j as malformed', (header) => {
    expect(() => readBasicHeader(header)).toThrow(expect.objectContaining({ code: 'malformed_request' }));
  });

  it('takes canonical base64 alone: no second spelling of a pair, none without padding', () => {
    expect(readBasicHeader('Basic dTpwYQ==')).toEqual({ username: 'u', password: 'pa' });
    for (const spelling of ['dTpwYR==', 'dTpwYf==', 'dTpwYQ', 'dTpwYQ=', 'dTpw YQ==', 'dTpwYQ==\n']) {
      expect(() => readBasicHeader(`Basic ${spelling}`)).toThrow(
        expect.objectContaining({ code: 'malformed_request' }),
      );
    }
  });

  it('says nothing of what it was sent', () => {
    for (const header of [
      `Basic ${base64('marker')}`,
      'Basic marker marker',
      `Basic ${base64('marker:x')}x`,
    ]) {
      let told = '';
      try {
        readBasicHeader(header);
      } catch (error) {
        told = `${error} ${JSON.stringify(error)}`;
      }
      expect(told).toMatch(/RFC 7617/);
      expect(told).not.toMatch(/marker|bWFya2Vy/);
    }
  });

  it('answers quickly to a header of any length', () => {
    const started = performance.now();
    for (const tail of ['A'.repeat(100_001), `${'A'.repeat(100_000)}!`, `${'='.repeat(100_000)}`])
      expect(() => readBasicHeader(`Basic ${tail}`)).toThrow();
    expect(performance.now() - started).toBeLessThan(100);
  });

  it('knows the scheme from its neighbours', () => {
    expect(['Basic x', 'bAsIc x', 'Basic'].map(isBasic)).toEqual([true, true, true]);
    expect(['Basics x', 'xBasic x', 'Bearer x', ''].map(isBasic)).toEqual([false, false, false, false]);
  });
});

describe('readBearerHeader', () => {
  it('reads one token after one space, whatever the case of the scheme', () => {
    expect(['Bearer abc-_.~+/=', 'bearer x'].map(readBearerHeader)).toEqual(['abc-_.~+/=', 'x']);
    for (const header of [
      'Bearer',
      'Bearer ',
      'Bearer  x',
      'Bearer x y',
      'Bearer x,y',
      'Token x',
      'xBearer x',
    ]) {
      expect(readBearerHeader(header)).toBeUndefined();
    }
  });
});

describe('authorizationHeader', () => {
  const request = (...lines: string[]) =>
    ({
      headers: { authorization: lines[0] },
      rawHeaders: lines.flatMap((line) => ['AuthorizatioN', line]),
    }) as unknown as IncomingMessage;

  it('gives the one header, or none', () => {
    expect(authorizationHeader(request('Bearer x'))).toBe('Bearer x');
    expect(
      authorizationHeader({ headers: {}, rawHeaders: [] } as unknown as IncomingMessage),
    ).toBeUndefined();
  });

  it('refuses two, of which Node shows the first alone', () => {
    expect(() => authorizationHeader(request('Bearer x', 'Bearer y'))).toThrow(
      expect.objectContaining({ code: 'ambiguous_credentials' }),
    );
  });

  it.each([
    ['two Basic headers', ['Basic YTpi', 'Basic YTpi'], 'ambiguous_credentials'],
    ['one of each scheme', ['Basic YTpi', 'Bearer x'], 'ambiguous_credentials'],
    ['an empty second one', ['Basic YTpi', ''], 'ambiguous_credentials'],
    ['one alone', ['Basic YTpi'], 'Basic YTpi'],
  ])('sees what came over the wire: %s', async (_, lines, seen) => {
    const server = createServer((request, response) => {
      try {
        response.end(authorizationHeader(request));
      } catch (error) {
        response.end((error as { code: string }).code);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      const headers = lines.map((line, index) => `${index ? 'AUTHORIZATION' : 'Authorization'}: ${line}\r\n`);
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('end', () => resolve(text));
      socket.write(`GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers.join('')}\r\n`);
    });
    server.close();
    expect(answer).toContain(seen);
  });
});
