/** The COSE algorithms that are asked for, the best first: EdDSA, ES256, RS256 (WebAuthn L3, section 5.8.5). */
export const algorithms = [-8, -7, -257] as const;

/** Labels of a COSE key (RFC 9052, section 7.1, and RFC 9053, section 7). */
const label = { kty: 1, alg: 3, crv: -1, x: -2, y: -3, n: -1, e: -2 } as const;

/**
 * Whether a COSE key is one that WebAuthn allows for its algorithm: ES256 on P-256 with an uncompressed point, EdDSA on
 * Ed25519, RS256 with 2,048 to 4,096 bits. A key by which anybody could sign is none.
 */
export function isUsableKey(key: unknown): boolean {
  if (!(key instanceof Map)) return false;
  switch (key.get(label.alg)) {
    case -7:
      return (
        key.get(label.kty) === 2 && key.get(label.crv) === 1 && has(key, label.x, 32) && has(key, label.y, 32)
      );
    case -8:
      return (
        key.get(label.kty) === 1 &&
        key.get(label.crv) === 6 &&
        has(key, label.x, 32) &&
        !hasSmallOrder(key.get(label.x))
      );
    case -257:
      return key.get(label.kty) === 3 && has(key, label.n, 256, 512) && has(key, label.e, 3, 4);
    default:
      return false;
  }
}

function has(key: ReadonlyMap<unknown, unknown>, at: number, least: number, most = least): boolean {
  const bytes = key.get(at);
  return bytes instanceof Uint8Array && bytes.length >= least && bytes.length <= most;
}

/** The points of Ed25519 whose order divides 8, and their other encodings; the bit for the sign is left out. */
const smallOrder = new Set([
  `00${'00'.repeat(31)}`,
  `01${'00'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
]);

/** A signature by a key of small order says nothing: some signatures are good for every message. */
function hasSmallOrder(x: unknown): boolean {
  const bytes = Buffer.from(x instanceof Uint8Array ? x : []);
  const last = bytes.length - 1;
  if (last >= 0) bytes[last] = (bytes[last] ?? 0) & 0x7f;
  return smallOrder.has(bytes.toString('hex'));
}
