import type { IncomingMessage } from 'node:http';
import { AuthError } from '../errors.js';
import { secret } from './schemas.js';
import { decodeUtf8 } from './utf8.js';

/** A user name and a password out of a Basic header, exactly as they were sent. */
export interface BasicCredentials {
  username: string;
  password: string;
}

/**
 * The one Authorization header of a request; `undefined` when there is none. Node keeps the first of several
 * and drops the rest, so they are counted on the raw headers: two are ambiguous, and refused.
 *
 * @throws AuthError `ambiguous_credentials`
 */
export function authorizationHeader(request: IncomingMessage): string | undefined {
  const value = request.headers.authorization;
  if (value === undefined) return undefined;
  let seen = 0;
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const name = request.rawHeaders[index];
    if (name?.length === 13 && name.toLowerCase() === 'authorization' && ++seen > 1) {
      throw new AuthError('ambiguous_credentials', {
        detail: 'Send one Authorization header.',
      });
    }
  }
  return value;
}

/** Whether an Authorization header is of the Basic scheme, well-formed or not. */
export function isBasic(header: string): boolean {
  return /^basic(?: |$)/i.test(header);
}

/**
 * Reads a Basic header by RFC 7617: canonical base64 of UTF-8, split at the first colon, nothing trimmed, and a password as long as
 * one may be.
 *
 * @throws AuthError `malformed_request` when it is anything else
 */
export function readBasicHeader(header: string): BasicCredentials {
  const encoded = /^basic ((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/i.exec(
    header,
  )?.[1];
  const bytes = Buffer.from(encoded ?? '', 'base64');
  const decoded = encoded && bytes.toString('base64') === encoded ? decodeUtf8(bytes) : null;
  const colon = decoded?.indexOf(':') ?? -1;
  if (decoded === null || colon < 0) {
    throw new AuthError('malformed_request', {
      detail: 'The Basic header must be base64 of a user name, a colon and a password in UTF-8 (RFC 7617).',
    });
  }
  const password = decoded.slice(colon + 1);
  if (!secret.safeParse(password).success)
    throw new AuthError('malformed_request', { detail: 'The password must be 1 to 1,024 bytes.' });
  return { username: decoded.slice(0, colon), password };
}

/** The token of a Bearer header (RFC 6750, section 2.1), or `undefined` when it is no such header. */
export function readBearerHeader(header: string): string | undefined {
  return /^bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(header)?.[1];
}
