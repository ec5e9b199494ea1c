import { PeerError, peerFailure } from '../defence/outbound.js';
import { AuthError } from '../errors.js';

/** What a failed exchange means: a peer that is down or makes no sense is no refusal. */
export function refusalOf(error: unknown): { reason: 'refused_by_provider' | 'not_verified' } {
  const peer = causes(error).find((each) => each instanceof PeerError);
  if (peer instanceof PeerError) throw peerFailure(peer);
  const code = codeOf(error);
  if (code === 'OAUTH_RESPONSE_BODY_ERROR') {
    const word = Reflect.get(error as object, 'error');
    const isDown = word === 'server_error' || word === 'temporarily_unavailable';
    if (isDown || statusOf(error) >= 500 || statusOf(error) === 429) throw new AuthError('unavailable');
    // Ours is the fault when the client itself is refused: nobody's code is to blame.
    if (isClientRefused(error)) throw new AuthError('bad_gateway');
    return { reason: 'refused_by_provider' };
  }
  if (code === 'OAUTH_TIMEOUT' || code === 'OAUTH_ABORT') throw new AuthError('gateway_timeout');
  if (/^OAUTH_(?:RESPONSE_IS_NOT_(?:CONFORM|JSON)|PARSE_ERROR|WWW_AUTHENTICATE_CHALLENGE)$/.test(code))
    throw new AuthError('bad_gateway');
  return { reason: 'not_verified' };
}

/** Whether a provider refuses this service, and nobody's code. */
export function isClientRefused(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // RFC 6749, section 5.2: by a challenge for the client, where a challenge for Bearer is about an access token.
  if (codeOf(error) === 'OAUTH_WWW_AUTHENTICATE_CHALLENGE')
    return Array.isArray(error.cause) && error.cause.every((each) => each?.scheme !== 'bearer');
  if (codeOf(error) !== 'OAUTH_RESPONSE_BODY_ERROR') return false;
  const word = Reflect.get(error, 'error');
  return word === 'invalid_client' || word === 'unauthorized_client';
}

/** What a provider whose metadata cannot be read is told as. */
export function failureOf(error: unknown): AuthError {
  const peer = causes(error).find((each) => each instanceof PeerError);
  if (peer instanceof PeerError) return peerFailure(peer);
  return new AuthError(codeOf(error) === 'OAUTH_TIMEOUT' ? 'gateway_timeout' : 'bad_gateway');
}

/** Whether an audit event has told of a failure where the peer was asked. */
export function isTold(error: unknown): boolean {
  return causes(error).some((each) => each instanceof PeerError && each.isTold);
}

function causes(error: unknown): unknown[] {
  const found: unknown[] = [];
  for (let each = error; each instanceof Error && found.length < 6; each = each.cause) found.push(each);
  return found;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function statusOf(error: unknown): number {
  return error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : 0;
}
