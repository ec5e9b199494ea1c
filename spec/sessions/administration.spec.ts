import { describe, expect, it } from '@jest/globals';
import { testApp } from '../support/app.js';
import { alice, robot } from '../support/people.js';
import { alices, makeSession, presenting } from '../support/session-maker.js';
import { signInAlice, signInRobot } from '../support/sign-in.js';

describe('control.sessions', () => {
  it('lists the sessions of a user, without a token in them', async () => {
    const app = await testApp();
    const headers = await signInAlice(app);
    await signInRobot(app);
    const [session, ...others] = await app.control.sessions.list({ user: alice.id });
    expect(others).toEqual([]);
    expect(session).toEqual((await app.get('/me', headers)).body.session);
    expect(headers.Authorization).not.toContain(session?.id);
  });

  it('ends all sessions of an entity, one of them, or all but one', async () => {
    const app = await testApp();
    const headers = [await signInAlice(app), await signInAlice(app), await signInAlice(app)];
    const ids = await Promise.all(headers.map(async (each) => (await app.get('/me', each)).body.session.id));
    const statuses = () => Promise.all(headers.map(async (each) => (await app.get('/me', each)).status));

    expect(await app.control.sessions.end({ user: alice.id }, { id: ids[0] })).toBe(1);
    expect(await statuses()).toEqual([401, 200, 200]);
    expect(await app.control.sessions.end({ user: alice.id }, { except: ids[1] })).toBe(1);
    expect(await statuses()).toEqual([401, 200, 401]);
    expect(await app.control.sessions.end({ user: alice.id })).toBe(1);
    expect(await statuses()).toEqual([401, 401, 401]);
    expect(await app.control.sessions.list({ user: alice.id })).toEqual([]);
  });

  it('ends the sessions that one secret of an app has made', async () => {
    const app = await testApp();
    const headers = await signInRobot(app);
    expect(await app.control.sessions.end({ app: robot.id }, { credentialId: 'second' })).toBe(0);
    expect(await app.control.sessions.end({ app: robot.id }, { credentialId: 'first' })).toBe(1);
    expect((await app.get('/me', headers)).status).toBe(401);
    expect(app.events).toContainEqual(
      expect.objectContaining({ type: 'session_ended', cause: 'ended_by_host' }),
    );
  });

  it('ends what it can and what it cannot read, and tells of what it could not end', async () => {
    const app = await testApp();
    const headers = [await signInAlice(app), await signInAlice(app), await signInAlice(app)];
    const statuses = () => Promise.all(headers.map(async (each) => (await app.get('/me', each)).status));
    const [sid = ''] = app.shared.rows.keys();
    await new Promise((resolve) => app.shared.store.set(sid, { nonsense: true }, resolve));
    expect(await app.control.sessions.list({ user: alice.id })).toHaveLength(2);

    app.shared.faults.oneTime.break('claim', 'reject', 1);
    await expect(app.control.sessions.end({ user: alice.id })).rejects.toMatchObject({ code: 'unavailable' });
    expect((await statuses()).filter((status) => status === 200).length).toBeLessThanOrEqual(1);
    await app.control.sessions.end({ user: alice.id });
    expect(await statuses()).toEqual([401, 401, 401]);
    expect(app.shared.rows.size).toBe(0);
  });

  it('refuses a reference to nobody and a selection that is none', async () => {
    const { sessions } = (await testApp()).control;
    const wrong: [object, object][] = [
      [{ users: alice.id }, {}],
      [{ user: alice.id.toUpperCase() }, {}],
      [{}, {}],
      [{ user: alice.id, app: robot.id }, {}],
      [{ user: alice.id }, { excpet: 'x' }],
      [{ user: alice.id }, { id: undefined }],
    ];
    for (const [entity, selection] of wrong) {
      await expect(sessions.end(entity as { user: string }, selection)).rejects.toBeInstanceOf(TypeError);
    }
  });

  it('finds no session of another entity by its id', async () => {
    const app = await testApp();
    const headers = await signInAlice(app);
    const { id } = (await app.get('/me', headers)).body.session;
    expect(await app.control.sessions.end({ app: robot.id }, { id })).toBe(0);
    expect((await app.get('/me', headers)).status).toBe(200);
  });
});

describe('session.maxPerEntity', () => {
  it('ends the session that would end first when there is one too many', async () => {
    const app = await testApp({ session: { maxPerEntity: 3 } });
    const headers = [];
    for (let index = 0; index < 4; index += 1) {
      headers.push(await signInAlice(app));
      app.clock.advance(1);
    }
    const statuses = await Promise.all(headers.map(async (each) => (await app.get('/me', each)).status));
    expect(statuses).toEqual([401, 200, 200, 200]);
    expect(app.shared.rows.size).toBe(3);
  });

  it('leaves at most so many after twice as many parallel sign-ins', async () => {
    const app = await testApp({ session: { maxPerEntity: 5 } });
    const headers = await Promise.all(Array.from({ length: 10 }, () => signInRobot(app)));
    const statuses = await Promise.all(headers.map(async (each) => (await app.get('/me', each)).status));
    expect(statuses.filter((status) => status === 200)).toHaveLength(5);
    expect(app.shared.rows.size).toBe(5);
  });

  it('does not let pending sessions push active ones out', async () => {
    const app = await testApp({ session: { maxPerEntity: 2 } });
    const headers = await signInAlice(app);
    for (let index = 0; index < 5; index += 1) await makeSession(app, { ...alices, state: 'pending' });
    expect((await app.get('/me', headers)).status).toBe(200);
    const pending = await makeSession(app, { ...alices, state: 'pending' });
    expect((await app.get('/me', presenting(pending))).body.code).toBe('second_factor_required');
  });
});
