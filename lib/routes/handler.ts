import type { ErrorRequestHandler, NextFunction, Request, RequestHandler, Response } from 'express';
import { AuthError } from '../errors.js';
import { sendProblem } from '../wire/problem.js';

/** What a route does: parse, call, answer. What it throws is answered here. */
export type Work = (request: Request, response: Response) => Promise<void>;

/** What a path serves, by HTTP method. */
export type Route = { GET?: Work; POST?: Work; PATCH?: Work; DELETE?: Work };

/**
 * Makes an Express handler of a route's work. An AuthError becomes the problem that it names. Everything else is
 * unforeseen and goes to the host's error handler, without its message, which may quote a secret.
 */
export function handler(operation: string, work: Work): RequestHandler {
  return async (request, response, next) => {
    response.setHeader('Cache-Control', 'no-store');
    try {
      await work(request, response);
    } catch (error) {
      fail(operation, error, request, response, next);
    }
  };
}

/** Answers an AuthError, and hands anything else on; for middleware, which answers nothing when all is well. */
export function fail(
  operation: string,
  error: unknown,
  request: Request,
  response: Response,
  next: NextFunction,
): void {
  if (!(error instanceof AuthError)) next(unforeseen(operation, error));
  else if (!response.headersSent) sendProblem(request, response, error);
}

/**
 * Express error middleware for the host's own routes: answers an {@link AuthError}, such as `control.authenticate()` and
 * `control.devices` throw it, as the routes of this API do, with its `application/problem+json`, `WWW-Authenticate` and
 * `Retry-After`. Every other error goes on to the next handler.
 *
 * @example
 * app.use(problemHandler);   // after the routes
 */
export const problemHandler: ErrorRequestHandler = (error, request, response, next) => {
  if (!(error instanceof AuthError) || response.headersSent) return next(error);
  // They are of the answer that the handler had begun.
  for (const name of ['Content-Encoding', 'Content-Range', 'ETag', 'Last-Modified'])
    response.removeHeader(name);
  sendProblem(request, response, error);
};

/** An error that tells where something unforeseen happened, and nothing of what was said there. */
function unforeseen(operation: string, error: unknown): Error {
  const name = error instanceof Error ? error.name : typeof error;
  const told = new Error(`passport-control: unforeseen ${name} in ${operation}`);
  const frames =
    error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)) : [];
  told.stack = [`${told.name}: ${told.message}`, ...frames].join('\n');
  return told;
}
