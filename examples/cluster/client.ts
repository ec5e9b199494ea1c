import { Agent, request } from 'node:http';

/** What came back: status 0 where nothing did. */
export interface Answer {
  status: number;
  /** When it was asked for, in milliseconds. */
  sentAt: number;
  body: Record<string, unknown>;
}

export type Ask = (
  method: string,
  path: string,
  headers?: Record<string, string>,
  body?: unknown,
) => Promise<Answer>;

/** Makes a client with an address of its own on this machine, as the throttle counts by addresses. */
export function clientOf(port: number, localAddress: string, noted: (answer: Answer, took: number) => void) {
  const agent = new Agent({ keepAlive: true, localAddress });
  const ask: Ask = async (method, path, headers = {}, body) => {
    const sentAt = performance.now();
    const text = body === undefined ? '' : JSON.stringify(body);
    const type = body === undefined ? {} : { 'Content-Type': 'application/json' };
    const answer = await new Promise<Answer>((resolve) => {
      const lost = () => resolve({ status: 0, sentAt, body: {} });
      const asked = request(
        {
          host: '127.0.0.1',
          port,
          method,
          path,
          agent,
          headers: { ...type, ...headers, 'Content-Length': Buffer.byteLength(text) },
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.on('error', lost);
          incoming.on('end', () => {
            const said = Buffer.concat(chunks).toString();
            resolve({
              status: incoming.statusCode ?? 0,
              sentAt,
              body: said.startsWith('{') ? JSON.parse(said) : {},
            });
          });
        },
      );
      asked.on('error', lost).end(text);
    });
    noted(answer, performance.now() - sentAt);
    return answer;
  };
  return { ask, close: () => agent.destroy() };
}
