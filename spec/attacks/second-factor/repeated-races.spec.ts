import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { SoftwareAuthenticator } from '../../../lib/testing/index.js';
import { origin } from '../../support/app.js';
import { attack, type Node, type Target, type WireAnswer } from '../../support/attack.js';
import { addDevice, config } from '../../support/configuring.js';
import { activeOf, codesOf, crowd, eitherOrder, owingOf, rowsOf } from '../../support/crowd.js';
import { codeOf, pay, reach } from '../../support/owing.js';
import { anyOf, Outcomes, repeatedly, shuffled, some } from '../../support/repeated.js';
import { enrolledKey, type Holder, type PendingSession, rpId } from '../../support/second-factor.js';
import { alter, paths } from '../../support/session-attack.js';
import { sessionsOf } from '../../support/session-maker.js';
import { presentingAnswer } from '../../support/sign-in.js';

const carriers = ['Bearer', 'Cookie'] as const;
const carrierOf = (n: number) => carriers[n % 2] ?? 'Bearer';
const appId = 'https://example.com/app-id.json';
const relyingParty = { id: rpId, name: 'Example', origins: [origin], appId };
const legacy = { relyingParty, secondFactor: { legacyU2f: true } } as const;
const recovering = '/sys/v1/session/auth/2fa/recovery_code';

/** A user of one round, whose failures are nobody else's. */
const holderOf = (users: readonly Holder[], n: number): Holder => {
  const user = users[n];
  if (user === undefined) throw new Error(`there is no user ${n}`);
  return user;
};
const statesOf = (target: Target, user: Holder) => rowsOf(target, user).map(({ state }) => state);
const won = (answers: readonly WireAnswer[]) => answers.filter(({ status }) => status === 204);
const lost = (answers: readonly WireAnswer[]) => answers.filter(({ status }) => [401, 403].includes(status));

/** Why answers of a user were no good, those that only lost a race left out. */
const failuresOf = ({ nodes }: Target, { id }: Holder) =>
  nodes
    .flatMap(({ events }) => events)
    .flatMap((each) =>
      each.type === 'second_factor_failed' && each.entityId === id && each.reason !== 'raced'
        ? [each.reason]
        : [],
    );

/** The headers of a session that this answer completed. */
function completed({ headers }: PendingSession, answer: WireAnswer | undefined): Record<string, string> {
  if (headers.Cookie === undefined || answer === undefined) return headers;
  return presentingAnswer({ body: {}, headers: answer.headers });
}

describe('races of the second factor, fifty times each', () => {
  it('MFA-09, RACE-01: of thirty uses of one code at once over two nodes and two pending sessions, one gets in', () =>
    attack({}, async (target) => {
      const { nodes } = target;
      const users = crowd(target);
      const outcomes = new Outcomes();
      await repeatedly(async (n) => {
        const user = holderOf(users, n);
        const [code = ''] = await codesOf(target, user);
        const sessions = [
          await owingOf(target, user, [], carrierOf(n)),
          await owingOf(target, user, [], carrierOf(n)),
        ] as const;
        const answers = await Promise.all(
          Array.from({ length: 30 }, async (_, at) => {
            await sleep(some(10));
            const { headers } = sessions[at % 2] ?? sessions[0];
            return (nodes[(at >> 1) % 2] ?? nodes[0]).call(recovering, { recovery_code: code }, headers);
          }),
        );
        expect([won(answers).length, lost(answers).length]).toEqual([1, 29]);
        outcomes.note(answers.findIndex(({ status }) => status === 204) % 4);
        expect(statesOf(target, user).filter((state) => state === 'active')).toHaveLength(1);
        expect(await nodes[1].repositories.devices.countRecoveryCodes(user.id)).toBe(9);
        expect(failuresOf(target, user)).toEqual([]);
        const { headers } = await owingOf(target, user);
        const again = await nodes[0].call(recovering, { recovery_code: code }, headers);
        expect([again.status, codeOf(again)]).toEqual([401, 'invalid_credentials']);
      });
      // Each node has won for each session.
      outcomes.expectEach(0, 1, 2, 3);
    }));

  it('MFA-16, RACE-06: of twenty copies of one assertion on two nodes one completes the session, and the rest are no failures', () =>
    attack({}, async (target) => {
      const { nodes } = target;
      const users = crowd(target);
      const outcomes = new Outcomes();
      await repeatedly(async (n) => {
        const user = holderOf(users, n);
        const key = await enrolledKey(nodes[0], user);
        const session = await owingOf(target, user, [key], carrierOf(n));
        const assertion = await key.get(session.options);
        const answers = await Promise.all(
          Array.from({ length: 20 }, async (_, at) => {
            await sleep(some(10));
            return pay(nodes[at % 2] ?? nodes[0], session, assertion);
          }),
        );
        expect([won(answers).length, lost(answers).length]).toEqual([1, 19]);
        const winner = answers.findIndex(({ status }) => status === 204);
        outcomes.note(winner % 2);
        const headers = completed(session, answers[winner]);
        for (const node of nodes) expect(await reach(node, headers)).toBe(200);
        expect(statesOf(target, user)).toEqual(['active']);
        expect(await nodes[1].control.sessions.list({ user: user.id })).toHaveLength(1);
        expect(failuresOf(target, user)).toEqual([]);
      });
      outcomes.expectEach(0, 1);
    }));

  it('RACE-06: an assertion, an answer by U2F and a recovery code at once complete one session once', () =>
    attack(legacy, async (target) => {
      const { nodes } = target;
      const users = crowd(target);
      const outcomes = new Outcomes();
      await repeatedly(async (n) => {
        const user = holderOf(users, n);
        const key = await enrolledKey(nodes[0], user);
        const old = new SoftwareAuthenticator({ origin, userVerified: false });
        const device = await old.enrolledU2f(user, { name: 'old key', appId });
        expect(await nodes[0].repositories.devices.add(user.id, device)).toBe(true);
        const [code = ''] = await codesOf(target, user);
        const session = await owingOf(target, user, [key, old], carrierOf(n));
        const { challenge } = session.options;
        const [{ id: keyHandle } = { id: '' }] = old.credentials;
        const request = { u2f_challenge: challenge, u2f_keys: [{ keyHandle }], appId };
        const signed = await old.signU2f(request);
        const assertion = await key.get({ ...session.options, allowCredentials: key.credentials });
        const factors: [string, (node: Node) => Promise<WireAnswer>][] = [
          ['fido2', (node) => pay(node, session, assertion)],
          ['u2f', (node) => node.call('/sys/v1/session/auth/2fa/u2f', signed, session.headers)],
          ['code', (node) => node.call(recovering, { recovery_code: code }, session.headers)],
        ];
        const posted = shuffled([...factors, ...factors]).map(async ([name, post], at) => {
          await sleep(some(60));
          return { name, answer: await post(nodes[at % 2] ?? nodes[0]) };
        });
        const answers = await Promise.all(posted);
        const winners = answers.filter(({ answer }) => answer.status === 204);
        expect([winners.length, lost(answers.map(({ answer }) => answer)).length]).toEqual([1, 5]);
        const [winner] = winners;
        outcomes.note(winner?.name ?? 'nobody');
        for (const node of nodes) expect(await reach(node, completed(session, winner?.answer))).toBe(200);
        expect(statesOf(target, user)).toEqual(['active']);
        const left = await nodes[0].repositories.devices.countRecoveryCodes(user.id);
        expect([winner?.name, left]).toEqual([winner?.name, winner?.name === 'code' ? 9 : 10]);
      });
      outcomes.expectEach('fido2', 'u2f', 'code');
    }));

  it('RACE-07: of two copies of one key with one counter, at once on two nodes, one is refused', () =>
    attack({}, async (target) => {
      const { nodes } = target;
      const users = crowd(target);
      const outcomes = new Outcomes();
      await repeatedly(async (n) => {
        const user = holderOf(users, n);
        const key = await enrolledKey(nodes[0], user, { counter: 5 });
        const posted = nodes.map(async (node) => {
          const session = await owingOf(target, user, [key], carrierOf(n));
          const answer = await key.get(session.options, { counter: 6 });
          return { node, session, answer };
        });
        const copies = await Promise.all(posted);
        const answers = await Promise.all(
          copies.map(async ({ node, session, answer }) => {
            await sleep(some(15));
            return pay(node, session, answer);
          }),
        );
        expect(answers.map(({ status }) => status).sort()).toEqual([204, 401]);
        const loser = answers.findIndex(({ status }) => status === 401);
        outcomes.note(loser);
        const again = copies[loser];
        if (again === undefined) throw new Error('nobody has lost');
        expect((await pay(again.node, again.session, again.answer)).status).toBe(401);
        expect(statesOf(target, user).sort()).toEqual(['active', 'pending']);
        const [device] = await nodes[0].repositories.devices.listByUser(user.id);
        expect(device?.counter).toBe(6);
      });
      outcomes.expectEach(0, 1);
    }));

  it('RACE-08: a challenge that is answered while the next is given is good before it and never after, and the next is good', () =>
    attack({}, async (target) => {
      const { nodes } = target;
      const { table } = nodes[0].repositories.users;
      const users = crowd(target);
      const outcomes = new Outcomes();
      const given = async (node: Node, headers: Record<string, string>) => {
        const answer = await node.call(config.challenge, undefined, headers);
        expect(answer.status).toBe(200);
        return JSON.parse(answer.body);
      };
      await repeatedly(async (n) => {
        const user = holderOf(users, n);
        const { key: session, headers } = await activeOf(target, user);
        const key = await enrolledKey(nodes[0], user);
        // Half of them enrol a second device; the others prove the one that they have, to unlock.
        const enrols = n % 2 === 0;
        if (enrols)
          await sessionsOf(target).change(session, () => ({ unlockedUntil: target.clock() + 60_000 }));
        else alter(table, user.id, { passwordHash: null });
        const answerTo = async (options: { user?: unknown }) => {
          const made =
            options.user === undefined
              ? { assertion: await key.get(options as never) }
              : { attestation: await new SoftwareAuthenticator({ origin }).create(options as never) };
          return (node: Node, name: string): Promise<WireAnswer> =>
            'assertion' in made
              ? node.call(config.auth, { assertion: made.assertion }, headers)
              : addDevice(node, headers, made.attestation, name);
        };
        const old = await answerTo(await given(nodes[0], headers));
        const [one, other] = eitherOrder(nodes);
        // An answer takes longer than a challenge: now the one has the start, now the other.
        const [late, early] = n % 4 < 2 ? [50, 110] : [170, 40];
        const [next, answer] = await Promise.all([
          sleep(some(late)).then(() => given(one, headers)),
          sleep(some(early)).then(() => old(other, 'the second')),
        ]);
        outcomes.note(`${enrols} ${answer.status < 300}`);
        expect([200, 201, 401]).toContain(answer.status);
        expect([400, 401, 403]).toContain((await old(anyOf(nodes), 'once more')).status);
        const fresh = await answerTo(next);
        expect([200, 201]).toContain((await fresh(anyOf(nodes), 'the third')).status);
        const { devices } = nodes[0].repositories;
        const names = (await devices.listByUser(user.id)).map(({ name }) => name);
        expect(names).not.toContain('once more');
      });
      outcomes.expectEach('true true', 'true false', 'false true', 'false false');
    }));

  it('RACE-11: a device that is removed while its answer is on the way opens nothing after that', () =>
    attack({}, async (target) => {
      const { nodes } = target;
      const users = crowd(target);
      const outcomes = new Outcomes();
      await repeatedly(async (n) => {
        const user = holderOf(users, n);
        const key = await enrolledKey(nodes[0], user);
        const session = await owingOf(target, user, [key], carrierOf(n));
        const assertion = await key.get(session.options);
        const [answer, removed] = await Promise.all([
          sleep(some(20)).then(() => pay(anyOf(nodes), session, assertion)),
          sleep(some(160)).then(() => nodes[0].repositories.devices.remove(user.id, 'key')),
        ]);
        outcomes.note(answer.status);
        expect([removed, [204, 401].includes(answer.status)]).toEqual([true, true]);
        const after = await pay(anyOf(nodes), session, assertion);
        expect([401, 403]).toContain(after.status);
        expect(statesOf(target, user)).toEqual([answer.status === 204 ? 'active' : 'pending']);
      });
      outcomes.expectEach(204, 401);
    }));

  it('RACE-13: of wrong answers beside a good one no more than five are looked at, and what is over or complete stays so', () =>
    attack({}, async (target) => {
      const { nodes } = target;
      const users = crowd(target);
      const outcomes = new Outcomes();
      await repeatedly(async (n) => {
        const user = holderOf(users, n);
        const key = await enrolledKey(nodes[0], user);
        const session = await owingOf(target, user, [key], carrierOf(n));
        const wrong = await key.get(session.options, { signed: () => Buffer.from('a guess') });
        const good = await key.get(session.options);
        const answers = await Promise.all(
          [good, ...Array(8).fill(wrong)].map(async (each, at) => {
            await sleep(some(each === good ? 40 : 80));
            return pay(nodes[at % 2] ?? nodes[0], session, each);
          }),
        );
        const [paid] = answers;
        outcomes.note(paid?.status ?? 0);
        expect([won(answers).length, lost(answers).length]).toEqual(paid?.status === 204 ? [1, 8] : [0, 9]);
        const headers = completed(session, paid?.status === 204 ? paid : undefined);
        const alive = paid?.status === 204 ? 200 : 401;
        expect([await reach(nodes[0], headers), await reach(nodes[1], headers)]).toEqual([alive, alive]);
        expect(statesOf(target, user)).toEqual(alive === 200 ? ['active'] : []);
        const looked = failuresOf(target, user).filter((reason) => reason === 'not_verified');
        // One that is complete has nothing left to guess at.
        if (alive === 401) expect(looked).toHaveLength(5);
      });
      outcomes.expectEach(204, 401);
    }));

  it('RACE-06: of completing a session and ending it at once the end holds', () =>
    attack({}, async (target) => {
      const { nodes } = target;
      const users = crowd(target);
      const outcomes = new Outcomes();
      await repeatedly(async (n) => {
        const user = holderOf(users, n);
        const key = await enrolledKey(nodes[0], user);
        const session = await owingOf(target, user, [key], carrierOf(n));
        const assertion = await key.get(session.options);
        const [one, other] = eitherOrder(nodes);
        const [paid, ended] = await Promise.all([
          sleep(some(20)).then(() => pay(one, session, assertion)),
          sleep(some(150)).then(() => other.call(paths.terminate, undefined, session.headers)),
        ]);
        outcomes.note(paid.status);
        expect([[204, 401].includes(paid.status), [204, 401].includes(ended.status)]).toEqual([true, true]);
        for (const node of nodes) expect(await reach(node, session.headers)).toBe(401);
        const alive = paid.status === 204 ? await reach(nodes[0], completed(session, paid)) : 401;
        // Only a Cookie that was rotated before the end came is another session by now.
        expect([ended.status, alive]).toEqual(ended.status === 204 ? [204, 401] : [401, 200]);
        if (ended.status === 204) expect(statesOf(target, user)).toEqual([]);
      });
      outcomes.expectEach(204, 401);
    }));
});
