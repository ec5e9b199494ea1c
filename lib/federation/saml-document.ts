import { decodeUtf8 } from '../wire/utf8.js';
import { isModest, mostBytes } from './modest-xml.js';

const mostDigits = 4 * Math.ceil(mostBytes / 3);

/**
 * The XML of a `SAMLResponse`: standard base64, line breaks allowed, of valid UTF-8. `null` for anything else, and for
 * what no parser shall see; see {@link isModest}.
 */
export function samlDocument(encoded: string): string | null {
  const compact = encoded.replaceAll('\r', '').replaceAll('\n', '');
  if (compact.length > mostDigits) return null;
  const bytes = Buffer.from(compact, 'base64');
  if (bytes.length === 0 || bytes.length > mostBytes || bytes.toString('base64') !== compact) return null;
  const text = decodeUtf8(bytes);
  if (text === null) return null;
  const xml = text.replace(/^\ufeff/, '');
  return isModest(xml) ? xml : null;
}
