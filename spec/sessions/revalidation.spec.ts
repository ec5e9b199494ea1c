import { describe, expect, it } from '@jest/globals';
import type { App, User } from '../../lib/index.js';
import { type TestApp, testApp } from '../support/app.js';
import { acme, alice, robot } from '../support/people.js';
import { signInAlice, signInRobot } from '../support/sign-in.js';

function changeAlice({ repositories }: TestApp, change: Partial<User>): void {
  const row = repositories.users.table.get(alice.id);
  if (row) repositories.users.table.set(alice.id, { ...row, ...change });
}

function changeRobot({ repositories }: TestApp, change: Partial<App>): void {
  const row = repositories.apps.table.get(robot.id);
  if (row) repositories.apps.table.set(robot.id, { ...row, ...change });
}

const selectAcme = (app: TestApp, headers: Record<string, string>) =>
  app.post('/sys/v1/session/select_account', { acct_id: acme }, headers);

describe('the principal is read again on every request', () => {
  const users: [string, (app: TestApp) => unknown][] = [
    ['the user is deleted', ({ repositories }) => repositories.users.table.delete(alice.id)],
    ['the user is disabled', (app) => changeAlice(app, { enabled: false })],
    ['the password has changed', (app) => changeAlice(app, { credentialVersion: 2 })],
    ['the membership of the selected account is gone', (app) => changeAlice(app, { accountIds: [] })],
    [
      'the selected account is closed',
      ({ repositories }) => repositories.accounts.table.set(acme, { id: acme, enabled: false }),
    ],
    ['the selected account is deleted', ({ repositories }) => repositories.accounts.table.delete(acme)],
  ];
  it.each(users)('ends a user’s session when %s, for good', async (_, change) => {
    const app = await testApp();
    const headers = await signInAlice(app);
    expect((await selectAcme(app, headers)).status).toBe(200);
    expect((await app.get('/account', headers)).status).toBe(200);
    const before = new Map(app.repositories.users.table);
    change(app);
    expect((await app.get('/me', headers)).status).toBe(401);

    for (const [id, user] of before) app.repositories.users.table.set(id, user);
    app.repositories.accounts.table.set(acme, { id: acme, enabled: true });
    expect((await app.get('/me', headers)).status).toBe(401);
    expect(app.shared.rows.size).toBe(0);
  });

  const apps: [string, (app: TestApp) => unknown][] = [
    ['the app is deleted', ({ repositories }) => repositories.apps.table.delete(robot.id)],
    ['the app is disabled', (app) => changeRobot(app, { enabled: false })],
    ['its secret is removed', (app) => changeRobot(app, { secrets: [] })],
    [
      'its account is closed',
      ({ repositories }) => repositories.accounts.table.set(acme, { id: acme, enabled: false }),
    ],
    ['it moved to another account', (app) => changeRobot(app, { accountId: alice.id })],
  ];
  it.each(apps)('ends an app’s session when %s', async (_, change) => {
    const app = await testApp();
    const headers = await signInRobot(app);
    change(app);
    expect((await app.get('/me', headers)).status).toBe(401);
    expect(app.shared.rows.size).toBe(0);
  });

  it('believes what it read for as long as revalidateAfter says, and no longer', async () => {
    const app = await testApp({ session: { revalidateAfter: 10 } });
    const headers = await signInAlice(app);
    expect((await app.get('/me', headers)).status).toBe(200);
    changeAlice(app, { enabled: false });
    app.clock.advance(9);
    expect((await app.get('/me', headers)).status).toBe(200);
    app.clock.advance(1);
    expect((await app.get('/me', headers)).status).toBe(401);
  });

  it('reads a user once a request', async () => {
    const app = await testApp();
    const headers = await signInAlice(app);
    const reads = () => app.faults.users.calls.get('findById') ?? 0;
    const before = reads();
    await app.get('/me', headers);
    expect(reads() - before).toBe(1);
  });
});

describe('POST session/select_account', () => {
  it('selects an account of the user, and the host sees it', async () => {
    const app = await testApp();
    const headers = await signInAlice(app);
    const answer = await selectAcme(app, headers);
    expect([answer.status, answer.body]).toEqual([200, { cookie: null }]);
    expect((await app.get('/me', headers)).body.session.accountId).toBe(acme);
    expect((await app.get(`/accounts/${acme}`, headers)).status).toBe(200);
    expect((await app.get(`/accounts/${alice.id}`, headers)).body.code).toBe('account_required');
  });

  it('refuses an account that the user is no member of, one that is closed, and one that does not exist', async () => {
    const app = await testApp();
    const headers = await signInAlice(app);
    app.repositories.accounts.table.set(acme, { id: acme, enabled: false });
    for (const acct_id of [acme, 'acc00000-0000-4000-8000-00000000000b', alice.id]) {
      const answer = await app.post('/sys/v1/session/select_account', { acct_id }, headers);
      expect([answer.status, answer.body.code]).toEqual([403, 'account_forbidden']);
    }
    expect((await app.get('/me', headers)).body.session.accountId).toBeNull();
  });

  it('refuses an account whose policy the session does not meet', async () => {
    const policies = [
      { methods: ['saml-response'] },
      { idpIds: ['okta'] },
      { secondFactor: 'require' as const },
      { methods: ['password'], idpIds: ['okta'] },
    ];
    for (const signIn of policies) {
      const app = await testApp();
      const headers = await signInAlice(app);
      app.repositories.accounts.table.set(acme, { id: acme, enabled: true, signIn });
      expect((await selectAcme(app, headers)).body.code).toBe('account_forbidden');
      app.repositories.accounts.table.set(acme, {
        id: acme,
        enabled: true,
        signIn: { methods: ['password'] },
      });
      expect((await selectAcme(app, headers)).status).toBe(200);
    }
  });

  it('refuses ids of another form', async () => {
    const app = await testApp();
    const headers = await signInAlice(app);
    for (const acct_id of [acme.toUpperCase(), `{${acme}}`, '*', '../', '', [acme], 1, null]) {
      expect((await app.post('/sys/v1/session/select_account', { acct_id }, headers)).status).toBe(400);
    }
    expect((await app.post('/sys/v1/session/select_account', undefined, headers)).status).toBe(400);
  });
});
