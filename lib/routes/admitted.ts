import type { Request, Response } from 'express';
import { AuthError } from '../errors.js';
import type { User } from '../repositories/index.js';
import type { Admission, Gate, Requirement } from '../sessions/gate.js';
import type { Work } from './handler.js';

/** What a route with a session does; the gate has let the session through. */
export type AdmittedWork = (request: Request, response: Response, admission: Admission) => Promise<void>;

/** Puts the gate before a route's work. */
export function admitted(gate: Gate, requirement: Requirement, work: AdmittedWork): Work {
  return async (request, response) => work(request, response, await gate(request, requirement));
}

/** The user of a session on a route that serves users only. */
export function userOf({ principal }: Admission): User {
  if (!('passwordHash' in principal)) throw new AuthError('wrong_principal');
  return principal;
}
