/** The two integers of an ECDSA signature in DER (RFC 3279, section 2.2.3). */
export function integers(signature: Uint8Array): [r: bigint, s: bigint] {
  const bytes = Buffer.from(signature);
  const end = 4 + (bytes[3] ?? 0);
  const r = bytes.subarray(4, end);
  const s = bytes.subarray(end + 2, end + 2 + (bytes[end + 1] ?? 0));
  return [BigInt(`0x${r.toString('hex')}`), BigInt(`0x${s.toString('hex')}`)];
}

/** An ECDSA signature in DER of two integers, whatever they are worth. */
export function der(r: bigint, s: bigint): Buffer {
  const body = Buffer.concat([integer(r), integer(s)]);
  return Buffer.concat([Buffer.from([0x30, body.length]), body]);
}

function integer(value: bigint): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  const positive = (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Buffer.alloc(1), bytes]);
  return Buffer.concat([Buffer.from([2, positive.length]), positive]);
}
