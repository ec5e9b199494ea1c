import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { samlProvider } from '../../../lib/testing/index.js';
import { bearer } from '../../support/app.js';
import type { Node, WireAnswer } from '../../support/attack.js';
import { activeOf, crowd, eitherOrder, owingOf, rowsOf } from '../../support/crowd.js';
import { auth, samlRecordOf, serviceProvider } from '../../support/federation.js';
import { codeOf, passwordOf, pay, reach } from '../../support/owing.js';
import { anyOf, Outcomes, repeatedly, some } from '../../support/repeated.js';
import type { Sabotage } from '../../support/sabotage.js';
import { begin, entityId, idpKeys } from '../../support/saml.js';
import { enrolledKey, type Holder } from '../../support/second-factor.js';
import { paths } from '../../support/session-attack.js';
import { faultily } from '../../support/swift.js';

const userOf = (users: readonly Holder[], n: number): Holder => {
  const user = users[n];
  if (user === undefined) throw new Error(`there is no user ${n}`);
  return user;
};
const sidOf = ({ key }: { key: string }) => `passport-control:${key}`;
const end = (node: Node, headers: Record<string, string>) => node.call(paths.terminate, undefined, headers);
const both = async (nodes: readonly Node[], headers: Record<string, string>) => {
  const statuses = await Promise.all(nodes.map((node) => reach(node, headers)));
  return statuses.sort();
};
/** Rounds that mostly wait. */
const many = { atOnce: 50 };

describe('stores that fail at any moment, fifty times each (FLT-*)', () => {
  it('FLT-02: what never calls back, from whatever moment on, is 503 in time, and everybody else goes on', () =>
    faultily({}, async (target, hit) => {
      const { nodes } = target;
      const users = crowd(target);
      const outcomes = new Outcomes();
      await repeatedly(async (n) => {
        const user = userOf(users, n);
        const operation = (['get', 'set', 'destroy'] as const)[n % 3] ?? 'get';
        const [kept, ending] = [await activeOf(target, user), await activeOf(target, user)];
        const signingIn = sleep(some(60)).then(() => anyOf(nodes).call(auth, passwordOf(user)));
        const going = nodes.map((node) => sleep(some(100)).then(() => reach(node, kept.headers)));
        const closing = sleep(some(60)).then(() => end(anyOf(nodes), ending.headers));
        await sleep(some({ get: 90, set: 150, destroy: 220 }[operation]));
        // In some rounds it comes too late.
        if (n % 10 === 9) await closing;
        const about = operation === 'set' ? user.id : ending.key;
        const heal = hit({ call: `store.${operation}`, about, how: 'hang' });
        const since = performance.now();
        const [signedIn, ended, ...others] = await Promise.all([signingIn, closing, ...going]);
        // Two calls at most are waited for: what failed, and what is tidied after it.
        expect(performance.now() - since).toBeLessThan(10_000);
        const broken = operation === 'set' ? signedIn : ended;
        outcomes.note(`${operation} ${broken.status === 503}`);
        expect([others, [200, 503].includes(signedIn.status)]).toEqual([[200, 200], true]);
        expect([204, 503]).toContain(ended.status);
        heal();
        expect(await both(nodes, kept.headers)).toEqual([200, 200]);
        // What was to be ended is ended, whatever became of its row, unless it was never read.
        if (operation !== 'get' || ended.status === 204)
          expect([operation, await both(nodes, ending.headers)]).toEqual([operation, [401, 401]]);
        if (signedIn.status === 200) {
          const headers = bearer(JSON.parse(signedIn.body).access_token);
          expect(await both(nodes, headers)).toEqual([200, 200]);
        }
        await nodes[0].control.sessions.end({ user: user.id });
        expect([operation, rowsOf(target, user)]).toEqual([
          operation,
          operation === 'destroy' ? expect.anything() : [],
        ]);
      }, many);
      outcomes.expectEach('get true', 'set true', 'destroy true', 'destroy false');
    }));

  it('FLT-04: a row that is no answer, from whatever moment on, lets nobody in, and is read again when it is one', () =>
    faultily({}, async (target, hit) => {
      const { nodes, shared } = target;
      const users = crowd(target);
      const outcomes = new Outcomes();
      await repeatedly(async (n) => {
        const session = await activeOf(target, userOf(users, n));
        const row = shared.rows.get(sidOf(session)) as object;
        const kinds: [Sabotage | { answers: unknown }, number][] = [
          ['throw', 503],
          ['reject', 503],
          [{ answers: { nonsense: true } }, 503],
          [{ answers: { ...row, v: 0 } }, 503],
          [{ answers: { ...row, key: 'of another' } }, 503],
          [{ answers: JSON.stringify(row) }, 503],
          [{ answers: undefined }, 401],
          [{ answers: null }, 401],
        ];
        const [how, status] = kinds[n % kinds.length] ?? ['throw', 503];
        const asking = Array.from({ length: 6 }, (_, at) =>
          sleep(some(80)).then(() => reach(nodes[at % 2] ?? nodes[0], session.headers)),
        );
        const early = asking.slice(0, n % 4);
        await Promise.all([...early, sleep(some(20))]);
        const heal = hit({ call: 'store.get', about: session.key, how });
        const after = await Promise.all(nodes.map((node) => reach(node, session.headers)));
        const during = await Promise.all(asking);
        for (const each of during) outcomes.note(each);
        expect(during.filter((each) => each !== 200 && each !== status)).toEqual([]);
        expect([how, after]).toEqual([how, [status, status]]);
        heal();
        expect([how, await both(nodes, session.headers)]).toEqual([how, [200, 200]]);
      }, many);
      outcomes.expectEach(200, 401, 503);
    }));

  it('FLT-06: an end whose row cannot be removed, from whatever moment on, is not reported, and is one all the same', () =>
    faultily({}, async (target, hit) => {
      const { nodes, shared } = target;
      const users = crowd(target);
      const outcomes = new Outcomes();
      await repeatedly(async (n) => {
        const session = await activeOf(target, userOf(users, n));
        const hows = ['throw', 'reject', 'hang', 'done, then reject', 'done, then hang'] as const;
        const how = hows[n % hows.length] ?? 'throw';
        const [one, other] = eitherOrder(nodes);
        const ending = sleep(some(20)).then(() => end(one, session.headers));
        const asking = sleep(some(80)).then(() => reach(other, session.headers));
        await sleep(some(90));
        if (n % 10 === 9) await ending;
        const heal = hit({ call: 'store.destroy', about: session.key, how });
        const ended = await ending;
        outcomes.note(ended.status);
        expect([how, await both(nodes, session.headers)]).toEqual([how, [401, 401]]);
        if (ended.status === 204) expect(shared.rows.has(sidOf(session))).toBe(false);
        else expect([ended.status, codeOf(ended)]).toEqual([503, 'unavailable']);
        expect([200, 401]).toContain(await asking);
        heal();
        expect([how, await both(nodes, session.headers)]).toEqual([how, [401, 401]]);
      }, many);
      outcomes.expectEach(204, 503);
    }));

  it('FLT-08: what is good once is good once while its store fails from one moment to another, and good still where it was not used', () =>
    faultily({ serviceProvider, lockout: false }, async (target, hit) => {
      const { nodes, clock } = target;
      nodes[0].repositories.identityProviders.table.set('saml', samlRecordOf(idpKeys));
      const provider = samlProvider({ entityId, ...idpKeys, clock });
      const users = crowd(target);
      const outcomes = new Outcomes();
      const bySaml = async (user: Holder) => {
        const begun = await begin(nodes[0], user.email);
        const response = await provider.response({
          ...{ subject: user.id, audience: serviceProvider.entityId, acsUrl: serviceProvider.acsUrl },
          ...{ inResponseTo: begun.id, attributes: { mail: user.email } },
        });
        const body = { method: 'saml-response', id: begun.id, response };
        return { about: begun.id, good: 200, post: (node: Node) => node.call(auth, body, begun.headers) };
      };
      const byKey = async (user: Holder) => {
        const key = await enrolledKey(nodes[0], user);
        const session = await owingOf(target, user, [key]);
        const assertion = await key.get(session.options);
        const { challenge } = session.options;
        return { about: challenge, good: 204, post: (node: Node) => pay(node, session, assertion) };
      };
      await repeatedly(async (n) => {
        const { about, good, post } = await (n % 2 === 0 ? bySaml : byKey)(userOf(users, n));
        const hows = ['throw', 'reject', 'hang', 'done, then reject', 'done, then hang'] as const;
        const how = anyOf(hows);
        const posting = Array.from({ length: 4 }, (_, at) =>
          sleep(some(150)).then(() => post(nodes[at % 2] ?? nodes[0])),
        );
        if (n % 10 > 7) await Promise.race(posting);
        else await sleep(some(150));
        const heal = hit({ call: 'oneTime.claim', about, how });
        await Promise.race(posting);
        await sleep(some(60));
        heal();
        const answers: WireAnswer[] = await Promise.all(posting);
        const statuses = answers.map(({ status }) => status);
        expect([how, statuses.filter((each) => ![good, 401, 403, 503, 504].includes(each))]).toEqual([
          how,
          [],
        ]);
        const used = statuses.filter((each) => each === good).length;
        for (const each of statuses) outcomes.note(`${good} ${each}`);
        const again = await Promise.all([post(nodes[0]), post(nodes[1])]);
        const late = again.filter(({ status }) => status === good).length;
        // A sign-in that was given up gives back what it claims, when it comes to that.
        const given = statuses.includes(504) ? used + late : 1;
        expect([how, statuses, used + late]).toEqual([how, statuses, Math.min(given, 1)]);
      });
      outcomes.expectEach('200 200', '200 503', '204 204', '204 503');
    }));

  it('FLT-11: an older row that comes at whatever moment brings no session back, and takes no proof back', () =>
    faultily({}, async (target) => {
      const { nodes, shared } = target;
      const users = crowd(target);
      const outcomes = new Outcomes();
      const put = (sid: string, row: unknown) =>
        new Promise((done) => shared.store.set(sid, row as never, done));
      await repeatedly(async (n) => {
        const user = userOf(users, n);
        const [one] = eitherOrder(nodes);
        if (n % 2 === 0) {
          const session = await activeOf(target, user);
          const stale = shared.rows.get(sidOf(session));
          const ending = end(one, session.headers);
          await Promise.all([ending, sleep(some(100)).then(() => put(sidOf(session), stale))]);
          outcomes.note(`ended ${shared.rows.has(sidOf(session))}`);
          expect([(await ending).status, await both(nodes, session.headers)]).toEqual([204, [401, 401]]);
        } else {
          const key = await enrolledKey(nodes[0], user);
          const session = await owingOf(target, user, [key]);
          const stale = shared.rows.get(sidOf(session));
          const paying = pay(one, session, await key.get(session.options));
          await Promise.all([paying, sleep(some(250)).then(() => put(sidOf(session), stale))]);
          const isStale = (shared.rows.get(sidOf(session)) as { state: string }).state === 'pending';
          outcomes.note(`proven ${isStale}`);
          expect((await paying).status).toBe(204);
          const expected = isStale ? [401, 401] : [200, 200];
          expect([isStale, await both(nodes, session.headers)]).toEqual([isStale, expected]);
          // It is not even pending again.
          const me = await one.send({ method: 'GET', path: '/me', headers: session.headers });
          if (isStale) expect(codeOf(me)).toBe('invalid_session');
          // A challenge that was answered is answered.
          const again = await pay(anyOf(nodes), session, await key.get(session.options));
          expect([401, 403]).toContain(again.status);
        }
      });
      outcomes.expectEach('ended true', 'ended false', 'proven true', 'proven false');
    }));
});
