import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Fetch, outbound, PeerError, peerFailure } from '../../lib/defence/outbound.js';

let server: Server;
let at: string;
/** Bytes that were written, by path. */
const written = new Map<string, number>();
const seen: { url: string | undefined; method: string | undefined }[] = [];

const pages: Record<string, RequestListener> = {
  '/good': (request, response) => {
    response.setHeader('x-own', 'kept');
    request.pipe(response);
  },
  '/status': (_, response) =>
    response.writeHead(418, { 'content-type': 'application/json' }).end('{"error":"x"}'),
  '/empty': (_, response) => response.writeHead(204).end(),
  '/moved': (_, response) => response.writeHead(302, { location: `${at}/target` }).end('moved'),
  '/moved-with-body': (_, response) => response.writeHead(307, { location: `${at}/target` }).end('moved'),
  '/target': (_, response) => response.end('target'),
  '/hang': () => {},
  '/hang-after-head': (_, response) => response.writeHead(200).write('x'),
  '/drip': (_, response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write('x'), 20);
    response.once('close', () => clearInterval(timer));
  },
  '/endless': (request, response) => flood(request.url ?? '', response),
  '/lies': (_, response) => {
    response.writeHead(200, { 'content-length': '1000000' });
    response.write('short');
    setTimeout(() => response.destroy(), 20);
  },
  '/reset': (request) => request.socket.destroy(),
  '/exact': (_, response) => response.end(Buffer.alloc(1000)),
  '/over': (_, response) => response.end(Buffer.alloc(1001)),
};

function flood(path: string, response: Parameters<RequestListener>[1]): void {
  const piece = Buffer.alloc(65_536);
  const write = () => {
    while (!response.destroyed) {
      written.set(path, (written.get(path) ?? 0) + piece.length);
      if (!response.write(piece)) {
        response.once('drain', write);
        return;
      }
    }
  };
  write();
}

beforeAll(async () => {
  server = createServer((request, response) => {
    seen.push({ url: request.url, method: request.method });
    pages[request.url ?? '']?.(request, response);
  });
  server.on('clientError', (_, socket: Socket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function peers(limits = {}, fetched: Fetch = fetch) {
  const events: Record<string, unknown>[] = [];
  const send = outbound(fetched, { timeout: 0.4, size: 1000, ...limits }, (event) =>
    events.push({ ...event }),
  );
  return { events, send };
}

/** How a request failed: the kind in the error, and the kind in the event. */
async function failure({ send, events }: ReturnType<typeof peers>, url: string, init: RequestInit = {}) {
  const error: unknown = await send(url, init).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(PeerError);
  const { kind, message, cause } = error as PeerError & { cause?: unknown };
  expect([message.includes('127.0.0.1'), cause]).toEqual([false, undefined]);
  expect(events).toEqual([{ type: 'peer_failed', peer: new URL(url).host, kind }]);
  return kind;
}

describe('outbound', () => {
  it('hands on the status, the headers and the whole body', async () => {
    const { send, events } = peers();
    const good = await send(`${at}/good`, { method: 'POST', body: 'grüezi' });
    expect([good.status, good.headers.get('x-own'), await good.text()]).toEqual([200, 'kept', 'grüezi']);
    const status = await send(`${at}/status`, {});
    expect([status.status, await status.json()]).toEqual([418, { error: 'x' }]);
    const empty = await send(`${at}/empty`, {});
    expect([empty.status, await empty.text()]).toEqual([204, '']);
    expect(events).toEqual([]);
  });

  it.each(['/moved', '/moved-with-body'])('follows no redirect (%s)', async (path) => {
    const { send } = peers();
    seen.length = 0;
    const answer = await send(`${at}${path}`, { method: 'POST', body: 'a secret', redirect: 'follow' });
    expect([answer.status, answer.ok]).toEqual([path === '/moved' ? 302 : 307, false]);
    expect(seen.map(({ url }) => url)).toEqual([path]);
  });

  it.each(['/hang', '/hang-after-head', '/drip'])(
    'gives up on a peer that does not end (%s)',
    async (path) => {
      const asked = Date.now();
      expect(await failure(peers(), `${at}${path}`)).toBe('timed_out');
      expect(Date.now() - asked).toBeLessThan(3000);
      expect(Date.now() - asked).toBeGreaterThanOrEqual(380);
    },
  );

  it('takes an answer up to its limit, and not a byte more', async () => {
    const answer = await peers().send(`${at}/exact`, {});
    expect((await answer.arrayBuffer()).byteLength).toBe(1000);
    expect(await failure(peers(), `${at}/over`)).toBe('nonsense');
  });

  it('cuts an endless answer off, and reads no further', async () => {
    const before = process.memoryUsage().rss;
    expect(await failure(peers({ size: 1_048_576, timeout: 5 }), `${at}/endless`)).toBe('nonsense');
    await new Promise((resolve) => setTimeout(resolve, 50));
    const then = written.get('/endless') ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(written.get('/endless')).toBe(then);
    expect(then).toBeLessThan(50_000_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000);
  });

  it.each(['/reset', '/lies'])('a peer that breaks off is out of reach (%s)', async (path) => {
    expect(await failure(peers(), `${at}${path}`)).toBe('unreachable');
  });

  it('a peer that is not there is out of reach', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => closed.once('listening', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    expect(await failure(peers(), `http://127.0.0.1:${port}/`)).toBe('unreachable');
  });

  it('a request that its caller gives up has timed out', async () => {
    const given = AbortSignal.timeout(50);
    const asked = Date.now();
    expect(await failure(peers({ timeout: 5 }), `${at}/hang`, { signal: given })).toBe('timed_out');
    expect(Date.now() - asked).toBeLessThan(2000);
  });

  it.each([new Error('secret of the driver'), 'a text', null, undefined])(
    'whatever fetch throws (%p), its words go no further',
    async (thrown) => {
      const target = peers({}, () => Promise.reject(thrown));
      expect(await failure(target, 'https://provider.example:8443/token?secret=x')).toBe('unreachable');
      expect(JSON.stringify(target.events)).not.toContain('secret');
    },
  );

  it('lets the caller’s request through as it is, but for redirects and the signal', async () => {
    const given: RequestInit[] = [];
    const { send } = peers({}, async (_, init) => {
      given.push(init);
      return new Response('{}');
    });
    const init = { method: 'POST', headers: { authorization: 'Bearer x' }, body: 'a=b' };
    await send('https://provider.example/token', init);
    expect(given).toEqual([{ ...init, redirect: 'manual', signal: expect.any(AbortSignal) }]);
  });

  it('names a failure to the client by its kind alone', () => {
    const told = (['nonsense', 'unreachable', 'timed_out'] as const).map((kind) =>
      peerFailure(new PeerError(kind)),
    );
    expect(told.map(({ status, code }) => `${status} ${code}`)).toEqual([
      '502 bad_gateway',
      '503 unavailable',
      '504 gateway_timeout',
    ]);
  });
});
