import { describe, it } from '@jest/globals';
import { samlProvider } from '../../../lib/testing/index.js';
import { keyAndCertificate } from '../../support/keys.js';
import { bob } from '../../support/people.js';
import {
  entityId,
  expectAccepted,
  expectRefused,
  type Forgery,
  idpKeys,
  onSaml,
  swap,
  tampered,
} from '../../support/saml.js';

const evil = keyAndCertificate('evil');
const next = keyAndCertificate('next');

const signature = /<Signature xmlns=[\s\S]*?<\/Signature>/;
const allSignatures = /<Signature xmlns=[\s\S]*?<\/Signature>/g;
const bobs = { subject: 'bob-1', attributes: { mail: bob.email } };

/** A response that a provider with this key has signed. */
const signedBy =
  (keys: typeof evil, change: object = {}): Forgery =>
  (stage, begun) =>
    samlProvider({ entityId, ...keys, clock: stage.clock }).xml(stage.said(begun, { ...bobs, ...change }));

describe('attacks on the signature of a response (SAML-01, 02, 04, 05, 06)', () => {
  it('SAML-01: what is not signed, or no longer, is refused', () =>
    onSaml({}, (stage) =>
      expectRefused(stage, {
        'nothing signed': { sign: 'none' },
        'nothing signed, another user': { sign: 'none', ...bobs },
        'both signatures stripped': tampered(swap(allSignatures, '')),
        'the signature of the response stripped': tampered(swap(signature, '')),
        'the signature of the assertion stripped': tampered(
          swap(/(<saml:Assertion[\s\S]*?)<Signature xmlns=[\s\S]*?<\/Signature>/, (found) =>
            found.replace(signature, ''),
          ),
        ),
        'only the assertion signed': { sign: 'assertion' },
        'only the response signed': { sign: 'response' },
        'empty signatures': tampered(
          swap(allSignatures, '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>'),
        ),
        'empty SignedInfo': tampered(swap(/<SignedInfo>[\s\S]*?<\/SignedInfo>/g, '<SignedInfo/>')),
        'empty SignatureValue': tampered(
          swap(/<SignatureValue>[^<]*<\/SignatureValue>/g, '<SignatureValue></SignatureValue>'),
        ),
        'no SignatureValue': tampered(swap(/<SignatureValue>[^<]*<\/SignatureValue>/g, '')),
        'SignatureValue of zeros': tampered(
          swap(/<SignatureValue>[^<]*/g, `<SignatureValue>${Buffer.alloc(256).toString('base64')}`),
        ),
        'empty DigestValue': tampered(swap(/<DigestValue>[^<]*/g, '<DigestValue>')),
        'the namespace of signatures misspelt': tampered(
          swap(/http:\/\/www\.w3\.org\/2000\/09\/xmldsig#">/g, 'http://www.w3.org/2000/09/xmldsig">'),
        ),
      }),
    ));

  it('SAML-02: what another key has signed is refused, whatever certificate comes with it', () =>
    onSaml({}, (stage) =>
      expectRefused(stage, {
        'another key, its certificate embedded': signedBy(evil),
        'another key, nothing embedded': signedBy(evil, {
          tamper: swap(/<KeyInfo>[\s\S]*?<\/KeyInfo>/g, ''),
        }),
        'another key, the genuine certificate embedded': signedBy(evil, {
          tamper: swap(/<X509Certificate>[^<]*/g, `<X509Certificate>${bare(idpKeys.certificate)}`),
        }),
        'another key, both certificates embedded': signedBy(evil, {
          tamper: swap(
            /<X509Data>/g,
            `<X509Data><X509Certificate>${bare(idpKeys.certificate)}</X509Certificate>`,
          ),
        }),
        'another key, as KeyValue': signedBy(evil, {
          tamper: swap(/<KeyInfo>[\s\S]*?<\/KeyInfo>/g, '<KeyInfo><KeyName>idp</KeyName></KeyInfo>'),
        }),
        'the assertion by another key': async (stage, begun) => {
          const theirs = samlProvider({ entityId, ...evil, clock: stage.clock });
          const forged = await theirs.xml(stage.said(begun, { ...bobs, sign: 'assertion' }));
          const assertion = /<saml:Assertion[\s\S]*<\/saml:Assertion>/.exec(forged)?.[0] ?? '';
          return stage.provider.xml(
            stage.said(begun, {
              sign: 'response',
              ...{ edit: (xml) => xml.replace(/<saml:Assertion[\s\S]*<\/saml:Assertion>/, () => assertion) },
            }),
          );
        },
      }),
    ));

  it('SAML-02: the genuine signature beside the certificate of another key is the genuine one', () =>
    onSaml({}, (stage) =>
      expectAccepted(stage, {
        'the other certificate': tampered(
          swap(/<X509Certificate>[^<]*/, `<X509Certificate>${bare(evil.certificate)}`),
        ),
        'no KeyInfo': tampered(swap(/<KeyInfo>[\s\S]*?<\/KeyInfo>/, '')),
      }),
    ));

  it('SAML-04: what was changed after it was signed is refused, wherever it is', () =>
    onSaml({}, (stage) =>
      expectRefused(stage, {
        NameID: tampered(swap('>alice-1<', '>bob-1<')),
        'the e-mail address': tampered(swap('alice@example.com', bob.email)),
        'one letter of Destination': tampered(swap('Destination="https://app', 'Destination="https://App')),
        'a text within the response': tampered(swap('</samlp:Status>', '</samlp:Status> ')),
        'a second attribute': tampered(
          swap('</saml:AttributeStatement>', '<saml:Attribute Name="role"/></saml:AttributeStatement>'),
        ),
        'the assertion before the response was signed': { editSigned: swap('>alice-1<', '>bob-1<') },
        'an element of the signature': tampered(swap('</SignedInfo>', '<Object/></SignedInfo>')),
        'the algorithm of the digest': tampered(swap(/xmlenc#sha256/g, 'xmlenc#sha512')),
        'the algorithm of the signature': tampered(swap(/rsa-sha256/g, 'rsa-sha512')),
      }),
    ));

  it('SAML-04: a signature over the response alone is over what is read, and over nothing else', () =>
    onSaml({ signed: 'response' }, (stage) =>
      expectRefused(
        stage,
        {
          NameID: { sign: 'response', ...tampered(swap('>alice-1<', '>bob-1<')) },
          'only the assertion signed': { sign: 'assertion' },
          'nothing signed': { sign: 'none' },
          'the whole assertion replaced': async (stage, begun) => {
            const good = await stage.provider.xml(stage.said(begun, { sign: 'response' }));
            const bad = await stage.provider.xml(stage.said(begun, { sign: 'none', ...bobs }));
            const assertion = /<saml:Assertion[\s\S]*<\/saml:Assertion>/;
            return good.replace(assertion, () => assertion.exec(bad)?.[0] ?? '');
          },
        },
        { sign: 'response' },
      ),
    ));

  it('SAML-05: a comment in a DigestValue hides nothing', () =>
    onSaml({}, (stage) => {
      const digests = /<DigestValue>([^<]*)<\/DigestValue>/g;
      const inDigests = (make: (digest: string) => string) => (xml: string) =>
        swap(
          '>alice-1<',
          '>bob-1<',
        )(xml.replace(digests, (_, digest: string) => `<DigestValue>${make(digest)}</DigestValue>`));
      const other = Buffer.alloc(32, 7).toString('base64');
      return expectRefused(stage, {
        'another digest in a comment': tampered(inDigests((digest) => `<!--${other}-->${digest}`)),
        'the genuine one in a comment': tampered(inDigests((digest) => `<!--${digest}-->${other}`)),
        'after the genuine one': tampered(inDigests((digest) => `${digest}<!---->${other}`)),
        'before the genuine one': tampered(inDigests((digest) => `${other}<!---->${digest}`)),
        'a comment alone': tampered(inDigests((digest) => `<!--${digest}-->`)),
        'an element within': tampered(inDigests((digest) => `${other}<x>${digest}</x>`)),
      });
    }));

  it('SAML-06: two SignedInfo, of which one is genuine, are refused', () =>
    onSaml({}, (stage) => {
      const info = /<SignedInfo>[\s\S]*?<\/SignedInfo>/g;
      const other = (found: string) => found.replace(/<DigestValue>[^<]*/, '<DigestValue>AAAA');
      return expectRefused(stage, {
        'the other first': tampered(swap(info, (found) => `${other(found)}${found}`)),
        'the other last': tampered(swap(info, (found) => `${found}${other(found)}`)),
        'the same twice': tampered(swap(info, (found) => `${found}${found}`)),
        'the other in an Object': tampered(swap(info, (found) => `<Object>${found}</Object>${other(found)}`)),
        'the genuine one in the other': tampered(
          swap(info, (found) => other(found).replace('</SignedInfo>', `${found}</SignedInfo>`)),
        ),
      });
    }));
});

describe('algorithms and certificates of responses (SAML-23, SAML-24)', () => {
  it('SAML-23: weak and unknown algorithms are refused', () =>
    onSaml({}, (stage) => {
      const by = (method: string) => tampered(swap(/http:[^"]*rsa-sha256/g, method));
      return expectRefused(stage, {
        'SHA-1': { algorithm: 'sha1' },
        HMAC: by('http://www.w3.org/2000/09/xmldsig#hmac-sha1'),
        'HMAC with SHA-256': by('http://www.w3.org/2001/04/xmldsig-more#hmac-sha256'),
        MD5: by('http://www.w3.org/2001/04/xmldsig-more#rsa-md5'),
        DSA: by('http://www.w3.org/2000/09/xmldsig#dsa-sha1'),
        none: by('none'),
        empty: by(''),
        __proto__: by('__proto__'),
        constructor: by('constructor'),
        'a digest by __proto__': tampered(swap(/http:[^"]*xmlenc#sha256/g, '__proto__')),
        'the digest by MD5': tampered(
          swap(/http:[^"]*xmlenc#sha256/g, 'http://www.w3.org/2001/04/xmldsig-more#md5'),
        ),
        'SHA-1 named outside of SignedInfo': {
          algorithm: 'sha1',
          tamper: swap(
            /<SignedInfo>/g,
            '<SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/><SignedInfo>',
          ),
        },
      });
    }));

  it('SAML-23: SHA-1 is good only for the provider whose record says so', () =>
    onSaml({ dangerouslyAllowSha1: true }, async (stage) => {
      await expectAccepted(stage, { 'SHA-1': { algorithm: 'sha1' }, 'SHA-256': {} });
      stage.record({});
      await expectRefused(stage, { 'SHA-1': { algorithm: 'sha1' } });
    }));

  it('SAML-24: while a certificate is being replaced both are good, and then the new one alone', () =>
    onSaml({ certificates: [idpKeys.certificate, next.certificate] }, async (stage) => {
      const rotated: Forgery = (stage, begun) =>
        samlProvider({ entityId, ...next, clock: stage.clock }).xml(stage.said(begun));
      await expectAccepted(stage, { 'the old one': {}, 'the new one': rotated });
      stage.record({ certificates: [next.certificate, idpKeys.certificate] });
      await expectAccepted(stage, { 'the old one': {}, 'the new one': rotated });
      await expectRefused(stage, { neither: signedBy(evil) });
      stage.record({ certificates: [idpKeys.certificate] });
      await expectRefused(stage, { 'the one that is gone': rotated });
    }));

  it('SAML-24: a certificate may be in PEM or in bare base64', () =>
    onSaml({ certificates: [bare(idpKeys.certificate)] }, (stage) => expectAccepted(stage, { bare: {} })));

  it('signs in by SHA-512', () =>
    onSaml({}, (stage) => expectAccepted(stage, { 'SHA-512': { algorithm: 'sha512' } })));
});

/** A certificate without its armour. */
function bare(certificate: string): string {
  return certificate.replace(/-----[A-Z ]+-----|\s/g, '');
}
