import { X509Certificate } from 'node:crypto';
import { ConfigError } from '../errors.js';
import type { SamlIdentityProvider } from '../repositories/index.js';
import { samlDocument } from './saml-document.js';
import { namespaces, type XmlElement, xmlRoot } from './xml.js';

/** What a provider's metadata says of it; the rest of its record is the host's to say. */
export type SamlMetadata = Pick<SamlIdentityProvider, 'entityId' | 'ssoUrl' | 'certificates'>;

const post = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST';

/**
 * Reads the metadata XML of a SAML identity provider for its record: the entity id, where requests are posted, and the
 * certificates that it signs with. The metadata must come from where you trust it: its own signature is not looked at.
 *
 * @throws ConfigError when something is missing, or a key is too weak
 *
 * @example
 * const idp = { id, accountId, kind: 'saml', …, ...(await samlProviderFromMetadata(xml)) };
 */
export async function samlProviderFromMetadata(xml: string): Promise<SamlMetadata> {
  const { metadata, signature } = namespaces;
  const text = samlDocument(Buffer.from(xml.trim()).toString('base64'));
  const root = text === null ? null : xmlRoot(await import('@xmldom/xmldom'), text);
  if (root === null || !root.is(metadata, 'EntityDescriptor'))
    throw new ConfigError('metadata', 'is no EntityDescriptor in well-formed XML without a DOCTYPE');
  const entityId = root.attribute('entityID');
  if (!entityId) throw new ConfigError('metadata', 'has no entityID');
  const idp = root.one(metadata, 'IDPSSODescriptor');
  if (idp === null)
    throw new ConfigError('metadata', 'must describe one identity provider: IDPSSODescriptor');

  const services = idp.all(metadata, 'SingleSignOnService');
  const ssoUrl = services.find((each) => each.attribute('Binding') === post)?.attribute('Location');
  if (!ssoUrl || !URL.canParse(ssoUrl))
    throw new ConfigError('metadata', 'has no SingleSignOnService for the HTTP-POST binding');
  const signing = idp.all(metadata, 'KeyDescriptor').filter((each) => each.attribute('use') !== 'encryption');
  const certificates = signing.flatMap((each) => each.below(signature, 'X509Certificate')).map(pemOf);
  if (certificates.length === 0)
    throw new ConfigError('metadata', 'has no certificate to verify signatures by');
  return { entityId, ssoUrl, certificates };
}

function pemOf({ text }: XmlElement): string {
  const base64 = text.replace(/\s+/g, '');
  const pem = `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
  if (!isStrongCertificate(pem))
    throw new ConfigError('metadata', 'has a certificate that is none, or too weak');
  return pem;
}

/** Whether a certificate can be read and has a key of today's strength: RSA with 2,048 bits, or an elliptic curve. */
export function isStrongCertificate(certificate: string): boolean {
  try {
    const { publicKey } = new X509Certificate(pemText(certificate));
    const { modulusLength } = publicKey.asymmetricKeyDetails ?? {};
    return publicKey.asymmetricKeyType === 'rsa' ? (modulusLength ?? 0) >= 2048 : true;
  } catch {
    return false;
  }
}

/** Records may hold certificates in bare base64, as metadata has them. */
function pemText(certificate: string): string {
  if (certificate.includes('-----BEGIN')) return certificate;
  return `-----BEGIN CERTIFICATE-----\n${certificate.replace(/\s+/g, '')}\n-----END CERTIFICATE-----`;
}
