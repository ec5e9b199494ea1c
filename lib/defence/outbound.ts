import { AuthError } from '../errors.js';
import type { Audit } from './audit.js';

/** A peer that is not ours could not be asked, or did not answer as it should. */
export class PeerError extends Error {
  override readonly name = 'PeerError';
  constructor(
    readonly kind: 'unreachable' | 'timed_out' | 'nonsense' | 'client_refused',
    /** Whether an audit event has told of it already. */
    readonly isTold = false,
  ) {
    super(`a peer is ${kind}`);
  }
}

/** What sends requests to peers; the `fetch` of the host. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** What limits a request to a peer. */
export interface OutboundLimits {
  /** Seconds for the whole exchange. */
  timeout: number;
  /** Bytes of the answer. */
  size: number;
}

/**
 * Makes a fetch for peers that are not trusted: no redirect is followed, the answer is read whole, within a time and
 * up to a size. It throws a {@link PeerError}, and an audit event says which peer it was.
 */
export function outbound(fetch: Fetch, { timeout, size }: OutboundLimits, audit: Audit): Fetch {
  return async (url, init) => {
    const signal = AbortSignal.any([
      AbortSignal.timeout(timeout * 1000),
      ...(init.signal ? [init.signal] : []),
    ]);
    try {
      // Raced, since whoever is handed over as fetch may not listen to the signal.
      const { response, body } = await Promise.race([
        aborted(signal),
        (async () => {
          const response = await fetch(url, { ...init, redirect: 'manual', signal });
          return { response, body: await readWhole(response, size) };
        })(),
      ]);
      const empty = [204, 205, 304].includes(response.status);
      return new Response(empty ? null : Buffer.from(body), {
        status: response.status,
        headers: response.headers,
      });
    } catch (error) {
      const kind = signal.aborted ? 'timed_out' : error instanceof PeerError ? error.kind : 'unreachable';
      audit({ type: 'peer_failed', peer: new URL(url).host, kind });
      throw new PeerError(kind, true);
    }
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new PeerError('timed_out')), { once: true });
  });
}

async function readWhole(response: Response, size: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const next = await reader?.read();
    if (next === undefined || next.done) return Buffer.concat(chunks);
    length += next.value.length;
    if (length > size) {
      await reader?.cancel().catch(() => {});
      throw new PeerError('nonsense');
    }
    chunks.push(next.value);
  }
}

/** Asks a peer: whatever goes wrong is told, unless it was already, and is the failure of that peer to the client. */
export async function asking<T>(url: string, audit: Audit, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const failure = error instanceof PeerError ? error : new PeerError('unreachable');
    if (!failure.isTold) audit({ type: 'peer_failed', peer: new URL(url).host, kind: failure.kind });
    throw peerFailure(failure);
  }
}

/** What a client is told of a peer that failed: 502 for nonsense, 503 for silence, 504 for slowness. */
export function peerFailure({ kind }: PeerError): AuthError {
  const codes = {
    nonsense: 'bad_gateway',
    unreachable: 'unavailable',
    timed_out: 'gateway_timeout',
    client_refused: 'bad_gateway',
  } as const;
  return new AuthError(codes[kind]);
}
