import { describe, expect, it } from '@jest/globals';
import { attack, type Target, type WireAnswer } from '../../support/attack.js';
import { codeOf, owing, pay, reach, statesOf, withCodes } from '../../support/owing.js';
import { alice, bob } from '../../support/people.js';
import { enrolledKey, type PendingSession } from '../../support/second-factor.js';
import { swiftly } from '../../support/swift.js';

const path = '/sys/v1/session/auth/2fa/recovery_code';
const wrong = '401 invalid_credentials';
const seen = (answer: WireAnswer) =>
  answer.body === '' ? `${answer.status}` : `${answer.status} ${codeOf(answer)}`;
const recover = ({ nodes }: Target, { headers }: PendingSession, code: unknown, node: 0 | 1 = 0) =>
  nodes[node].call(path, { recovery_code: code }, headers);

describe('attacks on recovery codes', () => {
  it('MFA-09: a code and an assertion at once complete one session once, and cost one of them', () =>
    attack({}, async (target) => {
      const { nodes } = target;
      const codes = await withCodes(target);
      const key = await enrolledKey(nodes[0]);
      for (let round = 0; round < 4; round += 1) {
        const session = await owing(target);
        const assertion = await key.get(session.options);
        const code = codes[round] ?? '';
        const answers = await Promise.all([
          pay(nodes[0], session, assertion),
          recover(target, session, code, 1),
        ]);
        const won = answers.filter(({ status }) => status === 204).length;
        expect(won).toBe(1);
        expect(await reach(nodes[0], session.headers)).toBe(200);
        const isSpent = answers[1]?.status === 204;
        const again = await owing(target);
        expect((await recover(target, again, code, 0)).status).toBe(isSpent ? 401 : 204);
        await nodes[0].control.sessions.end({ user: alice.id });
      }
    }));

  it('MFA-11: nothing else is a code: other forms, parts of one, another user’s', () =>
    swiftly({ lockout: { failures: 1000 } }, async (target) => {
      const { nodes } = target;
      const [code = ''] = await withCodes(target);
      const [ofBob = ''] = await withCodes(target, bob);
      await enrolledKey(nodes[0]);
      const refused: Record<string, unknown> = {
        'of bob': ofBob,
        empty: '',
        blank: ' ',
        'a part': code.slice(0, -1),
        'one digit more': `${code}0`,
        'another digit': code.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
        'other hyphens': code.replaceAll('-', '\u2010'),
        'a line break': code.replace('-', '\n'),
        'a hash': 'a'.repeat(64),
        'NUL at the end': `${code}\0`,
        'two of them': `${code} ${code}`,
      };
      for (const [name, text] of Object.entries(refused)) {
        const session = await owing(target);
        expect([name, seen(await recover(target, session, text))]).toEqual([name, wrong]);
        await nodes[0].call('/sys/v1/session/terminate', undefined, session.headers);
      }
      const session = await owing(target);
      for (const odd of [null, 5, true, [code], { code }, undefined, 'x'.repeat(1025)])
        expect([odd, seen(await recover(target, session, odd))]).toEqual([odd, '400 malformed_request']);
      const huge = await recover(target, session, 'x'.repeat(1_000_000));
      expect(huge.status).toBe(413);
      expect(seen(await recover(target, session, code))).toBe('204');
    }));

  it('MFA-05: wrong codes count with wrong assertions: the fifth ends the session, the tenth locks the user', () =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      const [code = ''] = await withCodes(target);
      const key = await enrolledKey(nodes[0]);
      const guess = (session: PendingSession, n: number) =>
        n % 2 === 0
          ? recover(target, session, `${n}`.padStart(26, '0'), 1)
          : key
              .get(session.options, { signed: () => Buffer.from('x') })
              .then((each) => pay(nodes[0], session, each));
      const first = await owing(target);
      for (let n = 0; n < 5; n += 1) expect(seen(await guess(first, n))).toBe(wrong);
      expect(seen(await recover(target, first, code))).toBe('401 invalid_session');
      const second = await owing(target);
      for (let n = 0; n < 5; n += 1) expect(seen(await guess(second, n))).toBe(wrong);
      const third = await owing(target);
      expect(seen(await recover(target, third, code))).toBe('423 locked');
      expect((await pay(nodes[0], third, await key.get(third.options))).status).toBe(423);
      target.clock.advance(901);
      expect(seen(await recover(target, await owing(target), code))).toBe('204');
    }));

  it.each([
    ['store.set', 'Bearer'],
    ['store.set', 'Cookie'],
    ['oneTime.claim', 'Bearer'],
    ['oneTime.put', 'Bearer'],
    ['index.add', 'Cookie'],
    ['devices.hasRecoveryCode', 'Bearer'],
  ] as const)('no code is lost when %s fails at that moment: %s', (call, carrier) =>
    attack({ dependencyTimeout: 0.2 }, async (target) => {
      const { nodes, shared } = target;
      const [code = ''] = await withCodes(target);
      await enrolledKey(nodes[0]);
      const session = await owing(target, alice, carrier);
      target.expectFaults();
      const [name = '', operation = ''] = call.split('.');
      const all = { ...shared.faults, ...nodes[0].faults };
      const faults = all[name as keyof typeof all];
      faults.break(operation, 'reject');
      const answer = await recover(target, session, code);
      faults.heal();
      if (answer.status === 503) {
        expect(await nodes[0].repositories.devices.countRecoveryCodes(alice.id)).toBe(10);
        const paid = await recover(target, session, code, 1);
        expect(seen(paid)).toBe('204');
      } else expect(answer.status).toBe(204);
      expect(await nodes[0].repositories.devices.countRecoveryCodes(alice.id)).toBe(9);
    }),
  );

  it.each(['reject', 'hang'] as const)(
    'where the code cannot be spent (%s), the session that it opened is ended',
    (fault) =>
      attack({ dependencyTimeout: 0.2 }, async (target) => {
        const { nodes } = target;
        const [code = ''] = await withCodes(target);
        await enrolledKey(nodes[0]);
        const session = await owing(target);
        target.expectFaults();
        nodes[0].faults.devices.break('consumeRecoveryCode', fault);
        expect((await recover(target, session, code)).status).toBe(503);
        nodes[0].faults.devices.heal();
        for (const node of nodes) expect(await reach(node, session.headers)).toBe(401);
        expect(statesOf(target)).toEqual([]);
        expect(seen(await recover(target, await owing(target), code, 1))).toBe('204');
      }),
  );

  it('MFA-12, MFA-13: what is stored gives no code away, and using one is told and switches nothing off', () =>
    attack({}, async (target) => {
      const { nodes, shared } = target;
      const kept: unknown[] = [];
      const { devices } = nodes[0].repositories;
      const { replaceRecoveryCodes } = devices;
      devices.replaceRecoveryCodes = (userId, hashes) => {
        kept.push(...hashes);
        return replaceRecoveryCodes(userId, hashes);
      };
      const codes = await withCodes(target);
      await enrolledKey(nodes[0]);
      expect(seen(await recover(target, await owing(target), codes[0]))).toBe('204');
      const stored = JSON.stringify([kept, ...shared.rows]).toUpperCase();
      for (const code of codes)
        for (const spelt of [code, code.replaceAll('-', '')]) expect(stored.includes(spelt)).toBe(false);
      await new Promise((resolve) => setTimeout(resolve, 20));
      const told = nodes.flatMap(({ events }) => events.filter(({ type }) => type === 'recovery_code_used'));
      expect(told).toMatchObject([{ entityId: alice.id, left: 9 }]);
      expect((await owing(target)).options.allowCredentials).toHaveLength(1);
    }));

  it('a code that was taken away between looking and spending opens nothing', () =>
    attack({}, async (target) => {
      const { nodes } = target;
      const [code = ''] = await withCodes(target);
      await enrolledKey(nodes[0]);
      const session = await owing(target);
      const { devices } = nodes[0].repositories;
      const { consumeRecoveryCode } = devices;
      devices.consumeRecoveryCode = async (...given) => {
        devices.consumeRecoveryCode = consumeRecoveryCode;
        await devices.replaceRecoveryCodes(alice.id, []);
        return consumeRecoveryCode(...given);
      };
      expect(seen(await recover(target, session, code))).toBe(wrong);
      expect(await reach(nodes[1], session.headers)).toBe(401);
      expect(statesOf(target)).toEqual([]);
    }));
});
