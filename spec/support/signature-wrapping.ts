/** A genuine response, taken to pieces, and the same with the assertion of somebody else in it. */
export interface Wrapped {
  /** The response, signed. */
  genuine: string;
  /** The same bytes, saying something else. */
  evil: string;
}

/** How the forged element calls itself: as the signed one does, or otherwise. */
export type Naming = 'same id' | 'other id';

const signaturePattern = /<Signature xmlns="http:\/\/www\.w3\.org\/2000\/09\/xmldsig#">[\s\S]*?<\/Signature>/;
const assertionPattern = /<saml:Assertion [\s\S]*<\/saml:Assertion>/;

/**
 * The eight ways of wrapping a signed part so that what is verified and what is read are not the same
 * (Somorovsky and others, "On Breaking SAML: Be Whoever You Want to Be"; the numbers are those of the usual
 * tools). 1 and 2 wrap the response, 3 to 8 the assertion.
 */
export const signatureWrappings: Readonly<Record<string, (given: Wrapped, naming: Naming) => string>> = {
  XSW1: ({ genuine, evil }, naming) =>
    rename(evil, naming).replace(signaturePattern, () =>
      close(signatureOf(genuine), 'Signature', unsigned(genuine)),
    ),
  XSW2: ({ genuine, evil }, naming) =>
    rename(evil, naming).replace(signaturePattern, () => unsigned(genuine) + signatureOf(genuine)),
  XSW3: ({ genuine, evil }, naming) => {
    const forged = rename(unsigned(assertionOf(evil)), naming);
    return around(genuine, forged + assertionOf(genuine));
  },
  XSW4: ({ genuine, evil }, naming) => {
    const forged = rename(unsigned(assertionOf(evil)), naming);
    return around(genuine, close(forged, 'saml:Assertion', assertionOf(genuine)));
  },
  XSW5: ({ genuine, evil }, naming) =>
    around(genuine, rename(assertionOf(evil), naming) + unsigned(assertionOf(genuine))),
  XSW6: ({ genuine, evil }, naming) => {
    const forged = rename(assertionOf(evil), naming);
    const inner = close(signatureOf(forged), 'Signature', unsigned(assertionOf(genuine)));
    return around(
      genuine,
      forged.replace(signaturePattern, () => inner),
    );
  },
  XSW7: ({ genuine, evil }, naming) => {
    const forged = rename(unsigned(assertionOf(evil)), naming);
    return around(genuine, `<samlp:Extensions>${forged}</samlp:Extensions>${assertionOf(genuine)}`);
  },
  XSW8: ({ genuine, evil }, naming) => {
    const forged = rename(assertionOf(evil), naming);
    const object = `<Object>${unsigned(assertionOf(genuine))}</Object>`;
    return around(
      genuine,
      forged.replace(signaturePattern, (found) => close(found, 'Signature', object)),
    );
  },
};

/** Further places for a forged assertion or for the genuine one. */
export const furtherWrappings: typeof signatureWrappings = {
  'the forged one last': ({ genuine, evil }, naming) =>
    around(genuine, assertionOf(genuine) + rename(unsigned(assertionOf(evil)), naming)),
  'the genuine one in Extensions': ({ genuine, evil }, naming) =>
    around(
      genuine,
      within('samlp:Extensions', assertionOf(genuine)) + rename(unsigned(assertionOf(evil)), naming),
    ),
  'the genuine one in Status': ({ genuine, evil }, naming) =>
    around(genuine, rename(unsigned(assertionOf(evil)), naming)).replace(
      '</samlp:Status>',
      () => `<samlp:StatusDetail>${assertionOf(genuine)}</samlp:StatusDetail></samlp:Status>`,
    ),
  'the genuine one in Advice': ({ genuine, evil }, naming) =>
    around(
      genuine,
      rename(unsigned(assertionOf(evil)), naming).replace(
        '<saml:AuthnStatement ',
        () => `<saml:Advice>${assertionOf(genuine)}</saml:Advice><saml:AuthnStatement `,
      ),
    ),
  'the genuine one in an attribute': ({ genuine, evil }, naming) =>
    around(
      genuine,
      rename(unsigned(assertionOf(evil)), naming).replace(
        '</saml:AttributeStatement>',
        () =>
          `${within('saml:Attribute', within('saml:AttributeValue', assertionOf(genuine)))}</saml:AttributeStatement>`,
      ),
    ),
  'the forged one of another namespace': ({ genuine, evil }, naming) => {
    const forged = rename(unsigned(assertionOf(evil)), naming);
    return around(
      genuine,
      forged.replace('xmlns:saml="urn:oasis', 'xmlns:saml="urn:other') + assertionOf(genuine),
    );
  },
  'the genuine one of another namespace': ({ genuine, evil }, naming) => {
    const forged = rename(unsigned(assertionOf(evil)), naming);
    return around(
      genuine,
      forged + assertionOf(genuine).replace('xmlns:saml="urn:oasis', 'xmlns:saml="urn:other'),
    );
  },
  'the forged one as EncryptedAssertion': ({ genuine, evil }, naming) => {
    const forged = rename(unsigned(assertionOf(evil)), naming);
    const wrapped = within('saml:EncryptedAssertion', forged).replace('>', ` ${declaration}>`);
    return around(genuine, wrapped + assertionOf(genuine));
  },
  'the signature lifted into the forged one': ({ genuine, evil }, naming) =>
    around(genuine, rename(assertionOf(evil), naming)),
  'the signature of the assertion for the response': ({ genuine, evil }, naming) =>
    rename(evil, naming).replace(signaturePattern, () => signatureOf(assertionOf(genuine))),
  'a response within the response': ({ genuine, evil }, naming) =>
    close(unsigned(rename(evil, naming)), 'samlp:Response', genuine),
  'a response within Extensions': ({ genuine, evil }, naming) =>
    unsigned(rename(evil, naming)).replace(
      '<samlp:Status>',
      () => `<samlp:Extensions>${genuine}</samlp:Extensions><samlp:Status>`,
    ),
  'a response around the response': ({ genuine }) => `<x>${genuine}</x>`,
  'the genuine one after the response': ({ genuine, evil }, naming) =>
    around(genuine, rename(unsigned(assertionOf(evil)), naming)) + assertionOf(genuine),
};

const assertionOf = (xml: string): string => assertionPattern.exec(xml)?.[0] ?? '';
const signatureOf = (xml: string): string => signaturePattern.exec(xml)?.[0] ?? '';
/** An element without its own signature, which is the first. */
const unsigned = (xml: string): string => xml.replace(signaturePattern, '');
const around = (response: string, inner: string): string => response.replace(assertionPattern, () => inner);
const declaration = 'xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"';
const within = (name: string, inner: string): string => `<${name}>${inner}</${name}>`;
/** Puts something at the end of an element. */
const close = (xml: string, name: string, inner: string): string =>
  `${xml.slice(0, -`</${name}>`.length)}${inner}</${name}>`;

function rename(xml: string, naming: Naming): string {
  return naming === 'same id' ? xml : xml.replace(/ ID="[^"]*"/, ' ID="_forged"');
}
