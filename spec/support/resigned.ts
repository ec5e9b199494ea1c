import { createSign } from 'node:crypto';
import { DOMParser } from '@xmldom/xmldom';
import { ExclusiveCanonicalization } from 'xml-crypto';
import type { KeyAndCertificate } from './keys.js';

const signatureNamespace = 'http://www.w3.org/2000/09/xmldsig#';

/**
 * Changes the SignedInfo of the first signature in a document, and signs it again: what an identity provider
 * would send that made its signatures in an odd way. It is RSA with SHA-256 over the exclusive canonical form.
 */
export function resigned(
  xml: string,
  { privateKey }: KeyAndCertificate,
  change: (signedInfo: string) => string,
): string {
  return xml.replace(
    /(<SignedInfo>[\s\S]*?<\/SignedInfo>)(\s*<SignatureValue>)[^<]*/,
    (_, info: string, between: string) => {
      const changed = change(info);
      const standing = changed.replace('<SignedInfo', `<SignedInfo xmlns="${signatureNamespace}"`);
      const element = new DOMParser().parseFromString(standing, 'text/xml').documentElement;
      const canonical = new ExclusiveCanonicalization().process(element, {}).toString();
      return changed + between + createSign('sha256').update(canonical).sign(privateKey, 'base64');
    },
  );
}
