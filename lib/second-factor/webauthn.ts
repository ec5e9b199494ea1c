import { loadOnce } from '../load-once.js';

/** The WebAuthn library with its helpers, and the one that reads certificates. */
export interface WebAuthn {
  server: typeof import('@simplewebauthn/server');
  helpers: typeof import('@simplewebauthn/server/helpers');
  x509: typeof import('@peculiar/x509');
}

/** Loads these libraries when the first device needs them. */
export const loadWebAuthn = loadOnce(async (): Promise<WebAuthn> => {
  // It brings along what the other one does not start without.
  const server = await import('@simplewebauthn/server');
  const [helpers, x509] = await Promise.all([
    import('@simplewebauthn/server/helpers'),
    import('@peculiar/x509'),
  ]);
  return { server, helpers, x509 };
});
