import { afterEach, describe, expect, it } from '@jest/globals';
import supertest from 'supertest';
import { samlProvider } from '../../../lib/testing/index.js';
import { origin, type TestApp, testApp } from '../../support/app.js';
import { auth, samlRecordOf, serviceProvider } from '../../support/federation.js';
import { alice } from '../../support/people.js';
import { type Begun, begin, entityId, idpKeys } from '../../support/saml.js';

const targets = ['/home', '/other', `${origin}/app`];
const hostile = {
  'an address': 'https://evil.example/',
  'an address without a scheme': '//evil.example/',
  'a backslash': '/\\evil.example/',
  'a script': 'javascript:alert(1)',
  'a listed page and more': '/home/../../evil',
  'a listed page of another host': '/home@evil.example',
  'another case': '/HOME',
  'a header': '/home\r\nSet-Cookie: __Host-session=evil\r\n\r\n<script>alert(1)</script>',
  markup: '"><script>alert(1)</script><input value="',
  'single quotes': `'><img src=x onerror=alert(1)>`,
  entities: '&quot;&gt;&lt;script&gt;',
  'a line separator': '/home\u2028<script>alert(1)</script>',
  __proto__: '__proto__',
  'a long text': 'x'.repeat(10_000),
};

interface Acs {
  app: TestApp;
  begun: Begun;
  response: string;
  /** Posts the form, as the browser that has begun does from the page of this host. */
  post(fields: Record<string, string | string[]>, headers?: Record<string, string>): supertest.Test;
}

const unforeseen: unknown[] = [];
afterEach(() => {
  expect(unforeseen.splice(0)).toEqual([]);
});

async function acs(): Promise<Acs> {
  const app = await testApp({ serviceProvider });
  app.repositories.identityProviders.table.set('saml', samlRecordOf(idpKeys));
  app.app.all('/acs', app.control.samlAcs({ redirectTo: targets }));
  const provider = samlProvider({ entityId, ...idpKeys, clock: app.clock });
  const begun = await begin({
    async call(path, body, headers) {
      const answer = await app.post(path, body, headers);
      return { status: answer.status, headers: answer.headers, body: answer.text };
    },
  });
  const response = await provider.response({
    ...{ subject: 'alice-1', audience: serviceProvider.entityId, acsUrl: serviceProvider.acsUrl },
    ...{ inResponseTo: begun.id, attributes: { mail: alice.email } },
  });
  return {
    ...{ app, begun, response },
    post: (fields, headers = { ...begun.headers, Origin: origin, 'Sec-Fetch-Site': 'same-origin' }) => {
      const form = new URLSearchParams();
      for (const [name, value] of Object.entries(fields))
        for (const each of [value].flat()) form.append(name, each);
      const test = supertest(app.app).post('/acs').redirects(0);
      for (const [name, value] of Object.entries(headers)) test.set(name, value);
      return test.type('form').send(form.toString());
    },
  };
}

/** The value of an input of a page, as a browser reads it. */
function inputOf(html: string, name: string): string | undefined {
  const found = new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1];
  return found?.replaceAll('&lt;', '<').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
}

describe('attacks by what is sent back (SAML-38)', () => {
  it.each(Object.entries(hostile))(
    'SAML-38: RelayState with %s leads nowhere else',
    async (_, RelayState) => {
      const { app, response, post } = await acs();
      const answer = await post({ SAMLResponse: response, RelayState, again: '1' });
      expect(answer.status).toBe(303);
      const [page, told = ''] = String(answer.headers.location).split('#session=');
      expect(page).toBe('/home');
      expect(JSON.parse(Buffer.from(told, 'base64url').toString()).entity_id).toBe(alice.id);
      const cookies = answer.headers['set-cookie'] as unknown as string[];
      expect([cookies.length, cookies[0]?.startsWith('__Host-session=')]).toEqual([1, true]);
      expect(answer.text).not.toContain('evil');
      expect(answer.text).not.toContain('<script');
      const me = await app.get('/me', { Cookie: cookies[0]?.split(';')[0] ?? '' });
      expect([me.status, me.body.id]).toEqual([200, alice.id]);
    },
  );

  it('SAML-38: RelayState chooses among the pages that are listed', async () => {
    for (const RelayState of targets) {
      const { response, post } = await acs();
      const { headers } = await post({ SAMLResponse: response, RelayState, again: '1' });
      expect(String(headers.location).split('#')[0]).toBe(RelayState);
    }
  });

  it.each(Object.entries(hostile))(
    'SAML-38: the page that posts again is not changed by %s',
    async (_, text) => {
      const { app, post } = await acs();
      const fields = { SAMLResponse: text, RelayState: text, [text]: text };
      const answer = await post(fields, { Origin: 'https://idp.example', 'Sec-Fetch-Site': 'cross-site' });
      expect([answer.status, answer.headers['set-cookie']]).toEqual([200, undefined]);
      expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(answer.headers['cache-control']).toBe('no-store');
      const nonce = /^default-src 'none'; script-src 'nonce-([\w-]{22})'; base-uri 'none'/.exec(
        String(answer.headers['content-security-policy']),
      )?.[1];
      expect(answer.text).toContain(`<script nonce="${nonce}">`);
      expect(answer.text.match(/<[a-z!/]+/gi)).toEqual([
        ...['<!doctype', '<html', '<meta', '<title', '</title', '<form', '<input', '<input', '<input'],
        ...['<noscript', '<button', '</button', '</noscript', '</form', '<script', '</script', '</html'],
      ]);
      // A browser posts line breaks as it does, so they are compared without a difference.
      const lines = (each: string | undefined) => each?.replaceAll('\r\n', '\n');
      expect(lines(inputOf(answer.text, 'SAMLResponse'))).toBe(lines(text));
      expect(lines(inputOf(answer.text, 'RelayState'))).toBe(lines(text));
      expect(app.shared.rows.size).toBe(0);
    },
  );

  it('SAML-38: a refusal tells its code and nothing of what was sent', async () => {
    const { app, response, post } = await acs();
    for (const RelayState of Object.values(hostile)) {
      const answer = await post({ SAMLResponse: 'PHgvPg==', RelayState, again: '1' });
      expect([answer.status, answer.headers.location]).toEqual([303, '/home#error=invalid_credentials']);
      expect([answer.headers['set-cookie'], app.shared.rows.size]).toEqual([undefined, 0]);
    }
    expect((await post({ SAMLResponse: response, again: '1' })).headers.location).toMatch(/^\/home#session=/);
  });

  it('SAML-38: fields that are missing, doubled or no text are malformed, or are none', async () => {
    const { app, response, post } = await acs();
    for (const fields of [
      {},
      { SAMLResponse: '' },
      { SAMLResponse: [response, response] },
      { x: response },
    ]) {
      const answer = await post(fields);
      expect([answer.status, answer.body.code]).toEqual([400, 'malformed_request']);
      expect(answer.text).not.toContain(response.slice(0, 40));
    }
    expect([(await post({ SAMLResponse: 'A'.repeat(600_000) })).status, app.shared.rows.size]).toEqual([
      413, 0,
    ]);
    const answer = await post({ SAMLResponse: response, RelayState: ['/other', '/other'], again: '1' });
    expect(String(answer.headers.location).split('#')[0]).toBe('/home');
  });

  it('SAML-18, SAML-38: a page of another site can post nothing in the name of a browser', async () => {
    const { app, begun, response, post } = await acs();
    const sites = [
      { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' },
      { Origin: 'https://idp.example', 'Sec-Fetch-Site': 'cross-site' },
      { Origin: 'null', 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'cross-site' },
    ] as Record<string, string>[];
    for (const site of sites) {
      for (const headers of [{ ...begun.headers, ...site }, site]) {
        const answer = await post({ SAMLResponse: response, again: '1' }, headers);
        expect([answer.status, answer.headers['set-cookie']]).toEqual([403, undefined]);
      }
    }
    const other = await post({ SAMLResponse: response, again: '1' }, { Origin: origin });
    expect(other.headers.location).toBe('/home#error=invalid_credentials');
    expect(app.shared.rows.size).toBe(0);
    expect((await post({ SAMLResponse: response, again: '1' })).headers.location).toMatch(/^\/home#session=/);
    expect((await post({ SAMLResponse: response, again: '1' })).headers.location).toBe(
      '/home#error=invalid_credentials',
    );
  });

  it('SAML-38: an id that is markup, or a header, is answered like any other', async () => {
    const { app, begun, response } = await acs();
    const bodies = new Set<string>();
    for (const id of Object.values(hostile).filter((each) => each.length < 512)) {
      const body = { method: 'saml-response', id, response, RelayState: id };
      const answer = await app.post(auth, body, begun.headers);
      expect([id, answer.status, answer.headers['set-cookie']]).toEqual([id, 401, undefined]);
      expect(JSON.stringify(answer.headers)).not.toContain('evil');
      bodies.add(answer.text);
    }
    expect(bodies.size).toBe(1);
    const long = await app.post(
      auth,
      { method: 'saml-response', id: '<x>'.repeat(200), response },
      begun.headers,
    );
    expect([long.status, long.text.includes('<x>')]).toEqual([400, false]);
    const good = await app.post(auth, { method: 'saml-response', id: begun.id, response }, begun.headers);
    expect([good.status, good.body.entity_id]).toEqual([200, alice.id]);
  });
});
