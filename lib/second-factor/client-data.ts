import { decodeUtf8 } from '../wire/utf8.js';

/**
 * Whether client data comes from a page that stands alone. The library checks its type, challenge and origin; that no
 * other site frames the page (WebAuthn L3, steps 13 and 14 of section 7.2, 10 and 11 of section 7.1) is checked here,
 * since no page of ours is framed. Invalid UTF-8 is refused: two readers may see two texts in it.
 */
export function isTopLevel(clientDataJSON: string): boolean {
  const text = decodeUtf8(Buffer.from(clientDataJSON, 'base64url'));
  if (text === null) return false;
  const data: unknown = JSON.parse(text.replace(/^\ufeff/, ''));
  if (typeof data !== 'object' || data === null) return false;
  const { crossOrigin, topOrigin }: { crossOrigin?: unknown; topOrigin?: unknown } = data;
  return (crossOrigin === undefined || crossOrigin === false) && topOrigin === undefined;
}
