import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { Once } from './once.js';

/** What a flow at an identity provider is begun for. */
export type FlowKind = 'oauth' | 'saml';

/** What one browser has begun: its secret, and the seed, the time and the key of what it began last. */
export interface Flow {
  browser: Buffer;
  seed: Buffer;
  /** Milliseconds since the epoch. */
  at: number;
  /** The first bytes of the name of the key that makes its tokens. */
  keyId: Buffer;
}

/** A token that is live, and what is derived from it and from nothing else. */
export interface FlowSecrets {
  token: string;
  /** The PKCE verifier (RFC 7636): 43 characters. */
  verifier: string;
  /** The nonce of OpenID Connect. */
  nonce: string;
}

/** Ties what a browser begins at an identity provider to that browser; see {@link flows}. */
export interface Flows {
  /** The flow that a cookie holds; `null` for anything else. */
  read(cookie: string | undefined): Flow | null;
  /** A flow that begins now, of the same browser if it is known, and the cookie that holds it. */
  begin(previous: Flow | null): { flow: Flow; cookie: string };
  /** The token of a flow for one identity provider: always the same while the flow is. */
  token(kind: FlowKind, idpId: string, flow: Flow): string;
  /**
   * What is derived from a token, if it was made here for this provider and this browser and has not expired; else
   * `null`. By default it is the token that the browser began last.
   */
  open(kind: FlowKind, idpId: string, flow: Flow, token?: string | undefined): FlowSecrets | null;
  /** Seconds that the cookie lives: longer than any token, whichever node made it. */
  readonly lifetime: number;
  /** What using a token up claims; it is remembered for as long. */
  used(token: string): Once;
}

/** Seconds that somebody may take at an identity provider. */
const lifetime = 600;
/** Milliseconds by which the clocks of two nodes may differ. */
const tolerance = 60_000;
const remembered = lifetime + 2 * (tolerance / 1000);

const sizes = { browser: 32, seed: 16, at: 6, keyId: 4, random: 16, mac: 16 } as const;

/**
 * Makes the tokens of flows. Nothing is stored for a flow that was only begun: a token is random bytes, its end, and an
 * HMAC over them, the identity provider and the secret of the browser, so it is good in that browser alone and
 * verifies itself. Of `keys` the first makes, all verify.
 */
export function flows(
  keys: readonly KeyObject[],
  clock: () => number,
  randomBytes: (size: number) => Buffer,
): Flows {
  const [making] = keys;
  if (making === undefined) throw new TypeError('there is no key for flows');
  const macOf = (key: KeyObject, kind: FlowKind, idpId: string, browser: Buffer, body: Buffer) =>
    hmac(key, [kind, idpId, browser.toString('base64url'), body.toString('base64url')]).subarray(
      0,
      sizes.mac,
    );

  const nameOf = (key: KeyObject) => hmac(key, ['name']).subarray(0, sizes.keyId);
  const named = (keyId: Buffer) => keys.find((key) => nameOf(key).equals(keyId)) ?? making;
  const tokenOf = (kind: FlowKind, idpId: string, { browser, seed, at, keyId }: Flow) => {
    const key = named(keyId);
    const random = hmac(key, ['seed', kind, idpId, seed.toString('base64url')]).subarray(0, sizes.random);
    const body = Buffer.concat([random, time(at + lifetime * 1000)]);
    return Buffer.concat([body, macOf(key, kind, idpId, browser, body)]).toString('base64url');
  };

  return {
    lifetime: remembered,
    used: (token) => ({ key: `flow:${token}`, seconds: remembered }),
    read(cookie) {
      const { browser, seed, at } = sizes;
      const bytes = canonical(cookie ?? '', browser + seed + at + sizes.keyId);
      if (bytes === null) return null;
      const begun = bytes.readUIntBE(browser + seed, at);
      if (begun > clock() + tolerance) return null;
      return {
        browser: bytes.subarray(0, browser),
        seed: bytes.subarray(browser, browser + seed),
        at: begun,
        keyId: bytes.subarray(browser + seed + at),
      };
    },
    begin(previous) {
      const browser = previous?.browser ?? randomBytes(sizes.browser);
      const flow = { browser, seed: randomBytes(sizes.seed), at: clock(), keyId: nameOf(making) };
      const bytes = Buffer.concat([flow.browser, flow.seed, time(flow.at), flow.keyId]);
      return { flow, cookie: bytes.toString('base64url') };
    },
    token: tokenOf,
    open(kind, idpId, flow, token = tokenOf(kind, idpId, flow)) {
      const bytes = canonical(token, sizes.random + sizes.at + sizes.mac);
      if (bytes === null) return null;
      const body = bytes.subarray(0, sizes.random + sizes.at);
      const mac = bytes.subarray(sizes.random + sizes.at);
      const key = keys.find((each) => timingSafeEqual(macOf(each, kind, idpId, flow.browser, body), mac));
      const left = body.readUIntBE(sizes.random, sizes.at) - clock();
      if (key === undefined || left <= 0 || left > lifetime * 1000 + tolerance) return null;
      return {
        token,
        verifier: hmac(key, ['verifier', token]).toString('base64url'),
        nonce: hmac(key, ['nonce', token]).toString('base64url'),
      };
    },
  };
}

/** An HMAC over a list: JSON keeps its members apart. */
function hmac(key: KeyObject, list: readonly string[]): Buffer {
  return createHmac('sha256', key).update(JSON.stringify(list)).digest();
}

function time(milliseconds: number): Buffer {
  const bytes = Buffer.alloc(sizes.at);
  bytes.writeUIntBE(milliseconds, 0, sizes.at);
  return bytes;
}

/** Bytes of this length in canonical base64url; `null` for anything else. */
function canonical(text: string, length: number): Buffer | null {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length === length && bytes.toString('base64url') === text ? bytes : null;
}
