import { isModest } from './modest-xml.js';
import { areStrong, signatureAlgorithms } from './saml-envelope.js';
import { xmlRoot } from './xml.js';

interface Library {
  xmldom: typeof import('@xmldom/xmldom');
  encryption: typeof import('xml-encryption');
}

/**
 * The place of the key that opens an encrypted assertion which may be looked at; -1 for none. Anybody may have encrypted
 * anything: what comes out is looked at as what came in was, before anybody parses it to verify it.
 */
export async function openingKey(
  { encryption, xmldom }: Library,
  xml: string,
  keys: readonly { privateKey: string }[],
  allowSha1: boolean,
): Promise<number> {
  for (const [at, { privateKey }] of keys.entries()) {
    const plain = await decrypted(encryption, xml, privateKey);
    const root = plain !== null && isModest(plain) ? xmlRoot(xmldom, plain) : null;
    if (root !== null) return areStrong(signatureAlgorithms(root), allowSha1) ? at : -1;
  }
  return -1;
}

/** What an encrypted assertion says; `null` when this key does not open it. */
function decrypted(encryption: Library['encryption'], xml: string, key: string): Promise<string | null> {
  const options = { key, disallowDecryptionWithInsecureAlgorithm: true, warnInsecureAlgorithm: false };
  return new Promise((resolve) => {
    try {
      encryption.decrypt(xml, options, (error: unknown, plain: unknown) =>
        resolve(!error && typeof plain === 'string' ? plain : null),
      );
    } catch {
      resolve(null);
    }
  });
}
