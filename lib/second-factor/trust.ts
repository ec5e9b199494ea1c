import { X509Certificate } from 'node:crypto';
import type { WebAuthn } from './webauthn.js';

type Library = WebAuthn['x509'];

/** Certificates between that of an authenticator and one that is trusted. */
const longestPath = 5;

/** The critical extensions that are looked at: basic constraints here, key usage by Node. */
const understood = ['2.5.29.19', '2.5.29.15'];
/** Names that an issuer may certify. Nobody looks at them here, so whoever has any is not trusted to certify. */
const nameConstraints = '2.5.29.30';

/** With which hashes a certificate may be signed: nobody knows two certificates of one such hash. */
const hashes = ['SHA-256', 'SHA-384', 'SHA-512'];

/**
 * Whether the certificates of an attestation (WebAuthn L3, section 7.1, steps 23 and 24) lead to one that is trusted: each
 * is issued by the next, or by a trusted one, above as many others as that one may stand above (RFC 5280, section 4.2.1.9),
 * signed over a hash that is safe, and all are valid at `now`, in milliseconds since the epoch, and ask for nothing that is not
 * understood here (section 4.2). Whether one was revoked is not asked of anybody.
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
    if (!isSignedSafely(library, certificate) || !isUnderstood(library, certificate)) return false;
    // Below its issuer stand the certificate of the authenticator and these; one that renews itself does not count.
    const below = path.slice(1, at + 1).filter(({ subject, issuer }) => subject !== issuer).length;
    const isIssued = (by: X509Certificate) =>
      by.ca &&
      certificate.checkIssued(by) &&
      certificate.verify(by.publicKey) &&
      isUnderstood(library, by) &&
      below <= longestPathBelow(library, by);
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

function isUnderstood({ X509Certificate }: Library, { raw }: X509Certificate): boolean {
  const { extensions } = new X509Certificate(raw);
  return extensions.every(
    ({ type, critical }) => type !== nameConstraints && (!critical || understood.includes(type)),
  );
}

function isSignedSafely({ X509Certificate }: Library, { raw }: X509Certificate): boolean {
  const algorithm: { name: string; hash?: { name: string } } = new X509Certificate(raw).signatureAlgorithm;
  return algorithm.name === 'Ed25519' || hashes.includes(algorithm.hash?.name ?? '');
}

function isValid({ validFrom, validTo }: X509Certificate, now: number): boolean {
  return Date.parse(validFrom) <= now && now <= Date.parse(validTo);
}
