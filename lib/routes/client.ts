import type { Request } from 'express';
import type { Client } from '../defence/audit.js';

/**
 * Who sends a request: the address, as the host's `trust proxy` setting lets it be known, and the `id` that a middleware of the host
 * has given the request, as pino-http and others do.
 */
export function clientOf(request: Request): Client {
  const id: unknown = Reflect.get(request, 'id');
  const requestId = typeof id === 'string' || typeof id === 'number' ? String(id) : null;
  return { address: request.ip ?? 'unknown', requestId };
}
