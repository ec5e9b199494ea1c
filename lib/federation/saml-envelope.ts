import { namespaces, timeOf, type XmlElement } from './xml.js';

const { protocol, assertion, signature, encryption } = namespaces;

/** What stands around an assertion. Nothing of it is believed: it selects a record, and it can only refuse. */
export interface SamlEnvelope {
  /** Of the response and of the assertion, as far as they can be read; all must be the provider's. */
  issuers: readonly string[];
  inResponseTo: string | null;
  destination: string | null;
  status: string | null;
  isEncrypted: boolean;
  /** Whether what is encrypted is made of the parts that it needs, and refers to nothing elsewhere. */
  isPlainlyEncrypted: boolean;
  /** The algorithms of the signatures, and those of the encryption. */
  signatureAlgorithms: readonly string[];
  encryptionAlgorithms: readonly string[];
}

/** Reads the envelope of a response; `null` for what is none. */
export function samlEnvelope(root: XmlElement): SamlEnvelope | null {
  if (!root.is(protocol, 'Response') || root.attribute('Version') !== '2.0' || !root.attribute('ID'))
    return null;
  const assertions = root.all(assertion, 'Assertion');
  const encrypted = root.all(assertion, 'EncryptedAssertion');
  const status = root.one(protocol, 'Status')?.one(protocol, 'StatusCode') ?? null;
  const issued = timeOf(root.attribute('IssueInstant'));
  if (assertions.length + encrypted.length !== 1 || status === null || issued === null) return null;
  const issuers = [root, ...assertions].flatMap((each) => each.all(assertion, 'Issuer'));
  return {
    issuers: issuers.map(({ text }) => text),
    inResponseTo: root.attribute('InResponseTo'),
    destination: root.attribute('Destination'),
    status: status.attribute('Value'),
    isEncrypted: encrypted.length > 0,
    isPlainlyEncrypted: isPlainlyEncrypted(root),
    signatureAlgorithms: signatureAlgorithms(root),
    encryptionAlgorithms: algorithms(root, encryption, 'EncryptionMethod'),
  };
}

/**
 * Whether there is one ciphertext with one key beside it. The library that decrypts goes by local names and follows
 * references by an XPath that the document writes, so the parts are counted in every namespace.
 */
function isPlainlyEncrypted(root: XmlElement): boolean {
  const count = (name: string) => root.below('*', name).length;
  const own = root.below(encryption, 'EncryptionMethod').length;
  const parts = { EncryptedData: 1, EncryptedKey: 1, CipherValue: 2, EncryptionMethod: 2 };
  const none = ['RetrievalMethod', 'CipherReference', 'DataReference', 'KeyReference'];
  return (
    own === 2 &&
    Object.entries(parts).every(([name, wanted]) => count(name) === wanted) &&
    none.every((name) => count(name) === 0)
  );
}

/** The algorithms of all signatures below an element. */
export function signatureAlgorithms(root: XmlElement): readonly string[] {
  const names = ['SignatureMethod', 'DigestMethod', 'CanonicalizationMethod', 'Transform'];
  return root
    .below(signature, 'SignedInfo')
    .flatMap((each) => names.flatMap((name) => algorithms(each, signature, name)));
}

function algorithms(root: XmlElement, namespace: string, name: string): string[] {
  return root.below(namespace, name).map((each) => each.attribute('Algorithm') ?? '');
}

const sha1 = /^http:\/\/www\.w3\.org\/2000\/09\/xmldsig#(?:rsa-)?sha1$/;
const allowedForSignatures = new Set([
  ...['rsa-sha256', 'rsa-sha512'].map((name) => `http://www.w3.org/2001/04/xmldsig-more#${name}`),
  ...['sha256', 'sha512'].map((name) => `http://www.w3.org/2001/04/xmlenc#${name}`),
  'http://www.w3.org/2000/09/xmldsig#enveloped-signature',
  'http://www.w3.org/2001/10/xml-exc-c14n#',
  'http://www.w3.org/2001/10/xml-exc-c14n#WithComments',
]);
/** Key transport by OAEP. By PKCS #1 v1.5 an answer, or the time that it takes, can tell what was encrypted. */
const allowedForEncryption = new Set([
  'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p',
  'http://www.w3.org/2009/xmlenc11#rsa-oaep',
  'http://www.w3.org/2009/xmlenc11#aes128-gcm',
  'http://www.w3.org/2009/xmlenc11#aes256-gcm',
]);
/** No harm where the ciphertext is signed and the signature is verified before it is decrypted. */
const allowedWhenSigned = new Set([
  'http://www.w3.org/2001/04/xmlenc#aes128-cbc',
  'http://www.w3.org/2001/04/xmlenc#aes256-cbc',
]);

/** Whether a signature is made by algorithms that are good enough; SHA-1 only where the record says so. */
export function areStrong(found: readonly string[], allowSha1: boolean): boolean {
  return found.every((each) => allowedForSignatures.has(each) || (allowSha1 && sha1.test(each)));
}

/** Whether an encryption is by algorithms that give nothing away. */
export function areSafe(found: readonly string[], isResponseSigned: boolean): boolean {
  return found.every(
    (each) => allowedForEncryption.has(each) || (isResponseSigned && allowedWhenSigned.has(each)),
  );
}
