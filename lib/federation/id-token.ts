import { createHash } from 'node:crypto';
import type { OauthIdentityProvider } from '../repositories/index.js';

/** Claims of a token, as they came. */
export type Claims = Record<string, unknown>;

/** Seconds by which a provider's clock may be off. */
const skew = 60;
/** Seconds that an id_token may be old: it is fetched by the code, so it is made now. */
const oldest = 600;

/** What came with an id_token: what it may hold hashes of. */
export interface TokensOfCode {
  id_token?: string | undefined;
  access_token: string;
  claims(): object | undefined;
}

/**
 * Checks what the library leaves to the caller (OpenID Connect Core, sections 3.1.3.7 and 3.1.3.8), by the injected clock
 * (`now` in milliseconds since the epoch): what kind of token it is, for whom it was issued, the times, and that it was
 * issued with this access token, for this code. Answers its claims, or `null`.
 */
export function checkIdToken(
  tokens: TokensOfCode,
  code: string,
  { clientId, authParams }: OauthIdentityProvider,
  now: number,
): (Claims & { sub: string }) | null {
  const claims: Claims = { ...tokens.claims() };
  const { typ, alg } = headerOf(tokens.id_token ?? '');
  // An access token (at+jwt) or a logout token may be signed by the same key, for the same client.
  if (typ !== undefined && (typeof typ !== 'string' || !/^(?:application\/)?(?:id_token\+)?jwt$/i.test(typ)))
    return null;
  if (claims.azp !== undefined && claims.azp !== clientId) return null;
  // Section 3.1.3.7 (3): an audience that nobody here trusts is one too many.
  if (
    claims.aud !== clientId &&
    !(Array.isArray(claims.aud) && claims.aud.every((each) => each === clientId))
  )
    return null;

  if (!isHashOf(claims.at_hash, tokens.access_token, alg) || !isHashOf(claims.c_hash, code, alg)) return null;

  const { sub, exp, iat, nbf, auth_time: authTime } = claims;
  const seconds = now / 1000;
  if (typeof sub !== 'string' || sub === '') return null;
  if (typeof exp !== 'number' || exp <= seconds - skew) return null;
  if (typeof iat !== 'number' || iat > seconds + skew || iat < seconds - oldest) return null;
  if (nbf !== undefined && (typeof nbf !== 'number' || nbf > seconds + skew)) return null;
  const maxAge = authParams?.max_age;
  if (
    maxAge !== undefined &&
    (typeof authTime !== 'number' || authTime < seconds - maxAge - skew || authTime > seconds + skew)
  )
    return null;
  return { ...claims, sub };
}

/** Whether a hash that a token may have is of this text: the left half, by the hash function of the token's algorithm. */
function isHashOf(hash: unknown, text: string, alg: unknown): boolean {
  if (hash === undefined) return true;
  const size = alg === 'EdDSA' ? '512' : /^[RPE]S(256|384|512)$/.exec(String(alg))?.[1];
  if (size === undefined) return false;
  const whole = createHash(`sha${size}`).update(text).digest();
  return hash === whole.subarray(0, whole.length / 2).toString('base64url');
}

function headerOf(token: string): Claims {
  try {
    const header: unknown = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString());
    return typeof header === 'object' && header !== null ? { ...header } : {};
  } catch {
    return { typ: null };
  }
}
