/** A value for a relative distinguished name, escaped by RFC 4514, section 2.4, so that it is a value and nothing else. */
export function escapedValue(value: string): string {
  return value
    .replaceAll(/[\\"+,;<>=#]/g, (character) => `\\${character}`)
    .replaceAll('\0', '\\00')
    .replace(/^ | $/g, '\\ ');
}

/** A DN from a pattern: `{user}` stands for what is before the @ of an address, `{email}` for all of it. */
export function dnOf(pattern: string, email: string): string {
  const values = { user: email.slice(0, email.lastIndexOf('@')), email };
  return pattern.replaceAll(/\{(user|email)\}/g, (_, name: 'user' | 'email') => escapedValue(values[name]));
}
