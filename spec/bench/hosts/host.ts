import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Express } from 'express';

/** A request that is sent over and over, and the status that each answer must have. */
export interface Sent {
  method: 'GET' | 'POST';
  path: string;
  headers?: Record<string, string>;
  body?: string;
  expected: number;
}

/** What a host under measure says of itself: where it listens, and the requests by which it is measured. */
export interface Hosted {
  port: number;
  requests: Record<string, readonly Sent[]>;
}

/** What every protected route answers, so that no host has more to write than another. */
export const answer = {
  id: 'a11ce000-0000-4000-8000-000000000001',
  name: 'Alice',
  roles: ['reader', 'writer'],
};

/** What every sign-in of an app answers that is not measured for its own answer. */
export const given = { access_token: 'x'.repeat(86), token_type: 'Bearer', expires_in: 600 };

/** Serves an app on a free port. */
export async function listen(app: Express): Promise<{ port: number; server: Server }> {
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  // Connections of the load are kept for all rounds.
  server.keepAliveTimeout = 600_000;
  return { port: (server.address() as AddressInfo).port, server };
}

/** The JSON answer of a sign-in that a host makes at itself before it is measured. */
export async function ask(
  port: number,
  { method, path, headers = {}, body, expected }: Sent,
): Promise<Response> {
  const answered = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers, ...(body && { body }) });
  if (answered.status !== expected) throw new Error(`${method} ${path} answered ${answered.status}`);
  return answered;
}

export const json = { 'Content-Type': 'application/json' };
export const basic = (user: string, secret: string) => ({
  Authorization: `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`,
});
