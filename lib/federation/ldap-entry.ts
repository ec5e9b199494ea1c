import type { Entry } from 'ldapts';
import type { LdapIdentityProvider } from '../repositories/index.js';
import { decodeUtf8 } from '../wire/utf8.js';

/** The attribute that never changes, by a provider's record. */
export function subjectAttributeOf({ subjectAttribute = 'entryUUID' }: LdapIdentityProvider): string {
  return subjectAttribute;
}

/** The one value of the attribute that never changes; `null` for none, several, and what is no text. */
export function subjectOf(entry: Entry, attribute: string): string | null {
  const [name] = Object.keys(entry).filter((each) => each.toLowerCase() === attribute.toLowerCase());
  const value = name === undefined ? undefined : entry[name];
  if (isGuid(attribute)) return Buffer.isBuffer(value) && value.length === 16 ? guidOf(value) : null;
  const text = Buffer.isBuffer(value) ? decodeUtf8(value) : value;
  if (typeof text !== 'string' || text === '' || text.length > 255) return null;
  // A text that was no UTF-8 is marked by U+FFFD.
  return /\p{Cc}|\ufffd/u.test(text) || text.trim() !== text ? null : text;
}

/** The values of an attribute that are text. */
export function textsOf(entry: Entry, attribute: string): string[] {
  const [name] = Object.keys(entry).filter((each) => each.toLowerCase() === attribute.toLowerCase());
  const values = name === undefined ? [] : [entry[name]].flat();
  return values.filter((each) => typeof each === 'string');
}

/** Active Directory's ids are bytes, which it writes as a UUID whose first three parts are turned round. */
function isGuid(attribute: string): boolean {
  return attribute.toLowerCase() === 'objectguid';
}

function guidOf(bytes: Buffer): string {
  const parts = [bytes.subarray(0, 4), bytes.subarray(4, 6), bytes.subarray(6, 8)].map((part) =>
    Buffer.from(part).reverse().toString('hex'),
  );
  return [...parts, bytes.toString('hex', 8, 10), bytes.toString('hex', 10)].join('-');
}

/** A subject as the directory compares it. */
export function subjectValueOf(attribute: string, subject: string): string | Buffer {
  return isGuid(attribute) ? bytesOfGuid(subject) : subject;
}

function bytesOfGuid(guid: string): Buffer {
  const [one = '', two = '', three = '', ...rest] = guid.split('-');
  const turned = [one, two, three].map((part) => Buffer.from(part, 'hex').reverse());
  return Buffer.concat([...turned, Buffer.from(rest.join(''), 'hex')]);
}
