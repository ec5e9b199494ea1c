type Xmldom = typeof import('@xmldom/xmldom');

/** Namespaces of SAML, XML signatures and XML encryption. */
export const namespaces = {
  protocol: 'urn:oasis:names:tc:SAML:2.0:protocol',
  assertion: 'urn:oasis:names:tc:SAML:2.0:assertion',
  metadata: 'urn:oasis:names:tc:SAML:2.0:metadata',
  signature: 'http://www.w3.org/2000/09/xmldsig#',
  encryption: 'http://www.w3.org/2001/04/xmlenc#',
} as const;

/** An element by its namespace and name, as far as it is looked at here. */
export interface XmlElement {
  attribute(name: string): string | null;
  /** All its text, comments left out. */
  readonly text: string;
  is(namespace: string, name: string): boolean;
  children(): readonly XmlElement[];
  /** The children of this name. */
  all(namespace: string, name: string): readonly XmlElement[];
  /** The one child of this name; `null` when there is none or there are several. */
  one(namespace: string, name: string): XmlElement | null;
  /** All elements of this name below this one, at any depth; `*` stands for any namespace. */
  below(namespace: string, name: string): readonly XmlElement[];
}

/** The root element of well-formed XML; `null` for anything else. What is parsed is looked at by `samlDocument` first. */
export function xmlRoot({ DOMParser }: Xmldom, xml: string): XmlElement | null {
  const refuse = () => {
    throw new SyntaxError('not well-formed');
  };
  try {
    const errorHandler = { warning: refuse, error: refuse, fatalError: refuse };
    const document = new DOMParser({ errorHandler }).parseFromString(xml, 'text/xml');
    const roots = elementsOf(document.childNodes);
    return roots.length === 1 && roots[0] !== undefined ? wrapped(roots[0]) : null;
  } catch {
    return null;
  }
}

function wrapped(element: Element): XmlElement {
  const is = (namespace: string, name: string) =>
    element.namespaceURI === namespace && element.localName === name;
  const children = () => elementsOf(element.childNodes).map(wrapped);
  const all = (namespace: string, name: string) => children().filter((each) => each.is(namespace, name));
  return {
    attribute: (name) => (element.hasAttribute(name) ? element.getAttribute(name) : null),
    text: element.textContent ?? '',
    is,
    children,
    all,
    one(namespace, name) {
      const found = all(namespace, name);
      return found.length === 1 ? (found[0] ?? null) : null;
    },
    below(namespace, name) {
      const found = element.getElementsByTagNameNS(namespace, name);
      return Array.from({ length: found.length }, (_, at) => found.item(at))
        .filter((each) => each !== null)
        .map(wrapped);
    },
  };
}

/** xmldom's lists are no iterables. */
function elementsOf(list: { readonly length: number; item(index: number): Node | null }): Element[] {
  return Array.from({ length: list.length }, (_, at) => list.item(at)).filter(
    (each): each is Element => each?.nodeType === 1,
  );
}

/** An xsd:dateTime in UTC, as SAML core, section 1.3.3, wants it, in milliseconds since the epoch. */
export function timeOf(text: string | null): number | null {
  if (text === null || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/.test(text)) return null;
  const time = Date.parse(text);
  // A calendar that is asked for the 30th of February answers with some day of March.
  return Number.isFinite(time) && new Date(time).toISOString().slice(0, 10) === text.slice(0, 10)
    ? time
    : null;
}
