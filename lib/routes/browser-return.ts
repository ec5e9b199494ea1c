import type { Request, Response } from 'express';
import { AuthError } from '../errors.js';
import type { SessionCookie } from '../sessions/cookie.js';
import type { Method } from '../strategies/method.js';
import { type AnswerDependencies, authResponseOf, setSessionCookie } from './answer.js';
import { clientOf } from './client.js';
import type { Draining } from './draining.js';
import type { SignIn } from './sign-in.js';

/** Where browsers are sent when they come back from an identity provider. */
export interface ReturnOptions {
  /**
   * The page that they are sent to: a path of this host, or an address of an origin in `relyingParty.origins`. Of a list
   * the first is the usual one, and RelayState may ask for another of them.
   */
  redirectTo: string | readonly string[];
}

/** What bringing a browser back is made from. */
export interface ReturnDependencies extends AnswerDependencies {
  /** Makes handlers. */
  serve: Draining['serve'];
  methods: ReadonlyMap<string, Method>;
  signIn: SignIn;
  flowCookie: SessionCookie;
}

/**
 * Signs a browser in that comes back from an identity provider, by the cookie, and sends it on. What the page cannot
 * know otherwise stands in the fragment, which no server sees: `#session=` with the AuthResponse in base64url, the
 * challenge of a pending session in it, or `#error=` with a code.
 */
export async function returnSignedIn(
  dependencies: ReturnDependencies,
  request: Request,
  response: Response,
  { method: name, body, target }: { method: string; body: object; target: string },
): Promise<void> {
  const { methods, signIn, sessions } = dependencies;
  const method = methods.get(name);
  if (method === undefined) throw new AuthError('method_not_configured');
  request.body = body;
  try {
    const { started, devices } = await signIn(request, clientOf(request), method, 'Cookie');
    if (request.socket.destroyed) return sessions.end(started, 'undelivered');
    setSessionCookie(dependencies, request, response, started);
    const told = JSON.stringify(authResponseOf(dependencies, started, devices));
    response.redirect(303, `${target}#session=${Buffer.from(told).toString('base64url')}`);
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    response.redirect(303, `${target}#error=${error.code}`);
  }
}

/** The page that a browser is sent to: the one it asks for if that is listed, else the first. */
export function targetOf(targets: readonly string[], asked: unknown): string {
  const [usual = '/'] = targets;
  return typeof asked === 'string' && targets.includes(asked) ? asked : usual;
}
