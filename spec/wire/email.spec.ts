import { describe, expect, it } from '@jest/globals';
import { canonicalEmail } from '../../lib/index.js';

describe('canonicalEmail', () => {
  it.each([
    ['Alice@Example.COM', 'alice@example.com'],
    ['alice+tag@example.com', 'alice+tag@example.com'],
    ['o’brien@example.com', 'o’brien@example.com'],
    ["o'brien@example.com", "o'brien@example.com"],
    ['Jose\u0301@example.com', 'jos\u00e9@example.com'],
    ['ÄRGER@example.com', 'Ärger@example.com'],
    ['alice@Bücher.example', 'alice@xn--bcher-kva.example'],
    ['alice@xn--bcher-kva.example', 'alice@xn--bcher-kva.example'],
    ['alice@ｅｘａｍｐｌｅ.com', 'alice@example.com'],
    ['root@localhost', 'root@localhost'],
    [`${'x'.repeat(64)}@example.com`, `${'x'.repeat(64)}@example.com`],
  ])('reads %j as %j', (address, canonical) => {
    expect(canonicalEmail(address)).toBe(canonical);
    expect(canonicalEmail(canonical)).toBe(canonical);
  });

  it('does not fold another letter into an ASCII one', () => {
    expect(canonicalEmail('ali\u212ae@example.com')).toBeNull(); // the Kelvin sign, which NFC makes a K
    expect(canonicalEmail('\u0130lknur@example.com')).not.toBe('ilknur@example.com');
    expect(canonicalEmail('ｱlice@example.com')).not.toBe('alice@example.com');
    expect(canonicalEmail('ａlice@example.com')).not.toBe('alice@example.com');
    expect(canonicalEmail('\u0430lice@example.com')).not.toBe('alice@example.com'); // Cyrillic a
  });

  it.each([
    ...[
      '',
      'alice',
      '@example.com',
      'alice@',
      'alice@@example.com',
      'a@b@example.com',
      '@alice@evil.example',
    ],
    ...[
      'alice @example.com',
      ' alice@example.com',
      'alice@example.com ',
      'alice@exam ple.com',
      'alice\u00a0@example.com',
    ],
    ...[
      'alice@example.com\r\nBcc: bob@example.com',
      'alice\0@example.com',
      'ali\u200bce@example.com',
      '\ufeffalice@example.com',
    ],
    ...[
      '"alice"@example.com',
      '"Alice" <alice@example.com>',
      'alice@example.com,bob@example.com',
      'alice(x)@example.com',
    ],
    ...[
      'alice@[127.0.0.1]',
      'alice@127.0.0.1',
      'alice@0x7f.1',
      'alice@1',
      'alice@example.com.',
      'alice@.example.com',
    ],
    ...[
      'alice@-example.com',
      'alice@exa_mple.com',
      'alice@example.com:25',
      'alice@example.com/x',
      'alice@%65xample.com',
    ],
    ...[
      `${'x'.repeat(65)}@example.com`,
      `alice@${'x'.repeat(250)}.com`,
      `${'ü'.repeat(40)}@example.com`,
      '\ud800@example.com',
    ],
    'x'.repeat(10_000),
  ])('takes %j for no address', (text) => {
    expect(canonicalEmail(text)).toBeNull();
  });
});
