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

  it('keeps apart what providers may treat as one mailbox', () => {
    const distinct = [
      'alice@example.com',
      'alice+tag@example.com',
      'al.ice@example.com',
      'alice@mail.example.com',
    ];
    expect(new Set(distinct.map(canonicalEmail)).size).toBe(distinct.length);
  });

  it('makes one of the spellings that Unicode holds equal, and no more', () => {
    expect(canonicalEmail('\u212bngstrom@example.com')).toBe(canonicalEmail('\u00c5ngstrom@example.com'));
    expect(canonicalEmail('stra\u00dfe@example.com')).not.toBe(canonicalEmail('strasse@example.com'));
    expect(canonicalEmail('\ufb01lm@example.com')).not.toBe(canonicalEmail('film@example.com')); // a ligature
    expect(canonicalEmail('\u017fue@example.com')).not.toBe(canonicalEmail('sue@example.com')); // the long s
    expect(canonicalEmail('alice\u1fef@example.com')).toBeNull(); // NFC makes it a grave accent
    expect(canonicalEmail('alice\u037e@example.com')).toBeNull(); // NFC makes it a semicolon
    expect(canonicalEmail('alice@\u212aelvin.example')).toBeNull();
  });

  it.each([0x00, 0x0a, 0x1b, 0x7f, 0x80, 0x9f, 0xad, 0x200b, 0x200d, 0x200e, 0x202e, 0x2028, 0x2060, 0xfeff])(
    'takes no invisible character: %d',
    (code) => {
      const character = String.fromCodePoint(code);
      expect(canonicalEmail(`al${character}ice@example.com`)).toBeNull();
      expect(canonicalEmail(`alice@exam${character}ple.com`)).toBeNull();
    },
  );

  it('has at most 64 bytes before the @, 63 in a label and 254 in all', () => {
    const label = 'd'.repeat(63);
    expect(canonicalEmail(`${'ü'.repeat(32)}@example.com`)).toBe(`${'ü'.repeat(32)}@example.com`);
    expect(canonicalEmail(`${'ü'.repeat(33)}@example.com`)).toBeNull();
    expect(canonicalEmail(`a@${label}.com`)).toBe(`a@${label}.com`);
    expect(canonicalEmail(`a@${label}d.com`)).toBeNull();
    const domain = `${label}.${label}.${label}`;
    const longest = `${'a'.repeat(62)}@${domain}`;
    expect(longest).toHaveLength(254);
    expect(canonicalEmail(longest)).toBe(longest);
    expect(canonicalEmail(`a${longest}`)).toBeNull();
  });

  it('answers quickly to whatever is sent', () => {
    const started = performance.now();
    for (const text of [
      '@'.repeat(60_000),
      `${'a'.repeat(60_000)}@b`,
      `a@${'.'.repeat(60_000)}`,
      `a@${'a.'.repeat(30_000)}`,
    ])
      expect(canonicalEmail(text)).toBeNull();
    expect(performance.now() - started).toBeLessThan(100);
  });
});
