import type { Request } from 'express';
import type { Client } from '../defence/audit.js';

/**
 * Who sends a request: the address, as the host's `trust proxy` setting lets it be known, and the `id` that a middleware of the host
 * has given the request, as pino-http and others do. A client may have written it, so it is told only if it is short and plain.
 */
export function clientOf(request: Request): Client {
  const id: unknown = Reflect.get(request, 'id');
  const isPlain = typeof id === 'number' || (typeof id === 'string' && /^[!-~]{1,128}$/.test(id));
  return { address: request.ip ?? 'unknown', requestId: isPlain ? String(id) : null };
}
