import type { Request } from 'express';
import type passport from 'passport';
import type { Audit } from '../defence/audit.js';
import { AuthError } from '../errors.js';
import type { Run } from './run.js';

/** A strategy of the host, run by Passport, and what tells of it when it fails. */
export interface HostStrategyRun {
  /** Where it stands in the options, such as `methods.password.strategy`. */
  name: string;
  /** Has Passport run it. */
  run: (request: Request) => Promise<Run>;
  /** Seconds that it may take, with what identifies by its answer. */
  seconds: number;
  audit: Audit;
}

/** What a strategy of the host has proven, as `identify` says it, or why that is nothing. */
export type HostAnswer = { said: unknown } | { reason: 'refused_by_strategy' | 'error_in_strategy' };

/** Says what the `user` and the `info` of a strategy stand for; `null`, `undefined` and throwing refuse. */
export type Identify = (user: unknown, info: unknown) => unknown;

/**
 * Asks a strategy of the host, which sees these fields for a body and no query. Its `fail`, its `error` and what it throws
 * are refusals, for many strategies report a bad credential as an error; only an error of the network, and no answer in
 * time, is a dependency that failed.
 *
 * @throws AuthError `unavailable` or `gateway_timeout`
 */
export async function askHost(
  { name: operation, run, seconds, audit }: HostStrategyRun,
  request: Request,
  body: object,
  identify: Identify,
): Promise<HostAnswer> {
  const failed = (kind: 'threw' | 'timed_out') =>
    audit({ type: 'dependency_failed', operation, kind, error: null });
  const asked = async (): Promise<HostAnswer> => {
    const ended = await run(narrowed(request, body));
    if (ended.kind === 'fail') return { reason: 'refused_by_strategy' };
    if (ended.kind === 'success') return identified(identify, ended.user, ended.info);
    if (!isUnreachable(ended.error)) return { reason: 'error_in_strategy' };
    failed('threw');
    throw new AuthError('unavailable');
  };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      failed('timed_out');
      reject(new AuthError('gateway_timeout'));
    }, seconds * 1000);
  });
  try {
    return await Promise.race([late, asked()]);
  } finally {
    clearTimeout(timer);
  }
}

async function identified(identify: Identify, user: unknown, info: unknown): Promise<HostAnswer> {
  try {
    const said: unknown = await identify(user, info);
    if (said !== null && said !== undefined) return { said };
  } catch {
    // What it throws may quote whom it was asked about, and is a refusal.
  }
  return { reason: 'refused_by_strategy' };
}

/**
 * The host's strategy, with a rejection of an async `authenticate` told as its error: Passport does not wait for it, so
 * nobody else would hear of it.
 */
export function hearingRejections(strategy: passport.Strategy): passport.Strategy {
  function authenticate(
    this: passport.StrategyCreatedStatic & passport.Strategy,
    request: Request,
    options?: object,
  ) {
    const returned: unknown = Reflect.apply(strategy.authenticate, this, [request, options]);
    Promise.resolve(returned).catch((error: unknown) =>
      this.error(error || new TypeError('the strategy failed')),
    );
  }
  return Object.create(strategy, { authenticate: { value: authenticate } });
}

const handedOver = Symbol('handed over');

/** Whether a request was handed over to a strategy of the host, after what it begins by was verified. */
export function isHandedOver(request: object): boolean {
  return handedOver in request;
}

/** The request with these fields for a body, nothing for a query, and no response that anybody could answer by. */
function narrowed(request: Request, body: object): Request {
  return Object.create(request, {
    [handedOver]: { value: true },
    body: { value: body, writable: true },
    query: { value: {}, writable: true },
    res: { value: undefined, writable: true },
  });
}

const unreachable =
  /^(?:ECONNREFUSED|ECONNRESET|ECONNABORTED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|UND_ERR_.*)$/;

/** Whether an error, or what caused it, is of the network and not of the credential. */
function isUnreachable(error: unknown, depth = 0): boolean {
  if (typeof error !== 'object' || error === null || depth > 4) return false;
  if ('code' in error && typeof error.code === 'string' && unreachable.test(error.code)) return true;
  const causes = [
    'cause' in error ? error.cause : undefined,
    ...('errors' in error && Array.isArray(error.errors) ? error.errors : []),
  ];
  // passport-oauth2 keeps what it got from the network there.
  const oauth = 'oauthError' in error ? error.oauthError : undefined;
  return isServerError(oauth) || [...causes, oauth].some((cause) => isUnreachable(cause, depth + 1));
}

/** Whether this is the answer of a server that could not serve, as the oauth package hands it on. */
function isServerError(error: unknown): boolean {
  const status = typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : 0;
  return typeof status === 'number' && (status >= 500 || status === 429);
}
