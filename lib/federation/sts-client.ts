import type { Audit, FailureReason } from '../defence/audit.js';
import { boundedQueue } from '../defence/bounded-queue.js';
import { asking, type Fetch, PeerError } from '../defence/outbound.js';
import { loadOnce } from '../load-once.js';
import { callerIdentityBody, callerIdentityType } from '../wire/caller-identity.js';
import type { CallerIdentity } from './aws-principal.js';
import { isModest } from './modest-xml.js';
import type { StsEndpoint } from './sts-endpoint.js';
import { type XmlElement, xmlRoot } from './xml.js';

/** How requests that are signed for AWS are taken. */
export interface AwsSettings {
  /** For whom they must be signed; `null`: this service has no name for that. */
  audience: string | null;
  /** Whether those are taken that were signed for nobody in particular. */
  dangerouslyWithoutAudience: boolean;
  /** Where the Security Token Service of each region is that is asked, by the name of the region. */
  endpoints: ReadonlyMap<string, StsEndpoint>;
}

/** Asks Security Token Services; see {@link stsClient}. */
export interface StsClient {
  /** Loads the library. */
  ready(): Promise<void>;
  /**
   * Has STS say who has signed these headers.
   *
   * @throws AuthError `bad_gateway`, `unavailable`, `gateway_timeout`; `too_many_requests` when too many wait already
   */
  whoSigned(
    url: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<CallerIdentity | { reason: FailureReason }>;
}

const namespace = 'https://sts.amazonaws.com/doc/2011-06-15/';

/** Requests to one region that are on the way at once, and those that wait: a flood of sign-ins is none at AWS. */
const inFlight = 32;
const mostWaiting = 128;
/** Milliseconds for which a request waits: one that is sent later is answered to nobody. */
const patience = 5000;

/** Makes the client, on a fetch for peers that are not trusted. */
export function stsClient(fetch: Fetch, audit: Audit): StsClient {
  const load = loadOnce(() => import('@xmldom/xmldom'));
  // A region that is slow keeps those waiting who come through it, and nobody else.
  const queues = new Map<string, ReturnType<typeof boundedQueue>>();
  const queueOf = (url: string) => {
    const own = queues.get(url) ?? boundedQueue(inFlight, mostWaiting);
    queues.set(url, own);
    return own;
  };
  const answerOf = async (url: string, headers: Readonly<Record<string, string>>) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': callerIdentityType, ...headers },
      body: callerIdentityBody,
    });
    const { status } = response;
    const text = await response.text();
    const root = isModest(text) ? xmlRoot(await load(), text) : null;
    if (status === 429 || status >= 500 || (status >= 400 && isThrottled(root)))
      throw new PeerError('unreachable');
    // What stands between here and AWS refuses in other words.
    if (status >= 400 && root?.is(namespace, 'ErrorResponse'))
      return { reason: 'refused_by_provider' } as const;
    const identity = status === 200 && root !== null ? identityOf(root) : null;
    if (identity === null) throw new PeerError('nonsense');
    return identity;
  };
  return {
    async ready() {
      await load();
    },
    async whoSigned(url, headers) {
      const since = performance.now();
      return queueOf(url)(() =>
        asking(url, audit, async () => {
          if (performance.now() - since > patience) throw new PeerError('timed_out');
          return answerOf(url, headers);
        }),
      );
    },
  };
}

/** What GetCallerIdentity answers, and nothing else that stands in the document. */
function identityOf(root: XmlElement): CallerIdentity | null {
  if (!root.is(namespace, 'GetCallerIdentityResponse')) return null;
  const result = root.one(namespace, 'GetCallerIdentityResult');
  const textOf = (name: string) => result?.one(namespace, name)?.text ?? '';
  const [arn, account, userId] = [textOf('Arn'), textOf('Account'), textOf('UserId')];
  return arn === '' || account === '' || userId === '' ? null : { arn, account, userId };
}

/** STS says by 400 that it is asked too often. */
function isThrottled(root: XmlElement | null): boolean {
  const [code] = root?.below('*', 'Code') ?? [];
  return /^(?:Throttling|RequestLimitExceeded|ServiceUnavailable|InternalFailure)/.test(code?.text ?? '');
}
