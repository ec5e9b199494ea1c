import express, { type Request, type RequestHandler, type Response } from 'express';
import { AuthError } from '../errors.js';
import { breath } from './breath.js';
import { decodeUtf8 } from './utf8.js';

/** Reads the JSON body of a request; `undefined` when it has none. */
export type BodyReader = (request: Request, response: Response) => Promise<unknown>;

/**
 * Makes the reader of JSON bodies of at most `limit` bytes. A body needs no Content-Type (a client of this API
 * sends none), but one that says something else than JSON in UTF-8 is refused, which keeps the forms of other
 * sites out; so is any Content-Encoding. A body that the host has parsed already is taken from `req.body`.
 *
 * The reader throws AuthError `unsupported_media_type`, `payload_too_large` or `malformed_request`.
 */
export function jsonBodyReader(limit: number): BodyReader {
  // No inflation, so no bombs; any type, since the type is judged here.
  const raw = express.raw({ type: () => true, limit, inflate: false });
  const turn = turns();

  return async (request, response) => {
    if (!hasBody(request)) return undefined;
    refuseOtherTypes(request);
    if (request.readableDidRead) return hostParsed(request.body, limit);
    if (isLarge(request)) await turn();
    await parsed(raw, request, response);
    const bytes: unknown = request.body;
    return Buffer.isBuffer(bytes) && bytes.length > 0 ? parseJson(bytes) : undefined;
  };
}

/**
 * Makes the reader of HTML forms of at most `limit` bytes and ten fields. A form that the host has parsed already is
 * taken from `req.body`.
 *
 * The reader throws AuthError `payload_too_large`, `unsupported_media_type` or `malformed_request`.
 */
export function formBodyReader(
  limit: number,
): (request: Request, response: Response) => Promise<Record<string, unknown>> {
  const form = express.urlencoded({ extended: false, limit, parameterLimit: 10, inflate: false });
  const turn = turns();

  return async (request, response) => {
    if (!request.readableDidRead) {
      if (isLarge(request)) await turn();
      await parsed(form, request, response);
    }
    const body: unknown = request.body;
    return typeof body === 'object' && body !== null ? { ...body } : {};
  };
}

/** Bytes of a body that takes its turn: nothing but a SAML response is as large. */
const large = 32_768;

/**
 * One caller at a time, with a breath before each, so that many large bodies do not keep everybody else waiting. Until its
 * turn a body stays in the socket, for Node reads no more than a piece of what nobody takes.
 */
function turns(): () => Promise<void> {
  let last = Promise.resolve();
  return () => {
    last = last.then(breath);
    return last;
  };
}

/** Whether a body is large, or does not say how large it is. */
function isLarge({ headers }: Request): boolean {
  return Number(headers['content-length'] ?? Number.POSITIVE_INFINITY) > large;
}

function hasBody({ headers }: Request): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
}

function refuseOtherTypes({ headers }: Request): void {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new AuthError('unsupported_media_type');

  const contentType = headers['content-type'];
  if (contentType === undefined) return;
  const [type = '', ...parameters] = contentType.toLowerCase().split(';');
  const charset = parameters.map((parameter) => parameter.trim()).find((each) => each.startsWith('charset='));
  const json = /^application\/(?:[a-z0-9.-]+\+)?json$/.test(type.trim());
  const utf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset);
  if (!json || !utf8) throw new AuthError('unsupported_media_type');
}

/** Has a parser of Express read the body into `req.body`. */
function parsed(parser: RequestHandler, request: Request, response: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    parser(request, response, (error?: unknown) =>
      error === undefined ? resolve() : reject(readError(error)),
    );
  });
}

/** The errors of body-parser carry a status; its messages quote the input and are dropped. */
function readError(error: unknown): AuthError {
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  if (status === 413) return new AuthError('payload_too_large');
  if (status === 415) return new AuthError('unsupported_media_type');
  return new AuthError('malformed_request', {
    detail: 'The body could not be read.',
  });
}

function parseJson(bytes: Buffer): unknown {
  const text = decodeUtf8(bytes);
  if (text === null)
    throw new AuthError('malformed_request', {
      detail: 'The body is not valid UTF-8.',
    });
  try {
    return JSON.parse(text);
  } catch {
    throw new AuthError('malformed_request', {
      detail: 'The body is not valid JSON.',
    });
  }
}

/**
 * What a body parser of the host left behind. It may have folded invalid bytes into U+FFFD, which makes different
 * passwords equal; so that character is refused here, though a body that is read here may hold it.
 */
function hostParsed(body: unknown, limit: number): unknown {
  if (Buffer.isBuffer(body)) {
    if (body.length > limit) throw new AuthError('payload_too_large');
    return body.length === 0 ? undefined : parseJson(body);
  }
  if (typeof body === 'string' && !body.includes('\ufffd')) return hostParsed(Buffer.from(body), limit);
  const text = serialize(body);
  if (Buffer.byteLength(text) > limit) throw new AuthError('payload_too_large');
  if (text.includes('\ufffd'))
    throw new AuthError('malformed_request', {
      detail: 'The body is not valid UTF-8.',
    });
  return body;
}

function serialize(body: unknown): string {
  try {
    return JSON.stringify(body) ?? '';
  } catch {
    throw new AuthError('malformed_request', {
      detail: 'The body could not be read.',
    });
  }
}
