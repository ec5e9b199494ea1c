import { describe, expect, it } from '@jest/globals';
import { testApp } from '../support/app.js';
import { alices, makeSession, presenting } from '../support/session-maker.js';
import { signInAlice, signInRobot } from '../support/sign-in.js';

describe('the lifetime of a session', () => {
  it('ends when it was idle for 24 h (user) or 10 min (app), to the millisecond', async () => {
    const app = await testApp();
    for (const [signIn, idle] of [
      [signInAlice, 86_400],
      [signInRobot, 600],
    ] as const) {
      const headers = await signIn(app);
      app.clock.advance(idle - 0.001);
      expect((await app.get('/me', headers)).status).toBe(200);
      app.clock.advance(idle);
      expect((await app.get('/me', headers)).status).toBe(401);
    }
  });

  it('slides while it is used, and ends at its absolute end all the same', async () => {
    const app = await testApp();
    const headers = await signInRobot(app);
    for (let minute = 0; minute < 24 * 60; minute += 5) {
      expect((await app.get('/me', headers)).status).toBe(200);
      app.clock.advance(300);
    }
    expect((await app.get('/me', headers)).status).toBe(401);
  });

  it('gives a pending session five minutes, whatever is asked of it', async () => {
    const app = await testApp();
    const session = await makeSession(app, { ...alices, state: 'pending' });
    for (let second = 0; second < 299; second += 60) {
      expect((await app.post('/sys/v1/session/refresh', undefined, presenting(session))).body.code).toBe(
        'second_factor_required',
      );
      app.clock.advance(60);
    }
    expect((await app.get('/me', presenting(session))).body.code).toBe('invalid_session');
  });

  it('does not revive an expired session when the clock is set back', async () => {
    const app = await testApp();
    const headers = await signInRobot(app);
    app.clock.advance(601);
    expect((await app.get('/me', headers)).status).toBe(401);
    app.clock.advance(-600);
    expect((await app.get('/me', headers)).status).toBe(401);
  });

  it('takes 90 s between two clocks, and no session from the far future', async () => {
    const app = await testApp();
    const headers = await signInAlice(app);
    app.clock.advance(-90);
    expect((await app.get('/me', headers)).status).toBe(200);
    app.clock.advance(-3600);
    expect((await app.get('/me', headers)).status).toBe(401);
  });

  it('writes at most once in a twentieth of the idle time', async () => {
    const app = await testApp();
    const headers = await signInRobot(app);
    const writes = () => app.shared.faults.store.calls.get('set') ?? 0;
    const before = writes();
    for (let second = 0; second < 300; second += 1) {
      expect((await app.get('/me', headers)).status).toBe(200);
      app.clock.advance(1);
    }
    expect(writes() - before).toBeLessThanOrEqual(10);
    expect(writes() - before).toBeGreaterThan(5);
  });

  it('starts the idle time anew on refresh, with the same token', async () => {
    const app = await testApp();
    const headers = await signInRobot(app);
    app.clock.advance(10);
    expect((await app.post('/sys/v1/session/refresh', undefined, headers)).status).toBe(204);
    app.clock.advance(599);
    expect((await app.get('/me', headers)).status).toBe(200);
  });

  it('tells the host the end that this very request has moved', async () => {
    const app = await testApp();
    const headers = await signInRobot(app);
    app.clock.advance(540);
    expect((await app.get('/me', headers)).body.session.expiresAt).toBe(app.clock() + 600_000);
  });

  it('goes on working when the store cannot write the later end, and tells the audit log', async () => {
    const app = await testApp();
    const headers = await signInRobot(app);
    app.clock.advance(60);
    app.shared.faults.store.break('set', 'reject');
    expect((await app.get('/me', headers)).status).toBe(200);
    expect((await app.post('/sys/v1/session/refresh', undefined, headers)).status).toBe(503);
    app.shared.faults.store.heal();
    app.clock.advance(530);
    expect((await app.get('/me', headers)).status).toBe(200);
    expect(app.events).toContainEqual(
      expect.objectContaining({ type: 'dependency_failed', operation: 'session.store.set' }),
    );
  });

  it('has the lifetimes that the options say', async () => {
    const app = await testApp({ session: { idleTimeout: { app: 5 }, absoluteTimeout: { app: 8 } } });
    const headers = await signInRobot(app);
    app.clock.advance(4);
    expect((await app.get('/me', headers)).status).toBe(200);
    app.clock.advance(3.9);
    expect((await app.get('/me', headers)).status).toBe(200);
    app.clock.advance(0.1);
    expect((await app.get('/me', headers)).status).toBe(401);
  });
});
