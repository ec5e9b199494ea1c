import { fileURLToPath } from 'node:url';
import express, { type RequestHandler } from 'express';

/** Only what this server sends may run, style or be called: no inline script, no inline style, no frame. */
const contentSecurityPolicy =
  "default-src 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'";

/** The page and what it loads, as they are in the folder `page`. Its only forms go to the identity provider. */
export function page(providerOrigin: string): RequestHandler {
  const policy = `${contentSecurityPolicy}; form-action ${providerOrigin}`;
  return express.static(fileURLToPath(new URL('page', import.meta.url)), {
    setHeaders(response) {
      response.setHeader('Content-Security-Policy', policy);
      response.setHeader('X-Content-Type-Options', 'nosniff');
      response.setHeader('Referrer-Policy', 'no-referrer');
    },
  });
}
