import { expect } from '@jest/globals';
import type { SamlIdentityProvider } from '../../lib/index.js';
import { type SamlProvider, type SamlResponseOptions, samlProvider } from '../../lib/testing/index.js';
import { type TestAppOptions, testSecret } from './app.js';
import { attack, type Node, type Target, type WireAnswer } from './attack.js';
import { auth, discover, samlRecordOf, serviceProvider } from './federation.js';
import { type KeyAndCertificate, keyAndCertificate } from './keys.js';
import { alice, robot } from './people.js';
import { presentingAnswer } from './sign-in.js';

/** The entity id of the provider of the specs. */
export const entityId = 'https://idp.example/metadata';
/** What the provider signs with, unless a case says otherwise. */
export const idpKeys = keyAndCertificate('idp');

/** A request that a browser has begun, and the cookie of that browser. */
export interface Begun {
  id: string;
  headers: Record<string, string>;
}

/** What a case works with: the two nodes, and a provider whose record stands in their table as `saml`. */
export interface Stage extends Target {
  provider: SamlProvider;
  /** Puts a record in the place of the provider's. */
  record(change: Partial<SamlIdentityProvider>, keys?: KeyAndCertificate): void;
  /** Begins a request in a new browser. */
  begin(email?: string): Promise<Begun>;
  /** What a genuine response to a request says: it is alice. */
  said(begun: Pick<Begun, 'id'>, change?: Partial<SamlResponseOptions>): SamlResponseOptions;
  /** Posts a response, as base64, from the browser that has begun. */
  post(begun: Begun, response: string, extra?: object, node?: Node): Promise<WireAnswer>;
}

/** A response to a request: a change of the genuine one, or its whole XML. */
export type Forgery =
  | Partial<SamlResponseOptions>
  | ((stage: Stage, begun: Begun) => string | Promise<string>);

/** Runs an attack on a service with one SAML provider; see `attack`. */
export function onSaml(
  change: Partial<SamlIdentityProvider>,
  drive: (stage: Stage) => Promise<void>,
  options: Omit<TestAppOptions, 'shared' | 'testClock' | 'memory'> = {},
): Promise<void> {
  return attack({ serviceProvider, ...options }, async (target) => {
    const { nodes, clock } = target;
    target.secret(testSecret.toString());
    const record: Stage['record'] = (changed, keys = idpKeys) => {
      const { table } = nodes[0].repositories.identityProviders;
      table.set(changed.id ?? 'saml', samlRecordOf(keys, changed));
    };
    record(change);
    await drive({
      ...target,
      provider: samlProvider({ entityId, ...idpKeys, clock }),
      record,
      begin: (email) => begin(nodes[0], email),
      said: ({ id }, changed = {}) => ({
        ...{ subject: 'alice-1', audience: serviceProvider.entityId, acsUrl: serviceProvider.acsUrl },
        ...{ inResponseTo: id, attributes: { mail: alice.email } },
        ...changed,
      }),
      post: (begun, response, extra = {}, node = nodes[1]) =>
        node.call(auth, { method: 'saml-response', id: begun.id, response, ...extra }, begun.headers),
    });
    expectNothingTold(nodes);
  });
}

/** Begins a request in a new browser: what discovery offers for an address, and the cookie that it sets. */
export async function begin(node: Pick<Node, 'call'>, email = alice.email, idp = 'saml'): Promise<Begun> {
  const answer = await node.call(discover, { user_email: email });
  const offers: Record<string, string>[] = JSON.parse(answer.body);
  const idpId = Buffer.from(idp).toString('base64');
  const offer = offers.find(({ method, idp_id }) => method === 'saml-post' && idp_id === idpId);
  const [cookie] = answer.headers['set-cookie'] ?? [];
  if (offer?.id === undefined || cookie === undefined) throw new Error(`not offered: ${answer.body}`);
  return { id: offer.id, headers: { Cookie: cookie.split(';')[0] ?? '' } };
}

/** Changes XML where it must be changed: a forgery that changes nothing is a mistake of the spec. */
export function swap(from: string | RegExp, to: string | ((found: string) => string)) {
  return (xml: string): string => {
    const changed = typeof to === 'string' ? xml.replace(from, () => to) : xml.replace(from, to);
    if (changed === xml) throw new Error(`nothing like ${from} in ${xml}`);
    return changed;
  };
}

/** A change of the assertion alone, before it is signed. */
export const inAssertion = (change: (xml: string) => string) => ({
  edit: (xml: string) => (xml.startsWith('<saml:Assertion') ? change(xml) : xml),
});

/** A change of what stands around the assertion, before the response is signed. */
export const inResponse = (change: (xml: string) => string) => ({
  edit: (xml: string) => (xml.startsWith('<saml:Assertion') ? xml : change(xml)),
});

/** A change of the finished XML. */
export const tampered = (change: (xml: string) => string) => ({ tamper: change });

export const base64 = (xml: string) => Buffer.from(xml).toString('base64');

/** The base64 of a forgery. */
export async function forge(stage: Stage, begun: Begun, forgery: Forgery): Promise<string> {
  if (typeof forgery === 'function') return base64(await forgery(stage, begun));
  const { tamper = (xml: string) => xml, ...change } = forgery;
  return base64(tamper(await genuineXml(stage, begun, change)));
}

const made = new WeakMap<Begun, Map<string, Promise<string>>>();

/** The XML of a response to a request; for one request and one content it is always the same. */
export function genuineXml(
  { provider, said }: Stage,
  begun: Begun,
  change: Partial<SamlResponseOptions> = {},
): Promise<string> {
  if (change.edit !== undefined || change.editSigned !== undefined) return provider.xml(said(begun, change));
  const known = made.get(begun) ?? new Map<string, Promise<string>>();
  made.set(begun, known);
  const name = JSON.stringify(change);
  const xml = known.get(name) ?? provider.xml(said(begun, change));
  known.set(name, xml);
  return xml;
}

/** Cases that run at once, and forgeries that are posted for one request. */
const lanes = 8;
const perRequest = 8;

/**
 * Posts each forgery in answer to a request that was begun here, a few for each. Each is refused by the same
 * words as a wrong secret, and leaves no session and no cookie; then the genuine response to the very same
 * request signs alice in, so nothing was used up.
 */
export async function expectRefused(
  stage: Stage,
  forgeries: Readonly<Record<string, Forgery>>,
  genuine: Partial<SamlResponseOptions> = {},
): Promise<void> {
  stage.expectSessionsOf(alice.id);
  const usual = await refusal(stage.nodes[0]);
  await inLanes(batches(Object.entries(forgeries)), async (batch) => {
    const begun = await stage.begin();
    for (const [name, forgery] of batch) {
      const forged = await forge(stage, begun, forgery);
      stage.secret(forged);
      const { status, body, headers } = await stage.post(begun, forged);
      expect([name, status, body, headers['set-cookie']]).toEqual([name, 401, usual, undefined]);
    }
    const names = batch.map(([name]) => name).join(', ');
    const response = base64(await genuineXml(stage, begun, genuine));
    await expectAlice(stage, names, await stage.post(begun, response));
  });
}

/** Posts responses that are odd and genuine all the same: each signs alice in, once. */
export async function expectAccepted(
  stage: Stage,
  responses: Readonly<Record<string, Forgery>>,
): Promise<void> {
  stage.expectSessionsOf(alice.id);
  const usual = await refusal(stage.nodes[0]);
  await inLanes(Object.entries(responses), async ([name, each]) => {
    const begun = await stage.begin();
    const response = await forge(stage, begun, each);
    stage.secret(response);
    await expectAlice(stage, name, await stage.post(begun, response));
    const again = await stage.post(begun, response, {}, stage.nodes[0]);
    expect([name, again.status, again.body]).toEqual([name, 401, usual]);
  });
}

/** Whatever becomes of these, nobody but alice is signed in by them. */
export async function expectNobodyElse(
  stage: Stage,
  forgeries: Readonly<Record<string, Forgery>>,
  genuine: Partial<SamlResponseOptions> = {},
): Promise<void> {
  stage.expectSessionsOf(alice.id);
  await inLanes(Object.entries(forgeries), async ([name, forgery]) => {
    const begun = await stage.begin();
    const answer = await stage.post(begun, await forge(stage, begun, forgery));
    if (answer.status === 200) return expectAlice(stage, name, answer);
    expect([name, answer.status]).toEqual([name, 401]);
    const response = base64(await genuineXml(stage, begun, genuine));
    await expectAlice(stage, name, await stage.post(begun, response));
  });
}

/** That an answer is a session of alice, by the answer and by what the session opens on the other node. */
export async function expectAlice({ nodes }: Stage, name: string, answer: WireAnswer): Promise<void> {
  expect([name, answer.status, answer.body]).toEqual([name, 200, expect.any(String)]);
  const body = JSON.parse(answer.body);
  expect([name, body.entity_id]).toEqual([name, alice.id]);
  expect([name, await whoIs(nodes[0], presentingAnswer({ body, headers: answer.headers }))]).toEqual([
    name,
    alice.id,
  ]);
}

/** Who a session is, to a route of the host. */
export async function whoIs(node: Node, headers: Record<string, string>): Promise<string> {
  const { body } = await node.send({ method: 'GET', path: '/me', headers });
  return JSON.parse(body).id;
}

/** The body of a refusal, as a wrong secret gets it. */
export async function refusal(node: Pick<Node, 'call'>): Promise<string> {
  const wrong = { acct_id: robot.accountId, name: robot.name, password: 'wrong' };
  const { status, body } = await node.call(auth, { method: 'auth-by-app-name', ...wrong });
  expect(status).toBe(401);
  return body;
}

/** Works on several at once. */
export async function inLanes<T>(all: readonly T[], work: (each: T) => Promise<void>): Promise<void> {
  const waiting = [...all];
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await work(next);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

function batches<T>(all: readonly T[]): T[][] {
  const count = Math.ceil(all.length / perRequest);
  return Array.from({ length: count }, (_, at) => all.slice(at * perRequest, (at + 1) * perRequest));
}

/** No event tells anything of a document, of a subject or of an address. */
function expectNothingTold(nodes: Stage['nodes']): void {
  const told = JSON.stringify(nodes.map(({ events }) => events));
  for (const each of [
    '<',
    'urn:oasis',
    'alice-1',
    alice.email,
    'SAMLResponse',
    idpKeys.certificate.slice(40, 90),
  ])
    expect([each, told.includes(each)]).toEqual([each, false]);
}
