/** A part of a message in BER (ITU-T X.690): its tag, and where its content is. */
interface Part {
  tag: number;
  from: number;
  to: number;
}

/** A message, as far as a directory is believed to have sent one. */
export interface LdapMessage {
  id: number;
  /** The tag of the operation. */
  operation: number;
  bytes: Buffer;
}

/** Tags of the operations and types of RFC 4511 that are spoken here. */
export const tags = {
  ...{
    bindRequest: 0x60,
    bindResponse: 0x61,
    searchRequest: 0x63,
    extendedRequest: 0x77,
    extendedResponse: 0x78,
  },
  ...{ entry: 0x64, searchDone: 0x65, reference: 0x73 },
} as const;
const [integer, octets, enumerated, sequence, set] = [0x02, 0x04, 0x0a, 0x30, 0x31];
const results: readonly number[] = [tags.bindResponse, tags.searchDone, tags.extendedResponse];

/** The bytes that the first message of these takes; `null` while that cannot be said, and 0 where it is none. */
export function lengthOfFirst(bytes: Buffer): number | null {
  if (bytes.length < 2) return null;
  if (bytes[0] !== sequence) return 0;
  const size = bytes[1] ?? 0;
  if (size < 0x80) return 2 + size;
  const more = size & 0x7f;
  if (more === 0 || more > 4) return 0;
  return bytes.length < 2 + more ? null : 2 + more + bytes.readUIntBE(2, more);
}

/** The id and the operation of a request. */
export function requested(bytes: Buffer): { id: number; operation: number } | null {
  const [id, operation] = childrenOf(bytes, whole(bytes)) ?? [];
  const number = id === undefined ? null : idOf(bytes, id);
  return number === null || operation === undefined ? null : { id: number, operation: operation.tag };
}

/**
 * Reads a message whose every part is of the form that RFC 4511 gives it, and writes it anew without what is not needed:
 * controls, referrals, and whatever else stands behind a result. The library believes lengths, goes on reading where nothing is
 * left, and takes a result that is not there for a success. `null` for everything else.
 */
export function readMessage(bytes: Buffer): LdapMessage | null {
  if (lengthOfFirst(bytes) !== bytes.length) return null;
  const [first, operation] = childrenOf(bytes, whole(bytes)) ?? [];
  const id = first === undefined ? null : idOf(bytes, first);
  if (first === undefined || operation === undefined || id === null) return null;
  const content = results.includes(operation.tag)
    ? resultOf(bytes, operation)
    : operation.tag === tags.entry && isEntry(bytes, operation)
      ? bytes.subarray(operation.from, operation.to)
      : operation.tag === tags.reference
        ? Buffer.alloc(0)
        : null;
  if (content === null) return null;
  const number = bytes.subarray(first.from, first.to);
  const written = part(sequence, Buffer.concat([part(integer, number), part(operation.tag, content)]));
  return { id, operation: operation.tag, bytes: written };
}

/** A result: a code of one byte, a name and a text. */
function resultOf(bytes: Buffer, operation: Part): Buffer | null {
  const [code, name, text] = childrenOf(bytes, operation) ?? [];
  if (code?.tag !== enumerated || code.to - code.from !== 1 || (bytes[code.from] ?? 0x80) >= 0x80)
    return null;
  if (name?.tag !== octets || text?.tag !== octets) return null;
  return bytes.subarray(operation.from, text.to);
}

/** An entry: a name, and a list of attributes with a set of values each. */
function isEntry(bytes: Buffer, operation: Part): boolean {
  const [name, attributes, ...more] = childrenOf(bytes, operation) ?? [];
  if (name?.tag !== octets || attributes?.tag !== sequence || more.length > 0) return false;
  const isValues = ({ tag }: Part) => tag === octets;
  return (childrenOf(bytes, attributes) ?? [{ tag: 0, from: 0, to: 0 }]).every((attribute) => {
    const [type, values, ...others] = attribute.tag === sequence ? (childrenOf(bytes, attribute) ?? []) : [];
    if (type?.tag !== octets || values?.tag !== set || others.length > 0) return false;
    return childrenOf(bytes, values)?.every(isValues) ?? false;
  });
}

/** The parts within a part, which fill it exactly; `null` where they do not. */
function childrenOf(bytes: Buffer, { from, to }: Part): Part[] | null {
  const found: Part[] = [];
  for (let at = from; at < to; ) {
    const tag = bytes[at] ?? 0;
    const size = bytes[at + 1];
    if ((tag & 0x1f) === 0x1f || size === undefined) return null;
    const more = size < 0x80 ? 0 : size & 0x7f;
    if (size >= 0x80 && (more === 0 || more > 4 || at + 2 + more > to)) return null;
    const start = at + 2 + more;
    const end = start + (more === 0 ? size : bytes.readUIntBE(at + 2, more));
    if (end > to) return null;
    found.push({ tag, from: start, to: end });
    at = end;
  }
  return found;
}

/** What is within the outermost part. */
function whole(bytes: Buffer): Part {
  const size = bytes[1] ?? 0;
  return { tag: sequence, from: size < 0x80 ? 2 : 2 + (size & 0x7f), to: bytes.length };
}

function idOf(bytes: Buffer, { tag, from, to }: Part): number | null {
  const isOne = tag === integer && to - from >= 1 && to - from <= 4 && (bytes[from] ?? 0x80) < 0x80;
  return isOne ? bytes.readUIntBE(from, to - from) : null;
}

function part(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size =
    length < 0x80 ? Buffer.of(length) : Buffer.of(0x84, length >>> 24, length >>> 16, length >>> 8, length);
  return Buffer.concat([Buffer.of(tag), size, content]);
}
