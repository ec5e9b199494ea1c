/** Whether a page may use security keys here: a current browser, on https or on localhost. */
export const hasWebAuthn = window.PublicKeyCredential !== undefined && navigator.credentials !== undefined;

/** Why not, in a sentence. */
export const noWebAuthn =
  'This browser offers no WebAuthn on this page, so security keys cannot be used. ' +
  'It takes a current browser, and an address on https or http://localhost.';

/** Asks for a key that is enrolled; `options` as the server sent them, the assertion as the server wants it. */
export async function useKey(options, signal) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON?.(options) ?? requestOptions(options);
  return jsonOf(await navigator.credentials.get({ publicKey, signal }));
}

/** Asks for a key to enrol, in the same way. */
export async function makeKey(options, signal) {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON?.(options) ?? creationOptions(options);
  return jsonOf(await navigator.credentials.create({ publicKey, signal }));
}

/** What became of a prompt that brought no key, for somebody who has never heard of a DOMException. */
export function sentenceOf({ name, message }) {
  const sentences = {
    AbortError: 'The page no longer waits for a key.',
    NotAllowedError:
      'No key answered: the prompt was cancelled, its time ran out, or the key was not one that counts.',
    InvalidStateError: 'This key is enrolled already.',
    NotSupportedError: 'The key offers no algorithm that the server takes.',
    ConstraintError: 'The key cannot do what the server asks of it.',
    SecurityError: 'The address of this page is not one of the relying party; open it on http://localhost.',
  };
  return sentences[name] ?? `The browser could not use a key: ${message} (${name})`;
}

// What follows is for browsers that know keys but not their JSON forms.

function requestOptions({ challenge, allowCredentials = [], ...rest }) {
  return { ...rest, challenge: bytesOf(challenge), allowCredentials: allowCredentials.map(descriptor) };
}

function creationOptions({ challenge, user, excludeCredentials = [], ...rest }) {
  return {
    ...rest,
    challenge: bytesOf(challenge),
    user: { ...user, id: bytesOf(user.id) },
    excludeCredentials: excludeCredentials.map(descriptor),
  };
}

function descriptor({ id, ...rest }) {
  return { ...rest, id: bytesOf(id) };
}

function jsonOf(credential) {
  if (typeof credential.toJSON === 'function') return credential.toJSON();
  const { id, rawId, type, response } = credential;
  const parts = ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle'];
  const there = parts.filter((part) => response[part] instanceof ArrayBuffer);
  return {
    id,
    rawId: base64url(rawId),
    type,
    response: {
      ...Object.fromEntries(there.map((part) => [part, base64url(response[part])])),
      ...(response.getTransports === undefined ? {} : { transports: response.getTransports() }),
    },
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

function bytesOf(text) {
  const base64 = text.replaceAll('-', '+').replaceAll('_', '/');
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function base64url(buffer) {
  const base64 = btoa(String.fromCharCode(...new Uint8Array(buffer)));
  return base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
