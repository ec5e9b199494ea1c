import type { Request, Response } from 'express';
import type { AuthError, ProblemCode } from '../errors.js';
import { isBasic } from './authorization.js';
import { sendJson } from './send-json.js';

/** The body of every error of this API: `application/problem+json` (RFC 9457) with a stable `code`. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  code: ProblemCode;
  errors?: readonly { path: string; detail: string }[];
}

/** The error parameter of a Bearer challenge: RFC 6750, section 3.1, and RFC 9470, section 3. */
const bearerErrors: Partial<Record<ProblemCode, string>> = {
  invalid_session: 'invalid_token',
  second_factor_required: 'insufficient_user_authentication',
  enrolment_required: 'insufficient_user_authentication',
  fresh_sign_in_required: 'insufficient_user_authentication',
};

/** Answers with a problem, which no cache may keep. */
export function sendProblem(request: Request, response: Response, error: AuthError): void {
  for (const name in error.headers) response.setHeader(name, error.headers[name] ?? '');
  response.setHeader('Cache-Control', 'no-store');
  if (error.retryAfter !== undefined)
    response.setHeader('Retry-After', Math.max(1, Math.ceil(error.retryAfter)));
  if (error.status === 401) response.setHeader('WWW-Authenticate', challenges(request, error));
  sendJson(response, error.status, problemOf(error), 'application/problem+json');
}

/** The body that an error is answered with. */
export function problemOf(error: AuthError): Problem {
  return {
    type: `urn:passport-control:problem:${error.code}`,
    title: error.title,
    status: error.status,
    ...(error.detail === undefined ? {} : { detail: error.detail }),
    code: error.code,
    ...(error.fields === undefined ? {} : { errors: error.fields }),
  };
}

/** Basic is offered only to clients that use it and are no browsers: those would open a dialog. */
function challenges({ headers }: Request, { code, maxAge }: AuthError): string[] {
  const error = bearerErrors[code];
  const parameters = [
    ...(error === undefined ? [] : [`error="${error}"`]),
    ...(maxAge === undefined ? [] : [`max_age="${maxAge}"`]),
  ];
  const bearer = ['Bearer', parameters.join(', ')].filter(Boolean).join(' ');
  const { authorization } = headers;
  if (authorization === undefined || !isBasic(authorization)) return [bearer];
  const browser = Object.keys(headers).some((name) => name.startsWith('sec-fetch-'));
  return browser ? [bearer] : [bearer, 'Basic realm="session", charset="UTF-8"'];
}
