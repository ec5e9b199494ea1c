import { describe, expect, it } from '@jest/globals';
import { lengthOfFirst, readMessage, requested, tags } from '../../lib/federation/ldap-message.js';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const tlv = (tag: number, ...content: Buffer[]) => {
  const all = Buffer.concat(content);
  return Buffer.concat([
    all.length < 128 ? Buffer.of(tag, all.length) : Buffer.of(tag, 0x82, all.length >> 8, all.length & 255),
    all,
  ]);
};
const text = (value: string) => tlv(0x04, Buffer.from(value));
const result = (tag: number, ...more: Buffer[]) => tlv(tag, hex('0a0100'), text(''), text('fine'), ...more);
const message = (operation: Buffer, ...more: Buffer[]) => tlv(0x30, hex('020102'), operation, ...more);
const entry = (...attributes: Buffer[]) => tlv(0x64, text('uid=a'), tlv(0x30, ...attributes));
const attribute = (name: string, ...values: string[]) =>
  tlv(0x30, text(name), tlv(0x31, ...values.map(text)));

describe('readMessage', () => {
  it.each([
    ['the result of a bind', message(result(0x61)), 0x61],
    ['the end of a search', message(result(0x65)), 0x65],
    ['the answer to StartTLS', message(result(0x78)), 0x78],
    ['an entry', message(entry(attribute('mail', 'a', 'b'), attribute('none'))), 0x64],
    ['an entry of nothing', message(entry()), 0x64],
    ['an entry of some size', message(entry(attribute('mail', 'x'.repeat(500)))), 0x64],
  ])('reads %s', (_, bytes, operation) => {
    const read = readMessage(bytes);
    expect([read?.id, read?.operation]).toEqual([2, operation]);
    // What is written is read as the same again.
    const again = readMessage(read?.bytes ?? Buffer.alloc(0));
    expect(again?.bytes).toEqual(read?.bytes);
    expect(read?.bytes.includes('uid=a')).toBe(operation === 0x64);
  });

  it('leaves out controls, referrals, and all that stands behind a result', () => {
    const plain = readMessage(message(result(0x61)))?.bytes;
    expect(readMessage(message(result(0x61), tlv(0xa0, text('control'))))?.bytes).toEqual(plain);
    expect(
      readMessage(message(result(0x61, tlv(0xa3, text('ldap://elsewhere')), tlv(0x87, text('sasl')))))?.bytes,
    ).toEqual(plain);
    expect(readMessage(message(tlv(0x73, text('ldap://elsewhere'))))?.bytes.includes('elsewhere')).toBe(
      false,
    );
  });

  it.each([
    ['a text that is longer than its message', '300e 020102 6109 0a0100 0400 0400 8705'],
    ['an entry that is longer', '300b 020102 6406 0400 30820fff'],
    ['a reference that is longer', '3009 020102 738203ff 0400'],
    ['controls that are longer', '3010 020102 6107 0a0100 0400 0400 a0820fff'],
    ['a result without a code', '3005 020102 6100'],
    ['a code of no byte', '300b 020102 6106 0a00 0400 0400'],
    ['a code of two bytes', '300d 020102 6108 0a020000 0400 0400'],
    ['a code that is negative', '300c 020102 6107 0a0180 0400 0400'],
    ['a code that is a text', '300c 020102 6107 040100 0400 0400'],
    ['a result without texts', '3008 020102 6103 0a0100'],
    ['a name that is a list', '300c 020102 6107 0a0100 3000 0400'],
    ['an id of no byte', '300b 0200 6107 0a0100 0400 0400'],
    ['an id that is negative', '300c 0201ff 6107 0a0100 0400 0400'],
    ['an id that is a text', '300c 040102 6107 0a0100 0400 0400'],
    ['a length without an end', '3080 020102 6107 0a0100 0400 0400 0000'],
    ['a tag of many bytes', '300d 020102 7f6107 0a0100 0400 0400'],
    ['another operation', '3007 020102 6202 0400'],
    ['a request', '300c 020102 6007 020103 0400 8000'],
    ['an entry with a text for attributes', '300b 020102 6406 0400 0402 4141'],
    ['an attribute that is a text', '300b 020102 6406 0400 3002 0400'],
    ['values that are no set', '300f 020102 640a 0400 3006 3004 0400 3000'],
    ['a value that is a number', '3012 020102 640d 0400 3009 3007 0400 3103 020101'],
    ['nothing', '3000'],
  ])('reads no message with %s', (_, bytes) => expect(readMessage(hex(bytes))).toBeNull());

  it('ends with every one of 20,000 odd messages', () => {
    let seed = 1;
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed % below;
    };
    const good = [
      message(result(0x61)),
      message(entry(attribute('mail', 'a', 'b'))),
      message(result(0x65), tlv(0xa0)),
    ];
    for (let n = 0; n < 20_000; n += 1) {
      const bytes = Buffer.from(good[n % 3] ?? '');
      for (let change = 0; change < 3; change += 1) bytes[random(bytes.length)] = random(256);
      const read = readMessage(bytes);
      if (read !== null) expect(readMessage(read.bytes)?.bytes).toEqual(read.bytes);
    }
  });
});

describe('lengthOfFirst', () => {
  it.each([
    ['', null],
    ['30', null],
    ['3000', 2],
    ['3005', 7],
    ['3081ff', 258],
    ['308200', null],
    ['30820100', 260],
    ['3084ffffffff', 4_294_967_301],
    ['3080', 0],
    ['3085', 0],
    ['31', null],
    ['3100', 0],
    ['0400', 0],
    ['4854', 0],
  ])('of %j is %j', (bytes, length) => expect(lengthOfFirst(hex(bytes))).toBe(length));
});

describe('requested', () => {
  it('tells the id and the operation of a request', () => {
    const bind = tlv(0x60, hex('020103'), text('cn=a'), tlv(0x80, Buffer.from('secret')));
    expect(requested(message(bind))).toEqual({ id: 2, operation: tags.bindRequest });
    expect(requested(hex('3005 020103 4200'))).toEqual({ id: 3, operation: 0x42 });
    expect(requested(hex('0400'))).toBeNull();
  });
});
