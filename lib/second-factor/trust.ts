import { X509Certificate } from 'node:crypto';

/** Certificates between that of an authenticator and one that is trusted. */
const longestPath = 5;

/**
 * Whether the certificates of an attestation (WebAuthn L3, section 7.1, steps 23 and 24) lead to one that is trusted: each
 * is issued by the next, or by a trusted one, and all are valid at `now`, in milliseconds since the epoch. Whether one was revoked
 * is not asked of anybody.
 */
export function leadsToTrust(
  x5c: readonly Uint8Array[],
  anchors: readonly X509Certificate[],
  now: number,
): boolean {
  if (x5c.length === 0 || x5c.length > longestPath) return false;
  const path = x5c.map((der) => new X509Certificate(der));
  // PEM within DER would be read here and not where the signature is verified: what was read must be all that was sent.
  if (!path.every(({ raw }, at) => raw.equals(x5c[at] ?? raw.subarray(0, 0)))) return false;
  const trusted = anchors.filter((each) => isValid(each, now));
  for (const [at, certificate] of path.entries()) {
    if (!isValid(certificate, now)) return false;
    if (trusted.some((each) => each.raw.equals(certificate.raw) || isIssued(certificate, each))) return true;
    const next = path[at + 1];
    if (next === undefined || !isIssued(certificate, next)) return false;
  }
  return false;
}

function isIssued(certificate: X509Certificate, by: X509Certificate): boolean {
  return by.ca && certificate.checkIssued(by) && certificate.verify(by.publicKey);
}

function isValid({ validFrom, validTo }: X509Certificate, now: number): boolean {
  return Date.parse(validFrom) <= now && now <= Date.parse(validTo);
}
