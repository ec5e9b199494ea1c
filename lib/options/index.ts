import { randomBytes, X509Certificate } from 'node:crypto';
import type { AuditEvent } from '../defence/audit.js';
import type { CaptchaSource } from '../defence/captcha.js';
import { type CounterStore, memoryCounterStore } from '../defence/counters.js';
import type { FailureLimit } from '../defence/failure-window.js';
import { memoryOneTimeStore, type OneTimeStore } from '../defence/one-time.js';
import type { Fetch } from '../defence/outbound.js';
import type { ThrottleLimits } from '../defence/throttle.js';
import { ConfigError } from '../errors.js';
import type { ServiceProvider } from '../federation/saml-client.js';
import type { AwsSettings } from '../federation/sts-client.js';
import type { Repositories } from '../repositories/index.js';
import type { Fido2Settings } from '../second-factor/challenges.js';
import type { CookieSettings } from '../sessions/cookie.js';
import { memorySessionIndex, type SessionIndex } from '../sessions/entity-index.js';
import { memorySessionStore } from '../sessions/memory-store.js';
import type { SessionStore } from '../sessions/rows.js';
import type { SessionSettings } from '../sessions/session-types.js';
import type { MethodName } from '../strategies/index.js';
import type { Plugged } from '../strategies/plugged.js';
import { awsOf } from './aws.js';
import { captchaOf } from './captcha.js';
import { configError } from './config-error.js';
import { lockoutOf, throttleOf } from './limits.js';
import { resolveMethods } from './methods.js';
import type { PassportControlOptions, PerPrincipal } from './public.js';
import { checkRelyingParty } from './relying-party.js';
import { optionsSchema } from './schema.js';
import { resolveSecrets } from './secrets.js';

/** The options, complete and frozen; nobody but the composition root reads them. */
export interface ResolvedOptions {
  repositories: Repositories;
  secrets: readonly Uint8Array[];
  origins: readonly string[];
  /** `null` where nobody owes a second factor. */
  secondFactor: {
    fido2: Omit<Fido2Settings, 'timeout'>;
    endOtherSessionsOnChange: boolean;
    legacyU2f: boolean;
  } | null;
  methods: ReadonlyMap<MethodName, Plugged>;
  /** `null` where there is no SAML. */
  serviceProvider: ServiceProvider | null;
  session: SessionSettings & {
    store: SessionStore;
    revalidateAfter: number;
    cookie: CookieSettings;
  };
  lockout: FailureLimit | null;
  /** `null` where no captcha opens a lock. */
  captcha: CaptchaSource | null;
  throttle: ThrottleLimits | null;
  aws: AwsSettings | null;
  hashing: { concurrency: number; queue: number };
  stores: {
    oneTime: OneTimeStore;
    counters: CounterStore;
    index: SessionIndex;
  };
  onEvent: ((event: AuditEvent) => unknown) | undefined;
  dependencyTimeout: number;
  fetch: Fetch;
  clock: () => number;
  randomBytes: (size: number) => Buffer;
}

/**
 * Checks the options and completes them.
 *
 * @throws ConfigError for whatever is wrong, with the path of the option and the mend
 */
export function resolveOptions(options: PassportControlOptions): ResolvedOptions {
  const result = optionsSchema.safeParse(options);
  if (!result.success) throw configError(optionsSchema, result.error);
  const given = result.data;
  const { users, apps, devices } = given.repositories;
  if (!users && !apps) {
    throw new ConfigError('repositories', 'needs users or apps: without them nobody can sign in');
  }
  if (users && !devices && given.secondFactor !== false) {
    throw new ConfigError(
      'repositories.devices',
      'is required with users: without it nobody could owe a second factor. Or set secondFactor: false',
    );
  }
  if (devices && !given.relyingParty && given.secondFactor !== false) {
    throw new ConfigError(
      'relyingParty',
      'is required with repositories.devices: { id, name, origins }. Or set secondFactor: false',
    );
  }
  if (given.relyingParty) checkRelyingParty(given.relyingParty);
  if (given.session?.store && !given.stores) {
    throw new ConfigError(
      'stores',
      "is required beside session.store: claims and locks would silently be per process. Hand over { oneTime, counters, index }, or say 'dangerouslyPerProcess' if there is one process only",
    );
  }

  if (typeof given.stores === 'object' && !given.session?.store) {
    throw new ConfigError(
      'session.store',
      'is required beside stores: sessions would silently be per process, and ending them would miss the other nodes',
    );
  }

  if (given.captcha !== undefined && given.lockout === false) {
    throw new ConfigError('captcha', 'opens locks, and with lockout: false nothing locks');
  }
  const clock = given.clock ?? Date.now;
  const { session = {}, lockout, throttle } = given;
  const shared = typeof given.stores === 'object' ? given.stores : undefined;
  const resolved: ResolvedOptions = {
    repositories: {
      ...(users ? { users } : {}),
      ...(apps ? { apps } : {}),
      ...(given.repositories.accounts ? { accounts: given.repositories.accounts } : {}),
      ...(devices && given.secondFactor !== false ? { devices } : {}),
      ...(given.repositories.identityProviders
        ? { identityProviders: given.repositories.identityProviders }
        : {}),
    },
    secrets: resolveSecrets(given.secret),
    origins: [...(given.relyingParty?.origins ?? [])],
    secondFactor: secondFactorOf(given),
    serviceProvider: given.serviceProvider
      ? { ...given.serviceProvider, keys: given.serviceProvider.keys ?? [] }
      : null,
    methods: resolveMethods(given.methods ?? {}),
    session: {
      store: session.store ?? memorySessionStore(),
      idleTimeout: forEach(session.idleTimeout, { user: 86_400, app: 600 }),
      absoluteTimeout: forEach(session.absoluteTimeout, {
        user: 604_800,
        app: 86_400,
      }),
      pendingTimeout: session.pendingTimeout ?? 300,
      revalidateAfter: session.revalidateAfter ?? 0,
      maxPerEntity: forEach(session.maxPerEntity, { user: 100, app: 1000 }),
      cookie: {
        name: session.cookie?.name ?? 'session',
        dangerouslyAllowHttpOnLocalhost: session.cookie?.dangerouslyAllowHttpOnLocalhost ?? false,
      },
    },
    aws: given.aws === undefined ? null : awsOf(given.aws),
    lockout: lockoutOf(lockout),
    captcha: given.captcha === undefined ? null : captchaOf(given.captcha, given.relyingParty?.origins ?? []),
    throttle: throttleOf(throttle),
    hashing: {
      concurrency: given.hashing?.concurrency ?? 2,
      queue: given.hashing?.queue ?? 100,
    },
    stores:
      shared !== undefined
        ? { ...shared }
        : {
            oneTime: memoryOneTimeStore({ clock }),
            counters: memoryCounterStore({ clock }),
            index: memorySessionIndex({ clock }),
          },
    onEvent: given.onEvent,
    dependencyTimeout: given.dependencyTimeout ?? 3,
    fetch: given.fetch ?? fetch,
    clock,
    randomBytes: given.randomBytes ?? randomBytes,
  };
  for (const type of ['user', 'app'] as const) {
    if (resolved.session.idleTimeout[type] > resolved.session.absoluteTimeout[type]) {
      throw new ConfigError(
        'session.idleTimeout',
        `must not be longer than session.absoluteTimeout (${type})`,
      );
    }
  }
  return frozen(resolved);
}

function secondFactorOf({
  repositories: { devices },
  relyingParty,
  secondFactor = {},
}: PassportControlOptions): ResolvedOptions['secondFactor'] {
  if (!devices || !relyingParty || secondFactor === false) return null;
  const { id, name, origins, appId = null } = relyingParty;
  const { userVerification = 'preferred', endOtherSessionsOnChange = true, legacyU2f = false } = secondFactor;
  const trustAnchors = secondFactor.attestation?.trustAnchors.map(anchorOf) ?? null;
  if (legacyU2f && appId === null)
    throw new ConfigError('relyingParty.appId', 'is required with secondFactor.legacyU2f');
  return {
    fido2: { relyingParty: { id, name, origins: [...origins], appId }, userVerification, trustAnchors },
    endOtherSessionsOnChange,
    legacyU2f,
  };
}

/** Node would read the first of several certificates, and say nothing of the others. */
function anchorOf(pem: string, index: number): X509Certificate {
  const isOne = pem.split('-----BEGIN CERTIFICATE-----').length === 2;
  try {
    if (isOne) return new X509Certificate(pem);
  } catch {
    // Said below.
  }
  throw new ConfigError(`secondFactor.attestation.trustAnchors.${index}`, 'must be one certificate in PEM');
}

function forEach(
  given: PerPrincipal | undefined,
  defaults: { user: number; app: number },
): { user: number; app: number } {
  if (typeof given === 'number') return { user: given, app: given };
  return {
    user: given?.user ?? defaults.user,
    app: given?.app ?? defaults.app,
  };
}

/** Freezes the options and the plain objects and lists in them; stores and repositories are the host's own. */
function frozen(resolved: ResolvedOptions): ResolvedOptions {
  const { secrets, origins, secondFactor, session, lockout, throttle, hashing, stores } = resolved;
  const limits = [throttle?.perAddress, throttle?.perApp, throttle?.discoveries];
  const settings = [session.idleTimeout, session.absoluteTimeout, session.maxPerEntity, session.cookie];
  for (const part of [
    secrets,
    origins,
    secondFactor,
    secondFactor?.fido2,
    secondFactor?.fido2.relyingParty,
    secondFactor?.fido2.relyingParty.origins,
    session,
    lockout,
    throttle,
    hashing,
    stores,
    ...limits,
    ...settings,
    resolved,
  ]) {
    Object.freeze(part);
  }
  return resolved;
}
