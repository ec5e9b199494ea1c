import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A balancer in front of the nodes. */
export interface Balancer {
  readonly port: number;
  /** Sends no more new requests to a node, or sends them again. */
  drain(port: number, drained: boolean): void;
  close(): Promise<void>;
}

/**
 * Starts a balancer that hands requests to the nodes in turn. A request that has been sent is never sent again, since it may
 * have been done: when its node dies, it is answered 502. A node that takes no connection is passed over.
 */
export async function balancer(ports: readonly number[]): Promise<Balancer> {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const drained = new Set<number>();
  let turn = 0;

  const server = createServer((asked, answer) => {
    const at = turn++ % ports.length;
    const inTurn = [...ports.slice(at), ...ports.slice(0, at)].filter((port) => !drained.has(port));
    const chunks: Buffer[] = [];
    asked.on('data', (chunk: Buffer) => chunks.push(chunk));
    asked.on('end', () => forward(asked, Buffer.concat(chunks), answer, inTurn));
  });

  function forward(
    asked: IncomingMessage,
    body: Buffer,
    answer: ServerResponse,
    [port, ...others]: number[],
  ): void {
    if (port === undefined) {
      fail(answer, 503);
      return;
    }
    const { method, url: path, headers } = asked;
    const forwarded = { ...headers, connection: 'keep-alive', 'x-forwarded-for': asked.socket.remoteAddress };
    const outgoing = request(
      { host: '127.0.0.1', port, method, path, headers: forwarded, agent },
      (incoming) => {
        const { connection: _, 'keep-alive': __, ...given } = incoming.headers;
        answer.writeHead(incoming.statusCode ?? 502, given);
        incoming.on('error', () => answer.destroy()).pipe(answer);
      },
    );
    outgoing.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ECONNREFUSED') forward(asked, body, answer, others);
      else fail(answer, 502);
    });
    outgoing.end(body);
  }

  function fail(answer: ServerResponse, status: number): void {
    if (answer.headersSent) answer.destroy();
    else answer.writeHead(status).end();
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    drain(port, isDrained) {
      if (isDrained) drained.add(port);
      else drained.delete(port);
    },
    async close() {
      agent.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
