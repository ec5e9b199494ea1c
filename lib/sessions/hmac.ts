import { hash } from 'node:crypto';

/** The MAC of a message: 32 bytes, which the next call overwrites. */
export type Mac = (message: Uint8Array) => Uint8Array;

/** Bytes of a block of SHA-256, and of its output. */
const blockBytes = 64;
const hashBytes = 32;

/**
 * Makes the HMAC-SHA256 (RFC 2104) under a key of 32 bytes, for messages that have so many bytes. It is made of Node's
 * one-shot hash: `createHmac` makes a native object for each call, and both together cost a request more than anything
 * else that is done to recognise its token.
 */
export function hmacSha256(key: Uint8Array, messageBytes: number): Mac {
  if (key.length !== hashBytes) throw new RangeError(`the key has ${key.length} bytes`);
  const inner = padded(key, 0x36, messageBytes);
  const outer = padded(key, 0x5c, hashBytes);
  const mac = Buffer.alloc(hashBytes);
  return (message) => {
    if (message.length !== messageBytes) throw new RangeError(`the message has ${message.length} bytes`);
    inner.set(message, blockBytes);
    outer.write(hash('sha256', inner, 'binary'), blockBytes, 'binary');
    mac.write(hash('sha256', outer, 'binary'), 'binary');
    return mac;
  };
}

/** A block of the key and a padding, with room behind it. */
function padded(key: Uint8Array, padding: number, room: number): Buffer {
  const block = Buffer.alloc(blockBytes + room, padding);
  key.forEach((byte, at) => {
    block[at] = byte ^ padding;
  });
  return block;
}
