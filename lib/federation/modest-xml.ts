/** Bytes of XML, and levels of elements and pieces of markup in it (references among them), that are looked at. */
export const mostBytes = 262_144;
const mostLevels = 100;
/** The libraries that verify signatures take time with the square of this: 1,500 are some tens of milliseconds. */
const mostPieces = 1500;

/**
 * Whether XML may be given to a parser: one element and nothing beside it, properly nested, not too large, too deep or in
 * too many pieces, and without a DOCTYPE, which SAML forbids and which can define entities. This is a scan in one pass, so
 * that hostile documents cost no more than their length.
 */
export function isModest(xml: string): boolean {
  if (xml.length > mostBytes || xml.includes('\0')) return false;
  const open: string[] = [];
  let [pieces, roots, last] = [count(xml, '&'), 0, 0];
  for (let at = xml.indexOf('<'); at >= 0; at = xml.indexOf('<', at)) {
    if (open.length === 0 && xml.slice(last, at).trim() !== '') return false;
    const piece = pieceAt(xml, at);
    if (piece === null) return false;
    pieces += 1 + piece.attributes;
    if (piece.kind === 'close' && open.pop() !== piece.name) return false;
    if (piece.kind === 'open' || piece.kind === 'empty') roots += open.length === 0 ? 1 : 0;
    if (piece.kind === 'open') open.push(piece.name);
    if (piece.kind === 'text' && open.length === 0) return false;
    if (open.length > mostLevels || pieces > mostPieces || roots > 1) return false;
    at = piece.end;
    last = at;
  }
  return open.length === 0 && roots === 1 && xml.slice(last).trim() === '';
}

function count(text: string, character: string): number {
  let found = 0;
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) found += 1;
  return found;
}

/** One piece of markup: where it ends, and what it is. */
interface Piece {
  kind: 'open' | 'empty' | 'close' | 'comment' | 'text' | 'declaration';
  end: number;
  name: string;
  attributes: number;
}

/** The piece of markup that begins here; `null` for one that is not allowed, and for what never ends. */
function pieceAt(xml: string, at: number): Piece | null {
  const until = (kind: Piece['kind'], mark: string, from: number): Piece | null => {
    const found = xml.indexOf(mark, from);
    return found < 0 ? null : { kind, end: found + mark.length, name: '', attributes: 0 };
  };
  if (xml.startsWith('<!--', at)) return until('comment', '-->', at + 4);
  if (xml.startsWith('<![CDATA[', at)) return until('text', ']]>', at + 9);
  if (xml.startsWith('<!', at)) return null;
  if (xml.startsWith('<?', at))
    return at === 0 && xml.startsWith('<?xml ') ? until('declaration', '?>', at) : null;
  return xml.startsWith('</', at) ? closingTag(xml, at) : openingTag(xml, at);
}

const nameShape = /[A-Za-z_:\u0080-\uffff][\w:.\u0080-\uffff-]*/y;

function nameAt(xml: string, at: number): string | null {
  nameShape.lastIndex = at;
  return nameShape.exec(xml)?.[0] ?? null;
}

function closingTag(xml: string, at: number): Piece | null {
  const name = nameAt(xml, at + 2);
  const end = xml.indexOf('>', at);
  if (name === null || end < 0 || xml.slice(at + 2 + name.length, end).trim() !== '') return null;
  return { kind: 'close', end: end + 1, name, attributes: 0 };
}

/** A tag ends at the first > outside of its attribute values, each of which is one more piece. */
function openingTag(xml: string, at: number): Piece | null {
  const name = nameAt(xml, at + 1);
  if (name === null) return null;
  let attributes = 0;
  for (let index = at + 1 + name.length; index < xml.length; index += 1) {
    const character = xml.charAt(index);
    if (character === '<') return null;
    if (character === '>') {
      const kind = xml.charAt(index - 1) === '/' ? 'empty' : 'open';
      return { kind, end: index + 1, name, attributes };
    }
    if (character !== '"' && character !== "'") continue;
    const close = xml.indexOf(character, index + 1);
    if (close < 0) return null;
    attributes += 1;
    index = close;
  }
  return null;
}
