import { expect } from '@jest/globals';
import type { OauthIdentityProvider } from '../../lib/index.js';
import { type OauthMisbehaviour, type OauthProvider, oauthProvider } from '../../lib/testing/index.js';
import type { TestAppOptions } from './app.js';
import { attack, type Node, type Target, type WireAnswer } from './attack.js';
import { auth, discover, oidcRecord } from './federation.js';
import { alice } from './people.js';

/** What a provider says of somebody. */
export type Subject = { sub: string } & Record<string, unknown>;

/** What the provider says of alice. */
export const aliceClaims: Subject = { sub: 'alice-1', email: alice.email, email_verified: true };

/** The body of every first factor that is refused. */
export const uniform = JSON.stringify({
  ...{ type: 'urn:passport-control:problem:invalid_credentials', title: 'The credentials are not valid.' },
  ...{ status: 401, code: 'invalid_credentials' },
});

/** Two nodes, one repository, and an authorization server that does what it is told. */
export interface OauthTarget extends Target {
  provider: OauthProvider;
  /** Puts another record, or another version of one, in front of both nodes. */
  record(change?: Partial<OauthIdentityProvider>): void;
}

/** What one browser has begun. */
export interface Begun {
  /** The authorization URL, complete. */
  url: URL;
  state: string;
  idpId: string;
  /** The flow cookie, as that browser sends it. */
  cookie: Record<string, string>;
}

/** What a record is like beside what the specs usually have, and what the nodes are. */
export interface OauthAttackOptions extends Omit<TestAppOptions, 'shared' | 'testClock' | 'memory'> {
  record?: Partial<OauthIdentityProvider>;
  /** More servers that can be reached, by their origin. */
  others?: readonly OauthProvider[];
}

/**
 * Runs an attack on the OAuth method; see `attack`. On top of its books: nothing that the provider and this service
 * tell each other in confidence turns up in a log, an event, an error or a session row.
 */
export function oauthAttack(
  { record = {}, others = [], ...options }: OauthAttackOptions,
  drive: (target: OauthTarget) => Promise<void>,
): Promise<void> {
  let clock: () => number = Date.now;
  const server = oauthProvider({ clientId: 'host', clock: () => clock() });
  let answersItself = true;
  const provider: OauthProvider = {
    ...server,
    misbehave(how) {
      answersItself = how.answer === undefined;
      server.misbehave(how);
    },
  };
  const told: string[] = [];
  begunSecrets.clear();
  const fetch = async (url: string, init: RequestInit) => {
    const asked = others.find(({ issuer }) => issuer === new URL(url).origin) ?? provider;
    const response = await asked.fetch(url, init);
    // What is answered in the server's place may never end.
    if (answersItself) told.push(...(await confidences(response.clone())));
    return response;
  };
  return attack({ fetch, ...options }, async (target) => {
    clock = target.clock;
    const put = (change: Partial<OauthIdentityProvider> = {}) => {
      const made = oidcRecord({ ...record, ...change });
      for (const { repositories } of target.nodes) repositories.identityProviders.table.set(made.id, made);
    };
    put();
    const { clientAuthentication: by } = oidcRecord(record);
    if ('secret' in by) target.secret(by.secret);
    const driven = { ...target, provider, record: put };
    stillGood.length = 0;
    await drive(driven);
    await expectStillGood(driven);

    const sent = [provider, ...others].flatMap(({ requests }) => requests.flatMap(sentInConfidence));
    const rows = JSON.stringify([...target.shared.rows]);
    for (const each of new Set([...told, ...sent, ...begunSecrets])) {
      if (each.length < 12) continue;
      target.secret(each);
      expect([each, rows.includes(each)]).toEqual([each, false]);
    }
  });
}

/** The tokens of an answer. */
async function confidences(response: Response): Promise<string[]> {
  if (!(response.headers.get('content-type') ?? '').includes('json')) return [];
  const text = await response.text().catch(() => '');
  return [...text.matchAll(/"(?:access_token|id_token|refresh_token|nonce)":"([^"]+)"/g)].map(
    ([, token = '']) => token,
  );
}

function sentInConfidence({ init }: { init: RequestInit }): string[] {
  const form = new URLSearchParams(String(init.body ?? ''));
  const names = ['code', 'code_verifier', 'client_assertion', 'client_secret'];
  return names.flatMap((name) => form.getAll(name));
}

/** The states and the nonces that were given out in this attack. */
const begunSecrets = new Set<string>();

/** Begins at a provider in a new browser, or in the one that has this cookie. */
export async function begin(
  { call }: Pick<Node, 'call'>,
  { cookie = {}, idp = 'oidc' }: { cookie?: Record<string, string>; idp?: string } = {},
): Promise<Begun> {
  const answer = await call(discover, { user_email: alice.email }, cookie);
  expect([answer.status, answer.body]).toEqual([200, answer.body]);
  const idpId = Buffer.from(idp).toString('base64');
  const offers: Record<string, string>[] = JSON.parse(answer.body);
  const offer = offers.find((each) => each.idp_id === idpId);
  if (offer === undefined) throw new Error(`${idp} is not offered: ${answer.body}`);
  const [set = ''] = answer.headers['set-cookie'] ?? [];
  const url = new URL(String(offer.authorization_url));
  for (const name of ['state', 'nonce']) begunSecrets.add(url.searchParams.get(name) ?? '');
  return {
    url,
    state: String(offer.state),
    idpId,
    cookie: { Cookie: set.split(';')[0] ?? '' },
  };
}

/** Brings a code back as this browser does; `change` bends the body. */
export function redeem(
  { call }: Pick<Node, 'call'>,
  { idpId, state, cookie }: Begun,
  code: unknown,
  change: Record<string, unknown> = {},
): Promise<WireAnswer> {
  const body = { method: 'oauth-auth-code', idp_id: idpId, email: '', code, state };
  return call(auth, { ...body, ...change }, cookie);
}

/** What came of a sign-in: who it was, or that it was refused as every other is. */
export function seen({ status, body, headers }: WireAnswer): string {
  if (status === 200) return JSON.parse(body).entity_id;
  expect(headers['set-cookie']).toBeUndefined();
  if (status === 401) expect(body).toBe(uniform);
  return `${status} ${JSON.parse(body).code}`;
}

export const refused = '401 invalid_credentials';

/** Why sign-ins were refused, as the audit log has it, in order. */
export function reasons(nodes: readonly Pick<Node, 'events'>[]): string[] {
  return nodes.flatMap(({ events }) =>
    events.flatMap((event) => (event.type === 'sign_in_failed' ? [event.reason] : [])),
  );
}

/**
 * Lets the provider misbehave in one sign-in of alice, which must come to nothing. When the attack is over and the
 * provider behaves again, the same code of the same flow must still be good, since nothing was used up here.
 */
export async function attempt(
  { nodes, provider, shared, expectSessionsOf }: OauthTarget,
  how: OauthMisbehaviour,
  { claims = aliceClaims, good = aliceClaims }: { claims?: Subject; good?: Subject } = {},
): Promise<string> {
  expectSessionsOf(alice.id);
  provider.misbehave({});
  const begun = await begin(nodes[0]);
  const code = provider.authorize(begun.url.href, claims);
  const genuine = claims === good ? code : provider.authorize(begun.url.href, good);
  const before = shared.rows.size;
  provider.misbehave({ ...how, permissive: true });
  const outcome = seen(await redeem(nodes[0], begun, code));
  if (/^[0-9a-f-]{36}$/.test(outcome)) return outcome;
  expect(shared.rows.size).toBe(before);
  stillGood.push({ begun, code: genuine });
  return outcome;
}

/** The codes of this attack that were refused while the provider misbehaved. */
const stillGood: { begun: Begun; code: string }[] = [];

async function expectStillGood({ nodes, provider }: OauthTarget): Promise<void> {
  provider.misbehave({ permissive: true });
  const owed = stillGood.splice(0);
  const answers = await Promise.all(owed.map(({ begun, code }) => redeem(nodes[1], begun, code)));
  expect(answers.map(seen)).toEqual(owed.map(() => alice.id));
}
