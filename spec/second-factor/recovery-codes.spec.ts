import { describe, expect, it } from '@jest/globals';
import { canonicalCode } from '../../lib/second-factor/recovery-codes.js';

const canonical = '10ABSKZ23456789CDEFGHJMNPQ';

describe('a recovery code as somebody types it', () => {
  it.each([
    canonical,
    canonical.toLowerCase(),
    '10ABS-KZ234-56789-CDEFG-HJMNPQ',
    ' 10ABS KZ234 56789 CDEFG HJMNPQ ',
    'iOaBsKz23456789cdefghjmnpq',
    'LoABSKZ23456789CDEFGHJMNPQ',
  ])('is one code, such as %j', (text) => {
    expect(canonicalCode(text)).toBe(canonical);
  });

  it.each([
    ['nothing', ''],
    ['a digit less', canonical.slice(1)],
    ['a digit more', `${canonical}0`],
    ['more than 128 bits', `8${canonical.slice(1)}`],
    ['a U, which is no digit', canonical.replace('Z', 'U')],
    ['an underscore', canonical.replace('Z', '_')],
    [
      'full-width digits',
      canonical.replaceAll(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit))),
    ],
    ['a dotless i', canonical.replace('1', '\u0131')],
    ['a long s', canonical.replace('S', '\u017f')],
    ['a Kelvin sign', canonical.replace('K', '\u212a')],
    ['other hyphens', '10ABS\u2010KZ23456789CDEFGHJMNPQ'],
    ['a line break', '10ABS\nKZ23456789CDEFGHJMNPQ'],
    ['a tab', '10ABS\tKZ23456789CDEFGHJMNPQ'],
    ['NUL', `${canonical}\0`],
    ['a thousand spaces', `${canonical}${' '.repeat(1000)}`],
  ])('is none with %s', (_, text) => {
    expect(canonicalCode(text)).toBeNull();
  });
});
