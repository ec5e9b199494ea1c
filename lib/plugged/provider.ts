import type { Request } from 'express';
import type passport from 'passport';
import type { FailureReason } from '../defence/audit.js';
import type { OauthVerdict } from '../federation/oauth-exchange.js';
import type { SignedAssertion } from '../federation/saml-client.js';
import type { HostAnswer } from './host.js';

/** A host's own Passport strategy for one identity provider. */
export interface PluggedProvider<Said> {
  /** It is run by Passport, with the fields that it needs in `req.body` and no query. */
  strategy: passport.Strategy;
  /** Says what the strategy's `user` and `info` have proven; `null` and throwing refuse. */
  identify?: ((user: unknown, info: unknown) => Said | null | Promise<Said | null>) | undefined;
}

/** Whom a strategy of OAuth has found at the provider. */
export interface PluggedProfile {
  /** The immutable id at the provider: 1 to 255 characters. */
  subject: string;
  /** @default none */
  email?: string | null | undefined;
  /** Whether the provider has verified that the address is the person's. @default false */
  emailProven?: boolean | undefined;
  /** What else `users.provision` gets. @default nothing */
  attributes?: Readonly<Record<string, string>> | undefined;
}

/** What a strategy of SAML has verified. */
export interface PluggedAssertion {
  /** The XML of the assertion that was signed, exactly as far as the signature covers it. */
  assertion: string;
}

/**
 * A strategy built on passport-oauth2. It gets `code`, `state` and `code_verifier` in `req.body`; {@link codeVerifierStore}
 * hands the latter on to the provider.
 * @default identify takes the `user` for a profile of Passport: its `provider`, `id` and first of `emails`
 */
export type PluggedOauthProvider = PluggedProvider<PluggedProfile>;

/**
 * A strategy of `@node-saml/passport-saml`, or one that does as it does. It gets `SAMLResponse` in `req.body`, and says
 * which assertion was signed by whom; what that says is judged by the provider's record here.
 * @default identify takes what `getAssertionXml()` of the `user` or else of the `info` answers
 */
export type PluggedSamlProvider = PluggedProvider<PluggedAssertion>;

/**
 * A strategy such as passport-ldapauth. It gets `username`, `email` and `password` in `req.body`, which are the address and a
 * password that is not empty.
 * @default identify takes the `user` for a profile of Passport, as for OAuth
 */
export type PluggedLdapProvider = PluggedProvider<PluggedProfile>;

/** Has a strategy of the host look at a body, and tells what it has proven. */
export type HostVerifier = (request: Request, body: object) => Promise<HostAnswer>;

/** Whom a strategy of OAuth has found, or why it is nobody. */
export type HostVerdict = Exclude<OauthVerdict, { reason: unknown }> | { reason: FailureReason };

/** A profile as Passport's strategies make it, by its contact schema. */
export function profileOfPassport(user: unknown): PluggedProfile | null {
  if (!isObject(user) || typeof user.provider !== 'string' || typeof user.id !== 'string') return null;
  const first: unknown = Array.isArray(user.emails) ? user.emails[0] : undefined;
  const { value, verified } = isObject(first) ? first : {};
  const name = typeof user.displayName === 'string' ? { displayName: user.displayName } : {};
  return {
    subject: user.id,
    email: typeof value === 'string' ? value : null,
    emailProven: verified === true,
    attributes: name,
  };
}

/** The assertion that passport-saml has verified, when its verify callback has handed the profile on. */
export function assertionOfPassportSaml(user: unknown, info: unknown): PluggedAssertion | null {
  const profile = [user, info].find((each) => isObject(each) && typeof each.getAssertionXml === 'function');
  if (!isObject(profile) || typeof profile.getAssertionXml !== 'function') return null;
  const assertion: unknown = profile.getAssertionXml();
  return typeof assertion === 'string' ? { assertion } : null;
}

/** What was said of somebody, in our words; whatever is not of its form is refused. */
export function verdictOfHost(said: unknown): HostVerdict {
  const refused = { reason: 'refused_by_strategy' } as const;
  if (!isObject(said)) return refused;
  const { subject, email = null, emailProven = false, attributes = {} } = said;
  if (typeof subject !== 'string' || subject === '' || subject.length > 255) return refused;
  if ((email !== null && typeof email !== 'string') || typeof emailProven !== 'boolean') return refused;
  if (!isObject(attributes)) return refused;
  const texts = Object.entries(attributes).filter(
    (each): each is [string, string] => typeof each[1] === 'string',
  );
  return { subject, email, emailProven, attributes: Object.fromEntries(texts) };
}

/** The XML that was said to be signed; whatever is none is refused. */
export function assertionOfHost(said: unknown): SignedAssertion {
  const isOne = isObject(said) && typeof said.assertion === 'string';
  return isOne ? { assertion: String(said.assertion) } : { reason: 'refused_by_strategy' };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
