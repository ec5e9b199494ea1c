import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a provider of captchas answers to one response: JSON, or whatever a broken one answers. */
export type Verdict =
  | { [member: string]: unknown }
  | { status: number; text: string }
  /** Takes the question and never answers. */
  | 'silence';

/** A provider of captchas in this process, which knows the responses that it is told of. */
export interface Siteverify {
  endpoint: string;
  port: number;
  /** What it was asked, as forms. */
  asked: URLSearchParams[];
  /** Says what a response is worth. Each is good once, as it is with all who give them. */
  gives(response: string, verdict: Verdict): void;
  close(): Promise<void>;
}

/** The key that the service has with this provider. */
export const captchaKey = 'marker-secret-key-of-the-captcha';

/** Starts one. What it does not know, it refuses. */
export async function siteverifyDouble(): Promise<Siteverify> {
  const known = new Map<string, Verdict>();
  const asked: URLSearchParams[] = [];
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    asked.push(form);
    const say = (status: number, text: string) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(text);
    };
    const refuse = (code: string) => say(200, JSON.stringify({ success: false, 'error-codes': [code] }));
    if (form.get('secret') !== captchaKey) return refuse('invalid-input-secret');
    const name = form.get('response') ?? '';
    const verdict = known.get(name);
    if (verdict === undefined) return refuse('invalid-input-response');
    if (verdict === 'silence') return undefined;
    if ('text' in verdict && 'status' in verdict) return say(Number(verdict.status), String(verdict.text));
    known.set(name, { success: false, 'error-codes': ['timeout-or-duplicate'] });
    return say(200, JSON.stringify(verdict));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    ...{ endpoint: `http://127.0.0.1:${port}/siteverify`, port, asked },
    gives: (response, verdict) => void known.set(response, verdict),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
