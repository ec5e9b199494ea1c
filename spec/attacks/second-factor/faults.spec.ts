import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { SoftwareAuthenticator } from '../../../lib/testing/index.js';
import { bearer } from '../../support/app.js';
import { attack, type Target, type WireAnswer } from '../../support/attack.js';
import { auth, codeOf, passwordOf, pay, reach } from '../../support/owing.js';
import { alice } from '../../support/people.js';
import { type Sabotage, type Saboteur, saboteur } from '../../support/sabotage.js';
import { enrolledKey, type PendingSession, rpId } from '../../support/second-factor.js';
import { alices, presenting, sessionsOf } from '../../support/session-maker.js';
import { presentingAnswer } from '../../support/sign-in.js';

type Carrier = 'Bearer' | 'Cookie';

/** A call that fails, and how; the calls of one request are counted over all dependencies. */
interface Fault {
  at: number;
  call: string;
  how: Sabotage;
}

const writes = /\.(?:claim|put|release|increment|decrement|clear|add|remove|set|destroy|recordUse)$/;

/** Each of these calls rejects, before and after its work; each kind of call throws, and each never answers. */
function faultsIn(calls: readonly string[]): Fault[] {
  return calls.flatMap((call, at) => {
    const isFirst = calls.indexOf(call) === at;
    const hows: Sabotage[] = ['reject'];
    if (isFirst) hows.push('throw', 'hang');
    if (writes.test(call)) hows.push('done, then reject');
    if (writes.test(call) && isFirst) hows.push('done, then hang');
    return hows.map((how) => ({ at, call, how }));
  });
}

/** A pending session of alice with a challenge out, as a sign-in leaves it. */
async function pending(
  { shared }: Saboteur,
  { clock }: Target,
  { credentials }: SoftwareAuthenticator,
  carrier: Carrier,
): Promise<PendingSession & { key: string }> {
  const challenge = randomBytes(32).toString('base64url');
  const credentialIds = credentials.map(({ id }) => id);
  const session = await sessionsOf({ shared, clock }).start({
    ...{ ...alices, carrier, state: 'pending' },
    challenge: {
      ...{ value: challenge, purpose: 'sign-in', credentialIds, userVerification: 'preferred' },
      expiresAt: clock() + 300_000,
    },
  });
  const allowCredentials = credentialIds.map((id) => ({ id }));
  const options = { challenge, rpId, allowCredentials, userVerification: 'preferred' };
  return { key: session.key, headers: presenting(session), options };
}

function completed({ headers }: PendingSession, answer: WireAnswer): Record<string, string> {
  return headers.Cookie === undefined ? headers : presentingAnswer({ body: {}, headers: answer.headers });
}

const active = ({ shared }: Saboteur) =>
  ([...shared.rows.values()] as { state: string }[]).filter(({ state }) => state === 'active').length;

/** Ends all sessions of alice and forgets what they left behind. */
async function swept({ shared }: Saboteur, { nodes, clock }: Target): Promise<void> {
  await nodes[0].control.sessions.end({ user: alice.id });
  for (const sid of [...shared.rows.keys()])
    await new Promise((resolve) => shared.store.destroy(sid, resolve));
  clock.advance(900);
}

const wrongly = (key: SoftwareAuthenticator, { options }: PendingSession) =>
  key.get(options, { signed: () => Buffer.from('x') });

describe.each([
  { carrier: 'Bearer', counts: true },
  { carrier: 'Cookie', counts: false },
] as const)(
  'a dependency that fails in the completion of a $carrier, counting: $counts',
  ({ carrier, counts }) => {
    it('FIDO-23, FLT-*: is 503 or does no harm, and the same assertion completes the same session after that', async () => {
      const faults = saboteur(0.15);
      await attack(faults.options, async (target) => {
        faults.attach(target);
        target.expectFaults();
        const { nodes } = target;
        const key = await enrolledKey(nodes[0], alice, { counts });

        const complete = async (fault: Fault | null) => {
          const session = await pending(faults, target, key, carrier);
          const assertion = await key.get(session.options);
          faults.arm(fault?.how ?? 'throw', (_, at) => at === fault?.at);
          const first = await pay(nodes[0], session, assertion);
          const calls = faults.disarm();
          let last = first;
          if (first.status !== 204) {
            expect([fault, first.status, codeOf(first)]).toEqual([fault, 503, 'unavailable']);
            expect([fault, active(faults), await reach(nodes[1], session.headers)]).toEqual([fault, 0, 401]);
            last = await pay(nodes[1], session, assertion);
          }
          expect([fault, last.status]).toEqual([fault, 204]);
          expect([fault, await reach(nodes[0], completed(session, last))]).toEqual([fault, 200]);
          expect([fault, active(faults)]).toEqual([fault, 1]);
          const listed = await nodes[1].control.sessions.list({ user: alice.id });
          expect([fault, listed.length]).toEqual([fault, 1]);
          const [device] = await nodes[0].repositories.devices.listByUser(alice.id);
          expect([fault, device?.counter]).toEqual([fault, key.credentials[0]?.counter]);
          await swept(faults, target);
          return { calls, failed: first.status !== 204 };
        };

        const { calls } = await complete(null);
        expect(calls.length).toBeGreaterThan(15);
        let failures = 0;
        for (const fault of faultsIn(calls)) if ((await complete(fault)).failed) failures += 1;
        expect(failures).toBeGreaterThan(25);
      });
    });
  },
);

describe('dependencies that fail around the second factor', () => {
  it('FIDO-28, FLT-*: a sign-in whose dependency fails is 503, or it is pending; it never owes nothing', async () => {
    const faults = saboteur(0.15);
    await attack(faults.options, async (target) => {
      faults.attach(target);
      target.expectFaults();
      const { nodes } = target;
      const key = await enrolledKey(nodes[0]);
      const signIn = async (fault: Fault | null) => {
        faults.arm(fault?.how ?? 'throw', (_, at) => at === fault?.at);
        const answer = await nodes[0].call(auth, passwordOf(alice));
        const calls = faults.disarm();
        expect([fault, active(faults)]).toEqual([fault, 0]);
        const body = JSON.parse(answer.body);
        if (answer.status === 200) {
          expect([fault, body.allowed_mfa_methods?.length]).toEqual([fault, 1]);
          const session = { headers: bearer(body.access_token), options: body.fido2_assertion_options };
          expect([fault, await reach(nodes[1], session.headers)]).toEqual([fault, 401]);
          const paid = await pay(nodes[1], session, await key.get(session.options));
          expect([fault, paid.status]).toEqual([fault, 204]);
        } else {
          expect([fault, answer.status, codeOf(answer)]).toEqual([fault, 503, 'unavailable']);
          expect([fault, 'allowed_mfa_methods' in body, faults.shared.rows.size]).toEqual([fault, false, 0]);
        }
        await swept(faults, target);
        return { calls, failed: answer.status === 503 };
      };
      const { calls } = await signIn(null);
      expect(calls).toContain('devices.listByUser');
      let failures = 0;
      for (const fault of faultsIn(calls)) if ((await signIn(fault)).failed) failures += 1;
      expect(failures).toBeGreaterThan(15);
    });
  });

  it('FLT-07: while failures cannot be counted no answer is looked at, and the genuine one is good after that', async () => {
    const faults = saboteur();
    await attack(faults.options, async (target) => {
      faults.attach(target);
      target.expectFaults();
      const { nodes } = target;
      const key = await enrolledKey(nodes[0]);
      const session = await pending(faults, target, key, 'Bearer');
      for (const call of ['counters.increment', 'counters.get']) {
        faults.arm('reject', (each) => each === call);
        const guesses = Array.from({ length: 15 }, () => wrongly(key, session));
        const answers = (await Promise.all(guesses)).map((each) => pay(nodes[0], session, each));
        const statuses = (await Promise.all(answers)).map(({ status }) => status);
        expect(statuses).toEqual(Array(15).fill(503));
        const genuine = await pay(nodes[1], session, await key.get(session.options));
        expect([faults.disarm().includes('devices.listByUser'), genuine.status]).toEqual([false, 503]);
      }
      expect((await pay(nodes[1], session, await key.get(session.options))).status).toBe(204);
      await swept(faults, target);
    });
  });

  it.each(['oneTime.claim', 'oneTime.put', 'store.destroy'])(
    'MFA-05: the fifth failure ends a session although %s fails: 503, and never an active session',
    async (call) => {
      const faults = saboteur();
      await attack(faults.options, async (target) => {
        faults.attach(target);
        target.expectFaults();
        const { nodes } = target;
        const key = await enrolledKey(nodes[0]);
        const session = await pending(faults, target, key, 'Bearer');
        for (let at = 0; at < 4; at += 1)
          expect((await pay(nodes[0], session, await wrongly(key, session))).status).toBe(401);
        faults.arm('reject', (each) => each === call);
        const fifth = await pay(nodes[0], session, await wrongly(key, session));
        faults.disarm();
        expect([401, 503]).toContain(fifth.status);
        for (const node of nodes) {
          const genuine = await pay(node, session, await key.get(session.options));
          expect([genuine.status, codeOf(genuine)]).toEqual([401, 'invalid_session']);
        }
        expect(active(faults)).toBe(0);
        await swept(faults, target);
      });
    },
  );

  it.each(['devices', 'store', 'counters', 'index', 'users'])(
    'FLT-*: while %s is down nothing is completed, and the genuine answer is good when it is back',
    async (name) => {
      const faults = saboteur(0.1);
      await attack(faults.options, async (target) => {
        faults.attach(target);
        target.expectFaults();
        const { nodes } = target;
        const key = await enrolledKey(nodes[0]);
        for (const [how, carrier] of [
          ['throw', 'Bearer'],
          ['hang', 'Cookie'],
          ['done, then reject', 'Bearer'],
          ['done, then reject', 'Cookie'],
        ] as const) {
          const session = await pending(faults, target, key, carrier);
          const assertion = await key.get(session.options);
          faults.arm(how, (each) => each.startsWith(`${name}.`));
          for (const node of nodes) {
            const answer = await pay(node, session, assertion);
            expect([how, carrier, answer.status]).toEqual([how, carrier, 503]);
          }
          faults.disarm();
          expect([how, active(faults)]).toEqual([how, 0]);
          // A circuit that silence has opened admits the next call after a tenth of the deadline.
          if (how === 'hang') await sleep(15);
          const answer = await pay(nodes[1], session, assertion);
          expect([how, carrier, answer.status]).toEqual([how, carrier, 204]);
          await swept(faults, target);
        }
      });
    },
  );
});
