import { createHash, randomBytes } from 'node:crypto';

/** How a SAML provider for specs is. */
export interface SamlProviderOptions {
  entityId: string;
  /** In PEM. */
  privateKey: string;
  /** In PEM. */
  certificate: string;
  /** Milliseconds since the epoch. @default Date.now */
  clock?: () => number;
}

/** What a response says. Every part can be left out, repeated or forged by `edit`. */
export interface SamlResponseOptions {
  /** The NameID. */
  subject: string;
  /** @default 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent' */
  format?: string;
  audience: string;
  acsUrl: string;
  /** The id of the request that it answers. @default none */
  inResponseTo?: string | null;
  attributes?: Record<string, string | readonly string[]>;
  /** What is signed. @default 'both' */
  sign?: 'both' | 'response' | 'assertion' | 'none';
  /** @default 'sha256' */
  algorithm?: 'sha256' | 'sha512' | 'sha1';
  /** Seconds for which it is good. @default 300 */
  lifetime?: number;
  /** When the provider's own session ends, in milliseconds since the epoch. @default it says nothing of that */
  sessionEndsAt?: number;
  /** Changes the XML before it is signed. */
  edit?: (xml: string) => string;
  /** Changes the assertion after it was signed, and before the response is. */
  editSigned?: (xml: string) => string;
  /** Changes the finished XML. */
  tamper?: (xml: string) => string;
}

/** A SAML identity provider that signs whatever it is told; see {@link samlProvider}. */
export interface SamlProvider {
  /** The XML of a response. */
  xml(options: SamlResponseOptions): Promise<string>;
  /** A response as it is posted: base64. */
  response(options: SamlResponseOptions): Promise<string>;
  /** The id of the AuthnRequest that is within a `SAMLRequest`. */
  requestId(samlRequest: string): string;
}

const uris = {
  sha256: {
    signature: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    digest: 'http://www.w3.org/2001/04/xmlenc#sha256',
  },
  sha512: {
    signature: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512',
    digest: 'http://www.w3.org/2001/04/xmlenc#sha512',
  },
  sha1: {
    signature: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1',
    digest: 'http://www.w3.org/2000/09/xmldsig#sha1',
  },
} as const;

/**
 * Makes a SAML identity provider for specs, on xml-crypto. Nothing here is safe to use outside of specs.
 *
 * @example
 * const idp = samlProvider({ entityId: 'https://idp.example', privateKey, certificate });
 * const response = await idp.response({ subject: 'alice', audience, acsUrl, inResponseTo: id });
 */
export function samlProvider({
  entityId,
  privateKey,
  certificate,
  clock = Date.now,
}: SamlProviderOptions): SamlProvider {
  const sign = async (xml: string, id: string, algorithm: keyof typeof uris): Promise<string> => {
    const { SignedXml } = await import('xml-crypto');
    const signed = new SignedXml({
      privateKey,
      publicCert: certificate,
      signatureAlgorithm: uris[algorithm].signature,
      canonicalizationAlgorithm: 'http://www.w3.org/2001/10/xml-exc-c14n#',
    });
    signed.addReference({
      xpath: `//*[@ID="${id}"]`,
      digestAlgorithm: uris[algorithm].digest,
      transforms: [
        'http://www.w3.org/2000/09/xmldsig#enveloped-signature',
        'http://www.w3.org/2001/10/xml-exc-c14n#',
      ],
    });
    signed.computeSignature(xml, {
      location: { reference: `//*[@ID="${id}"]/*[local-name(.)='Issuer']`, action: 'after' },
    });
    return signed.getSignedXml();
  };

  const provider: SamlProvider = {
    async xml({ sign: what = 'both', algorithm = 'sha256', edit, editSigned, tamper, ...said }) {
      const ids = { response: newId(), assertion: newId() };
      const plain = assertionXml(entityId, ids.assertion, clock(), said);
      let inner = edit === undefined ? plain : edit(plain);
      if (what === 'both' || what === 'assertion') inner = await sign(inner, ids.assertion, algorithm);
      if (editSigned !== undefined) inner = editSigned(inner);
      let xml = responseXml(entityId, ids.response, clock(), said, inner);
      if (edit !== undefined) xml = edit(xml);
      if (what === 'both' || what === 'response') xml = await sign(xml, ids.response, algorithm);
      return tamper === undefined ? xml : tamper(xml);
    },
    async response(options) {
      return Buffer.from(await provider.xml(options)).toString('base64');
    },
    requestId(samlRequest) {
      const xml = Buffer.from(samlRequest, 'base64').toString();
      return / ID="([^"]+)"/.exec(xml)?.[1] ?? '';
    },
  };
  return provider;
}

function newId(): string {
  return `_${createHash('sha256').update(randomBytes(32)).digest('hex')}`;
}

function assertionXml(
  entityId: string,
  id: string,
  now: number,
  {
    subject,
    format,
    audience,
    acsUrl,
    inResponseTo,
    attributes = {},
    lifetime = 300,
    sessionEndsAt,
  }: SamlResponseOptions,
): string {
  const until = instant(now + lifetime * 1000);
  const answers = inResponseTo ? ` InResponseTo="${escaped(inResponseTo)}"` : '';
  const bound = sessionEndsAt === undefined ? '' : ` SessionNotOnOrAfter="${instant(sessionEndsAt)}"`;
  const values = Object.entries(attributes).map(([name, value]) => {
    const each = [value].flat().map((text) => `<saml:AttributeValue>${escaped(text)}</saml:AttributeValue>`);
    return `<saml:Attribute Name="${escaped(name)}">${each.join('')}</saml:Attribute>`;
  });
  return [
    `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="${id}" Version="2.0" IssueInstant="${instant(now)}">`,
    `<saml:Issuer>${escaped(entityId)}</saml:Issuer>`,
    `<saml:Subject><saml:NameID Format="${format ?? 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'}">${escaped(subject)}</saml:NameID>`,
    `<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">`,
    `<saml:SubjectConfirmationData NotOnOrAfter="${until}" Recipient="${escaped(acsUrl)}"${answers}/>`,
    `</saml:SubjectConfirmation></saml:Subject>`,
    `<saml:Conditions NotBefore="${instant(now)}" NotOnOrAfter="${until}"><saml:AudienceRestriction>`,
    `<saml:Audience>${escaped(audience)}</saml:Audience></saml:AudienceRestriction></saml:Conditions>`,
    `<saml:AuthnStatement AuthnInstant="${instant(now)}" SessionIndex="${id}"${bound}><saml:AuthnContext>`,
    `<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef>`,
    `</saml:AuthnContext></saml:AuthnStatement>`,
    ...(values.length === 0 ? [] : [`<saml:AttributeStatement>${values.join('')}</saml:AttributeStatement>`]),
    `</saml:Assertion>`,
  ].join('');
}

function responseXml(
  entityId: string,
  id: string,
  now: number,
  { acsUrl, inResponseTo }: SamlResponseOptions,
  assertion: string,
): string {
  const answers = inResponseTo ? ` InResponseTo="${escaped(inResponseTo)}"` : '';
  return [
    `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="${id}" Version="2.0"`,
    ` IssueInstant="${instant(now)}" Destination="${escaped(acsUrl)}"${answers}>`,
    `<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${escaped(entityId)}</saml:Issuer>`,
    `<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>`,
    assertion,
    `</samlp:Response>`,
  ].join('');
}

function instant(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
