import type { RequestHandler, Response } from 'express';
import type { GuessLimits } from '../defence/guesses.js';
import { AuthError } from '../errors.js';
import type { SameOriginCheck } from '../sessions/same-origin.js';
import { formBodyReader } from '../wire/body.js';
import { type ReturnDependencies, returnSignedIn, targetOf } from './browser-return.js';
import { clientOf } from './client.js';

/** What the assertion consumer service is made from. */
export interface SamlAcsDependencies extends ReturnDependencies {
  limits: GuessLimits;
  sameOrigin: SameOriginCheck;
  randomBytes: (size: number) => Buffer;
}

/** Bytes of a form with a response in it. */
const formLimit = 524_288;

/**
 * The handler for the assertion consumer service: the identity provider's page has the browser post a form here. That
 * comes from another origin, and where that is another site without the cookie that says who began; so the first answer
 * is a page of this origin which posts the same again. It ends in a Cookie session and a redirect.
 */
export function samlAcs(dependencies: SamlAcsDependencies, targets: readonly string[]): RequestHandler {
  const { limits, sameOrigin, randomBytes, serve } = dependencies;
  const readForm = formBodyReader(formLimit);
  return serve('samlAcs()', async (request, response) => {
    if (request.method !== 'POST') throw new AuthError('method_not_allowed', { headers: { Allow: 'POST' } });
    await limits.check(clientOf(request));
    const { SAMLResponse, RelayState, again } = await readForm(request, response);
    if (typeof SAMLResponse !== 'string' || SAMLResponse === '') {
      throw new AuthError('malformed_request', { fields: [{ path: 'SAMLResponse', detail: 'is required' }] });
    }
    if (again === undefined) {
      postAgain(response, { SAMLResponse, RelayState }, randomBytes(16).toString('base64url'));
      return;
    }
    sameOrigin(request);
    const target = targetOf(targets, RelayState);
    const body = { method: 'saml-response', response: SAMLResponse };
    await returnSignedIn(dependencies, request, response, { method: 'saml-response', body, target });
  });
}

/** A page that posts the same form to the same address, from this origin. */
function postAgain(response: Response, fields: Record<string, unknown>, nonce: string): void {
  const inputs = Object.entries({ ...fields, again: '1' })
    .filter((each): each is [string, string] => typeof each[1] === 'string')
    .map(([name, value]) => `<input type="hidden" name="${name}" value="${escaped(value)}">`);
  response
    .status(200)
    .set('Content-Security-Policy', `default-src 'none'; script-src 'nonce-${nonce}'; base-uri 'none'`)
    // Without a referrer a browser would call its own origin null.
    .set('Referrer-Policy', 'same-origin')
    .type('html')
    .send(
      [
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Signing in</title>',
        `<form method="post">${inputs.join('')}<noscript><button>Go on</button></noscript></form>`,
        `<script nonce="${nonce}">document.forms[0].submit()</script></html>`,
      ].join('\n'),
    );
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}
