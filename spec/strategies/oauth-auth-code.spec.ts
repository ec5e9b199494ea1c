import { describe, expect, it } from '@jest/globals';
import express from 'express';
import supertest from 'supertest';
import { appWithOidc, auth, browser } from '../support/federation.js';
import { alice } from '../support/people.js';

const claims = { sub: 'alice-1', email: alice.email, email_verified: true };

describe('oauth-auth-code', () => {
  it('signs a user in who was sent to the provider from here', async () => {
    const app = await appWithOidc();
    const own = browser(app);
    const offer = await own.offer('oauth-auth-code-grant');
    const url = new URL(String(offer.authorization_url));
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: 'host',
      redirect_uri: 'https://app.example.com/callback',
      response_type: 'code',
      scope: 'openid email',
      state: offer.state,
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    });

    const code = app.provider.authorize(url.href, claims);
    const body = { method: 'oauth-auth-code', idp_id: offer.idp_id, email: alice.email, code };
    const answer = await app.post(auth, { ...body, state: offer.state }, own.headers);
    expect([answer.status, answer.body.entity_id]).toEqual([200, alice.id]);
    const me = await app.get('/me', { Authorization: `Bearer ${answer.body.access_token}` });
    expect(me.body.session).toMatchObject({ method: 'oauth-auth-code', idpId: 'oidc', secondFactor: false });
  });

  it('finds the state by the cookie when the body has none, as the contract has it', async () => {
    const app = await appWithOidc();
    const own = browser(app);
    const offer = await own.offer('oauth-auth-code-grant');
    const code = app.provider.authorize(String(offer.authorization_url), claims);
    const body = { method: 'oauth-auth-code', idp_id: offer.idp_id, email: alice.email, code };
    expect((await app.post(auth, body, own.headers)).status).toBe(200);
  });

  it('refuses a code that another browser has begun', async () => {
    const app = await appWithOidc();
    const [own, other] = [browser(app), browser(app)];
    const offer = await own.offer('oauth-auth-code-grant');
    await other.offer('oauth-auth-code-grant');
    const code = app.provider.authorize(String(offer.authorization_url), claims);
    const body = { method: 'oauth-auth-code', idp_id: offer.idp_id, email: '', code, state: offer.state };
    expect((await app.post(auth, body, other.headers)).status).toBe(401);
    expect((await app.post(auth, body)).status).toBe(401);
    expect((await app.post(auth, body, own.headers)).status).toBe(200);
  });

  it('is registered with the control’s own Passport, for a route of the host', async () => {
    const app = await appWithOidc();
    const host = express().use(express.json());
    const own = app.control.passport.authenticate('oauth-auth-code', { session: false });
    host.post('/', own, (request, response) => {
      response.json({ id: request.user?.id, info: Object.keys(request.authInfo ?? {}) });
    });
    const at = browser(app);
    const offer = await at.offer('oauth-auth-code-grant');
    const code = app.provider.authorize(String(offer.authorization_url), claims);
    const body = { idp_id: offer.idp_id, email: alice.email, code, state: offer.state };
    const post = (headers: Record<string, string>) => supertest(host).post('/').set(headers).send(body);
    expect((await post({})).status).toBe(401);
    const answer = await post(at.headers);
    expect(answer.body).toEqual({ id: alice.id, info: expect.arrayContaining(['identityProvider']) });
    expect((await post(at.headers)).status).toBe(401);
  });
});
