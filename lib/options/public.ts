import type { AuditEvent } from '../defence/audit.js';
import type { Captcha } from '../defence/captcha.js';
import type { CounterStore } from '../defence/counters.js';
import type { OneTimeStore } from '../defence/one-time.js';
import type { PluggedLdapProvider, PluggedOauthProvider, PluggedSamlProvider } from '../plugged/provider.js';
import type { Repositories } from '../repositories/index.js';
import type { SessionIndex } from '../sessions/entity-index.js';
import type { SessionStore } from '../sessions/rows.js';
import type { MethodName } from '../strategies/index.js';
import type { PluggedStrategy } from '../strategies/plugged.js';
import type { UserVerification } from '../wire/webauthn.js';

/** A number for users and one for apps; a single number stands for both. */
export type PerPrincipal = number | { user?: number | undefined; app?: number | undefined };

/** The options of `passportControl()`. Durations are in seconds; what is left out has the default named with it. */
export interface PassportControlOptions {
  /** The host's tables. At least `users` or `apps`. */
  repositories: Repositories;
  /**
   * What session tokens are signed with: at least 32 random bytes. Of several the first signs and all verify, so
   * a new one goes to the front and the old one is removed when its sessions have ended.
   */
  secret: string | Uint8Array | readonly (string | Uint8Array)[];
  /**
   * Who the second factor is for, and which origins browsers may call from. Required with
   * `repositories.devices`, unless `secondFactor` is `false`.
   */
  relyingParty?: RelyingPartyOptions | undefined;
  /**
   * The methods, by their names on the wire: `false` switches one off, `{ strategy }` puts a Passport strategy of
   * the host in its place, and `{ strategies }` one for each of some identity providers, by their ids.
   * @default every method that the repositories make possible
   */
  methods?: MethodOptions | undefined;
  session?: SessionOptions | undefined;
  /** How the second factor is asked for. `false`: nobody owes one, whatever devices there are. */
  secondFactor?: false | SecondFactorOptions | undefined;
  /** This service, as SAML identity providers know it. Required for `saml-response`. @default none */
  serviceProvider?: ServiceProviderOptions | undefined;
  /** How apps sign in by their identities at AWS. Required for `aws-iam`. @default none */
  aws?: AwsOptions | undefined;
  /** When an e-mail address is locked. `false`: never. @default 10 failures in 900 s lock for 900 s */
  lockout?: false | (RateOptions & { duration?: number | undefined }) | undefined;
  /**
   * What opens the lock of an e-mail address for whoever has the password and solves a captcha: of a provider, or the host's
   * own. It is asked only while the address is locked.
   * @default nothing does, and the lock ends by itself
   */
  captcha?: CaptchaOptions | Captcha | undefined;
  /**
   * How many failures are allowed from a client address, and for one app from a client address, before further
   * attempts are refused (429); how many discoveries, whatever comes of them; and how many from everywhere. `false`: any number.
   * @default 100 in 900 s from an address, 20 in 300 s for an app from an address, 120 discoveries in 60 s, and from everywhere
   * 10,000 failures and 60,000 discoveries in 60 s
   */
  throttle?: false | ThrottleOptions | undefined;
  /** How many password hashes run at once, and how many may wait. @default 2 and 100 */
  hashing?: { concurrency?: number | undefined; queue?: number | undefined } | undefined;
  /**
   * Where claims, counters and the index of sessions are kept, for all nodes together. Required beside
   * `session.store`; `'dangerouslyPerProcess'` says that there is one process only.
   * @default in memory
   */
  stores?:
    | 'dangerouslyPerProcess'
    | { oneTime: OneTimeStore; counters: CounterStore; index: SessionIndex }
    | undefined;
  /** Receives audit events. It can neither throw into a sign-in nor delay it. @default nobody */
  onEvent?: ((event: AuditEvent) => unknown) | undefined;
  /** Seconds that a repository or a store may take for one answer. @default 3 */
  dependencyTimeout?: number | undefined;
  /** What asks identity providers. Redirects are not followed, whatever it does. @default globalThis.fetch */
  fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
  /** Milliseconds since the epoch. @default Date.now */
  clock?: (() => number) | undefined;
  /** The source of randomness. @default crypto.randomBytes */
  randomBytes?: ((size: number) => Buffer) | undefined;
}

/** The methods that are switched off or in which a host's own strategies stand; see {@link PassportControlOptions}. */
export type MethodOptions = {
  [Name in Exclude<MethodName, FederatedMethodName | 'aws-iam'>]?: false | PluggedStrategy | undefined;
} & {
  'aws-iam'?: false | undefined;
  'oauth-auth-code'?: false | { strategies: Readonly<Record<string, PluggedOauthProvider>> } | undefined;
  'saml-response'?: false | { strategies: Readonly<Record<string, PluggedSamlProvider>> } | undefined;
  'ldap-basic-auth'?: false | { strategies: Readonly<Record<string, PluggedLdapProvider>> } | undefined;
};
type FederatedMethodName = 'oauth-auth-code' | 'saml-response' | 'ldap-basic-auth';

/** Who the second factor is for. */
export interface RelyingPartyOptions {
  /** The domain that credentials are bound to, such as `example.com`. */
  id: string;
  /** What authenticators show. */
  name: string;
  /** The origins of the pages that sign in, such as `https://app.example.com`; each on `id` or a subdomain. */
  origins: readonly string[];
  /** The AppID that keys were registered for through U2F, such as `https://example.com/app-id.json`. @default there are none */
  appId?: string | undefined;
}

/** This service, as SAML identity providers know it. */
export interface ServiceProviderOptions {
  /** A URI that names it, often the address of its metadata. */
  entityId: string;
  /** Where browsers post responses to: the assertion consumer service, which hands them to `session/auth`. */
  acsUrl: string;
  /**
   * Keys and their certificates, in PEM. The first signs requests, all decrypt; the metadata names all for signing and the
   * first for encryption. The next one is added at the end until every provider knows it, then moved to the front.
   * @default none: requests are not signed, and encrypted assertions are refused
   */
  keys?: readonly { privateKey: string; certificate: string }[] | undefined;
}

/** How the second factor is asked for. */
export interface SecondFactorOptions {
  /**
   * Has authenticators say who made them when they are enrolled, and takes those alone whose certificates lead to one of
   * `trustAnchors`, which are certificates in PEM. Security keys say it, passkeys of phones and computers mostly do not.
   * @default nobody is asked
   */
  attestation?: { trustAnchors: readonly string[] } | undefined;
  /**
   * Whether keys that were registered through U2F may answer by U2F itself, for clients that know no WebAuthn: needs
   * `relyingParty.appId`. By WebAuthn they sign in without this.
   * @default false
   */
  legacyU2f?: boolean | undefined;
  /** Whether a change of a user's second factors ends the user's other sessions. @default true */
  endOtherSessionsOnChange?: boolean | undefined;
  /**
   * Whether the authenticator is to verify its user, by PIN or fingerprint. Only `required` refuses an answer without
   * that: the password has been proven already.
   * @default 'preferred'
   */
  userVerification?: UserVerification | undefined;
}

/** How sessions are kept, and for how long. */
export interface SessionOptions {
  /** Any express-session store; required beside `stores`. @default in memory, a million sessions at most */
  store?: SessionStore | undefined;
  /** Seconds without a request after which a session ends. @default user 86,400 (24 h), app 600 (10 min) */
  idleTimeout?: PerPrincipal | undefined;
  /** Seconds after which a session ends in any case. @default user 604,800 (7 d), app 86,400 (24 h) */
  absoluteTimeout?: PerPrincipal | undefined;
  /** Seconds in which a second factor must be completed. @default 300 */
  pendingTimeout?: number | undefined;
  /** Seconds for which a principal that was read is believed without reading it again. @default 0 */
  revalidateAfter?: number | undefined;
  /** Sessions that one user or app may have; one more ends the one that would end first. @default user 100, app 1,000 */
  maxPerEntity?: PerPrincipal | undefined;
  cookie?:
    | {
        /** The cookie's name, after `__Host-`. Each control of one app needs its own. @default 'session' */
        name?: string | undefined;
        /** Sends the cookie without `__Host-` and `Secure` to a loopback host. For development only. @default false */
        dangerouslyAllowHttpOnLocalhost?: boolean | undefined;
      }
    | undefined;
}

/** How requests that an app has signed for AWS are taken; see `aws-iam`. */
export interface AwsOptions {
  /**
   * For whom they must be signed: the value of the header `X-Passport-Control-Audience`, which must be among those that are
   * signed. Choose what no other service has, such as the URL of this one. Required without the next.
   */
  audience?: string | undefined;
  /** Takes signatures that were made for anybody, as older clients make them. @default false */
  dangerouslyWithoutAudience?: boolean | undefined;
  /** The regions that are asked. @default all */
  regions?: readonly string[] | undefined;
  /** Where the Security Token Service of a region is: an endpoint of a VPC, or a double. @default where AWS has it */
  stsEndpoint?: ((region: string) => string) | undefined;
}

/** Whose captcha it is, and what a response must say of itself. */
export interface CaptchaOptions {
  /** `recaptcha` is v2 and v3 of Google's. */
  provider: 'recaptcha' | 'hcaptcha' | 'turnstile';
  /** The key that the provider has given to servers. */
  secretKey: string;
  /** The hosts of the pages on which the widget stands. @default those of `relyingParty.origins` */
  hostnames?: readonly string[] | undefined;
  /** What the page names as the purpose: reCAPTCHA v3 and Turnstile. @default none is asked for */
  action?: string | undefined;
  /** The least score of reCAPTCHA v3, from 0 to 1. Given, a response without a score is refused. @default 0.5, of those that have one */
  minScore?: number | undefined;
  /** Whether the client's address is told to the provider. @default false */
  sendAddress?: boolean | undefined;
  /** Where responses are verified: `https://www.recaptcha.net/recaptcha/api/siteverify`, or a double. @default where the provider has it */
  endpoint?: string | undefined;
}

/** What slows down a client address. */
export interface ThrottleOptions {
  perAddress?: RateOptions | undefined;
  perApp?: RateOptions | undefined;
  /** A company behind one address begins its morning here. */
  discoveries?: { requests?: number | undefined; window?: number | undefined } | undefined;
  /**
   * From everywhere together, on all nodes. While too many have failed, what can be guessed at (passwords and the secrets of
   * apps) is refused; single sign-on, second factors and sessions go on.
   */
  overall?:
    | { failures?: number | undefined; discoveries?: number | undefined; window?: number | undefined }
    | undefined;
}

/** A number of failures in a number of seconds. */
export interface RateOptions {
  failures?: number | undefined;
  window?: number | undefined;
}
