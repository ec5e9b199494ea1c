import { X509Certificate } from 'node:crypto';
import type { WebAuthn } from './webauthn.js';

type Library = WebAuthn['x509'];

/** Certificates between that of an authenticator and one that is trusted. */
const longestPath = 5;

/** With which hashes a certificate may be signed: nobody knows two certificates of one such hash. */
const hashes = ['SHA-256', 'SHA-384', 'SHA-512'];

/**
 * Whether the certificates of an attestation (WebAuthn L3, section 7.1, steps 23 and 24) lead to one that is trusted: each
 * is issued by the next, or by a trusted one, above as many others as that one may stand above (RFC 5280, section 4.2.1.9),
 * signed over a hash that is safe, and all are valid at `now`, in milliseconds since the epoch. Whether one was revoked is not
 * asked of anybody.
 */
export function leadsToTrust(
  library: Library,
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
    if (trusted.some((each) => each.raw.equals(certificate.raw))) return true;
    if (!isSignedSafely(library, certificate)) return false;
    // Below its issuer stand the certificate of the authenticator and `at` others.
    const isIssued = (by: X509Certificate) =>
      by.ca &&
      at <= longestPathBelow(library, by) &&
      certificate.checkIssued(by) &&
      certificate.verify(by.publicKey);
    if (trusted.some(isIssued)) return true;
    const next = path[at + 1];
    if (next === undefined || !isIssued(next)) return false;
  }
  return false;
}

/** How many issuers may stand below this one. */
function longestPathBelow({ X509Certificate, BasicConstraintsExtension }: Library, { raw }: X509Certificate) {
  const constraints = new X509Certificate(raw).getExtension(BasicConstraintsExtension);
  return constraints?.pathLength ?? Number.POSITIVE_INFINITY;
}

function isSignedSafely({ X509Certificate }: Library, { raw }: X509Certificate): boolean {
  const algorithm: { name: string; hash?: { name: string } } = new X509Certificate(raw).signatureAlgorithm;
  return algorithm.name === 'Ed25519' || hashes.includes(algorithm.hash?.name ?? '');
}

function isValid({ validFrom, validTo }: X509Certificate, now: number): boolean {
  return Date.parse(validFrom) <= now && now <= Date.parse(validTo);
}
