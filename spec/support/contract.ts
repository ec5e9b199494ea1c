import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { problems } from '../../lib/errors.js';
import { amendments, type Document } from './amendments.js';

/** An answer of the API, as it went over the wire. */
export interface Answer {
  method: string;
  /** The path without the query, below the mount point: `/session/auth`. */
  path: string;
  status: number;
  headers: Record<string, unknown>;
  body: string;
}

const document: Document = JSON.parse(
  readFileSync(new URL('./session-api.openapi.json', import.meta.url), 'utf8'),
);
for (const { apply } of amendments) apply(document);

const ajv = new Ajv({ strict: false, allErrors: true, discriminator: false });
addFormats.default(ajv);
ajv.addSchema(document, 'contract');
const validators = new Map<string, ValidateFunction>();

/** What is wrong with an answer, by the contract for a success and by RFC 9457 and our codes for an error. */
export function complaints({ method, path, status, headers, body }: Answer): string[] {
  const about = `${method} ${path} ${status}`;
  const found: string[] = [];
  if (headers['cache-control'] !== 'no-store') found.push(`${about}: Cache-Control is not no-store`);
  // The answer to HEAD is that to GET without its body.
  if (method === 'HEAD') return found;
  if (status >= 400) return [...found, ...problemComplaints(about, status, headers, body)];

  const operation = operationOf(method, path);
  if (operation === undefined) return found;
  const declared = operation.responses[String(status)] ?? operation.responses['2XX'];
  if (declared === undefined) return [...found, `${about}: the contract does not know this status`];
  if (declared.content === undefined) return body === '' ? found : [...found, `${about}: has a body`];
  if (!('application/json' in declared.content)) return found;
  if (!String(headers['content-type']).startsWith('application/json')) found.push(`${about}: is not JSON`);
  const validate = validatorOf(method, path, operation.responses[String(status)] ? String(status) : '2XX');
  if (!validate(JSON.parse(body))) found.push(`${about}: ${ajv.errorsText(validate.errors)} in ${body}`);
  return found;
}

function problemComplaints(
  about: string,
  status: number,
  headers: Answer['headers'],
  body: string,
): string[] {
  if (!String(headers['content-type']).startsWith('application/problem+json'))
    return [`${about}: is no problem+json`];
  const found: string[] = [];
  if (headers['set-cookie'] !== undefined) found.push(`${about}: sets a cookie`);
  const problem = JSON.parse(body);
  const known = Object.entries(problems).find(([code]) => code === problem.code)?.[1];
  if (known?.status !== status || problem.status !== status) found.push(`${about}: code ${problem.code}`);
  if (typeof problem.title !== 'string' || typeof problem.type !== 'string')
    found.push(`${about}: no title or type`);
  const allowed = ['type', 'title', 'status', 'detail', 'code', 'errors'];
  for (const key of Object.keys(problem)) if (!allowed.includes(key)) found.push(`${about}: has ${key}`);
  if (status === 401 && headers['www-authenticate'] === undefined)
    found.push(`${about}: no WWW-Authenticate`);
  if (status === 405 && headers.allow === undefined) found.push(`${about}: no Allow`);
  if (status === 429 && headers['retry-after'] === undefined) found.push(`${about}: no Retry-After`);
  return found;
}

function operationOf(method: string, path: string) {
  const operations = document.paths[`/sys/v1${path}`] ?? document.paths[path];
  return operations?.[method.toLowerCase()];
}

function validatorOf(method: string, path: string, status: string): ValidateFunction {
  const key = `${method} ${path} ${status}`;
  const known = validators.get(key);
  if (known) return known;
  const at = document.paths[`/sys/v1${path}`] ? `/sys/v1${path}` : path;
  const pointer = [at, method.toLowerCase(), 'responses', status, 'content', 'application/json', 'schema']
    .map((step) => encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1')))
    .join('/');
  const validate = ajv.compile({ $ref: `contract#/paths/${pointer}` });
  validators.set(key, validate);
  return validate;
}
