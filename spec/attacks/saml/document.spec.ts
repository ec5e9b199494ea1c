import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import {
  base64,
  expectAccepted,
  expectAlice,
  expectNobodyElse,
  expectRefused,
  onSaml,
  refusal,
  swap,
  tampered,
} from '../../support/saml.js';

const inFront = (text: string) => tampered((xml) => text + xml);
const behind = (text: string) => tampered((xml) => xml + text);
/** Text put into the NameID, after everything was signed. */
const nameId = (text: string) => tampered(swap('>alice-1<', `>${text}<`));

const laughs = [
  '<!DOCTYPE lolz [<!ENTITY a "lol">',
  ...Array.from('bcdefghij', (name, at) => {
    const last = String.fromCharCode(97 + at);
    return `<!ENTITY ${name} "${`&${last};`.repeat(10)}">`;
  }),
  ']>',
].join('');

describe('attacks on how a document is read (SAML-08, SAML-32)', () => {
  it('SAML-08, SAML-32: a DOCTYPE is refused, in front of a good response too, whatever it declares', () =>
    onSaml({}, async (stage) => {
      const since = performance.now();
      await expectRefused(stage, {
        empty: inFront('<!DOCTYPE samlp:Response>'),
        'in lower case': inFront('<!doctype samlp:Response>'),
        'after white space': inFront('\n <!DOCTYPE samlp:Response>'),
        'after a comment': inFront('<!-- --><!DOCTYPE samlp:Response>'),
        'after the declaration': inFront('<?xml version="1.0"?><!DOCTYPE samlp:Response>'),
        'at the end': behind('<!DOCTYPE samlp:Response>'),
        within: tampered(swap('<samlp:Status>', '<!DOCTYPE x><samlp:Status>')),
        'a file': inFront('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'),
        'a file that is used': tampered(
          (xml) => `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>${xml.replace('alice-1', '&e;')}`,
        ),
        'a parameter entity of another host': inFront(
          '<!DOCTYPE x [<!ENTITY % e SYSTEM "http://127.0.0.1:9/evil.dtd"> %e;]>',
        ),
        'an external subset': inFront('<!DOCTYPE x SYSTEM "http://127.0.0.1:9/evil.dtd">'),
        'a default attribute': inFront('<!DOCTYPE x [<!ATTLIST Response ID CDATA "x">]>'),
        'an ID of its own': inFront('<!DOCTYPE x [<!ATTLIST x Id ID #IMPLIED>]>'),
        'an internal entity that is used': tampered(
          (xml) => `<!DOCTYPE x [<!ENTITY e "bob-1">]>${xml.replace('alice-1', '&e;')}`,
        ),
        'a billion laughs': tampered((xml) => laughs + xml.replace('alice-1', '&j;')),
        'an entity alone': tampered(swap('<samlp:Status>', '<!ENTITY e "x"><samlp:Status>')),
        'an entity of nobody': nameId('&e;'),
        'an entity of HTML': nameId('alice&nbsp;1'),
      });
      expect(performance.now() - since).toBeLessThan(5000);
    }));

  it('SAML-08: what is no well-formed document is refused', () =>
    onSaml({}, (stage) =>
      expectRefused(stage, {
        'cut off': tampered((xml) => xml.slice(0, -5)),
        'cut in half': tampered((xml) => xml.slice(0, xml.length / 2)),
        'two roots': tampered((xml) => xml + xml),
        'another root first': inFront('<x/>'),
        'another root last': behind('<x/>'),
        'an attribute twice': tampered(swap(' Version="2.0"', ' Version="2.0" Version="2.0"')),
        'an ID twice': tampered(swap(/ ID="[^"]*"/, (found) => `${found} ID="_other"`)),
        'an attribute without quotes': tampered(swap('Version="2.0"', 'Version=2.0')),
        'an attribute without a value': tampered(swap('Version="2.0"', 'Version')),
        'no space between attributes': tampered(swap('" Version=', '"Version=')),
        'an element that is not closed': tampered(swap('</samlp:Status>', '')),
        'elements that overlap': tampered(swap('<samlp:Status>', '<a><b></a></b><samlp:Status>')),
        'a prefix of no namespace': tampered(swap('<samlp:Status>', '<nobody:x/><samlp:Status>')),
        'a NUL': nameId('alice-1\0'),
        'a NUL by number': nameId('alice-1&#0;'),
        'a NUL in a tag': tampered(swap('<samlp:Status>', '<samlp:Status\0>')),
        'a processing instruction': inFront('<?php echo 1 ?>'),
        'a processing instruction within': tampered(swap('<samlp:Status>', '<?x?><samlp:Status>')),
        'a processing instruction in the NameID': nameId('alice<?x?>-1'),
        'a declaration that is not first': inFront(' <?xml version="1.0"?>'),
        'a tag that never ends': behind('<x y="'),
        'a comment that never ends': behind('<!--'),
        'a CDATA section that never ends': behind('<![CDATA['),
      }),
    ));

  it('SAML-08: text and namespaces that were changed after signing sign nobody in but whom was signed', () =>
    onSaml({}, (stage) =>
      expectNobodyElse(stage, {
        'CDATA around the NameID': nameId('<![CDATA[alice-1]]>'),
        'CDATA after the NameID': nameId('alice-1<![CDATA[]]>'),
        'CDATA with another NameID': nameId('<![CDATA[bob-1]]>'),
        'CDATA that hides a tag': nameId('alice-1<![CDATA[</saml:NameID><saml:NameID>bob-1]]>'),
        'letters by number': nameId('&#97;lice-1'),
        'letters by number of nobody': nameId('&#x110000;alice-1'),
        'another NameID as an element': nameId('alice-1<saml:NameID>bob-1</saml:NameID>'),
        'another namespace by default': tampered(
          swap('<samlp:Response ', '<samlp:Response xmlns="urn:oasis:names:tc:SAML:2.0:assertion" '),
        ),
        'another meaning of a prefix': tampered(swap('xmlns:saml="urn:oasis', 'xmlns:saml="urn:other')),
        'an ID with a prefix': tampered(
          swap('<samlp:Response ', '<samlp:Response xmlns:x="urn:x" x:ID="_x" '),
        ),
        'an ID with the prefix of SAML': tampered(swap('<samlp:Response ', '<samlp:Response samlp:ID="_x" ')),
        'an Issuer with a prefix': tampered(
          swap('<samlp:Status>', '<x:Issuer xmlns:x="urn:x"/><samlp:Status>'),
        ),
        'the prefix xml': tampered(swap('<samlp:Response ', '<samlp:Response xml:lang="en" ')),
        'white space for line breaks': tampered((xml) => xml.replaceAll('><', '>\r\n<')),
        'lines of other systems': nameId('alice-1&#13;'),
        'junk in front': inFront('junk'),
        'junk behind': behind('junk'),
      }),
    ));

  it('SAML-08: what a response means does not depend on how it is written', () =>
    onSaml({}, (stage) =>
      expectAccepted(stage, {
        'a declaration': inFront('<?xml version="1.0" encoding="UTF-8"?>\n'),
        'a byte order mark': inFront('\ufeff'),
        'a comment in front': inFront('<!-- from the provider -->'),
        'a comment behind': behind('<!-- from the provider -->\n'),
        'single quotes': tampered(swap(/ Destination="([^"]*)"/, (found) => found.replaceAll('"', "'"))),
        'another order of attributes': tampered(
          swap(
            /( ID="[^"]*")( Version="2.0")/,
            (found) => ` Version="2.0"${found.replace(' Version="2.0"', '')}`,
          ),
        ),
        'an element closed in two tags': tampered(
          swap(/<samlp:StatusCode ([^>]*)\/>/, (found) => `${found.slice(0, -2)}></samlp:StatusCode>`),
        ),
      }),
    ));
});

describe('attacks on how a response is encoded (SAML-31)', () => {
  const code = ({ body }: { body: string }) => JSON.parse(body).code;

  it('SAML-31: what is no base64 of UTF-8, as it is written, is refused', () =>
    onSaml({}, async (stage) => {
      const usual = await refusal(stage.nodes[0]);
      const begun = await stage.begin();
      const xml = await stage.provider.xml(stage.said(begun));
      const good = base64(xml);
      stage.secret(good);
      const forms: Record<string, string> = {
        'no base64': '<samlp:Response/>',
        'the XML itself': xml,
        'in the alphabet of URLs': base64(`${xml}<!-- ÿÿÿ??? -->`).replace(/[/+]/g, (sign) =>
          sign === '/' ? '_' : '-',
        ),
        'without its padding': base64(`${xml}<!---->${' '.repeat((4 - ((xml.length + 7) % 3)) % 3)}`).replace(
          /=+$/,
          '',
        ),
        'with more padding': `${good}====`,
        'twice encoded': base64(good),
        'in percent encoding': encodeURIComponent(good),
        'with spaces': good.replace(/(.{76})/g, '$1 '),
        'with tabs': good.replace(/(.{76})/g, '$1\t'),
        'with a NUL': `${good}\0`,
        'with junk in front': `!${good}`,
        'with junk behind': `${good}!`,
        'followed by another': `${good}${good}`,
        'after a data URL': `data:text/xml;base64,${good}`,
        deflated: deflateRawSync(xml).toString('base64'),
        'UTF-16': Buffer.from(`\ufeff${xml}`, 'utf16le').toString('base64'),
        'UTF-16 that says so': Buffer.from(
          `<?xml version="1.0" encoding="UTF-16"?>${xml}`,
          'utf16le',
        ).toString('base64'),
        'Latin 1': Buffer.from(`${xml}<!--é-->`, 'latin1').toString('base64'),
        'overlong UTF-8': Buffer.concat([Buffer.from(xml), Buffer.from([0xc0, 0xaf])]).toString('base64'),
        'only padding': '====',
        'only a line break': '\n',
      };
      for (const [name, form] of Object.entries(forms)) {
        expect([name, form]).not.toEqual([name, good]);
        const { status, body } = await stage.post(begun, form);
        expect([name, status, body]).toEqual([name, 401, usual]);
      }
      const lines = good.replace(/(.{76})/g, '$1\r\n');
      await expectAlice(stage, 'lines of 76, as MIME has them', await stage.post(begun, lines));
      stage.expectSessionsOf('a11ce000-0000-4000-8000-000000000001');
    }));

  it('SAML-31: what is no text, is empty or is far too large is told so', () =>
    onSaml({}, async (stage) => {
      const begun = await stage.begin();
      for (const response of ['', null, 1, true, [], {}, ['x'], { length: 1 }]) {
        const answer = await stage.post(begun, '', { response });
        expect([response, answer.status, code(answer)]).toEqual([response, 400, 'malformed_request']);
      }
      for (const id of [1, [], {}, true, 'x'.repeat(513)]) {
        const answer = await stage.post(begun, 'AAAA', { id });
        expect([id, answer.status, code(answer)]).toEqual([id, 400, 'malformed_request']);
      }
      const large = await stage.post(begun, 'A'.repeat(5_000_000));
      expect([large.status, code(large)]).toEqual([413, 'payload_too_large']);
      expect(stage.shared.rows.size).toBe(0);
    }));
});
