import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { expect } from '@jest/globals';
import { basic, type TestApp, type TestAppOptions, testApp } from './app.js';
import { testClock } from './clock.js';
import { logSink } from './log-sink.js';
import { alice, bob, dan, people, robot, twin } from './people.js';
import { type Shared, sharedStores } from './shared.js';

/** An answer as a client sees it. */
export interface WireAnswer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

/** A request as an attacker writes it: every header is the attacker's own. */
export interface WireRequest {
  method?: string;
  path?: string;
  headers?: Record<string, string | string[]>;
  body?: string | Buffer | Iterable<Buffer>;
}

/** One process of the deployment under attack. */
export interface Node extends TestApp {
  port: number;
  /** Sends a request over a socket of its own. */
  send(request: WireRequest): Promise<WireAnswer>;
  /** Sends JSON to a path of the API. */
  call(path: string, body?: unknown, headers?: Record<string, string>): Promise<WireAnswer>;
}

/** What an attack case gets: two nodes over one slow store, and the books that are closed after it. */
export interface Target {
  nodes: readonly [Node, Node];
  shared: Shared;
  clock: TestApp['clock'];
  /** Whose sessions may be in the store when the case is over. @default nobody's */
  expectSessionsOf(...entityIds: string[]): void;
  /** Adds a text that must not turn up in a log, an event or an error. */
  secret(text: string): void;
  /** Says that a peer listens there, to which the nodes may speak. */
  peer(port: number): void;
  /** Says that this case breaks a dependency on purpose, so 5xx is an honest answer. */
  expectFaults(): void;
}

const auth = '/sys/v1/session/auth';

/**
 * Runs an attack on two nodes that share one store with 5 to 20 ms latency, and closes the books after it:
 * no token in an answer that is no success; no session of anybody who was not fully proven; no secret in a log,
 * an event or an error; nothing sent to anywhere else; no 5xx for the input of a client; and both nodes alive, with
 * no exception or rejection that nobody caught.
 */
export async function attack(
  options: Omit<TestAppOptions, 'shared' | 'testClock' | 'memory'>,
  drive: (target: Target) => Promise<void>,
): Promise<void> {
  const clock = testClock();
  const shared = sharedStores(clock, { latency: true });
  const memory = await people();
  const start = () => node({ ...options, shared, testClock: clock, memory }, answers);
  const answers: WireAnswer[] = [];
  const nodes = [await start(), await start()] as const;

  const secrets = new Set([alice, bob, dan].map(({ password }) => password));
  for (const { secret } of [robot, twin]) secrets.add(secret);
  const entities = new Set<string>();
  const peers = new Set<number | undefined>();
  let faults = false;

  const sink = logSink();
  const uncaught: unknown[] = [];
  const note = (error: unknown) => uncaught.push(error);
  process.on('uncaughtException', note).on('unhandledRejection', note);
  const outbound = new Set<number | undefined>();
  const connecting = (message: unknown) => {
    const { socket } = message as { socket: Socket };
    socket.once('connect', () => outbound.add(socket.remotePort));
  };
  subscribe('net.client.socket', connecting);

  try {
    await drive({
      ...{ nodes, shared, clock },
      expectSessionsOf: (...ids) => {
        for (const id of ids) entities.add(id);
      },
      secret: (text) => secrets.add(text),
      peer: (port) => peers.add(port),
      expectFaults: () => {
        faults = true;
      },
    });
    await new Promise((resolve) => setTimeout(resolve, 30));

    for (const { status, headers, body } of answers) {
      if (status >= 200 && status < 300) continue;
      expect([status, headers['set-cookie'], body.includes('access_token')]).toEqual([
        status,
        undefined,
        false,
      ]);
      if (!faults) expect([status < 500, body]).toEqual([true, body]);
    }
    const owners = [...shared.rows.values()].map((row) => (row as { entityId: string }).entityId);
    expect(owners.filter((owner) => !entities.has(owner))).toEqual([]);

    const tokens = answers.flatMap(({ body }) => /"access_token":"([^"]+)"/.exec(body)?.[1] ?? []);
    const errors = answers.filter(({ status }) => status >= 400).map(({ body }) => body);
    const told = [sink.text(), JSON.stringify(nodes.map(({ events }) => events)), ...errors].join('\n');
    for (const secret of [...secrets, ...tokens])
      expect([secret, told.includes(secret)]).toEqual([secret, false]);

    for (const each of nodes) {
      expect(each.unforeseen).toEqual([]);
      const asked = Date.now();
      const answer = await each.call(auth, undefined, basic(twin.id, twin.secret));
      expect(answer.status).toBe(200);
      expect(Date.now() - asked).toBeLessThan(1000);
    }
    expect(uncaught).toEqual([]);
    const ports: (number | undefined)[] = nodes.map(({ port }) => port);
    const strangers = [...outbound].filter((port) => port !== undefined && !ports.includes(port));
    expect(strangers.filter((port) => !peers.has(port))).toEqual([]);
  } finally {
    sink.close();
    unsubscribe('net.client.socket', connecting);
    process.off('uncaughtException', note).off('unhandledRejection', note);
    for (const { close } of nodes) await close();
  }
}

async function node(
  options: TestAppOptions,
  answers: WireAnswer[],
): Promise<Node & { close(): Promise<void> }> {
  const app = await testApp(options);
  const server = app.app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const send = async (request: WireRequest) => {
    const answer = await sendTo(port, request);
    // Audit events are told right after the work, which an answer over loopback can outrun.
    await new Promise((resolve) => setImmediate(resolve));
    answers.push(answer);
    return answer;
  };
  return {
    ...app,
    port,
    send,
    call(path, body, headers = {}) {
      const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
      const type: Record<string, string> = text === undefined ? {} : { 'Content-Type': 'application/json' };
      return send({
        method: 'POST',
        path,
        headers: { ...type, ...headers },
        ...(text === undefined ? {} : { body: text }),
      });
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function sendTo(
  port: number,
  { method = 'POST', path = auth, headers = {}, body }: WireRequest,
): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      { host: '127.0.0.1', port, method, path, headers, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          });
        });
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) {
      request.end(body);
      return;
    }
    for (const chunk of body) request.write(chunk);
    request.end();
  });
}
