import { describe, expect, it } from '@jest/globals';
import { Strategy as LocalStrategy } from 'passport-local';
import { deviceRecord } from '../../lib/testing/index.js';
import { testApp } from '../support/app.js';
import { acme, alice, bob, globex, people } from '../support/people.js';

describe('columns of the host’s own, in a row of a user', () => {
  const auth = '/sys/v1/session/auth';
  const password = { method: 'password', email: alice.email, password: alice.password };
  /** An app under test whose user alice has these columns, too. */
  async function withColumns(columns: object) {
    const memory = await people();
    const row = memory.users.table.get(alice.id);
    if (row) memory.users.table.set(alice.id, { ...row, ...columns });
    return testApp({ memory });
  }

  it.each([
    ['accountId', { accountId: globex }],
    ['accountId of her own account', { accountId: acme }],
    ['secrets', { secrets: ['answer to the secret question'] }],
    ['secrets that are null', { secrets: null }],
    ['name and state', { name: 'robot', state: 'active', secondFactor: true, type: 'app' }],
    ['carrier and token', { carrier: 'Cookie', token: 'x', access_token: 'y', entityId: bob.id }],
  ])('change nothing about her session: %s', async (_, columns) => {
    const app = await withColumns(columns);
    const { status, body } = await app.post(auth, password);
    expect([status, body.entity_id]).toEqual([200, alice.id]);
    const me = await app.get('/user', { Authorization: `Bearer ${body.access_token}` });
    expect([me.status, me.body.id]).toEqual([200, alice.id]);
    expect(me.body.session).toMatchObject({ principalType: 'user', accountId: null, method: 'password' });
  });

  it('select no account that she has not selected, past its policy', async () => {
    const app = await withColumns({ accountId: acme });
    app.repositories.accounts.table.set(acme, {
      ...{ id: acme, enabled: true },
      signIn: { methods: ['saml-response'], secondFactor: 'require' },
    });
    const { body } = await app.post(auth, password);
    const headers = { Authorization: `Bearer ${body.access_token}` };
    expect((await app.post('/sys/v1/session/select_account', { acct_id: acme }, headers)).status).toBe(403);
    expect((await app.get('/account', headers)).status).toBe(403);
    expect((await app.get(`/accounts/${acme}`, headers)).status).toBe(403);
  });

  it('make no app of her behind a strategy of the host, and spare her no second factor', async () => {
    const memory = await people();
    const row = memory.users.table.get(alice.id);
    if (row) memory.users.table.set(alice.id, { ...row, ...{ secrets: [] } });
    await memory.devices.add(alice.id, deviceRecord(1));
    const strategy = new LocalStrategy({ usernameField: 'email' }, (_email, _password, done) =>
      done(null, { id: alice.id }),
    );
    const app = await testApp({ memory, methods: { password: { strategy } } });
    const { body } = await app.post(auth, password);
    const me = await app.get('/me', { Authorization: `Bearer ${body.access_token}` });
    expect([me.status, me.body.code]).toEqual([401, 'second_factor_required']);
  });
});
