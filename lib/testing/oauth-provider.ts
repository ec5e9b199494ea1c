import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** How an authorization server for specs is. */
export interface OauthProviderOptions {
  /** @default 'https://provider.example' */
  issuer?: string;
  clientId: string;
  /** Milliseconds since the epoch. @default Date.now */
  clock?: () => number;
}

/** What a server does differently, from the moment when it is set. */
export interface OauthMisbehaviour {
  /** Changes the claims of the id_token. */
  claims?: (claims: Record<string, unknown>) => Record<string, unknown>;
  /** Changes its header. */
  header?: (header: Record<string, unknown>) => Record<string, unknown>;
  /** Makes its signature. */
  signature?: (signed: string, key: KeyObject) => Uint8Array;
  /** Changes the finished token. */
  idToken?: (token: string) => unknown;
  /** Changes what userinfo says. */
  userinfo?: (claims: Record<string, unknown>) => unknown;
  /** Changes the discovery document. */
  metadata?: (metadata: Record<string, unknown>) => unknown;
  /** Changes the key set. */
  keys?: (keys: Record<string, unknown>[]) => unknown;
  /** Whether codes may be used again, and by anybody. */
  permissive?: boolean;
  /** Answers in the place of the server, for the paths that it wants to; `undefined` leaves them to the server. */
  answer?: (url: URL, init: RequestInit) => Promise<Response> | Response | undefined;
}

/** An authorization server for specs; see {@link oauthProvider}. */
export interface OauthProvider {
  readonly issuer: string;
  /** What the control under test is given as `fetch`. Every other host is out of reach. */
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** Logs somebody in at the authorization URL that discovery gave, and answers with the code. */
  authorize(authorizationUrl: string, claims: { sub: string } & Record<string, unknown>): string;
  /** All requests that were made, in order. */
  readonly requests: readonly { url: string; init: RequestInit }[];
  misbehave(how: OauthMisbehaviour): void;
}

/**
 * Makes an authorization server that speaks OpenID Connect, in the process and without a socket, for specs. It checks
 * codes, PKCE and redirect URIs as RFC 6749 and RFC 7636 say, and misbehaves as it is told.
 *
 * @example
 * const provider = oauthProvider({ clientId: 'host' });
 * passportControl({ …, fetch: provider.fetch });
 * const code = provider.authorize(offer.authorization_url, { sub: 'alice', email, email_verified: true });
 */
export function oauthProvider({
  issuer = 'https://provider.example',
  clientId,
  clock = Date.now,
}: OauthProviderOptions): OauthProvider {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const grants = new Map<string, Grant>();
  const tokens = new Map<string, Record<string, unknown>>();
  const requests: { url: string; init: RequestInit }[] = [];
  let how: OauthMisbehaviour = {};

  const metadata = {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    userinfo_endpoint: `${issuer}/userinfo`,
    jwks_uri: `${issuer}/keys`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    code_challenge_methods_supported: ['S256'],
  };

  const idToken = ({ claims, nonce }: Grant): unknown => {
    const now = Math.floor(clock() / 1000);
    const usual = { iss: issuer, aud: clientId, iat: now, exp: now + 300, ...claims };
    const said = { ...usual, ...(nonce === null ? {} : { nonce }) };
    const header = { alg: 'RS256', typ: 'JWT', kid: 'key' };
    const signed = [how.header?.(header) ?? header, how.claims?.(said) ?? said]
      .map((each) => Buffer.from(JSON.stringify(each)).toString('base64url'))
      .join('.');
    const signature = how.signature?.(signed, privateKey) ?? sign('sha256', Buffer.from(signed), privateKey);
    const token = `${signed}.${Buffer.from(signature).toString('base64url')}`;
    return how.idToken ? how.idToken(token) : token;
  };

  const exchange = (form: URLSearchParams): Response => {
    const code = form.get('code') ?? '';
    const grant = grants.get(code);
    if (grant === undefined) return json({ error: 'invalid_grant' }, 400);
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    const isProven = grant.challenge === null || grant.challenge === challenge;
    if (how.permissive !== true) {
      if (!isProven || form.get('redirect_uri') !== grant.redirectUri)
        return json({ error: 'invalid_grant', error_description: 'a \u001b[31mlie\r\n of the server' }, 400);
      grants.delete(code);
    }
    const access = randomBytes(16).toString('hex');
    tokens.set(access, grant.claims);
    return json({ access_token: access, token_type: 'Bearer', expires_in: 60, id_token: idToken(grant) });
  };

  const answer = (url: URL, init: RequestInit): Response => {
    if (url.origin !== issuer) throw new TypeError('fetch failed');
    switch (url.pathname) {
      case '/.well-known/openid-configuration':
        return json(how.metadata?.(metadata) ?? metadata);
      case '/keys': {
        const keys = [{ ...publicKey.export({ format: 'jwk' }), kid: 'key', alg: 'RS256', use: 'sig' }];
        return json(how.keys?.(keys) ?? { keys });
      }
      case '/token':
        return exchange(new URLSearchParams(String(init.body)));
      case '/userinfo': {
        const [, access = ''] =
          /^Bearer (.+)$/.exec(new Headers(init.headers).get('authorization') ?? '') ?? [];
        const claims = tokens.get(access);
        if (claims === undefined) return json({ error: 'invalid_token' }, 401);
        return json(how.userinfo?.(claims) ?? claims);
      }
      default:
        return json({ error: 'not_found' }, 404);
    }
  };

  return {
    issuer,
    requests,
    async fetch(url, init) {
      requests.push({ url, init });
      const own = await how.answer?.(new URL(url), init);
      return own ?? answer(new URL(url), init);
    },
    authorize(authorizationUrl, claims) {
      const { searchParams } = new URL(authorizationUrl);
      const code = randomBytes(16).toString('base64url');
      grants.set(code, {
        claims,
        nonce: searchParams.get('nonce'),
        challenge: searchParams.get('code_challenge'),
        redirectUri: searchParams.get('redirect_uri'),
      });
      return code;
    },
    misbehave(next) {
      how = next;
    },
  };
}

/** What a code stands for. */
interface Grant {
  claims: { sub: string } & Record<string, unknown>;
  nonce: string | null;
  challenge: string | null;
  redirectUri: string | null;
}

function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } });
}
