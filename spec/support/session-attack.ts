import { expect } from '@jest/globals';
import { sessionTokens } from '../../lib/sessions/token.js';
import { basic, bearer, testSecret } from './app.js';
import type { Node, Target, WireAnswer } from './attack.js';
import { auth, passwordOf } from './owing.js';
import { alice, robot } from './people.js';
import { presentingAnswer } from './sign-in.js';

/** How a session can travel. */
export const carriers = ['Bearer', 'Cookie'] as const;
export type Carrier = (typeof carriers)[number];
export type Headers = Record<string, string>;

/** Who signs in: a user by password, an app by its secret. */
export type Who = { id: string; email: string; password: string } | { id: string; secret: string };

/** Everybody who signs in here, on either carrier. */
export const everybody = carriers.flatMap((carrier) => [
  { name: `alice by ${carrier}`, who: alice as Who, carrier },
  { name: `robot by ${carrier}`, who: robot as Who, carrier },
]);

/** The paths of the API that sessions are used on. */
export const paths = {
  refresh: '/sys/v1/session/refresh',
  reauth: '/sys/v1/session/reauth',
  terminate: '/sys/v1/session/terminate',
  select: '/sys/v1/session/select_account',
} as const;

/** How long sessions live, in seconds, by the kind of their principal: while they are not used, and in any case. */
export const day = 86_400;
export const idle = { user: day, app: 600 };
export const absolute = { user: 7 * day, app: day };
export const typeOf = (who: Who) => ('email' in who ? 'user' : 'app');

/** A session that was given over the wire. */
export interface Given {
  headers: Headers;
  token: string;
  answer: WireAnswer;
}

/** Signs somebody in, with whatever headers come along; the answer, whatever it is. */
export function ask(node: Node, who: Who, carrier: Carrier, along: Headers = {}): Promise<WireAnswer> {
  if ('email' in who) return node.call(auth, { ...passwordOf(who), token_type: carrier }, along);
  return node.call(auth, { token_type: carrier }, { ...along, ...basic(who.id, who.secret) });
}

/** The session that an answer gives. */
export function given(answer: WireAnswer): Given {
  expect([answer.status, answer.body]).toEqual([answer.status < 300 ? answer.status : 200, answer.body]);
  const headers = presentingAnswer({ ...answer, body: answer.body === '' ? {} : JSON.parse(answer.body) });
  return { headers, token: tokenOf(headers), answer };
}

/** Signs somebody in; the session. No log, event or error may tell its token. */
export async function signIn(
  { nodes: [node], expectSessionsOf, secret }: Pick<Target, 'nodes' | 'expectSessionsOf' | 'secret'>,
  { who = alice as Who, carrier = 'Bearer' as Carrier, along = {} as Headers, at = node } = {},
): Promise<Given> {
  expectSessionsOf(who.id);
  const session = given(await ask(at, who, carrier, along));
  secret(session.token);
  return session;
}

/** The token that headers present. */
export function tokenOf({ Authorization = '', Cookie = '' }: Headers): string {
  return (Authorization || Cookie).replace(/^(?:Bearer |__Host-session=)/, '');
}

/** The headers that present a token. */
export function present(token: string, carrier: Carrier): Headers {
  return carrier === 'Bearer' ? bearer(token) : { Cookie: `__Host-session=${token}` };
}

/** What both nodes answer on a route of the host that is for active sessions. */
export async function onBoth({ nodes }: Pick<Target, 'nodes'>, headers: Headers): Promise<number[]> {
  const statuses: number[] = [];
  for (const node of nodes) {
    const { status } = await node.send({ method: 'GET', path: '/me', headers });
    statuses.push(status);
  }
  return statuses;
}

/** Starts the idle time of a session anew. */
export function refresh(node: Node, headers: Headers): Promise<WireAnswer> {
  return node.call(paths.refresh, undefined, headers);
}

/** The session as the host sees it. */
export async function me(node: Node, headers: Headers) {
  const answer = await node.send({ method: 'GET', path: '/me', headers });
  expect([answer.status, answer.body]).toEqual([200, answer.body]);
  return JSON.parse(answer.body).session;
}

/** A token with this random half and the MAC of another secret, or of another control. */
export function signed(
  random: Buffer,
  carrier: Carrier,
  { secret = testSecret as Buffer, scope = 'session' } = {},
): string {
  return sessionTokens([secret], scope, () => random).issue(carrier).token;
}

/** The random half of a token, which its row is found by. */
export function randomOf(token: string): Buffer {
  return Buffer.from(token, 'base64url').subarray(0, 32);
}

/** Changes a row of a table of the host's, on both nodes, which share it. */
export function alter<T>(table: Map<string, T>, id: string, change: Partial<T>): void {
  const row = table.get(id);
  if (row === undefined) throw new Error(`there is no ${id}`);
  table.set(id, { ...row, ...change });
}

/** The rows of the session store, as they were written. */
export function rowsOf({ shared }: Pick<Target, 'shared'>): Record<string, unknown>[] {
  return [...shared.rows.values()] as Record<string, unknown>[];
}

/** Waits for what is done behind an answer, such as taking a row away. */
export async function settled({ shared }: Pick<Target, 'shared'>, rows = 0): Promise<void> {
  for (let wait = 0; wait < 100 && shared.rows.size > rows; wait += 1)
    await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(shared.rows.size).toBe(rows);
}
