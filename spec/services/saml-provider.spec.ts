import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import type { SamlIdentityProvider } from '../../lib/index.js';
import { startChromium } from '../support/chromium.js';
import { auth, browser as client, samlRecordOf } from '../support/federation.js';
import { type KeyAndCertificate, keyAndCertificate } from '../support/keys.js';
import { alice } from '../support/people.js';
import { laterStrategy, samlStrategy } from '../support/plugged-providers.js';
import { type SimpleSaml, simpleSaml } from '../support/simplesamlphp.js';
import { begin, type SsoHost, ssoHost, standing } from '../support/sso-host.js';
import { encryptAssertion, isSignedBy, sign } from '../support/xmlsec.js';

const transient = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient';
const entityId = 'https://xmlsec.example/idp';
/** Our key, the one that is to follow it, and the provider's. */
const [ours, next, theirs] = [
  keyAndCertificate('host'),
  keyAndCertificate('next'),
  keyAndCertificate('provider'),
];

const later = laterStrategy();
let host: SsoHost;
let browser: Browser;
let page: Page;
let provider: SimpleSaml;

beforeAll(async () => {
  [browser, host] = await Promise.all([
    startChromium(),
    ssoHost([ours, next], { 'saml-response': { strategies: { plugged: { strategy: later.strategy } } } }),
  ]);
  provider = await simpleSaml({ keys: theirs, metadataUrl: host.entityId });
});

afterEach(async () => {
  expect(host.unforeseen.splice(0)).toEqual([]);
  host.events.length = 0;
  await Promise.all(browser.contexts().map((context) => context.close()));
});

afterAll(async () => {
  await browser?.close();
  await provider?.stop();
  host?.stop();
});

/** A page of a browser that knows nothing yet. */
async function newPage(): Promise<Page> {
  const made = await (await browser.newContext()).newPage();
  made.setDefaultTimeout(10_000);
  return made;
}

function record(
  { entityId, ssoUrl }: SimpleSaml,
  change: Partial<SamlIdentityProvider> = {},
): SamlIdentityProvider {
  return samlRecordOf(theirs, { entityId, ssoUrl, ...change });
}

/** Logs in on the provider's own page. */
async function logIn(at: Page): Promise<void> {
  await at.getByLabel('Username').fill('alice');
  await at.getByLabel('Password').fill('alice at the provider');
  await at.getByRole('button', { name: 'Login' }).click();
}

/** Posts a response as JSON, from the browser that has this cookie. */
async function post(response: string, headers: Record<string, string>) {
  const answer = await host.post(auth, { method: 'saml-response', response }, headers);
  return [answer.status, answer.body.entity_id ?? answer.body.code];
}

/** Has alice log in at the provider, and holds back what her browser comes back with; with the cookie that it has. */
async function responseOf(
  at: Page,
): Promise<{ response: string; xml: string; headers: Record<string, string> }> {
  const held = host.holdBack();
  await begin(at, host, alice.email);
  await logIn(at);
  const { SAMLResponse: response = '' } = (await held).form;
  const cookies = await at.context().cookies(host.origin);
  const Cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  return { response, xml: Buffer.from(response, 'base64').toString(), headers: { Cookie } };
}

const base64 = (xml: string) => Buffer.from(xml).toString('base64');
const signedIn = [200, alice.id];
const refused = [401, 'invalid_credentials'];

describe('SimpleSAMLphp', () => {
  beforeEach(async () => {
    page = await newPage();
    host.trust(record(provider));
  });

  it('signs a user in by its own page, and the browser has a Cookie session', async () => {
    await begin(page, host, alice.email);
    await logIn(page);
    expect(await standing(page, host)).toMatchObject({
      told: { session: { token_type: 'Cookie', entity_id: alice.id } },
      status: 200,
      me: { id: alice.id, session: { method: 'saml-response', idpId: 'saml' } },
    });
  });

  it('signs a user in by passport-saml, which is plugged in for it', async () => {
    const config = { idpCert: theirs.certificate, issuer: host.entityId, callbackUrl: host.acsUrl };
    later.become(samlStrategy({ ...config, audience: host.entityId, acceptedClockSkewMs: 60_000 }));
    host.trust({ ...record(provider), id: 'plugged', certificates: [ours.certificate] });
    const { response, xml, headers } = await responseOf(page);
    const changed = xml.replace('alice-1<', 'alice-2<');
    expect(changed).not.toBe(xml);
    expect(await post(base64(changed), headers)).toEqual(refused);
    expect(await post(response, headers)).toEqual(signedIn);
    expect(await post(response, headers)).toEqual(refused);
  });

  it('signs nobody in whose browser posts what another has begun', async () => {
    const { response } = await responseOf(page);
    const thief = await newPage();
    await begin(thief, host, alice.email); // Now this browser has a flow of its own, too.
    await thief.setContent(
      `<form method="post" action="${host.acsUrl}"><input name="SAMLResponse" value="${response}"></form>`,
    );
    await thief.evaluate('document.forms[0].submit()');
    expect(await standing(thief, host)).toMatchObject({
      told: { error: 'invalid_credentials' },
      status: 401,
    });
  });

  it('signs a user in by JSON once, and nobody before who has stolen the response', async () => {
    const { response, headers } = await responseOf(page);
    const thief = client(host);
    expect(await post(response, {})).toEqual(refused);
    await thief.offer('saml-post');
    expect(await post(response, thief.headers)).toEqual(refused);
    expect(await post(response, headers)).toEqual(signedIn);
    expect(await post(response, headers)).toEqual(refused);
  });

  it('refuses a response of which one byte is another', async () => {
    const { xml, headers } = await responseOf(page);
    for (const [from, to] of [
      ['alice-1<', 'alice-2<'],
      ['alice@', 'alicf@'],
      ['<ds:DigestValue>', '<ds:DigestValue>A'],
    ]) {
      const at = xml.lastIndexOf(String(from));
      expect(at).toBeGreaterThan(0);
      expect(
        await post(base64(xml.slice(0, at) + to + xml.slice(at + String(from).length)), headers),
      ).toEqual(refused);
    }
    expect(await post(base64(xml), headers)).toEqual(signedIn);
  });

  it('verifies our request by our metadata', async () => {
    const offer = await client(host).offer('saml-post');
    const xml = Buffer.from(String(offer.authn_request), 'base64').toString();
    const ask = async (request: string) => {
      const body = new URLSearchParams({ SAMLRequest: base64(request) });
      const answer = await fetch(provider.ssoUrl, { method: 'POST', body, redirect: 'manual' });
      return { status: answer.status, text: await answer.text() };
    };
    expect((await ask(xml)).status).toBe(303);
    for (const bad of [
      xml.replace('IssueInstant="20', 'IssueInstant="21'),
      xml.replace(/<Signature .*<\/Signature>/s, ''),
    ]) {
      expect(bad).not.toBe(xml);
      expect((await ask(bad)).text).toContain('Validation of received messages enabled');
    }
  });

  it('signs a user in when it signs the assertion only, where the record says so', async () => {
    const other = await simpleSaml({
      ...{ keys: theirs, metadataUrl: host.entityId },
      hosted: { 'saml20.sign.response': false },
    });
    try {
      host.trust(record(other));
      const first = await responseOf(page);
      expect(first.xml.match(/<ds:Signature /g)).toHaveLength(1);
      expect(await post(first.response, first.headers)).toEqual(refused);
      host.trust(record(other, { signed: 'assertion' }));
      expect(await post(first.response, first.headers)).toEqual(signedIn);
    } finally {
      await other.stop();
    }
  });

  it('signs a user in by an encrypted assertion', async () => {
    const other = await simpleSaml({
      keys: theirs,
      metadataUrl: host.entityId,
      hosted: { 'assertion.encryption': true },
    });
    try {
      host.trust(record(other));
      const { xml, response, headers } = await responseOf(page);
      expect(xml).toContain('EncryptedAssertion');
      expect(xml).not.toContain(alice.email);
      expect(await post(response, headers)).toEqual(signedIn);
    } finally {
      await other.stop();
    }
  });

  it('by itself names nobody for longer than a session, so a record needs subjectAttribute', async () => {
    const other = await simpleSaml({
      keys: theirs,
      metadataUrl: host.entityId,
      hosted: { NameIDFormat: transient },
    });
    try {
      host.trust(record(other));
      const { response, headers } = await responseOf(page);
      expect(await post(response, headers)).toEqual(refused);
      host.trust(record(other, { subjectAttribute: 'uid' }));
      expect(await post(response, headers)).toEqual(signedIn);
    } finally {
      await other.stop();
    }
  });
});

const names = {
  protocol: 'urn:oasis:names:tc:SAML:2.0:protocol',
  assertion: 'urn:oasis:names:tc:SAML:2.0:assertion',
  signature: 'http://www.w3.org/2000/09/xmldsig#',
  encryption: 'http://www.w3.org/2001/04/xmlenc#',
};
const digests = {
  sha256: `${names.encryption}sha256`,
  sha512: `${names.encryption}sha512`,
};

/** The template of a signature over the element with this id. */
function signatureOf(id: string, hash: keyof typeof digests): string {
  return [
    `<ds:Signature xmlns:ds="${names.signature}"><ds:SignedInfo>`,
    '<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>',
    `<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-${hash}"/>`,
    `<ds:Reference URI="#${id}"><ds:Transforms>`,
    `<ds:Transform Algorithm="${names.signature}enveloped-signature"/>`,
    '<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>',
    `<ds:DigestMethod Algorithm="${digests[hash]}"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>`,
    '<ds:SignatureValue/><ds:KeyInfo><ds:X509Data/></ds:KeyInfo></ds:Signature>',
  ].join('');
}

/** The template of what is encrypted by this algorithm, its key by RSA-OAEP. */
function encryptionBy(algorithm: string): string {
  return [
    `<xenc:EncryptedData xmlns:xenc="${names.encryption}" Type="${names.encryption}Element">`,
    `<xenc:EncryptionMethod Algorithm="${algorithm}"/><ds:KeyInfo xmlns:ds="${names.signature}">`,
    `<xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="${names.encryption}rsa-oaep-mgf1p"/>`,
    '<xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo>',
    '<xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>',
  ].join('');
}

/** What xmlsec1 is to do for a response. */
interface Work {
  /** What is signed. @default 'both' */
  signed?: 'both' | 'response' | 'assertion';
  /** @default 'sha256' */
  hash?: keyof typeof digests;
  /** Whose key signs. @default the provider's */
  by?: KeyAndCertificate;
  /** How the assertion is encrypted, and to whom. @default it is not */
  encryption?: { algorithm: string; key: string; certificate: string };
}

/** A response by xmlsec1 to a request, which is good for five minutes and says that it is alice. */
async function responseBy(
  requestId: string,
  { signed = 'both', hash = 'sha256', by = theirs, encryption }: Work = {},
): Promise<string> {
  const ids = { response: `_${randomUUID()}`, assertion: `_${randomUUID()}` };
  const has = (part: keyof typeof ids) => signed === 'both' || signed === part;
  const signature = (part: keyof typeof ids) => (has(part) ? signatureOf(ids[part], hash) : '');
  const [now, until] = [0, 300_000].map((wait) => new Date(Date.now() + wait).toISOString());
  const assertion = [
    `<saml:Assertion xmlns:saml="${names.assertion}" ID="${ids.assertion}" Version="2.0" IssueInstant="${now}">`,
    `<saml:Issuer>${entityId}</saml:Issuer>${signature('assertion')}<saml:Subject>`,
    '<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">alice-1</saml:NameID>',
    '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData',
    ` NotOnOrAfter="${until}" Recipient="${host.acsUrl}" InResponseTo="${requestId}"/></saml:SubjectConfirmation>`,
    `</saml:Subject><saml:Conditions NotBefore="${now}" NotOnOrAfter="${until}"><saml:AudienceRestriction>`,
    `<saml:Audience>${host.entityId}</saml:Audience></saml:AudienceRestriction></saml:Conditions>`,
    `<saml:AuthnStatement AuthnInstant="${now}"><saml:AuthnContext><saml:AuthnContextClassRef>`,
    'urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified</saml:AuthnContextClassRef></saml:AuthnContext>',
    '</saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="mail">',
    `<saml:AttributeValue>${alice.email}</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>`,
    '</saml:Assertion>',
  ].join('');
  const [open, close] = ['<saml:EncryptedAssertion ', '</saml:EncryptedAssertion>'];
  let xml = [
    `<samlp:Response xmlns:samlp="${names.protocol}" ID="${ids.response}" Version="2.0" IssueInstant="${now}"`,
    ` Destination="${host.acsUrl}" InResponseTo="${requestId}">`,
    `<saml:Issuer xmlns:saml="${names.assertion}">${entityId}</saml:Issuer>${signature('response')}`,
    '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>',
    encryption === undefined ? assertion : `${open}xmlns:saml="${names.assertion}">${assertion}${close}`,
    '</samlp:Response>',
  ].join('');
  if (has('assertion')) xml = await sign(xml, ids.assertion, by);
  if (encryption !== undefined) {
    const { algorithm, key, certificate } = encryption;
    xml = await encryptAssertion(xml, { template: encryptionBy(algorithm), key, certificate });
  }
  return has('response') ? sign(xml, ids.response, by) : xml;
}

describe('xmlsec1', () => {
  let begun: { id: string; headers: Record<string, string> };
  const trust = (change: Partial<SamlIdentityProvider> = {}) =>
    host.trust(samlRecordOf(theirs, { entityId, ...change }));

  beforeEach(async () => {
    trust();
    const own = client(host);
    const { id = '' } = await own.offer('saml-post');
    begun = { id, headers: own.headers };
  });

  it.each([
    ['both', 'sha256'],
    ['response', 'sha512'],
    ['assertion', 'sha256'],
  ] as const)('signs a user in by its signature of %s by %s', async (signed, hash) => {
    trust({ signed });
    const xml = await responseBy(begun.id, { signed, hash });
    expect(await post(base64(xml), begun.headers)).toEqual(signedIn);
  });

  it('signs nobody in where its signature is by another key, or one byte is another', async () => {
    const forged = await responseBy(begun.id, { by: ours });
    expect(await post(base64(forged), begun.headers)).toEqual(refused);

    const xml = await responseBy(begun.id);
    const changes = [
      [/alice-1(?=<)/, 'alice-2'],
      [/mail(?=">)/, 'maim'],
      [/(?<=SignatureValue>.)./, '#'],
      [/(?<=IssueInstant="20)../, '27'],
    ] as const;
    for (const [from, to] of changes) {
      const changed = xml.replace(from, to);
      expect(changed).not.toBe(xml);
      expect({ to, answer: await post(base64(changed), begun.headers) }).toEqual({ to, answer: refused });
    }
    expect(await post(base64(xml), begun.headers)).toEqual(signedIn);
  });

  it('verifies our request, by our key and by no other', async () => {
    const { authn_request = '' } = await client(host).offer('saml-post');
    const xml = Buffer.from(authn_request, 'base64').toString();
    expect(await isSignedBy(xml, ours.certificate)).toBe(true);
    expect(await isSignedBy(xml, theirs.certificate)).toBe(false);
    const changed = xml.replace('/acs"', '/acr"');
    expect(changed).not.toBe(xml);
    expect(await isSignedBy(changed, ours.certificate)).toBe(false);
  });

  it.each([
    ['aes128-gcm', 'assertion', 'http://www.w3.org/2009/xmlenc11#aes128-gcm', 'aes-128', ours],
    ['aes256-gcm', 'both', 'http://www.w3.org/2009/xmlenc11#aes256-gcm', 'aes-256', next],
    ['aes256-cbc', 'both', `${names.encryption}aes256-cbc`, 'aes-256', ours],
  ] as const)('signs a user in by an assertion that it has encrypted by %s, signed: %s', async (...given) => {
    const [, signed, algorithm, key, recipient] = given;
    trust({ signed });
    const to = ({ certificate }: KeyAndCertificate) =>
      responseBy(begun.id, { signed, encryption: { algorithm, key, certificate } });
    const xml = await to(recipient);
    expect(xml).not.toContain(alice.email);
    expect(await post(base64(await to(theirs)), begun.headers)).toEqual(refused);
    expect(await post(base64(xml), begun.headers)).toEqual(signedIn);
  });
});
