import { describe, expect, it } from '@jest/globals';
import express from 'express';
import supertest from 'supertest';
import type { ReturnOptions } from '../../lib/index.js';
import { origin } from '../support/app.js';
import { appWithSaml, browser, serviceProvider } from '../support/federation.js';
import { alice } from '../support/people.js';
import { enrolledKey } from '../support/second-factor.js';

/** A host whose assertion consumer service is at /acs, and a browser that has begun there. */
async function begun(
  options: ReturnOptions = { redirectTo: '/app' },
  change: Parameters<typeof appWithSaml>[0] = {},
) {
  const app = await appWithSaml(change);
  const host = express();
  host.all('/acs', app.control.samlAcs(options));
  host.use('/sys/v1', app.control.router);
  host.get('/me', app.control.requireSession(), ({ user }, response) => {
    response.json({ id: user?.id });
  });
  const own = browser(app);
  const { id = '' } = await own.offer('saml-post');
  const response = await app.provider.response({
    ...{ subject: 'alice-1', audience: serviceProvider.entityId, acsUrl: serviceProvider.acsUrl },
    ...{ inResponseTo: id, attributes: { mail: alice.email } },
  });
  const post = (fields: Record<string, string>, headers: Record<string, string> = {}) => {
    const test = supertest(host).post('/acs').type('form');
    for (const [name, value] of Object.entries(headers)) test.set(name, value);
    return test.send(fields);
  };
  return { app, host, own, response, post, cookie: own.headers };
}

const fromHere = { Origin: origin, 'Sec-Fetch-Site': 'same-origin' };
const told = (location: string) =>
  JSON.parse(Buffer.from(location.slice(location.indexOf('=') + 1), 'base64url').toString());

describe('the assertion consumer service', () => {
  it('answers the form of another site with a page that posts it again from this one', async () => {
    const { response, post } = await begun();
    const page = await post(
      { SAMLResponse: response, RelayState: '"><script>' },
      { Origin: 'https://idp.example' },
    );
    expect([page.status, page.headers['set-cookie'], page.headers['cache-control']]).toEqual([
      200,
      undefined,
      'no-store',
    ]);
    const [, nonce = ''] =
      /script-src 'nonce-([\w-]{22})'/.exec(String(page.headers['content-security-policy'])) ?? [];
    expect(page.text).toContain(`<script nonce="${nonce}">`);
    expect(page.text).toContain(`name="SAMLResponse" value="${response}"`);
    expect(page.text).toContain('name="RelayState" value="&quot;>&lt;script>"');
    expect(page.text).toContain('name="again" value="1"');
  });

  it('ends in a Cookie session and a redirect to the page of the host', async () => {
    const { host, response, post, cookie } = await begun();
    const answer = await post({ SAMLResponse: response, again: '1' }, { ...fromHere, ...cookie });
    expect(answer.status).toBe(303);
    expect(answer.headers.location).toMatch(/^\/app#session=[\w-]+$/);
    expect(told(String(answer.headers.location))).toEqual({
      ...{ token_type: 'Cookie', entity_id: alice.id, expires_in: 86_400, allowed_mfa_methods: [] },
    });
    const [session = ''] = answer.headers['set-cookie'] as unknown as string[];
    expect(session).toMatch(/^__Host-session=[\w-]{86}; .*HttpOnly; Secure; SameSite=Lax$/);
    const me = await supertest(host)
      .get('/me')
      .set('Cookie', session.split(';')[0] ?? '');
    expect(me.body).toEqual({ id: alice.id });
  });

  it('hands the challenge of a pending session on, where no server sees it', async () => {
    const { app, response, post, cookie } = await begun({ redirectTo: '/app' }, { secondFactor: 'require' });
    const key = await enrolledKey(app);
    const answer = await post({ SAMLResponse: response, again: '1' }, { ...fromHere, ...cookie });
    const { fido2_assertion_options: options } = told(String(answer.headers.location));
    expect(options.allowCredentials[0].id).toBe(key.credentials[0]?.id);
  });

  it('goes to another page when RelayState asks for one that is listed, and to no other', async () => {
    const options = { redirectTo: ['/app', `${origin}/reports`] };
    for (const [asked, expected] of [
      [`${origin}/reports`, `${origin}/reports`],
      ['/app', '/app'],
      ['https://evil.example/', '/app'],
      ['//evil.example', '/app'],
      [`${origin}/reports/../evil`, '/app'],
    ] as const) {
      const { response, post, cookie } = await begun(options);
      const answer = await post(
        { SAMLResponse: response, RelayState: asked, again: '1' },
        { ...fromHere, ...cookie },
      );
      expect(String(answer.headers.location).split('#')[0]).toBe(expected);
    }
  });

  it('tells the page a failure by its code, and nothing else', async () => {
    const { response, post, cookie } = await begun();
    const tampered = Buffer.from(Buffer.from(response, 'base64').toString().replace('alice-1', 'bob-1'));
    const body = { SAMLResponse: tampered.toString('base64'), again: '1' };
    const answer = await post(body, { ...fromHere, ...cookie });
    expect([answer.status, answer.headers.location]).toEqual([303, '/app#error=invalid_credentials']);
    expect(answer.headers['set-cookie']).toBeUndefined();
    const genuine = await post({ SAMLResponse: response, again: '1' }, { ...fromHere, ...cookie });
    expect(genuine.headers.location).toMatch(/^\/app#session=/);
  });

  it('refuses the browser of another, and a form of another site that has the cookie', async () => {
    const { app, response, post, cookie } = await begun();
    const other = browser(app);
    await other.offer('saml-post');
    const foreign = await post({ SAMLResponse: response, again: '1' }, { ...fromHere, ...other.headers });
    expect(foreign.headers.location).toBe('/app#error=invalid_credentials');
    const without = await post({ SAMLResponse: response, again: '1' }, fromHere);
    expect(without.headers.location).toBe('/app#error=invalid_credentials');
    const crossSite = await post(
      { SAMLResponse: response, again: '1' },
      { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site', ...cookie },
    );
    expect([crossSite.status, crossSite.body.code]).toEqual([403, 'cross_site_request']);
  });

  it('takes the form of a provider of the same site, which comes with the cookie', async () => {
    const { response, post, cookie } = await begun();
    const theirs = { Origin: 'https://sso.example.com', 'Sec-Fetch-Site': 'same-site', ...cookie };
    const page = await post({ SAMLResponse: response }, theirs);
    expect([page.status, page.headers['set-cookie']]).toEqual([200, undefined]);
    expect(page.text).toContain(`name="SAMLResponse" value="${response}"`);
    const answer = await post({ SAMLResponse: response, again: '1' }, { ...fromHere, ...cookie });
    expect(answer.headers.location).toMatch(/^\/app#session=/);
  });

  it('finds a form without a response malformed, too large a one too large, and serves POST alone', async () => {
    const { host, post } = await begun();
    expect((await post({ RelayState: 'x' })).body.code).toBe('malformed_request');
    expect((await post({ SAMLResponse: 'A'.repeat(600_000) })).body.code).toBe('payload_too_large');
    const get = await supertest(host).get('/acs');
    expect([get.status, get.headers.allow]).toEqual([405, 'POST']);
  });

  it.each([
    [undefined, 'samlAcs.redirectTo'],
    [[], 'samlAcs.redirectTo'],
    ['', 'samlAcs.redirectTo'],
    ['app', 'samlAcs.redirectTo'],
    ['//evil.example', 'samlAcs.redirectTo'],
    ['/\\evil.example', 'samlAcs.redirectTo'],
    ['https://evil.example/', 'samlAcs.redirectTo'],
    ['javascript:alert(1)', 'samlAcs.redirectTo'],
    ['/app#there', 'samlAcs.redirectTo'],
    [['/app', 'https://evil.example/'], 'samlAcs.redirectTo.1'],
  ])('cannot send browsers on to %j', async (redirectTo, path) => {
    const { control } = await appWithSaml();
    expect(() => control.samlAcs({ redirectTo } as never)).toThrow(expect.objectContaining({ path }));
  });
});
