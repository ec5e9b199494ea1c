import { createHash } from 'node:crypto';
import { z } from 'zod';
import { audienceHeader, callerIdentityBody, nonceHeader } from './caller-identity.js';
import { uuid } from './schemas.js';

const bodyHash = createHash('sha256').update(callerIdentityBody).digest('hex');

/** What is passed on to STS, beside the host. Everything else a client may send along, and nobody gets to see. */
const passedOn = [
  // What the SDKs sign beside that, which says nothing to STS.
  ...['amz-sdk-invocation-id', 'amz-sdk-request', 'x-amz-user-agent'],
  ...['authorization', 'content-type', 'x-amz-content-sha256', 'x-amz-date', 'x-amz-security-token'],
  audienceHeader,
  nonceHeader,
];

/** A request to STS that somebody has signed by Signature Version 4, as far as it can be read here. */
export interface SignedRequest {
  /** The id of the access key, which says nothing of who it is. */
  accessKeyId: string;
  /** When it was signed, in milliseconds since the epoch. */
  signedAt: number;
  /** The names of the headers that are signed, in lower case. */
  signedHeaders: readonly string[];
  /** 64 hexadecimal digits in lower case. */
  signature: string;
  /** The headers that are passed on, by their names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** The host that it was signed for, if it says so. */
  host: string | null;
}

/** What may be signed beside that, since the connection says it by itself. */
const saidAnyhow = new Map([
  ['host', null],
  ['content-length', String(callerIdentityBody.length)],
]);

type Issue = (name: string, detail: string) => typeof z.NEVER;

const authorizationShape =
  /^AWS4-HMAC-SHA256 Credential=([A-Z0-9]{16,128})\/(\d{8})\/([a-z0-9-]{1,32})\/([a-z0-9-]{1,32})\/aws4_request, ?SignedHeaders=([a-z0-9;-]{1,1024}), ?Signature=([0-9a-f]{64})$/;
const dateShape = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

/** Body of `method: aws-iam`. */
export const awsRequest = z
  .object({
    acct_id: uuid,
    region: z.string().regex(/^[a-z]{2,4}(?:-[a-z]{1,16}){1,3}-\d{1,2}$/, 'must be a region of AWS'),
    headers: z.record(z.string(), z.string()),
  })
  .transform(({ acct_id: accountId, region, headers }, context) => {
    const issue: Issue = (name, message) => {
      context.addIssue({ code: 'custom', path: ['headers', name], message });
      return z.NEVER;
    };
    const signed = signedRequest(headers, region, issue);
    return { accountId, region, signed };
  });

/** Reads the headers of a signed request (AWS Signature Version 4), and refuses what can be read in two ways. */
function signedRequest(given: Record<string, string>, region: string, issue: Issue): SignedRequest {
  const entries = Object.entries(given);
  if (entries.length > 64) return issue('', 'must be at most 64');
  const headers = new Map<string, string>();
  for (const [name, value] of entries) {
    const lower = name.toLowerCase();
    if (!/^[\w!#$%&'*+.^`|~-]{1,64}$/.test(lower)) return issue('', 'must have names that headers have');
    // The others go nowhere.
    if (!saidAnyhow.has(lower) && !passedOn.includes(lower)) continue;
    if (headers.has(lower)) return issue(lower, 'must be there once, in whatever case');
    // No header has line breaks, and nothing is trimmed or folded on the way.
    if (!/^[!-~](?:[ -~]{0,8190}[!-~])?$/.test(value)) return issue(lower, 'must be printable ASCII');
    headers.set(lower, value);
  }

  const authorization = authorizationShape.exec(headers.get('authorization') ?? '');
  if (authorization === null) return issue('authorization', 'must be of Signature Version 4');
  const [, accessKeyId = '', day, scope, service, names = '', signature = ''] = authorization;
  if (scope !== region || service !== 'sts') return issue('authorization', 'must be for sts in this region');
  const date = headers.get('x-amz-date') ?? '';
  const signedAt = timeOf(date);
  if (signedAt === null || !date.startsWith(`${day}T`))
    return issue('x-amz-date', 'must be a time, of the day that is signed');
  const signedHeaders = names.split(';');
  const sorted = [...new Set(signedHeaders)].sort();
  if (sorted.join(';') !== names) return issue('authorization', 'must sign each header once, in order');
  for (const name of ['host', 'x-amz-date'])
    if (!signedHeaders.includes(name)) return issue('authorization', `must sign ${name}`);
  const strange = signedHeaders.find((name) => !saidAnyhow.has(name) && !passedOn.includes(name));
  if (strange !== undefined) return issue('authorization', 'must sign nothing that is not passed on');
  const missing = signedHeaders.find((name) => !saidAnyhow.has(name) && !headers.has(name));
  if (missing !== undefined) return issue('authorization', 'must sign nothing that is not there');

  const length = headers.get('content-length');
  if (
    length !== undefined &&
    signedHeaders.includes('content-length') &&
    length !== saidAnyhow.get('content-length')
  )
    return issue('content-length', 'must be the length of the request for GetCallerIdentity');
  // What was signed to do something else, such as to assume a role, is not ours to try.
  if ((headers.get('x-amz-content-sha256') ?? bodyHash) !== bodyHash)
    return issue('x-amz-content-sha256', 'must be the hash of the request for GetCallerIdentity');

  const kept = passedOn.flatMap((name): [string, string][] => {
    const value = headers.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const own = { accessKeyId, signedAt, signedHeaders, signature, headers: Object.fromEntries(kept) };
  return { ...own, host: headers.get('host') ?? null };
}

/** A time of ISO 8601 in its basic form, in UTC; `null` for one that no calendar has. */
function timeOf(text: string): number | null {
  const [, year, month, day, hour, minute, second] = dateShape.exec(text) ?? [];
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const time = Date.parse(iso);
  return Number.isFinite(time) && new Date(time).toISOString() === iso ? time : null;
}
