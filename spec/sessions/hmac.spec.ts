import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { hmacSha256 } from '../../lib/sessions/hmac.js';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

describe('hmacSha256', () => {
  it('is what Node’s own HMAC is, for every key and message', () => {
    const lengths = fc.integer({ min: 0, max: 200 });
    fc.assert(
      fc.property(
        bytes(32),
        lengths.chain((length) => fc.array(bytes(length), { minLength: 1, maxLength: 4 })),
        (key, messages) => {
          const mac = hmacSha256(key, messages[0]?.length ?? 0);
          for (const message of messages)
            expect(Buffer.from(mac(message))).toEqual(createHmac('sha256', key).update(message).digest());
        },
      ),
    );
  });

  it('says the test vector of RFC 4231 that has a key of 32 bytes or fewer, padded with zeros', () => {
    // Section 4.3: a short key is one that ends in zeros (RFC 2104, section 2).
    const key = Buffer.alloc(32);
    key.write('Jefe');
    const message = Buffer.from('what do ya want for nothing?');
    expect(Buffer.from(hmacSha256(key, message.length)(message)).toString('hex')).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
  });

  it('takes no key of another length, which would be padded or hashed', () => {
    for (const length of [0, 31, 33, 64, 65])
      expect(() => hmacSha256(randomBytes(length), 32)).toThrow(RangeError);
  });

  it('takes no message of another length, which would be the MAC of another message', () => {
    const mac = hmacSha256(randomBytes(32), 32);
    for (const length of [0, 31, 33]) expect(() => mac(randomBytes(length))).toThrow(RangeError);
  });
});
