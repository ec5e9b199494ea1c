import type { Request } from 'express';

/** The client's address, as the host's `trust proxy` setting lets it be known. */
export function addressOf(request: Request): string {
  return request.ip ?? 'unknown';
}
