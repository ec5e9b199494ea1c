import { createHash } from 'node:crypto';
import type { Configuration, CustomFetch, ServerMetadata } from 'openid-client';
import type { Audit } from '../defence/audit.js';
import { BoundedMap } from '../defence/bounded-map.js';
import type { FlowSecrets } from '../defence/flow.js';
import { type Fetch, PeerError } from '../defence/outbound.js';
import { AuthError, type ProblemCode } from '../errors.js';
import { loadOnce } from '../load-once.js';
import type { OauthIdentityProvider } from '../repositories/index.js';
import { clientAuthenticationOf } from './oauth-client-authentication.js';
import { failureOf, isClientRefused, isTold, refusalOf } from './oauth-errors.js';
import { exchangeCode, type OauthAnswer, type OauthVerdict } from './oauth-exchange.js';
import { checkedUrl, keysThatOutliveOutages } from './oauth-fetch.js';

type Library = typeof import('openid-client');

/** Talks to authorization servers; see {@link oauthClient}. */
export interface OauthClient {
  /** Loads the library. */
  ready(): Promise<void>;
  /**
   * Where the browser is to be sent.
   *
   * @throws AuthError when the provider's metadata cannot be read
   */
  authorizationUrl(
    idp: OauthIdentityProvider,
    request: { state: string; secrets: FlowSecrets | null },
  ): Promise<URL>;
  /**
   * Exchanges a code, and verifies all that comes back.
   *
   * @throws AuthError `bad_gateway`, `unavailable` or `gateway_timeout`
   */
  exchange(idp: OauthIdentityProvider, answer: OauthAnswer): Promise<OauthVerdict>;
}

/** What the client is made from. `clock` is in milliseconds since the epoch. */
export interface OauthClientDependencies {
  fetch: Fetch;
  /** Seconds that one request to a provider may take. */
  timeout: number;
  clock: () => number;
  audit: Audit;
}

/** Seconds for an exchange with all that belongs to it: what comes later signs nobody in. */
const exchangeTime = 8;
/** Milliseconds for which a provider that failed is not asked for its metadata again. */
const restFor = 10_000;
/** Milliseconds for which a provider's metadata is believed; when it is down, what was read last goes on. */
const freshFor = 3_600_000;
/** Providers whose metadata is kept. */
const cacheLimit = 500;
/** Every algorithm that is no good idea is absent: none, and those that share a key. */
const defaultAlgorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'];

/** Makes the client of authorization servers, on openid-client: OpenID Connect by discovery, plain OAuth 2 by its endpoints. */
export function oauthClient({ fetch, timeout, clock, audit }: OauthClientDependencies): OauthClient {
  const load = loadOnce((): Promise<Library> => import('openid-client'));
  const known = new BoundedMap<{
    configuration: Promise<Configuration>;
    until: number;
    last?: Configuration;
  }>(cacheLimit);
  const fetches = new BoundedMap<Fetch>(cacheLimit);

  const fetchFor = ({ id }: OauthIdentityProvider): Fetch => {
    const own = fetches.get(id) ?? keysThatOutliveOutages(fetch);
    fetches.set(id, own);
    return own;
  };
  /** Everybody waits for one and the same reading. While a provider is down, what was read last goes on. */
  const configurationOf = async (idp: OauthIdentityProvider): Promise<Configuration> => {
    // All that the configuration is made from is in the key, so an edited record is another.
    const key = createHash('sha256').update(JSON.stringify(idp)).digest('base64url');
    const entry = known.get(key);
    if (entry !== undefined && clock() < entry.until) return entry.configuration;
    const last = entry?.last;
    const reading = load().then((library) => configure(library, idp, fetchFor(idp), timeout));
    const configuration = reading.then(
      (read) => {
        known.set(key, { configuration, until: clock() + freshFor, last: read });
        return read;
      },
      (error: unknown) => {
        const failure = failureOf(error);
        report(idp, failure, error);
        if (last === undefined) throw failure;
        return last;
      },
    );
    known.set(key, { configuration, until: clock() + restFor, ...(last === undefined ? {} : { last }) });
    return configuration;
  };
  const report = ({ issuer, endpoints }: OauthIdentityProvider, { code }: AuthError, error: unknown) => {
    const url = issuer ?? endpoints?.token ?? '';
    const peer = URL.canParse(url) ? new URL(url).host : 'unknown';
    const kinds: Partial<Record<ProblemCode, PeerError['kind']>> = {
      bad_gateway: isClientRefused(error) ? 'client_refused' : 'nonsense',
      unavailable: 'unreachable',
      gateway_timeout: 'timed_out',
    };
    const kind = kinds[code];
    if (kind !== undefined && !isTold(error)) audit({ type: 'peer_failed', peer, kind });
  };

  return {
    async ready() {
      await load();
    },
    async authorizationUrl(idp, { state, secrets }) {
      const configuration = await configurationOf(idp);
      const { buildAuthorizationUrl } = await load();
      const { prompt, display, max_age } = idp.authParams ?? {};
      const isOidc = idp.issuer !== undefined;
      const scope = (idp.scopes ?? (isOidc ? ['openid', 'email'] : [])).join(' ');
      const challenge = secrets && createHash('sha256').update(secrets.verifier).digest('base64url');
      try {
        const url = buildAuthorizationUrl(configuration, {
          redirect_uri: idp.redirectUri,
          ...(scope === '' ? {} : { scope }),
          state,
          ...(secrets === null || !isOidc ? {} : { nonce: secrets.nonce }),
          ...(challenge === null ? {} : { code_challenge: challenge, code_challenge_method: 'S256' }),
          ...(prompt === undefined ? {} : { prompt: prompt.join(' ') }),
          ...(display === undefined ? {} : { display }),
          ...(max_age === undefined ? {} : { max_age: String(max_age) }),
        });
        checkedUrl(url.href, idp.dangerouslyAllowHttpOnLocalhost === true);
        return url;
      } catch (error) {
        const failure = failureOf(error);
        report(idp, failure, error);
        throw failure;
      }
    },
    async exchange(idp, answer) {
      const configuration = await configurationOf(idp);
      const library = await load();
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new PeerError('timed_out')), exchangeTime * 1000);
      });
      try {
        return await Promise.race([late, exchangeCode(library, configuration, idp, { ...answer, clock })]);
      } catch (error) {
        try {
          return refusalOf(error);
        } catch (failure) {
          if (failure instanceof AuthError) report(idp, failure, error);
          throw failure;
        }
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

async function configure(
  library: Library,
  idp: OauthIdentityProvider,
  fetch: Fetch,
  timeout: number,
): Promise<Configuration> {
  // The library goes by the clock of the process. What expires is checked by the injected one, in checkIdToken.
  const metadata = { [library.clockTolerance]: 1e9 };
  const authentication = await clientAuthenticationOf(library, idp.clientAuthentication);
  const insecure = idp.dangerouslyAllowHttpOnLocalhost === true;
  const customFetch: CustomFetch = (url, { body, ...init }) => {
    // Forms are all that it ever sends.
    const form = body instanceof URLSearchParams ? body : null;
    // The library leaves the query of a redirect URI out; the server compares it as it was sent before.
    if (form?.has('redirect_uri')) form.set('redirect_uri', idp.redirectUri);
    return fetch(checkedUrl(url, insecure), { ...init, body: form });
  };

  const { issuer, endpoints } = idp;
  const discovered = async (from: string): Promise<ServerMetadata> => {
    const found = await library.discovery(new URL(from), idp.clientId, metadata, authentication, {
      [library.customFetch]: customFetch,
      timeout,
      ...(insecure ? { execute: [library.allowInsecureRequests] } : {}),
    });
    const { supportsPKCE, ...server } = found.serverMetadata();
    // OpenID Connect Discovery, section 4.3: exactly the same, not only for a parser of URLs.
    if (server.issuer !== from) throw new PeerError('nonsense');
    return server as ServerMetadata;
  };
  const server: ServerMetadata =
    issuer !== undefined
      ? await discovered(issuer)
      : {
          issuer: new URL(endpoints?.token ?? '').origin,
          authorization_endpoint: endpoints?.authorization ?? '',
          token_endpoint: endpoints?.token ?? '',
          userinfo_endpoint: endpoints?.userinfo ?? '',
        };
  const allowed = idp.algorithms ?? defaultAlgorithms;
  const offered = server.id_token_signing_alg_values_supported ?? allowed;
  const configuration = new library.Configuration(
    { ...server, id_token_signing_alg_values_supported: offered.filter((alg) => allowed.includes(alg)) },
    idp.clientId,
    metadata,
    authentication,
  );
  configuration[library.customFetch] = customFetch;
  configuration.timeout = timeout;
  if (insecure) library.allowInsecureRequests(configuration);
  // The signature of an id_token is verified though it came over TLS: the key is the issuer's, the connection a proxy's.
  if (issuer !== undefined) library.enableNonRepudiationChecks(configuration);
  return configuration;
}
