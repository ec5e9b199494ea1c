/** The WebAuthn library and its helpers. */
export interface WebAuthn {
  server: typeof import('@simplewebauthn/server');
  helpers: typeof import('@simplewebauthn/server/helpers');
}

/** Loads the WebAuthn library, which Node does once, when the first device needs it. */
export async function loadWebAuthn(): Promise<WebAuthn> {
  const [server, helpers] = await Promise.all([
    import('@simplewebauthn/server'),
    import('@simplewebauthn/server/helpers'),
  ]);
  return { server, helpers };
}
