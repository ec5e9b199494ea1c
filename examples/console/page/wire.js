/** What stands in an answer that a reader of the log wants to see. */
const headersThatMatter = [
  'Content-Type',
  'Cache-Control',
  'WWW-Authenticate',
  'Retry-After',
  'Allow',
  'Content-Length',
];

/**
 * Sends a request and answers with the exchange as it went over the wire, as far as a page may see it. `cookie` says what
 * the browser does with the session cookie, which no script can read: it `takes` the one that the answer sets, it `sends`
 * the one that it has, or it `changes` the one that it sends for the one that the answer sets; or it `begins` something
 * for which it takes a cookie of its own.
 */
export async function send({ method, path, headers = {}, body, cookie }) {
  const request = { method, path, headers, body, cookie };
  const started = performance.now();
  try {
    const response = await fetch(path, {
      method,
      headers,
      body,
      cache: 'no-store',
      credentials: cookie === undefined ? 'omit' : 'same-origin',
    });
    const text = await response.text();
    const { status, statusText } = response;
    return {
      request,
      answer: { status, statusText, headers: thoseThatMatter(response.headers), text, json: jsonOf(text) },
      milliseconds: performance.now() - started,
    };
  } catch {
    return { request, answer: null, milliseconds: performance.now() - started };
  }
}

/** The value of a Basic header (RFC 7617): base64 of the UTF-8 of `username:password`. */
export function basic(username, password) {
  const bytes = new TextEncoder().encode(`${username}:${password}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}

function thoseThatMatter(headers) {
  return headersThatMatter.filter((name) => headers.has(name)).map((name) => [name, headers.get(name)]);
}

function jsonOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
