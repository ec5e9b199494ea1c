import { createHash } from 'node:crypto';
import type { SAML, SamlConfig } from '@node-saml/node-saml';
import type { FailureReason } from '../defence/audit.js';
import { BoundedMap } from '../defence/bounded-map.js';
import { boundedQueue } from '../defence/bounded-queue.js';
import { loadOnce } from '../load-once.js';
import type { SamlIdentityProvider } from '../repositories/index.js';
import { breath } from '../wire/breath.js';
import { isModest } from './modest-xml.js';
import { judgeAssertion, type SamlStatement } from './saml-assertion.js';
import { openingKey } from './saml-decryption.js';
import { samlDocument } from './saml-document.js';
import { areSafe, areStrong, type SamlEnvelope, samlEnvelope } from './saml-envelope.js';
import { isStrongCertificate } from './saml-metadata.js';
import { xmlRoot } from './xml.js';

interface Library {
  saml: typeof import('@node-saml/node-saml');
  xmldom: typeof import('@xmldom/xmldom');
  encryption: typeof import('xml-encryption');
}

/** A key of this service, with its certificate; both in PEM. */
export interface ServiceProviderKey {
  privateKey: string;
  certificate: string;
}

/** This service, as identity providers know it. */
export interface ServiceProvider {
  entityId: string;
  /** Where responses are posted to: the assertion consumer service. */
  acsUrl: string;
  /** The first signs requests, all decrypt; the metadata names all for signing and the first for encryption. */
  keys: readonly ServiceProviderKey[];
}

/** The XML of an assertion that was signed, or why there is none. */
export type SignedAssertion = { assertion: string } | { reason: FailureReason };

/** Makes requests for SAML identity providers and verifies their responses; see {@link samlClient}. */
export interface SamlClient {
  readonly serviceProvider: ServiceProvider;
  /** Loads the libraries. */
  ready(): Promise<void>;
  /** An AuthnRequest with this id, in base64, for the HTTP-POST binding. */
  request(idp: SamlIdentityProvider, id: string): Promise<string>;
  /** Reads a posted response, as far as what stands around its assertion; `null` when it is none. */
  read(encoded: string): Promise<{ xml: string; envelope: SamlEnvelope } | null>;
  /**
   * Verifies a response of this provider, and judges what it says. `signed` finds the assertion that was signed in another
   * way than by the certificates of the record; it is asked for nothing that our own keys do not open, if it is encrypted.
   */
  verify(
    idp: SamlIdentityProvider,
    given: { xml: string; envelope: SamlEnvelope; requestId: string | null },
    signed?: (() => Promise<SignedAssertion>) | undefined,
  ): Promise<SamlStatement | { reason: FailureReason }>;
  /** The metadata of this service. */
  metadata(): Promise<string>;
}

const notVerified = { reason: 'not_verified' } as const;
const success = 'urn:oasis:names:tc:SAML:2.0:status:Success';
/** Documents that may wait; one more is refused. */
const mostWaiting = 200;
/** Providers whose verifier is kept. */
const cacheLimit = 500;

/** Makes the client of SAML identity providers, on node-saml. `clock` is in milliseconds since the epoch. */
export function samlClient(serviceProvider: ServiceProvider, clock: () => number): SamlClient {
  const { entityId, acsUrl, keys } = serviceProvider;
  const known = new BoundedMap<SAML[]>(cacheLimit);

  const load = loadOnce(async (): Promise<Library> => {
    const [saml, xmldom, encryption] = await Promise.all([
      import('@node-saml/node-saml'),
      import('@xmldom/xmldom'),
      import('xml-encryption'),
    ]);
    return { saml, xmldom, encryption };
  });
  const configOf = (idp: SamlIdentityProvider): SamlConfig => ({
    callbackUrl: acsUrl,
    issuer: entityId,
    audience: entityId,
    entryPoint: idp.ssoUrl,
    // A weak key verifies nothing; with none left, nothing is verified by it.
    idpCert: idp.certificates.filter(isStrongCertificate),
    wantAuthnResponseSigned: signs(idp, 'response'),
    wantAssertionsSigned: signs(idp, 'assertion'),
    // Times are judged by the injected clock, and what answers what by our own ids.
    acceptedClockSkewMs: -1,
    identifierFormat: null,
    disableRequestedAuthnContext: true,
    authnRequestBinding: 'HTTP-POST',
    skipRequestCompression: true,
    signatureAlgorithm: 'sha256',
    digestAlgorithm: 'sha256',
  });
  /** One verifier for each key that may decrypt; all that they are made from is in the name. */
  const verifiersOf = ({ saml }: Library, idp: SamlIdentityProvider): SAML[] => {
    const name = createHash('sha256').update(JSON.stringify(idp)).digest('base64url');
    const found = known.get(name);
    if (found !== undefined) return found;
    const config = configOf(idp);
    const made =
      keys.length === 0
        ? [new saml.SAML(config)]
        : keys.map(({ privateKey }) => new saml.SAML({ ...config, decryptionPvk: privateKey }));
    known.set(name, made);
    return made;
  };

  const openedBy = (library: Library, idp: SamlIdentityProvider, xml: string) =>
    openingKey(library, xml, keys, idp.dangerouslyAllowSha1 === true);
  /** The verifiers that may take a response. Where it is signed itself, that is verified before anything is decrypted. */
  const verifiersFor = async (
    library: Library,
    idp: SamlIdentityProvider,
    xml: string,
    { isEncrypted }: SamlEnvelope,
  ): Promise<readonly SAML[]> => {
    const all = verifiersOf(library, idp);
    if (!isEncrypted) return all.slice(0, 1);
    if (signs(idp, 'response')) return all;
    const at = await openedBy(library, idp, xml);
    return at < 0 ? [] : all.slice(at, at + 1);
  };
  /** Whether a verifier of somebody else may see a response: nobody knows in which order it verifies and decrypts. */
  const isForOthers = async (
    library: Library,
    idp: SamlIdentityProvider,
    xml: string,
    { isEncrypted, encryptionAlgorithms }: SamlEnvelope,
  ): Promise<boolean> =>
    !isEncrypted || (areSafe(encryptionAlgorithms, false) && (await openedBy(library, idp, xml)) >= 0);
  /** One document at a time, with a breath between two: reading XML keeps everybody else waiting. */
  const queue = boundedQueue(1, mostWaiting);
  const inTurn = <T>(work: () => Promise<T>) =>
    queue(async () => {
      await breath();
      return work();
    });

  return {
    serviceProvider,
    async ready() {
      await load();
    },
    async request(idp, id) {
      const { saml } = await load();
      const [key] = keys;
      const signing = key === undefined ? {} : { privateKey: key.privateKey, publicCert: key.certificate };
      const maker = new saml.SAML({ ...configOf(idp), ...signing, generateUniqueId: () => id });
      const { SAMLRequest } = await maker.getAuthorizeMessageAsync('');
      return String(SAMLRequest);
    },
    read: (encoded) =>
      inTurn(async () => {
        const xml = samlDocument(encoded);
        const { xmldom } = await load();
        const root = xml === null ? null : xmlRoot(xmldom, xml);
        const envelope = root === null ? null : samlEnvelope(root);
        return xml === null || envelope === null ? null : { xml, envelope };
      }),
    async verify(idp, { xml, envelope, requestId }, signed) {
      if (!agrees(envelope, idp, acsUrl, requestId)) return notVerified;
      const library = await load();
      const byCertificates = () =>
        inTurn(async () => firstOf(await verifiersFor(library, idp, xml, envelope), xml));
      if (signed !== undefined && !(await inTurn(() => isForOthers(library, idp, xml, envelope))))
        return notVerified;
      const found = await (signed ?? byCertificates)();
      if ('reason' in found) return found;
      const { assertion } = found;
      const root = isModest(assertion) ? await inTurn(async () => xmlRoot(library.xmldom, assertion)) : null;
      if (root === null) return notVerified;
      const expected = { idp, audience: entityId, acsUrl, requestId, now: clock() };
      return judgeAssertion(root, expected);
    },
    async metadata() {
      const { saml } = await load();
      const certificates = keys.map(({ certificate }) => certificate);
      const maker = new saml.SAML({
        ...{ callbackUrl: acsUrl, issuer: entityId, idpCert: 'none', identifierFormat: null },
        // What a provider has to sign is said by its record.
        wantAssertionsSigned: false,
        ...(keys[0] === undefined
          ? {}
          : { privateKey: keys[0].privateKey, decryptionPvk: keys[0].privateKey }),
      });
      return maker.generateServiceProviderMetadata(certificates[0] ?? null, certificates);
    },
  };
}

/** The assertion that was signed, by the first verifier that takes the response. */
async function firstOf(verifiers: readonly SAML[], xml: string): Promise<SignedAssertion> {
  for (const verifier of verifiers) {
    const assertion = await verifiedBy(verifier, xml);
    if (assertion !== null) return { assertion };
  }
  return notVerified;
}

async function verifiedBy(verifier: SAML, xml: string): Promise<string | null> {
  try {
    const SAMLResponse = Buffer.from(xml).toString('base64');
    const { profile } = await verifier.validatePostResponseAsync({ SAMLResponse });
    const text: unknown = profile?.getAssertionXml?.();
    return typeof text === 'string' ? text : null;
  } catch {
    // The library throws at whatever is not as it should be, garbage among it.
    return null;
  }
}

function signs({ signed = 'both' }: SamlIdentityProvider, what: 'response' | 'assertion'): boolean {
  return signed === 'both' || signed === what;
}

/** What of the envelope can refuse before any signature is looked at. */
function agrees(
  {
    issuers,
    inResponseTo,
    destination,
    status,
    isEncrypted,
    isPlainlyEncrypted,
    ...algorithms
  }: SamlEnvelope,
  idp: SamlIdentityProvider,
  acsUrl: string,
  requestId: string | null,
): boolean {
  const strong = areStrong(algorithms.signatureAlgorithms, idp.dangerouslyAllowSha1 === true);
  return (
    status === success &&
    issuers.every((each) => each === idp.entityId) &&
    inResponseTo === requestId &&
    (destination === null || destination === acsUrl) &&
    strong &&
    (!isEncrypted || (isPlainlyEncrypted && areSafe(algorithms.encryptionAlgorithms, signs(idp, 'response'))))
  );
}
