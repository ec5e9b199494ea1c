import { describe, it } from '@jest/globals';
import { resigned } from '../../support/resigned.js';
import {
  expectAccepted,
  expectNobodyElse,
  expectRefused,
  type Forgery,
  idpKeys,
  onSaml,
  swap,
  tampered,
} from '../../support/saml.js';

const response = { sign: 'response' } as const;
const assertion = { sign: 'assertion' } as const;

/** The genuine response, of which the SignedInfo was changed before the provider signed it. */
const odd = (change: (signedInfo: string) => string): Forgery => ({
  ...response,
  tamper: (xml) => resigned(xml, idpKeys, change),
});
const uri = (to: string | ((id: string) => string)) =>
  odd(swap(/URI="#([^"]*)"/, (found) => `URI="${typeof to === 'string' ? to : to(found.slice(6, -1))}"`));
const transforms = (...algorithms: string[]) => {
  const each = algorithms.map((algorithm) => `<Transform Algorithm="${algorithm}"/>`);
  return odd(swap(/<Transforms>[\s\S]*<\/Transforms>/, `<Transforms>${each.join('')}</Transforms>`));
};
const enveloped = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature';
const exclusive = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const inclusive = 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315';
const stylesheet = [
  '<Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116">',
  '<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0"><xsl:template match="/">',
  '<xsl:value-of select="document(\'file:///etc/passwd\')"/>',
  '</xsl:template></xsl:stylesheet></Transform>',
].join('');
const reference = /<Reference [\s\S]*<\/Reference>/;

/** An attribute on an element outside of the signed assertion, which has the assertion's id. */
const duplicate = (name: string, element = 'samlp:Status'): Forgery => ({
  ...assertion,
  tamper: (xml) => {
    const id = /<saml:Assertion [^>]*ID="([^"]*)"/.exec(xml)?.[1];
    return swap(`<${element}>`, `<${element} ${name}="${id}">`)(xml);
  },
});

describe('attacks on what a signature refers to (SAML-07)', () => {
  it('signs in by what the provider signed again without a change', () =>
    onSaml({ signed: 'response' }, (stage) => expectAccepted(stage, { same: odd((info) => info) })));

  it('SAML-07: a reference to anything but the element around it is refused', () =>
    onSaml({ signed: 'response' }, (stage) =>
      expectRefused(
        stage,
        {
          empty: uri(''),
          'only #': uri('#'),
          none: odd(swap(/ URI="[^"]*"/, '')),
          'with a condition': uri((id) => `#${id}' or '1'='1`),
          'with a quote': uri((id) => `#${id}&quot; or &quot;1&quot;=&quot;1`),
          'that closes the query': uri((id) => `#${id}']|//*['1'='1`),
          'the whole document by xpointer': uri('#xpointer(/)'),
          'the id by xpointer': uri((id) => `#xpointer(id('${id}'))`),
          'a file': uri('file:///etc/passwd'),
          'an address': uri('https://evil.example/signed.xml'),
          'nothing that is there': uri('#_nothing'),
          __proto__: uri('#__proto__'),
          'the assertion': {
            ...response,
            tamper: (xml) => {
              const id = /<saml:Assertion [^>]*ID="([^"]*)"/.exec(xml)?.[1] ?? '';
              return resigned(xml, idpKeys, swap(/URI="[^"]*"/, `URI="#${id}"`));
            },
          },
        },
        response,
      ),
    ));

  it('SAML-07: exactly one reference is taken', () =>
    onSaml({ signed: 'response' }, (stage) =>
      expectRefused(
        stage,
        {
          none: odd(swap(reference, '')),
          'the same twice': odd(swap(reference, (found) => found + found)),
          'a good one and one of nothing': odd(
            swap(reference, (found) => found + found.replace(/URI="[^"]*"/, 'URI="#_nothing"')),
          ),
          'one of nothing and a good one': odd(
            swap(reference, (found) => found.replace(/URI="[^"]*"/, 'URI="#_nothing"') + found),
          ),
          'a good one within another': odd(
            swap(reference, (found) => found.replace('</Reference>', `${found}</Reference>`)),
          ),
          'in a Manifest alone': odd(swap(reference, (found) => `<Manifest>${found}</Manifest>`)),
          'two digests': odd(swap(/<DigestValue>[\s\S]*?<\/DigestValue>/, (found) => found + found)),
          'two digests, one of them other': odd(
            swap(
              /<DigestValue>[\s\S]*?<\/DigestValue>/,
              (found) => `${found}<DigestValue>AAAA</DigestValue>`,
            ),
          ),
          'no digest': odd(swap(/<DigestValue>[\s\S]*?<\/DigestValue>/, '')),
          'no method of the digest': odd(swap(/<DigestMethod[^>]*>(<\/DigestMethod>)?/, '')),
        },
        response,
      ),
    ));

  it('SAML-07: transforms other than those of SAML are refused, and more than two', () =>
    onSaml({ signed: 'response' }, (stage) =>
      expectRefused(
        stage,
        {
          XSLT: transforms(enveloped, 'http://www.w3.org/TR/1999/REC-xslt-19991116'),
          'XSLT that says something': odd(
            swap(/<Transform [^>]*xml-exc-c14n#"\/?>(<\/Transform>)?/, stylesheet),
          ),
          XPath: transforms(enveloped, 'http://www.w3.org/TR/1999/REC-xpath-19991116'),
          'XPath filter 2': transforms(enveloped, 'http://www.w3.org/2002/06/xmldsig-filter2'),
          base64: transforms(enveloped, 'http://www.w3.org/2000/09/xmldsig#base64'),
          'three of the good ones': transforms(enveloped, exclusive, exclusive),
          'a hundred': transforms(enveloped, ...Array(99).fill(exclusive)),
          'the inclusive form': transforms(enveloped, inclusive),
          'the signature not left out': transforms(exclusive),
          'no transform': transforms(),
          'an empty one': transforms(''),
          __proto__: transforms(enveloped, '__proto__'),
          constructor: transforms(enveloped, 'constructor'),
          'the inclusive form for SignedInfo': odd(
            swap(
              /<CanonicalizationMethod Algorithm="[^"]*"/,
              `<CanonicalizationMethod Algorithm="${inclusive}"`,
            ),
          ),
          'SignedInfo by __proto__': odd(
            swap(
              /<CanonicalizationMethod Algorithm="[^"]*"/,
              '<CanonicalizationMethod Algorithm="__proto__"',
            ),
          ),
        },
        response,
      ),
    ));

  it('SAML-07: a list of namespaces that are to be kept changes nothing', () =>
    onSaml({ signed: 'response' }, async (stage) => {
      const keeping = (prefixes: string) =>
        odd(
          swap(
            /<Transform Algorithm="http:\/\/www\.w3\.org\/2001\/10\/xml-exc-c14n#"\/?>(<\/Transform>)?/,
            [
              `<Transform Algorithm="${exclusive}"><ec:InclusiveNamespaces xmlns:ec="${exclusive}"`,
              ` PrefixList="${prefixes}"/></Transform>`,
            ].join(''),
          ),
        );
      await expectAccepted(stage, {
        'one that is not there': keeping('xs'),
        'several that are not there': keeping('xs xsi ds'),
        'one that is used anyway': keeping('samlp'),
      });
      await expectNobodyElse(
        stage,
        {
          'the default one': keeping('#default'),
          'a thousand': keeping(Array.from({ length: 1000 }, (_, at) => `p${at}`).join(' ')),
          __proto__: keeping('__proto__ constructor'),
        },
        response,
      );
    }));

  it('SAML-07: an id that stands for two elements signs nobody in', () =>
    onSaml({ signed: 'assertion' }, (stage) =>
      expectRefused(
        stage,
        {
          ID: duplicate('ID'),
          'Id, which signatures also know': duplicate('Id'),
          'id, which signatures also know': duplicate('id'),
          'of the response itself': {
            ...assertion,
            tamper: (xml) => {
              const id = /<saml:Assertion [^>]*ID="([^"]*)"/.exec(xml)?.[1];
              return swap(/(<samlp:Response [^>]* )ID="[^"]*"/, (found) =>
                found.replace(/ID="[^"]*"/, `ID="${id}"`),
              )(xml);
            },
          },
        },
        assertion,
      ),
    ));

  it('SAML-07: an id in another namespace is none', () =>
    onSaml({ signed: 'assertion' }, (stage) =>
      expectNobodyElse(
        stage,
        {
          'xml:id': duplicate('xml:id'),
          'a prefix': duplicate('xmlns:x="urn:x" x:ID'),
          'a prefix of SAML': duplicate('samlp:ID'),
          'signatures elsewhere': {
            ...assertion,
            tamper: swap(
              '</samlp:Status>',
              '</samlp:Status><Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>',
            ),
          },
        },
        assertion,
      ),
    ));

  it('SAML-07: a signature of an element by a reference that the attacker wrote is refused', () =>
    onSaml({}, (stage) =>
      expectRefused(stage, {
        'an empty reference': tampered(swap(/URI="#[^"]*"/g, 'URI=""')),
        'no reference': tampered(swap(/ URI="#[^"]*"/g, '')),
        'references that are swapped': tampered((xml) => {
          const [one, other] = [...xml.matchAll(/URI="(#[^"]*)"/g)].map((found) => found[1] ?? '');
          return xml.replace(/URI="#[^"]*"/g, (found) => `URI="${found.includes(one ?? '') ? other : one}"`);
        }),
      }),
    ));
});
