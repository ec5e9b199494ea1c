import { expect } from '@jest/globals';
import type {
  AuthenticatorChange,
  SoftwareAssertion,
  SoftwareAuthenticator,
} from '../../lib/testing/index.js';
import type { Node, Target, WireAnswer } from './attack.js';
import { alice } from './people.js';
import { fido2, type Holder, type PendingSession } from './second-factor.js';
import { presentingAnswer } from './sign-in.js';

/** The path that signs in. */
export const auth = '/sys/v1/session/auth';

/** The first factor of a user, as the body of a sign-in. */
export const passwordOf = ({ email, password }: Holder) => ({ method: 'password', email, password });

/** Signs a user in by password over the wire; the session that owes its second factor then. */
export async function owing(
  { nodes: [node], secret }: Pick<Target, 'nodes' | 'secret'>,
  holder: Holder = alice,
  carrier: 'Bearer' | 'Cookie' = 'Bearer',
): Promise<PendingSession> {
  const answer = await node.call(auth, { ...passwordOf(holder), token_type: carrier });
  const body = JSON.parse(answer.body);
  expect([answer.status, body.fido2_assertion_options]).toEqual([200, expect.anything()]);
  const { fido2_assertion_options: options } = body;
  secret(options.challenge);
  return { headers: presentingAnswer({ body, headers: answer.headers }), options };
}

/** Gives a user recovery codes, as the API does; the user has no device yet. */
export async function withCodes(target: Target, holder = alice): Promise<string[]> {
  const { nodes, secret } = target;
  const [node] = nodes;
  target.expectSessionsOf(holder.id);
  const signedIn = await node.call(auth, passwordOf(holder));
  const headers = { Authorization: `Bearer ${JSON.parse(signedIn.body).access_token}` };
  await node.call('/sys/v1/session/config_2fa/auth', { password: holder.password }, headers);
  const made = await node.call('/sys/v1/users/generate_recovery_codes', undefined, headers);
  expect(made.status).toBe(200);
  await node.call('/sys/v1/session/terminate', undefined, headers);
  const codes: string[] = JSON.parse(made.body).recovery_codes;
  for (const code of codes) secret(code);
  return codes;
}

/** Posts an assertion, or whatever stands in for one. */
export function pay(node: Node, { headers }: PendingSession, assertion: unknown): Promise<WireAnswer> {
  return node.call(fido2, assertion, headers);
}

/** The `code` of an answer that is a problem; `undefined` for one without a body. */
export function codeOf({ body }: WireAnswer): string | undefined {
  return body === '' ? undefined : JSON.parse(body).code;
}

/** The sessions in the store of one user, by their states. */
export function statesOf({ shared }: Pick<Target, 'shared'>, { id }: { id: string } = alice): string[] {
  const rows = [...shared.rows.values()] as { entityId: string; state: string }[];
  return rows.filter(({ entityId }) => entityId === id).map(({ state }) => state);
}

/** The status of a route of the host that is for active sessions only. */
export async function reach(node: Node, headers: Record<string, string>): Promise<number> {
  return (await node.send({ method: 'GET', path: '/me', headers })).status;
}

/** An answer to a challenge that is not good: a change of the genuine one, or whatever is posted in its place. */
export type Forgery =
  | AuthenticatorChange
  | ((session: PendingSession, key: SoftwareAuthenticator) => Promise<unknown>);

/** Failures that one session may have before the next ends it. */
const spared = 4;
/** Sessions that are attacked at once. */
const lanes = 8;
/** Options that leave room for the failures of so many sessions of one user at once. */
export const roomy = { lockout: { failures: lanes * spared * 2 } };

/**
 * Posts each forgery to a pending session of alice, a few at once. Each is refused like every other and opens nothing;
 * then the genuine assertion completes the very same session, which ends what they counted. For more than a few, say
 * {@link roomy}.
 */
export async function expectRefused(
  target: Target,
  key: SoftwareAuthenticator,
  forgeries: Readonly<Record<string, Forgery>>,
  { status = 401, code = 'invalid_credentials' } = {},
): Promise<void> {
  const { nodes, secret } = target;
  target.expectSessionsOf(alice.id);
  const inTurn = turns();
  await inLanes(batches(Object.entries(forgeries), spared), async (batch) => {
    const session = await owing(target);
    const answers = batch.map(async ([name, forgery], at) => {
      const answer = await pay(nodes[at % 2] ?? nodes[0], session, await forge(forgery, session, key));
      return [name, answer.status, codeOf(answer)];
    });
    expect(await Promise.all(answers)).toEqual(batch.map(([name]) => [name, status, code]));
    expect(await reach(nodes[1], session.headers)).toBe(401);

    const genuine = async () => {
      const assertion = await key.get(session.options);
      secret(assertion.response.signature);
      return pay(nodes[1], session, assertion);
    };
    const paid = await (counts(key) ? inTurn(genuine) : genuine());
    const names = batch.map(([name]) => name);
    expect([names, paid.status]).toEqual([names, 204]);
    expect(await reach(nodes[0], session.headers)).toBe(200);
  });
}

/** Posts answers that are odd and genuine all the same: each completes a session of its own, once. */
export async function expectAccepted(
  target: Target,
  key: SoftwareAuthenticator,
  genuine: Readonly<Record<string, Forgery>>,
): Promise<void> {
  const [one, other] = target.nodes;
  target.expectSessionsOf(alice.id);
  const inTurn = turns();
  await inLanes(Object.entries(genuine), async ([name, change]) => {
    const session = await owing(target);
    const answer = await inTurn(async () => {
      const made = await forge(change, session, key);
      expect([name, (await pay(one, session, made)).status]).toEqual([name, 204]);
      return made;
    });
    expect([name, await reach(other, session.headers)]).toEqual([name, 200]);
    expect([name, (await pay(other, session, answer)).status]).toEqual([name, 403]);
  });
}

/** Whether the counter of a key has moved. */
function counts({ credentials }: SoftwareAuthenticator): boolean {
  return credentials.some(({ counter }) => counter > 0);
}

async function forge(
  forgery: Forgery,
  session: PendingSession,
  key: SoftwareAuthenticator,
): Promise<unknown> {
  return typeof forgery === 'function' ? forgery(session, key) : key.get(session.options, forgery);
}

/** Works on several at once. */
async function inLanes<T>(all: readonly T[], work: (each: T) => Promise<void>): Promise<void> {
  const waiting = [...all];
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await work(next);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** Lets one work at a time, so that the counters of a key arrive in the order that it counts. */
function turns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work);
    last = next.catch(() => {});
    return next;
  };
}

function batches<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, at) =>
    all.slice(at * size, (at + 1) * size),
  );
}

/** Changes an assertion that is signed already, as somebody between the browser and the server would. */
export function altered(change: (answer: SoftwareAssertion) => unknown): Forgery {
  return async ({ options }, key) => change(await key.get(options));
}
