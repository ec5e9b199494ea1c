import type { IncomingMessage } from 'node:http';
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
    ['alice:', 'alice', ''],
    [':secret', '', 'secret'],
    ['alice:pä ß\0x', 'alice', 'pä ß\0x'],
  ])('splits %j at the first colon and trims nothing', (pair, username, password) => {
    for (const scheme of ['Basic', 'basic', 'BASIC']) {
      expect(readBasicHeader(`${scheme} ${base64(pair)}`)).toEqual({ username, password });
    }
  });

  it.each([
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
});
