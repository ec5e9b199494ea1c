import { describe, expect, it } from '@jest/globals';
import { basic, bearer, origin, testApp } from '../support/app.js';
import { acme, alice, bob, dan, globex, robot, sue, twin } from '../support/people.js';

describe('POST session/auth', () => {
  it('gives a user with a password a Bearer session that a host route accepts', async () => {
    const { post, get } = await testApp();
    const { status, body } = await post('/sys/v1/session/auth', {
      method: 'password',
      email: alice.email,
      password: alice.password,
    });
    expect(status).toBe(200);
    expect(body).toEqual({
      token_type: 'Bearer',
      expires_in: 86_400,
      entity_id: alice.id,
      access_token: expect.stringMatching(/^[A-Za-z0-9_-]{86}$/),
      allowed_mfa_methods: [],
    });
    const me = await get('/me', bearer(body.access_token));
    expect(me.status).toBe(200);
    expect(me.body.id).toBe(alice.id);
  });
});
