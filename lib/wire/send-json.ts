import type { Response } from 'express';

/**
 * Answers with JSON, by Node's own means: what this API answers is for one client and kept by no cache, so Express need
 * not hash it for an `ETag`, and no setting of the host changes its form.
 */
export function sendJson(response: Response, status: number, body: unknown, type = 'application/json'): void {
  const text = JSON.stringify(body);
  response.statusCode = status;
  response.setHeader('Content-Type', `${type}; charset=utf-8`);
  // A handler of the host may have said another length before it failed.
  response.setHeader('Content-Length', Buffer.byteLength(text));
  response.end(text);
}
