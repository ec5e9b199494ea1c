import { createSecretKey, hash, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { TokenType } from '../wire/schemas.js';
import { hmacSha256, type Mac } from './hmac.js';

/** A token as the client gets it, and the key of its row in the session store. */
export interface IssuedToken {
  token: string;
  key: string;
}

/** Makes session tokens and recognises them; see {@link sessionTokens}. */
export interface SessionTokens {
  /** A new token for a carrier. */
  issue(carrier: TokenType): IssuedToken;
  /** The row key of a token that was made here for this carrier; `null` for every other string. */
  open(carrier: TokenType, token: string): string | null;
}

const halfBytes = 32;
/** Canonical base64url of 64 bytes: the last of the 86 characters has four bits to carry two. */
const tokenShape = /^[A-Za-z0-9_-]{85}[AQgw]$/;

/**
 * Makes the token functions. A token is 32 random bytes and the HMAC-SHA256 over them, in base64url. The MAC keys
 * are derived from `secrets` here, once, one for each carrier and `scope`: a forged token, or one of another
 * carrier or of another control, is refused before anything is looked up. The first secret signs, all verify.
 *
 * The row key is the SHA-256 of the random half, so whoever reads the store holds no token.
 */
export function sessionTokens(
  secrets: readonly Uint8Array[],
  scope: string,
  randomBytes: (size: number) => Buffer,
): SessionTokens {
  const keys = {
    Bearer: macs(secrets, scope, 'Bearer'),
    Cookie: macs(secrets, scope, 'Cookie'),
  };

  return {
    issue(carrier) {
      const random = randomBytes(halfBytes);
      const [sign] = keys[carrier];
      if (sign === undefined) throw new TypeError('there is no secret to sign with');
      const token = Buffer.concat([random, sign(random)]).toString('base64url');
      return { token, key: rowKey(random) };
    },
    open(carrier, token) {
      if (!tokenShape.test(token)) return null;
      const bytes = Buffer.from(token, 'base64url');
      const random = bytes.subarray(0, halfBytes);
      const presented = bytes.subarray(halfBytes);
      return keys[carrier].some((mac) => timingSafeEqual(mac(random), presented)) ? rowKey(random) : null;
    },
  };
}

/** Derives a key of 32 bytes for one purpose from a secret of the host (HKDF-SHA256, RFC 5869). */
export function deriveKey(secret: Uint8Array, purpose: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `passport-control ${purpose}`, 32)));
}

function macs(secrets: readonly Uint8Array[], scope: string, carrier: TokenType): readonly Mac[] {
  return secrets.map((secret) =>
    hmacSha256(deriveKey(secret, `session token ${carrier} ${scope}`).export(), halfBytes),
  );
}

function rowKey(random: Uint8Array): string {
  return hash('sha256', random, 'base64url');
}
