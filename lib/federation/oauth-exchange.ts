import type { Configuration } from 'openid-client';
import type { FlowSecrets } from '../defence/flow.js';
import { PeerError } from '../defence/outbound.js';
import type { OauthIdentityProvider } from '../repositories/index.js';
import { type Claims, checkIdToken } from './id-token.js';

type Library = typeof import('openid-client');

/** Whom a code stood for, or nobody. */
export type OauthVerdict =
  | { subject: string; email: string | null; emailProven: boolean; attributes: Record<string, string> }
  | { reason: 'refused_by_provider' | 'not_verified' | 'no_subject' };

/** What a browser came back with. */
export interface OauthAnswer {
  code: string;
  /** What binds it to this browser; `null` for a provider that takes codes which nobody has begun. */
  secrets: FlowSecrets | null;
  /** The issuer that came with it (RFC 9207); `null` when there was none, `undefined` when that is not known. */
  iss?: string | null | undefined;
}

/** Exchanges a code at its provider, and verifies what comes back; it throws what the library and the peer throw. */
export async function exchangeCode(
  library: Library,
  configuration: Configuration,
  idp: OauthIdentityProvider,
  { code, secrets, iss, clock }: OauthAnswer & { clock: () => number },
): Promise<OauthVerdict> {
  const { issuer, endpoints } = idp;
  const server = configuration.serverMetadata();
  const url = new URL(idp.redirectUri);
  url.search = '';
  url.searchParams.set('code', code);
  // RFC 9207: a browser that comes from another provider than it was sent to is refused by the library. Where nobody
  // knows what it came with, as the contract's body does not tell, the state decides alone.
  const known = iss === undefined && server.authorization_response_iss_parameter_supported;
  if (known || typeof iss === 'string') url.searchParams.set('iss', iss ?? server.issuer);

  const tokens = await library.authorizationCodeGrant(configuration, url, {
    ...(secrets === null ? {} : { pkceCodeVerifier: secrets.verifier }),
    ...(secrets === null || issuer === undefined ? {} : { expectedNonce: secrets.nonce }),
    ...(issuer === undefined ? {} : { idTokenExpected: true }),
  });
  // Section 5.2 of RFC 6749: an answer that says error is no answer, whatever else it says.
  if ('error' in tokens) return { reason: 'refused_by_provider' };
  if (issuer !== undefined) {
    const claims = checkIdToken(tokens, code, idp, clock());
    if (claims === null) return { reason: 'not_verified' };
    const asked = server.userinfo_endpoint !== undefined && claims.email === undefined;
    const more = asked ? await library.fetchUserInfo(configuration, tokens.access_token, claims.sub) : {};
    // Address and its proof are of one document: two halves of two would prove what neither says.
    const { email, email_verified } = asked ? (more as Claims) : claims;
    return verdictOf({ ...more, ...claims, email, email_verified }, 'sub', 'email', 'email_verified');
  }
  const userinfo = new URL(endpoints?.userinfo ?? '');
  const answer = await library.fetchProtectedResource(configuration, tokens.access_token, userinfo, 'GET');
  if (!answer.ok) throw new PeerError('nonsense');
  const claims: unknown = await answer.json().catch(() => null);
  if (typeof claims !== 'object' || claims === null) throw new PeerError('nonsense');
  const {
    subjectClaim = 'sub',
    emailClaim = 'email',
    emailVerifiedClaim = 'email_verified',
  } = endpoints ?? {};
  return verdictOf({ ...claims }, subjectClaim, emailClaim, emailVerifiedClaim);
}

function verdictOf(claims: Claims, subjectAt: string, emailAt: string, verifiedAt: string): OauthVerdict {
  const subject = claims[subjectAt];
  const email = claims[emailAt];
  // Some servers number their users.
  const id = Number.isSafeInteger(subject) ? String(subject) : subject;
  if (typeof id !== 'string' || id === '' || id.length > 255) return { reason: 'no_subject' };
  if (email !== undefined && email !== null && typeof email !== 'string') return { reason: 'not_verified' };
  const attributes = Object.entries(claims).filter(
    (each): each is [string, string] => typeof each[1] === 'string',
  );
  return {
    subject: id,
    email: email ?? null,
    emailProven: claims[verifiedAt] === true,
    attributes: Object.fromEntries(attributes),
  };
}
