import { hash } from 'node:crypto';
import type { Awaitable } from '../awaitable.js';
import { AuthError } from '../errors.js';
import type { Audit, Client } from './audit.js';
import { type CounterStore, memoryCounterStore } from './counters.js';
import { FullError } from './expiring-map.js';
import { type Attempt, type Closed, type FailureLimit, FailureWindow, unlimited } from './failure-window.js';
import { networkOf, wideNetworkOf } from './network.js';

/** Slows down whoever fails too often; see {@link throttle}. */
export interface Throttle {
  /**
   * Refuses a client address from which too many have failed, or from which too many have failed at this app; takes
   * no place.
   *
   * @throws AuthError `too_many_requests`
   */
  check(client: Client, app?: string): Promise<void>;
  /**
   * Counts a discovery from a client address, whatever comes of it.
   *
   * @throws AuthError `too_many_requests`
   */
  discover(client: Client): Promise<void>;
  /**
   * Refuses a guess while too many have failed from everywhere; takes no place.
   *
   * @throws AuthError `too_many_requests`
   */
  guess(client: Client): Promise<void>;
  /** Counts a guess that has failed, for all together. */
  failed(client: Client): Promise<void>;
  /**
   * Takes a place for one attempt from a client address.
   *
   * @throws AuthError `too_many_requests`
   */
  address(client: Client): Promise<Attempt>;
  /**
   * Takes a place for one attempt of an app from a client address. Apps are slowed down, never locked: whoever
   * fails from elsewhere does not keep the app out.
   *
   * @throws AuthError `too_many_requests`
   */
  app(client: Client, app: string): Promise<Attempt>;
}

/**
 * What is allowed: failures and discoveries per client address, failures per app and client address, and failures and
 * discoveries from everywhere.
 */
export interface ThrottleLimits {
  perAddress: FailureLimit;
  perApp: FailureLimit;
  discoveries: FailureLimit;
  overall: { failures: FailureLimit; discoveries: FailureLimit };
}

/** How many networks it takes at least to shut out everybody. */
const mostOfOne = 10;
/** Under this key are the failures from everywhere. */
const overallFailures = 'overall:failed';

/**
 * Makes the throttle. Only failures count, so a good client is never slowed down by its own success. While the
 * shared counters are down it counts in this process alone, which is less, but never nothing. Apps are
 * counted under a hash of their key, so names of any length cost the same.
 */
export function throttle(
  counters: CounterStore,
  limits: ThrottleLimits | null,
  clock: () => number,
  audit: Audit,
): Throttle {
  if (limits === null)
    return {
      check: async () => {},
      discover: async () => {},
      guess: async () => {},
      failed: async () => {},
      address: async () => unlimited,
      app: async () => unlimited,
    };
  const fallback = memoryCounterStore({ clock, maxEntries: 100_000 });
  const windows = (prefix: string, limit: FailureLimit): Both<FailureWindow> => ({
    shared: new FailureWindow(counters, prefix, limit),
    local: new FailureWindow(fallback, prefix, limit),
  });
  const stores = { shared: counters, local: fallback };
  const increment = (key: string, { window }: FailureLimit) =>
    withFallback(stores, (store) => store.increment(key, window));
  const perAddress = windows('address', limits.perAddress);
  const perApp = windows('app', limits.perApp);

  const refuse = (
    scope: 'address' | 'app' | 'overall',
    client: Client,
    { retryAfter }: Pick<Closed, 'retryAfter'>,
  ): never => {
    audit({ type: 'throttled', scope, ...client });
    throw new AuthError('too_many_requests', { retryAfter });
  };
  const reserve = async (
    windows: Both<FailureWindow>,
    key: string,
    scope: 'address' | 'app',
    client: Client,
  ) => {
    const place = await withFallback(windows, (window) => window.reserve(key));
    return 'closed' in place ? refuse(scope, client, place) : place;
  };

  return {
    async check(client, app) {
      const [byAddress, byApp] = await Promise.all([
        withFallback(perAddress, (window) => window.closed(networkOf(client.address))),
        app === undefined ? null : withFallback(perApp, (window) => window.closed(appKey(client, app))),
      ]);
      if (byAddress !== null) refuse('address', client, byAddress);
      if (byApp !== null) refuse('app', client, byApp);
    },
    async discover(client) {
      const own = await increment(`discover:${networkOf(client.address)}`, limits.discoveries);
      if (own.count > limits.discoveries.limit) refuse('address', client, { retryAfter: own.endsIn / 1000 });
      const all = await increment('overall:discover', limits.overall.discoveries);
      if (all.count > limits.overall.discoveries.limit)
        refuse('overall', client, { retryAfter: all.endsIn / 1000 });
    },
    async guess(client) {
      const failed = await withFallback(stores, (store) => store.get(overallFailures));
      if (failed !== null && failed.count >= limits.overall.failures.limit)
        refuse('overall', client, { retryAfter: failed.endsIn / 1000 });
    },
    async failed({ address }) {
      // Whoever has one network alone, however large, fills no more than a part of what there is for all.
      const own = await increment(`overall:of:${wideNetworkOf(address)}`, limits.overall.failures);
      if (own.count <= Math.max(1, limits.overall.failures.limit / mostOfOne))
        await increment(overallFailures, limits.overall.failures);
    },
    address: (client) => reserve(perAddress, networkOf(client.address), 'address', client),
    app: (client, app) => reserve(perApp, appKey(client, app), 'app', client),
  };
}

function appKey({ address }: Client, app: string): string {
  return `${networkOf(address)} ${hash('sha256', app, 'base64url')}`;
}

/** What counts for all nodes, and what this process counts by while it cannot reach the others. */
interface Both<Counting> {
  shared: Counting;
  local: Counting;
}

async function withFallback<Counting, T>(
  { shared, local }: Both<Counting>,
  use: (counting: Counting) => Awaitable<T>,
): Promise<T> {
  try {
    return await use(shared);
  } catch {
    try {
      return await use(local);
    } catch (error) {
      // Too many networks to tell apart: a doubt about all that are not known yet.
      if (error instanceof FullError) throw new AuthError('too_many_requests', { retryAfter: 60 });
      throw error;
    }
  }
}
