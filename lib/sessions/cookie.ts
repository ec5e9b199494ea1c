import { parseCookie, stringifySetCookie } from 'cookie';
import type { Request, Response } from 'express';

/** How the session cookie is called and sent. */
export interface CookieSettings {
  /** Its name without the `__Host-` prefix. */
  name: string;
  /** Whether a request to a loopback host gets a cookie without the prefix and without `Secure`. */
  dangerouslyAllowHttpOnLocalhost: boolean;
}

/** Reads, sets and clears the session cookie; see {@link sessionCookie}. */
export interface SessionCookie {
  read(request: Request): string | undefined;
  /** Sets the cookie; `seconds` is when the session ends in any case. */
  set(request: Request, response: Response, token: string, seconds: number): void;
  clear(request: Request, response: Response): void;
}

/**
 * Makes the functions of the session cookie: `__Host-` prefix, so that no other host and no plain connection can
 * set it (RFC 6265bis, section 4.1.3.2), Secure, HttpOnly, SameSite=Lax.
 */
export function sessionCookie({ name, dangerouslyAllowHttpOnLocalhost }: CookieSettings): SessionCookie {
  const plain = (request: Request) => dangerouslyAllowHttpOnLocalhost && isLoopback(request.headers.host);
  const nameFor = (request: Request) => (plain(request) ? name : `__Host-${name}`);
  const send = (request: Request, response: Response, value: string, maxAge: number) => {
    const attributes = {
      path: '/',
      httpOnly: true,
      secure: !plain(request),
      sameSite: 'lax',
      maxAge,
    } as const;
    response.append('Set-Cookie', stringifySetCookie({ name: nameFor(request), value, ...attributes }));
  };

  return {
    read(request) {
      const header = request.headers.cookie;
      return header === undefined ? undefined : parseCookie(header)[nameFor(request)];
    },
    set: send,
    clear: (request, response) => send(request, response, '', 0),
  };
}

/** Whether a Host header names this machine. */
function isLoopback(host: string | undefined): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i.test(host ?? '');
}
