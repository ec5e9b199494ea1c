import { constants, createCipheriv, publicEncrypt, randomBytes } from 'node:crypto';

/** How an assertion is encrypted. */
export interface Encryption {
  /** The certificate of the recipient, in PEM. */
  certificate: string;
  /** How the key is. @default 'oaep' */
  transport?: 'oaep' | 'oaep-sha256' | 'oaep11' | 'rsa1_5';
  /** How the content is. @default 'aes256-gcm' */
  content?: 'aes128-gcm' | 'aes256-gcm' | 'aes128-cbc' | 'aes256-cbc' | 'tripledes-cbc';
  /** Changes the ciphertext, and the encrypted key. */
  mutate?: (bytes: Buffer) => Buffer;
  mutateKey?: (bytes: Buffer) => Buffer;
  /** Changes the finished element. */
  edit?: (xml: string) => string;
}

const encryption = 'http://www.w3.org/2001/04/xmlenc#';
const encryption11 = 'http://www.w3.org/2009/xmlenc11#';
const transports = {
  oaep: {
    uri: `${encryption}rsa-oaep-mgf1p`,
    hash: 'sha1',
    digest: 'http://www.w3.org/2000/09/xmldsig#sha1',
  },
  'oaep-sha256': {
    ...{ uri: `${encryption}rsa-oaep-mgf1p`, hash: 'sha256' },
    digest: 'http://www.w3.org/2000/09/xmldsig#sha256',
  },
  oaep11: { uri: `${encryption11}rsa-oaep`, hash: 'sha1', digest: 'http://www.w3.org/2000/09/xmldsig#sha1' },
  rsa1_5: { uri: `${encryption}rsa-1_5`, hash: null, digest: null },
} as const;
const contents = {
  'aes128-gcm': { uri: `${encryption11}aes128-gcm`, key: 16, iv: 12, cipher: 'aes-128-gcm' },
  'aes256-gcm': { uri: `${encryption11}aes256-gcm`, key: 32, iv: 12, cipher: 'aes-256-gcm' },
  'aes128-cbc': { uri: `${encryption}aes128-cbc`, key: 16, iv: 16, cipher: 'aes-128-cbc' },
  'aes256-cbc': { uri: `${encryption}aes256-cbc`, key: 32, iv: 16, cipher: 'aes-256-cbc' },
  'tripledes-cbc': { uri: `${encryption}tripledes-cbc`, key: 24, iv: 8, cipher: 'des-ede3-cbc' },
} as const;

/** An EncryptedAssertion of some text (XML Encryption 1.1); whoever has the certificate can make one. */
export function encryptedAssertion(
  text: string,
  {
    certificate,
    transport = 'oaep',
    content = 'aes256-gcm',
    mutate = (bytes) => bytes,
    mutateKey = (bytes) => bytes,
    edit = (xml) => xml,
  }: Encryption,
): string {
  const [{ uri, hash, digest }, how] = [transports[transport], contents[content]];
  const key = randomBytes(how.key);
  const padding = hash === null ? constants.RSA_PKCS1_PADDING : constants.RSA_PKCS1_OAEP_PADDING;
  const encryptedKey = publicEncrypt(
    hash === null ? { key: certificate, padding } : { key: certificate, padding, oaepHash: hash },
    key,
  );
  const method =
    digest === null ? '' : `<DigestMethod xmlns="http://www.w3.org/2000/09/xmldsig#" Algorithm="${digest}"/>`;
  return edit(
    [
      '<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">',
      `<xenc:EncryptedData xmlns:xenc="${encryption}" Type="${encryption}Element">`,
      `<xenc:EncryptionMethod Algorithm="${how.uri}"/>`,
      '<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><xenc:EncryptedKey>',
      `<xenc:EncryptionMethod Algorithm="${uri}">${method}</xenc:EncryptionMethod>`,
      `<xenc:CipherData><xenc:CipherValue>${mutateKey(encryptedKey).toString('base64')}</xenc:CipherValue>`,
      '</xenc:CipherData></xenc:EncryptedKey></KeyInfo><xenc:CipherData>',
      `<xenc:CipherValue>${mutate(encrypted(text, how, key)).toString('base64')}</xenc:CipherValue>`,
      '</xenc:CipherData></xenc:EncryptedData></saml:EncryptedAssertion>',
    ].join(''),
  );
}

function encrypted(text: string, how: (typeof contents)[keyof typeof contents], key: Buffer): Buffer {
  const iv = randomBytes(how.iv);
  if (how.cipher === 'aes-128-gcm' || how.cipher === 'aes-256-gcm') {
    const cipher = createCipheriv(how.cipher, key, iv);
    return Buffer.concat([iv, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
  }
  const cipher = createCipheriv(how.cipher, key, iv);
  return Buffer.concat([iv, cipher.update(text), cipher.final()]);
}
