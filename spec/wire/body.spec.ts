import { type AddressInfo, connect } from 'node:net';
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import express, { type Request, type RequestHandler, type Response } from 'express';
import supertest from 'supertest';
import { AuthError } from '../../lib/index.js';
import { formBodyReader, jsonBodyReader } from '../../lib/wire/body.js';

/** An app that answers what the reader made of the body. */
function reading(...before: RequestHandler[]): express.Express {
  const read = jsonBodyReader(1000);
  const app = express();
  for (const each of before) app.use(each);
  app.post('/', async (request, response) => {
    try {
      const body = await read(request, response);
      response.json({ body: body === undefined ? 'nothing' : body });
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      response.status(error.status).json({ code: error.code, detail: error.detail });
    }
  });
  return app;
}

interface Sent {
  body?: string | Buffer;
  type?: string | null;
  headers?: Record<string, string>;
}

async function send(app: express.Express, { body, type = 'application/json', headers = {} }: Sent) {
  const test = supertest(app).post('/').set(headers);
  if (type !== null) test.set('Content-Type', type);
  if (body === undefined) return test;
  // Written rather than sent, so that the client adds no type and no length of its own.
  if (type === null || headers['Transfer-Encoding'] !== undefined) {
    test.write(body as string);
    return test;
  }
  return test.serialize((same: unknown) => same as string).send(body as string);
}

describe('the body reader', () => {
  it.each([
    ['{"a":"ü"}', { a: 'ü' }],
    ['null', null],
    ['[]', []],
    ['"x"', 'x'],
    ['1', 1],
    [' {} ', {}],
  ])('reads %s', async (text, body) => {
    expect((await send(reading(), { body: text })).body).toEqual({ body });
  });

  it('needs no Content-Type', async () => {
    expect((await send(reading(), { body: '{"a":1}', type: null })).body).toEqual({ body: { a: 1 } });
  });

  it('reads no body as none, whatever its type', async () => {
    for (const type of ['application/json', 'text/plain', null]) {
      expect((await send(reading(), { type })).body).toEqual({ body: 'nothing' });
    }
  });

  it.each([
    'application/json; charset=utf-8',
    'APPLICATION/JSON;charset="UTF-8"',
    'application/merge-patch+json',
  ])('takes %s for JSON', async (type) => {
    expect((await send(reading(), { body: '{"a":1}', type })).body).toEqual({ body: { a: 1 } });
  });

  it.each([
    'text/plain',
    'text/json',
    'application/x-www-form-urlencoded',
    'application/jsonx',
    'application/json; charset=utf-16',
    'json',
  ])('answers 415 to %s', async (type) => {
    expect((await send(reading(), { body: '{"a":1}', type })).status).toBe(415);
  });

  it('answers 415 to any encoding', async () => {
    for (const encoding of ['gzip', 'br', 'deflate', 'x', 'gzip, identity']) {
      const sent = { body: gzipSync('{"a":1}'), headers: { 'Content-Encoding': encoding } };
      expect((await send(reading(), sent)).status).toBe(415);
    }
    expect((await send(reading(), { body: '{}', headers: { 'Content-Encoding': 'identity' } })).status).toBe(
      200,
    );
  });

  it('answers 413 beyond its limit, with a length and without one', async () => {
    const body = JSON.stringify({ a: 'x'.repeat(1000) });
    expect((await send(reading(), { body })).status).toBe(413);
    expect((await send(reading(), { body, headers: { 'Transfer-Encoding': 'chunked' } })).status).toBe(413);
    expect((await send(reading(), { body: JSON.stringify('x'.repeat(998)) })).status).toBe(200);
  });

  it.each([
    ['truncated JSON', Buffer.from('{"marker":"s3cr3t')],
    ['a byte order mark', Buffer.from('\ufeff{}')],
    ['invalid UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22])],
    ['an overlong form', Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
    ['a surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
  ])('answers 400 to %s, and echoes nothing', async (_, body) => {
    const answer = await send(reading(), { body });
    expect([answer.status, answer.body.code]).toEqual([400, 'malformed_request']);
    expect(answer.text).not.toMatch(/s3cr3t|marker/);
  });
});

describe('the body reader, with many large bodies at once', () => {
  /** Reads bodies that are all there; for each the turn of the event loop in which it was handed on. */
  async function turnsOf(sizes: readonly number[], isChunked = false): Promise<number[]> {
    const read = jsonBodyReader(100_000);
    let [now, isOver] = [0, false];
    const counting = (async () => {
      for (; !isOver; now += 1) await turn();
    })();
    const reads = sizes.map(async (size) => {
      const headers = isChunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(size) };
      const request = Object.assign(Readable.from([Buffer.from(`"${'x'.repeat(size - 2)}"`)]), { headers });
      expect(await read(request as unknown as Request, {} as Response)).toHaveLength(size - 2);
      return now;
    });
    const turns = await Promise.all(reads);
    isOver = true;
    await counting;
    return turns;
  }

  it('hands on one in several turns of the event loop, in their order', async () => {
    const turns = await turnsOf(Array(10).fill(50_000));
    const gaps = turns.slice(1).map((each, at) => each - (turns[at] ?? 0));
    expect(gaps.every((gap) => gap >= 24)).toBe(true);
  });

  it('takes one for large that does not say how large it is', async () => {
    const turns = await turnsOf([10, 10, 10], true);
    const gaps = turns.slice(1).map((each, at) => each - (turns[at] ?? 0));
    expect(gaps.every((gap) => gap >= 24)).toBe(true);
  });

  it('hands on large forms one at a time, too', async () => {
    const read = formBodyReader(100_000);
    let [now, isOver] = [0, false];
    const counting = (async () => {
      for (; !isOver; now += 1) await turn();
    })();
    const turns = await Promise.all(
      [50_000, 50_000, 50_000].map(async (size) => {
        const headers = {
          'content-length': String(size),
          'content-type': 'application/x-www-form-urlencoded',
        };
        const request = Object.assign(Readable.from([Buffer.from(`a=${'x'.repeat(size - 2)}`)]), { headers });
        const { a } = await read(request as unknown as Request, {} as Response);
        expect(a).toHaveLength(size - 2);
        return now;
      }),
    );
    isOver = true;
    await counting;
    const gaps = turns.slice(1).map((each, at) => each - (turns[at] ?? 0));
    expect(gaps.every((gap) => gap >= 24)).toBe(true);
  });

  it('lets small ones pass by', async () => {
    const [first = 0, , , ...small] = await turnsOf([50_000, 50_000, 50_000, 30_000, 10]);
    expect(small.every((each) => each < first)).toBe(true);
  });
});

describe('the body reader behind a parser of the host', () => {
  const parsers: [string, RequestHandler][] = [
    ['express.json()', express.json()],
    ['express.raw()', express.raw({ type: '*/*' })],
    ['express.text()', express.text({ type: '*/*' })],
  ];
  it.each(parsers)('takes what %s has left', async (_, parser) => {
    expect((await send(reading(parser), { body: '{"a":"ü"}' })).body).toEqual({ body: { a: 'ü' } });
  });

  it('reads what the host’s parser has passed over', async () => {
    expect((await send(reading(express.json()), { body: '{"a":1}', type: null })).body).toEqual({
      body: { a: 1 },
    });
  });

  it('takes no form for JSON', async () => {
    const form = { body: 'a=1', type: 'application/x-www-form-urlencoded' };
    expect((await send(reading(express.urlencoded({ extended: true })), form)).status).toBe(415);
  });

  it('takes nothing that was inflated', async () => {
    const sent = { body: gzipSync('{"a":1}'), headers: { 'Content-Encoding': 'gzip' } };
    expect((await send(reading(express.json()), sent)).status).toBe(415);
  });

  it('keeps its own limit', async () => {
    const body = JSON.stringify({ a: 'x'.repeat(2000) });
    for (const [, parser] of parsers) expect((await send(reading(parser), { body })).status).toBe(413);
  });

  it('refuses the mark of bytes that were invalid', async () => {
    const body = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    expect((await send(reading(express.json()), { body })).status).toBe(400);
    expect((await send(reading(), { body: '{"a":"\\ufffd"}' })).body).toEqual({ body: { a: '\ufffd' } });
  });
});

describe('the body reader, on the wire', () => {
  /** Sends bytes as they are, and answers what comes back. */
  async function raw(app: express.Express, head: string[], ...chunks: Buffer[]): Promise<string> {
    const server = app.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      return await new Promise<string>((resolve, reject) => {
        const socket = connect(port, '127.0.0.1').on('error', reject);
        let text = '';
        socket.on('data', (chunk) => {
          text += chunk;
        });
        socket.on('close', () => resolve(text));
        socket.write(['POST / HTTP/1.1', 'Host: x', 'Connection: close', ...head, '', ''].join('\r\n'));
        for (const chunk of chunks) socket.write(chunk);
      });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }
  const chunked = (text: string) => Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
  const last = Buffer.from('0\r\n\r\n');

  it('reads a body with neither a type nor a length', async () => {
    const answer = await raw(
      reading(),
      ['Transfer-Encoding: chunked'],
      chunked('{"a"'),
      chunked(':1}'),
      last,
    );
    expect(answer).toMatch(/^HTTP\/1.1 200 [\s\S]*\{"body":\{"a":1\}\}/);
  });

  it.each([
    ['a length of zero', ['Content-Length: 0'], []],
    ['no length', [], []],
    ['chunks that hold nothing', ['Transfer-Encoding: chunked'], [last]],
    [
      'chunks that hold nothing, as JSON',
      ['Content-Type: application/json', 'Transfer-Encoding: chunked'],
      [last],
    ],
  ])('reads %s as no body', async (_, head, chunks) => {
    expect(await raw(reading(), head, ...chunks)).toContain('{"body":"nothing"}');
  });

  it('has its limit with chunks and with a length that is announced', async () => {
    const head = ['Content-Type: application/json', 'Transfer-Encoding: chunked'];
    const over = chunked('x'.repeat(1001));
    expect(await raw(reading(), head, over, over, last)).toMatch(/^HTTP\/1.1 413 /);
    const announced = ['Content-Type: application/json', 'Content-Length: 1001'];
    expect(await raw(reading(), announced, Buffer.alloc(1001, 'x'))).toMatch(/^HTTP\/1.1 413 /);
  });

  it('counts bytes: exactly the limit is taken', async () => {
    const exactly = `"${'x'.repeat(998)}"`;
    expect((await send(reading(), { body: exactly })).status).toBe(200);
    expect((await send(reading(), { body: `${exactly} ` })).status).toBe(413);
    expect((await send(reading(), { body: `"${'ü'.repeat(499)}"` })).status).toBe(200);
    expect((await send(reading(), { body: `"${'ü'.repeat(500)}"` })).status).toBe(413);
  });
});

describe('the body reader behind a parser of the host, with what is not as it should be', () => {
  const invalid = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);

  it.each([
    ['express.json()', express.json()],
    ['express.raw()', express.raw({ type: '*/*' })],
    ['express.text()', express.text({ type: '*/*' })],
  ] as [string, RequestHandler][])('refuses invalid UTF-8 behind %s', async (_, parser) => {
    const answer = await send(reading(parser), { body: invalid });
    expect([answer.status, answer.body.code]).toEqual([400, 'malformed_request']);
  });

  it.each([
    ['truncated', '{"a":"marker'],
    ['no JSON', 'marker'],
  ])('answers 400 to text that is %s, with no echo', async (_, body) => {
    for (const parser of [express.raw({ type: '*/*' }), express.text({ type: '*/*' })]) {
      const answer = await send(reading(parser), { body });
      expect(answer.status).toBe(400);
      expect(answer.text).not.toContain('marker');
    }
  });

  it.each(['null', '[]', '1', 'false'])('takes %s as it is', async (body) => {
    for (const parser of [
      express.json({ strict: false }),
      express.raw({ type: '*/*' }),
      express.text({ type: '*/*' }),
    ]) {
      expect((await send(reading(parser), { body })).body).toEqual({ body: JSON.parse(body) });
    }
  });

  it('refuses a form by its type, whether or not a parser has read it', async () => {
    const form = { body: 'method=password&email=a', type: 'application/x-www-form-urlencoded' };
    for (const before of [
      [],
      [express.urlencoded({ extended: false })],
      [express.json(), express.urlencoded()],
    ])
      expect((await send(reading(...before), form)).status).toBe(415);
  });

  it.each([
    ['no Content-Type', null],
    ['a JSON type of its own', 'application/vnd.example+json'],
  ])('loses no body that the parsers passed over: %s', async (_, type) => {
    const before = [express.json(), express.urlencoded({ extended: true }), express.raw(), express.text()];
    expect((await send(reading(...before), { body: '{"a":1}', type })).body).toEqual({ body: { a: 1 } });
  });

  it('takes nothing that the host put there for a request without a body', async () => {
    const planted: RequestHandler = (request, _response, next) => {
      request.body = { planted: true };
      next();
    };
    expect((await send(reading(planted), {})).body).toEqual({ body: 'nothing' });
    expect((await send(reading(planted), { body: '{"a":1}' })).body).toEqual({ body: { a: 1 } });
  });

  it('answers 4xx to what cannot be looked at', async () => {
    const odd = (make: () => unknown): RequestHandler => {
      const parser = express.json();
      return (request, response, next) => {
        parser(request, response, () => {
          request.body = make();
          next();
        });
      };
    };
    const circular = () => {
      const body: Record<string, unknown> = {};
      body.self = body;
      return body;
    };
    for (const make of [circular, () => ({ a: 1n })])
      expect((await send(reading(odd(make)), { body: '{"a":1}' })).status).toBe(400);
  });
});
