import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, RequestListener } from 'node:http';

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
  /** The same on a socket, for what cannot be given a fetch: `http.createServer(sts.listener)` and `aws.stsEndpoint`. */
  listener: RequestListener;
  /** All requests that were made, in order. */
  readonly requests: readonly { url: string; init: RequestInit }[];
  /** Has it answer otherwise from now on; `undefined` leaves an answer to it. */
  misbehave(answer: ((url: URL) => Response | undefined | Promise<Response | undefined>) | null): void;
}

const namespace = 'https://sts.amazonaws.com/doc/2011-06-15/';
const body = 'Action=GetCallerIdentity&Version=2011-06-15';

/**
 * Makes a Security Token Service in the process, for specs; without a socket unless its `listener` is given one. It verifies
 * Signature Version 4 as AWS does, over what has really come, and says who has signed.
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

  const answerTo = async (url: string, init: RequestInit): Promise<Response | null> => {
    requests.push({ url, init });
    return (await answer?.(new URL(url))) ?? null;
  };
  const identityOf = (url: string, init: RequestInit): Response => {
    const refusal = refusalOf(new URL(url), init, callers, clock());
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
  };

  return {
    requests,
    misbehave(next) {
      answer = next;
    },
    async fetch(url, init) {
      const own = await answerTo(url, init);
      if (own !== null) return own;
      if (!awsHost.test(new URL(url).hostname)) throw new TypeError('fetch failed');
      return identityOf(url, init);
    },
    listener: (request, response) => {
      const serve = async () => {
        const { url, init } = await received(request);
        const answered = (await answerTo(url, init)) ?? identityOf(url, init);
        response.writeHead(answered.status, Object.fromEntries(answered.headers));
        response.end(Buffer.from(await answered.arrayBuffer()));
      };
      serve().catch(() => response.destroy());
    },
  };
}

const awsHost = /^sts\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/;

/** A request that came over a socket, as a fetch would have been given it. */
async function received(request: IncomingMessage): Promise<{ url: string; init: RequestInit }> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const { method = 'GET', headers } = request;
  const sent = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]);
  const init = { method, headers: sent, body: Buffer.concat(chunks).toString() };
  return { url: new URL(request.url ?? '/', `http://${headers.host}`).href, init };
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
  const isAsked =
    init.method === 'POST' && `${url.pathname}${url.search}` === '/' && String(init.body) === body;
  if (parts === null || !isAsked) return 'IncompleteSignature';
  const [, id, day = '', region = '', names = '', signature = ''] = parts;
  const signed = names.split(';');
  const isSigned = ['host', 'x-amz-date'].every((name) => signed.includes(name));
  if (!isSigned || [...signed].sort().join(';') !== names) return 'IncompleteSignature';
  const caller = callers.find(({ accessKeyId }) => accessKeyId === id);
  if (caller === undefined) return 'InvalidClientTokenId';
  if ((headers.get('x-amz-security-token') ?? undefined) !== caller.sessionToken)
    return 'InvalidClientTokenId';
  const date = headers.get('x-amz-date') ?? '';
  const iso = date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  if (!(Math.abs(Date.parse(iso) - now) < 900_000) || !date.startsWith(`${day}T`))
    return 'SignatureDoesNotMatch';
  const hash = headers.get('x-amz-content-sha256') ?? sha256(body);
  if (hash !== sha256(body)) return 'SignatureDoesNotMatch';

  const canonical = [
    'POST',
    '/',
    '',
    ...signed.map((name) => `${name}:${(headers.get(name) ?? '').trim().replaceAll(/ +/g, ' ')}`),
    '',
    names,
    sha256(body),
  ].join('\n');
  const scope = `${day}/${region}/sts/aws4_request`;
  const key = ['sts', 'aws4_request'].reduce(hmac, hmac(hmac(`AWS4${caller.secretAccessKey}`, day), region));
  const wanted = hmac(key, ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n'));
  const given = Buffer.from(signature, 'hex');
  const isRight = given.length === wanted.length && timingSafeEqual(given, wanted);
  const regionOfHost = awsHost.exec(url.hostname)?.[1] ?? region;
  return isRight && region === regionOfHost ? caller : 'SignatureDoesNotMatch';
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
