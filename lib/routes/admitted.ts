import type { Request, Response } from 'express';
import { AuthError } from '../errors.js';
import type { User } from '../repositories/index.js';
import type { Admission, Gate, Requirement } from '../sessions/gate.js';
import type { BodyReader } from '../wire/body.js';
import { canonicalEmail } from '../wire/email.js';
import type { Work } from './handler.js';

/** What a route with a session does; the gate has let the session through. */
export type AdmittedWork = (
  request: Request,
  response: Response,
  admission: Admission,
  /** The body, as JSON has it; `undefined` without one, and where the route reads none. */
  body: unknown,
) => Promise<void>;

/**
 * Puts the gate before a route's work. A body is read before the gate decides: what it lets through is true when all is
 * there, and not when a client began to send.
 */
export function admitted(
  gate: Gate,
  requirement: Requirement,
  work: AdmittedWork,
  readBody?: BodyReader,
): Work {
  return async (request, response) => {
    const body = await readBody?.(request, response);
    return work(request, response, await gate.admit(request, requirement), body);
  };
}

/** What proving this user's password again guesses at: the same as signing in by it. */
export function guessAt({ id, email }: User): { email: string } {
  return { email: canonicalEmail(email) ?? id };
}

/** The user of a session on a route that serves users only. */
export function userOf({ principal }: Admission): User {
  if (!('passwordHash' in principal)) throw new AuthError('wrong_principal');
  return principal;
}
