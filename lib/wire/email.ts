import { domainToASCII } from 'node:url';

/** RFC 5321 4.5.3.1: 64 octets before the @, 254 for the whole address. */
const maxLocalBytes = 64;
const maxBytes = 254;

/** Letters of any script and most signs: no space, no control or invisible character, no quoting, no second @. */
const localPart = /^[^\s\p{C}\p{Z}@"(),:;<>[\]\\]+$/u;

/** Letters that are no ASCII letters, but that Unicode normalisation would turn into ASCII characters. */
const becomesAscii = /[\u037e\u1fef\u212a]/;

/**
 * The one spelling under which an e-mail address is looked up, counted and compared: NFC, ASCII letters in
 * lower case and no other letter folded, the domain in its IDNA ASCII form. `null` when it is no address.
 *
 * @example canonicalEmail('Alice@Bücher.example') // 'alice@xn--bcher-kva.example'
 */
export function canonicalEmail(address: string): string | null {
  const at = address.indexOf('@');
  if (at < 1 || address.length > maxBytes || !address.isWellFormed() || becomesAscii.test(address))
    return null;

  const local = address.slice(0, at).normalize('NFC').replace(/[A-Z]/g, lowerCase);
  if (!localPart.test(local) || Buffer.byteLength(local) > maxLocalBytes) return null;

  const domain = canonicalDomain(address.slice(at + 1));
  if (domain === null) return null;

  const canonical = `${local}@${domain}`;
  return Buffer.byteLength(canonical) <= maxBytes ? canonical : null;
}

/** A domain name in its IDNA ASCII form, or `null`. Literals and bare addresses are no domain names. */
export function canonicalDomain(domain: string): string | null {
  if (!/^[^\s\p{C}\p{Z}@"(),:;<>[\]\\/?#%]+$/u.test(domain)) return null;
  const ascii = domainToASCII(domain);
  const labels = ascii.split('.');
  const valid = labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label));
  return valid && !/^\d+$/.test(labels.at(-1) ?? '') ? ascii : null;
}

function lowerCase(letter: string): string {
  return letter.toLowerCase();
}
