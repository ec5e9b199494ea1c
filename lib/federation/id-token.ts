import type { OauthIdentityProvider } from '../repositories/index.js';

/** Claims of a token, as they came. */
export type Claims = Record<string, unknown>;

/** Seconds by which a provider's clock may be off. */
const skew = 60;
/** Seconds that an id_token may be old: it is fetched by the code, so it is made now. */
const oldest = 600;

/**
 * Checks what the library leaves to the caller (OpenID Connect Core, section 3.1.3.7), by the injected clock (`now` in
 * milliseconds since the epoch): what kind of token it is, for whom it was issued, and the times. Answers its claims,
 * or `null`.
 */
export function checkIdToken(
  tokens: { id_token?: string | undefined; claims(): object | undefined },
  { clientId, authParams }: OauthIdentityProvider,
  now: number,
): (Claims & { sub: string }) | null {
  const claims: Claims = { ...tokens.claims() };
  const { typ } = headerOf(tokens.id_token ?? '');
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

function headerOf(token: string): Claims {
  try {
    const header: unknown = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString());
    return typeof header === 'object' && header !== null ? { ...header } : {};
  } catch {
    return { typ: null };
  }
}
