import { isUtf8 } from 'node:buffer';

/** Decodes UTF-8 without mending anything: `null` when the bytes are not valid. A byte order mark is kept. */
export function decodeUtf8(bytes: Buffer): string | null {
  return isUtf8(bytes) ? bytes.toString('utf8') : null;
}
