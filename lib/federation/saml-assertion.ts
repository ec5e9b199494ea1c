import { createHash } from 'node:crypto';
import type { Once } from '../defence/once.js';
import type { SamlIdentityProvider } from '../repositories/index.js';
import { namespaces, timeOf, type XmlElement } from './xml.js';

const { assertion } = namespaces;

/** What an assertion must agree with. Times are in milliseconds since the epoch. */
export interface SamlExpectation {
  idp: SamlIdentityProvider;
  /** The entity id of this service. */
  audience: string;
  acsUrl: string;
  /** The id of the AuthnRequest that it answers; `null` where nobody asked. */
  requestId: string | null;
  now: number;
}

/** What an assertion says, when everything about it is right. */
export interface SamlStatement {
  subject: string;
  email: string | null;
  attributes: Record<string, string | string[]>;
  once: Once;
  /** Milliseconds since the epoch. */
  endsAt: number | undefined;
}

/** Milliseconds by which a provider's clock may be off, and that an assertion may be old when it arrives. */
const skew = 60_000;
const oldest = 300_000;
/** Seconds for which an assertion is remembered: longer than one may be old. */
const remembered = 900;

const transient = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient';
const emailAddress = 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress';
const entity = 'urn:oasis:names:tc:SAML:2.0:nameid-format:entity';
const bearer = 'urn:oasis:names:tc:SAML:2.0:cm:bearer';

/**
 * Judges an assertion whose signature is good by SAML core, section 2, and the Web Browser SSO profile, section 4.1.4: all
 * that the library leaves to the caller.
 */
export function judgeAssertion(
  element: XmlElement,
  expected: SamlExpectation,
): SamlStatement | { reason: 'not_verified' | 'no_subject' } {
  const good = goodAssertion(element, expected);
  if (good === null) return { reason: 'not_verified' };
  const { id, subject, attributes, endsAt } = good;
  const named = whoItNames(subject, attributes, expected.idp);
  if (named === null) return { reason: 'no_subject' };
  const key = createHash('sha256')
    .update(JSON.stringify([expected.idp.entityId, id]))
    .digest('base64url');
  return { ...named, attributes, once: { key: `assertion:${key}`, seconds: remembered }, endsAt };
}

/** The parts of an assertion that is good for a session here and now; `null` for one that is not. */
function goodAssertion(element: XmlElement, expected: SamlExpectation) {
  const { idp, now } = expected;
  const id = element.attribute('ID');
  const issued = timeOf(element.attribute('IssueInstant'));
  if (!element.is(assertion, 'Assertion') || element.attribute('Version') !== '2.0' || !id) return null;
  const issuer = element.one(assertion, 'Issuer');
  const isEntity = (issuer?.attribute('Format') ?? entity) === entity;
  if (issuer?.text !== idp.entityId || !isEntity) return null;
  if (issued === null || issued > now + skew || issued < now - oldest - skew) return null;
  if (!conditionsHold(element, expected)) return null;

  const subject = element.one(assertion, 'Subject');
  const confirmations = subject?.all(assertion, 'SubjectConfirmation') ?? [];
  if (subject === null || !confirmations.some((each) => confirms(each, expected))) return null;
  const endsAt = endOfAuthentication(element, expected);
  const attributes = attributesOf(element);
  return endsAt === null || attributes === null ? null : { id, subject, attributes, endsAt };
}

/** The immutable id of the person, and the address if there is one; `null` where nobody is named for longer than this session. */
function whoItNames(
  element: XmlElement,
  attributes: SamlStatement['attributes'],
  { subjectAttribute, emailAttribute }: SamlIdentityProvider,
): { subject: string; email: string | null } | null {
  const nameId = element.one(assertion, 'NameID');
  const format = nameId?.attribute('Format') ?? null;
  const named = format === transient ? null : (nameId?.text ?? null);
  const subject = subjectAttribute === undefined ? named : single(attributes[subjectAttribute]);
  if (subject === null || subject === '' || subject.trim() !== subject || subject.length > 1024) return null;
  const address = format === emailAddress ? named : null;
  return { subject, email: emailAttribute === undefined ? address : single(attributes[emailAttribute]) };
}

/** Section 2.5: times that bound it, this service in each audience, and no condition that nobody understands. */
function conditionsHold(element: XmlElement, { audience, now }: SamlExpectation): boolean {
  const conditions = element.one(assertion, 'Conditions');
  if (conditions === null || !isNow(conditions, now)) return false;
  const known = ['AudienceRestriction', 'OneTimeUse', 'ProxyRestriction'];
  if (!conditions.children().every((each) => known.some((name) => each.is(assertion, name)))) return false;
  const audiences = conditions.all(assertion, 'AudienceRestriction');
  const isMeant = (each: XmlElement) => each.all(assertion, 'Audience').some(({ text }) => text === audience);
  return audiences.length > 0 && audiences.every(isMeant);
}

/** Profile, section 4.1.4.2: a bearer confirmation for this very endpoint, in time, for this very request. */
function confirms(confirmation: XmlElement, { acsUrl, requestId, now }: SamlExpectation): boolean {
  const data = confirmation.one(assertion, 'SubjectConfirmationData');
  return (
    confirmation.attribute('Method') === bearer &&
    data !== null &&
    data.attribute('Recipient') === acsUrl &&
    data.attribute('InResponseTo') === requestId &&
    isNow(data, now)
  );
}

/** Until when the provider's own session lives: `undefined` for no bound, `null` where nobody has authenticated now. */
function endOfAuthentication(element: XmlElement, { idp, now }: SamlExpectation): number | undefined | null {
  const statements = element.all(assertion, 'AuthnStatement');
  const oldestAuthentication =
    idp.maxAuthenticationAge === undefined ? 0 : now - idp.maxAuthenticationAge * 1000 - skew;
  let end: number | undefined;
  for (const each of statements) {
    const at = timeOf(each.attribute('AuthnInstant'));
    if (at === null || at > now + skew || at < oldestAuthentication) return null;
    const bound = each.attribute('SessionNotOnOrAfter');
    if (bound === null) continue;
    const time = timeOf(bound);
    if (time === null || time <= now) return null;
    end = Math.min(end ?? time, time);
  }
  return statements.length === 0 ? null : end;
}

/** All attributes by name; `null` when one name stands for two. */
function attributesOf(element: XmlElement): Record<string, string | string[]> | null {
  const attributes = element
    .all(assertion, 'AttributeStatement')
    .flatMap((each) => each.all(assertion, 'Attribute'));
  const found = new Map<string, string | string[]>();
  for (const each of attributes) {
    const name = each.attribute('Name');
    if (name === null || found.has(name)) return null;
    const values = each.all(assertion, 'AttributeValue').map(({ text }) => text);
    found.set(name, values.length === 1 && values[0] !== undefined ? values[0] : values);
  }
  return Object.assign(Object.create(null), Object.fromEntries(found));
}

function single(value: string | readonly string[] | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

/** Whether now is between NotBefore and NotOnOrAfter, the latter of which must be there. */
function isNow(element: XmlElement, now: number): boolean {
  const notBefore = element.attribute('NotBefore');
  const from = notBefore === null ? now : timeOf(notBefore);
  const until = timeOf(element.attribute('NotOnOrAfter'));
  return from !== null && until !== null && from <= now + skew && now - skew < until;
}
