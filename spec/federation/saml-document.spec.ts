import { describe, expect, it } from '@jest/globals';
import { isModest } from '../../lib/federation/modest-xml.js';
import { samlDocument } from '../../lib/federation/saml-document.js';

const base64 = (xml: string) => Buffer.from(xml).toString('base64');
const nested = (levels: number) => `${'<a>'.repeat(levels)}${'</a>'.repeat(levels)}`;

describe('a document that may be given to a parser', () => {
  it.each<[string, string]>([
    ['one element', '<a/>'],
    ['an XML declaration', '<?xml version="1.0"?>\n<a></a>\n'],
    ['comments beside the element', '<!-- a --><a/><!-- b -->'],
    ['attributes in both quotes, with > in them', `<a b="x>y" c='/>'>text</a>`],
    ['CDATA, with markup in it', '<a><![CDATA[<b><!DOCTYPE]]></a>'],
    ['a hundred levels', nested(100)],
    ['1,500 pieces', `<a>${'<b/>'.repeat(1498)}</a>`],
    ['1,498 references', `<a>${'&amp;'.repeat(1498)}</a>`],
    ['names of any script', '<ä:ö xmlns:ä="urn:x"></ä:ö>'],
  ])('has %s', (_, xml) => {
    expect(isModest(xml)).toBe(true);
    expect(samlDocument(base64(xml))).toBe(xml);
  });

  it('loses a byte order mark, and the line breaks of its base64', () => {
    const text = base64('\ufeff<a/>');
    expect(samlDocument(`${text.slice(0, 4)}\r\n${text.slice(4)}`)).toBe('<a/>');
  });
});

describe('a document that no parser shall see', () => {
  it.each<[string, string]>([
    ['nothing', ''],
    ['text', 'nothing'],
    ['two elements', '<a/><b/>'],
    ['text before the element', 'x<a/>'],
    ['text after it', '<a/>x'],
    ['CDATA beside it', '<a/><![CDATA[x]]>'],
    ['an element that never ends', '<a>'],
    ['a tag that never ends', '<a b="'],
    ['a comment that never ends', '<a><!-- </a>'],
    ['tags that cross', '<a><b></a></b>'],
    ['an end without a beginning', '</a><a/>'],
    ['an end with quotes in it', '<a><b></b">…"></a>'],
    ['an end with an attribute', '<a></a b="c">'],
    ['a DOCTYPE', '<!DOCTYPE a><a/>'],
    ['an entity', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'],
    ['a processing instruction', '<?php x?><a/>'],
    ['one within', '<a><?x y?></a>'],
    ['a NUL', '<a>\0</a>'],
    ['< in an attribute’s place', '<a <b>></a>'],
    ['101 levels', nested(101)],
    ['levels that unmatched ends take back', `${'</z>'.repeat(5000)}${'<b>'.repeat(5000)}`],
    ['1,499 references', `<a>${'&amp;'.repeat(1499)}</a>`],
    ['1,501 elements', `<a>${'<b/>'.repeat(1500)}</a>`],
    ['1,501 comments', `<a>${'<!---->'.repeat(1500)}</a>`],
    ['1,501 attributes', `<a ${Array.from({ length: 1500 }, (_, n) => `b${n}=""`).join(' ')}/>`],
    ['more than 256 KB', `<a>${'x'.repeat(262_144)}</a>`],
  ])('has %s', (_, xml) => {
    expect(isModest(xml)).toBe(false);
    expect(samlDocument(base64(xml))).toBeNull();
  });

  it.each(['', '====', 'PGEvPg', 'PGEvPg==\0', ' PGEvPg==', 'PGEvPg-_', base64(base64('<a/>')), '/w=='])(
    'is no base64 of XML: %j',
    (text) => expect(samlDocument(text)).toBeNull(),
  );

  it('costs no more than its length', () => {
    const hostile = ['<a', '</z>', '<!---->', '<a0></a0>', '<b c=""/>', '"<'].map((piece) =>
      piece.repeat(Math.floor(262_000 / piece.length)),
    );
    for (const xml of hostile) {
      const asked = performance.now();
      expect(isModest(xml)).toBe(false);
      expect(performance.now() - asked).toBeLessThan(200);
    }
  });
});
