import { describe, expect, it } from '@jest/globals';
import type { RequestHandler } from 'express';
import session from 'express-session';
import passport from 'passport';
import type { Target } from '../../support/attack.js';
import { activeSession, unlock } from '../../support/configuring.js';
import { owing, reach } from '../../support/owing.js';
import { acme, alice, bob, globex, robot } from '../../support/people.js';
import { enrolledKey } from '../../support/second-factor.js';
import {
  carriers,
  everybody,
  given,
  type Headers,
  me,
  onBoth,
  paths,
  rowsOf,
  signIn,
  type Who,
} from '../../support/session-attack.js';
import { swiftly } from '../../support/swift.js';

/** What an old session of the host's holds, by the names that a session of ours has too. */
const seeds = {
  ...{ state: 'active', accountId: globex, entityId: bob.id, principalType: 'user', secondFactor: true },
  ...{ unlockedUntil: Number.MAX_SAFE_INTEGER, absoluteAt: Number.MAX_SAFE_INTEGER, idpId: 'old-idp' },
  ...{ credentialId: '1', challenge: 'old-challenge', returnTo: 'https://evil.example', basket: 'full' },
};

/** A host with a session and a Passport of its own in front, both shared by its nodes; `GET /host` logs mallory in there. */
function hostWithSessions() {
  const store = new session.MemoryStore();
  const own = new passport.Passport();
  own.serializeUser((user, done) => done(null, (user as { id: string }).id));
  own.deserializeUser((id, done) => done(null, { id } as never));
  const login: RequestHandler = (request, response, next) => {
    if (request.path !== '/host') return next();
    request.login({ id: 'mallory' } as never, { keepSessionInfo: true } as never, (error) => {
      if (error) return next(error);
      Object.assign(request.session, seeds);
      response.json({ host: true });
    });
  };
  const before: RequestHandler[] = [
    session({ secret: 'of the host', resave: false, saveUninitialized: false, store }),
    own.initialize(),
    own.session(),
    login,
  ];
  const dump = () => new Promise((resolve) => store.all((_, sessions) => resolve(sessions)));
  return { before, dump };
}

async function loggedInAtHost({ nodes: [node] }: Target): Promise<Headers> {
  const answer = await node.send({ method: 'GET', path: '/host' });
  const [cookie = ''] = answer.headers['set-cookie'] ?? [];
  expect([answer.status, cookie.startsWith('connect.sid=')]).toEqual([200, true]);
  return { Cookie: cookie.split(';')[0] ?? '' };
}

/** What a session of this principal is when nothing was carried over. */
const fresh = (who: Who) => ({
  ...{ entityId: who.id, state: 'active', idpId: null, secondFactor: false },
  accountId: 'email' in who ? null : acme,
});

describe('attacks by what an older session held (SES-02)', () => {
  it.each(everybody)(
    'SES-02: nothing of the host’s own session gets into that of $name',
    ({ who, carrier }) => {
      const host = hostWithSessions();
      return swiftly({ before: host.before }, async (target) => {
        const cookie = await loggedInAtHost(target);
        const before = JSON.stringify(await host.dump());
        expect(before).toContain('mallory');

        const own = await signIn(target, { who, carrier, along: cookie });
        expect(await me(target.nodes[1], own.headers)).toMatchObject(fresh(who));
        const [row = {}] = rowsOf(target);
        expect(row).toMatchObject({ ...fresh(who), unlockedUntil: null, challenge: null });
        const text = JSON.stringify(row);
        for (const old of ['mallory', 'passport"', 'basket', 'returnTo', 'old-idp', 'old-challenge', globex])
          expect([old, text.includes(old)]).toEqual([old, false]);

        const set = own.answer.headers['set-cookie'] ?? [];
        expect(set.map((each) => each.split('=')[0])).toEqual(carrier === 'Cookie' ? ['__Host-session'] : []);
        expect(JSON.stringify(await host.dump())).toBe(before);
      });
    },
  );

  it('SES-02: who is logged in at the host is nobody here, and hides nobody who is', () => {
    const host = hostWithSessions();
    return swiftly({ before: host.before }, async (target) => {
      const { nodes } = target;
      const cookie = await loggedInAtHost(target);
      expect(await onBoth(target, cookie)).toEqual([401, 401]);
      for (const path of Object.values(paths))
        expect([path, (await nodes[0].call(path, undefined, cookie)).status]).toEqual([path, 401]);

      const { headers } = await signIn(target, { who: robot, along: cookie });
      const both = { ...cookie, ...headers };
      const seen = await nodes[1].send({ method: 'GET', path: '/me', headers: both });
      expect(JSON.parse(seen.body)).toMatchObject({ id: robot.id, session: { entityId: robot.id } });
      expect((await nodes[0].call(paths.terminate, undefined, both)).status).toBe(204);
      expect(await onBoth(target, both)).toEqual([401, 401]);
      expect(JSON.stringify(await host.dump())).toContain('mallory');
    });
  });

  it('SES-02: a second factor is completed with nothing of the host’s session in it', () => {
    const host = hostWithSessions();
    return swiftly({ before: host.before }, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id);
      const cookie = await loggedInAtHost(target);
      const key = await enrolledKey(nodes[0]);
      const pending = await owing(target);
      expect(await reach(nodes[1], { ...cookie, ...pending.headers })).toBe(401);
      const paid = await nodes[1].call('/sys/v1/session/auth/2fa/fido2', await key.get(pending.options), {
        ...cookie,
        ...pending.headers,
      });
      expect([paid.status, paid.headers['set-cookie']]).toEqual([204, undefined]);
      expect(await me(nodes[0], pending.headers)).toMatchObject({ accountId: null, secondFactor: true });
      expect(JSON.stringify(rowsOf(target))).not.toMatch(/mallory|basket|old-idp/);
    });
  });

  it.each(carriers)(
    'SES-02: account, unlocking and second factor of an older session are no part of the next %s',
    (carrier) =>
      swiftly({}, async (target) => {
        const { nodes } = target;
        const key = await enrolledKey(nodes[0], bob);
        const old = await activeSession(target, bob, { key, carrier: 'Cookie' });
        expect((await nodes[0].call(paths.select, { acct_id: globex }, old)).status).toBe(200);
        expect((await unlock(nodes[1], old, bob.password)).status).toBe(200);
        expect(await me(nodes[0], old)).toMatchObject({ accountId: globex, secondFactor: true });
        const before = rowsOf(target);

        const next = await signIn(target, { who: bob, carrier, along: old });
        const row = rowsOf(target).find(({ state }) => state === 'pending');
        expect(row).toMatchObject({ accountId: null, secondFactor: false, unlockedUntil: null });
        expect(await onBoth(target, next.headers)).toEqual([401, 401]);
        expect(rowsOf(target)).toEqual(expect.arrayContaining(before));
        expect(await me(nodes[1], old)).toMatchObject({ accountId: globex });
      }),
  );

  it.each(carriers)(
    'SES-02: a %s that is completed is unlocked for nothing and has no challenge left',
    (carrier) =>
      swiftly({}, async (target) => {
        const { nodes } = target;
        const key = await enrolledKey(nodes[0]);
        const headers = await activeSession(target, alice, { key, carrier });
        expect(rowsOf(target)).toMatchObject([{ unlockedUntil: null, challenge: null, accountId: null }]);
        const made = await nodes[1].call('/sys/v1/users/generate_recovery_codes', undefined, headers);
        expect(made.status).toBe(403);
      }),
  );

  it.each(carriers)('SES-02: a reauth carries on who it is and when it ends, and no more', (carrier) =>
    swiftly({}, async (target) => {
      const { nodes, clock } = target;
      const old = await signIn(target, { who: robot, carrier });
      const [before = {}] = rowsOf(target);
      clock.advance(300);
      given(await nodes[1].call(paths.reauth, { acct_id: globex, state: 'x' }, old.headers));
      const [after = {}] = rowsOf(target);
      for (const name of ['entityId', 'accountId', 'credentialId', 'carrier', 'createdAt', 'absoluteAt'])
        expect([name, after[name]]).toEqual([name, before[name]]);
      expect(Object.keys(after).sort()).toEqual(Object.keys(before).sort());
      expect([after.key === before.key, after.accountId]).toEqual([false, acme]);
    }),
  );
});
