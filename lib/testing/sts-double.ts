import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** A key pair that the double knows, and who it stands for. */
export interface StsCaller {
  accessKeyId: string;
  secretAccessKey: string;
  /** Of temporary credentials. @default none */
  sessionToken?: string;
  arn: string;
  account: string;
  userId: string;
}

/** A Security Token Service for specs; see {@link stsDouble}. */
export interface StsDouble {
  /** What the control under test is given as `fetch`. Every other host is out of reach. */
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** All requests that were made, in order. */
  readonly requests: readonly { url: string; init: RequestInit }[];
  /** Has it answer otherwise from now on; `undefined` leaves an answer to it. */
  misbehave(answer: ((url: URL) => Response | Promise<Response> | undefined) | null): void;
}

const namespace = 'https://sts.amazonaws.com/doc/2011-06-15/';
const body = 'Action=GetCallerIdentity&Version=2011-06-15';

/**
 * Makes a Security Token Service in the process and without a socket, for specs. It verifies Signature Version 4 as AWS does,
 * over what has really come, and says who has signed.
 *
 * @example
 * const sts = stsDouble([{ accessKeyId, secretAccessKey, arn, account, userId }]);
 * passportControl({ …, aws: { audience }, fetch: sts.fetch });
 */
export function stsDouble(
  callers: readonly StsCaller[],
  { clock = Date.now }: { clock?: () => number } = {},
): StsDouble {
  const requests: { url: string; init: RequestInit }[] = [];
  let answer: Parameters<StsDouble['misbehave']>[0] = null;

  return {
    requests,
    misbehave(next) {
      answer = next;
    },
    async fetch(url, init) {
      requests.push({ url, init });
      const at = new URL(url);
      const own = await answer?.(at);
      if (own !== undefined) return own;
      if (!/^sts\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?$/.test(at.hostname))
        throw new TypeError('fetch failed');
      const refusal = refusalOf(at, init, callers, clock());
      if (typeof refusal === 'string')
        return xml(
          403,
          `<ErrorResponse xmlns="${namespace}"><Error><Code>${refusal}</Code></Error></ErrorResponse>`,
        );
      const { arn, account, userId } = refusal;
      const result = `<Arn>${arn}</Arn><UserId>${userId}</UserId><Account>${account}</Account>`;
      return xml(
        200,
        `<GetCallerIdentityResponse xmlns="${namespace}"><GetCallerIdentityResult>${result}</GetCallerIdentityResult>` +
          '<ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></GetCallerIdentityResponse>',
      );
    },
  };
}

/** Who has signed a request, or the code by which AWS refuses it. */
function refusalOf(
  url: URL,
  init: RequestInit,
  callers: readonly StsCaller[],
  now: number,
): StsCaller | string {
  const headers = new Headers(init.headers);
  // What the connection says by itself.
  headers.set('host', url.host);
  headers.set('content-length', String(String(init.body).length));
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/sts\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=(\w+)$/.exec(
      headers.get('authorization') ?? '',
    );
  if (parts === null || init.method !== 'POST' || String(init.body) !== body) return 'IncompleteSignature';
  const [, id, day = '', region = '', names = '', signature = ''] = parts;
  const caller = callers.find(({ accessKeyId }) => accessKeyId === id);
  if (caller === undefined) return 'InvalidClientTokenId';
  if ((headers.get('x-amz-security-token') ?? undefined) !== caller.sessionToken)
    return 'InvalidClientTokenId';
  const date = headers.get('x-amz-date') ?? '';
  const iso = date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  if (!(Math.abs(Date.parse(iso) - now) < 900_000)) return 'SignatureDoesNotMatch';

  const canonical = [
    'POST',
    '/',
    '',
    ...names.split(';').map((name) => `${name}:${(headers.get(name) ?? '').trim().replaceAll(/ +/g, ' ')}`),
    '',
    names,
    sha256(body),
  ].join('\n');
  const scope = `${day}/${region}/sts/aws4_request`;
  const key = ['sts', 'aws4_request'].reduce(hmac, hmac(hmac(`AWS4${caller.secretAccessKey}`, day), region));
  const wanted = hmac(key, ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n'));
  const given = Buffer.from(signature, 'hex');
  const isRight = given.length === wanted.length && timingSafeEqual(given, wanted);
  return isRight && region === url.hostname.split('.')[1] ? caller : 'SignatureDoesNotMatch';
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function xml(status: number, text: string): Response {
  return new Response(text, { status, headers: { 'content-type': 'text/xml' } });
}
