import { fileURLToPath } from 'node:url';
import express, { type RequestHandler } from 'express';

/** Only what this server sends may run, style or be called: no inline script, no inline style, no frame. */
const contentSecurityPolicy =
  "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";

/** The page and what it loads, as they are in the folder `page`. */
export function page(): RequestHandler {
  return express.static(fileURLToPath(new URL('page', import.meta.url)), {
    setHeaders(response) {
      response.setHeader('Content-Security-Policy', contentSecurityPolicy);
      response.setHeader('X-Content-Type-Options', 'nosniff');
      response.setHeader('Referrer-Policy', 'no-referrer');
    },
  });
}
