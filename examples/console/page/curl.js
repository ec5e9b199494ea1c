/** The line for a shell that sends the same request. A Cookie session is kept in the file `cookies.txt`. */
export function curlOf({ method, path, headers, body, cookie }) {
  const words = ['curl', '-i'];
  if (method !== 'GET' && body === undefined) words.push('-X', method);
  words.push(quoted(`${location.origin}${path}`));
  for (const [name, value] of Object.entries(headers)) {
    const credentials = credentialsIn(name, value);
    if (credentials === undefined) words.push('-H', quoted(`${name}: ${value}`));
    else words.push('-u', quoted(credentials));
  }
  if (body !== undefined) words.push('-d', quoted(body));
  if (cookie === 'sends' || cookie === 'changes') words.push('-b', 'cookies.txt');
  if (cookie !== undefined) words.push('-c', 'cookies.txt');
  return words.join(' ');
}

/** What curl makes a Basic header of. */
function credentialsIn(name, value) {
  if (name !== 'Authorization' || !value.startsWith('Basic ')) return undefined;
  const bytes = Uint8Array.from(atob(value.slice('Basic '.length)), (byte) => byte.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}

/** One word for a POSIX shell, whatever is in it. */
function quoted(text) {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
