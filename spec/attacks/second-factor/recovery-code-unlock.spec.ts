import { describe, expect, it } from '@jest/globals';
import { attack, type Target } from '../../support/attack.js';
import { config } from '../../support/configuring.js';
import { codeOf, reach } from '../../support/owing.js';
import { sue } from '../../support/people.js';
import { enrolledKey } from '../../support/second-factor.js';
import { alices, makeSession, presenting } from '../../support/session-maker.js';

type Headers = Record<string, string>;

const generate = '/sys/v1/users/generate_recovery_codes';

/** Signs in sue, who has no password and comes in by another way. */
async function sueIn({ nodes }: Target): Promise<Headers> {
  return presenting(await makeSession(nodes[0], { ...alices, entityId: sue.id, secondFactor: true }));
}

/** Sue has a key, which she has lost, and codes. */
async function sueWithCodes(target: Target): Promise<string[]> {
  const { nodes, secret, expectSessionsOf } = target;
  expectSessionsOf(sue.id);
  const headers = await sueIn(target);
  expect((await nodes[0].call(config.auth, {}, headers)).status).toBe(200);
  const made = await nodes[0].call(generate, undefined, headers);
  const codes: string[] = JSON.parse(made.body).recovery_codes;
  for (const code of codes) secret(code);
  await nodes[0].call('/sys/v1/session/terminate', undefined, headers);
  await enrolledKey(nodes[0], sue);
  return codes;
}

const unlock = ({ nodes }: Target, headers: Headers, code: string, node: 0 | 1 = 0) =>
  nodes[node].call(config.auth, { recovery_code: code }, headers);

/** Whether the configuration of a session is unlocked, as a route finds that asks for it. */
async function isUnlocked({ nodes }: Target, headers: Headers): Promise<boolean> {
  const answer = await nodes[1].call(generate, undefined, headers);
  if (answer.status !== 200) expect(codeOf(answer)).toBe('configuration_locked');
  return answer.status === 200;
}

describe('attacks on unlocking the configuration by a recovery code', () => {
  it('MFA-09: of thirty uses of one code at once over two nodes and two sessions, one unlocks', () =>
    attack({}, async (target) => {
      const [code = ''] = await sueWithCodes(target);
      const sessions = [await sueIn(target), await sueIn(target)];
      const answers = await Promise.all(
        Array.from({ length: 30 }, (_, n) =>
          unlock(target, sessions[n % 2] ?? {}, code, ((n >> 1) % 2) as 0 | 1),
        ),
      );
      const statuses = answers.map(({ status }) => status);
      expect(statuses.filter((status) => status === 200)).toHaveLength(1);
      expect(statuses.filter((status) => status !== 200 && status !== 401)).toEqual([]);
      expect(await target.nodes[1].repositories.devices.countRecoveryCodes(sue.id)).toBe(9);
      const open = [];
      for (const headers of sessions)
        if ((await reach(target.nodes[0], headers)) === 200) open.push(await isUnlocked(target, headers));
      expect(open.filter(Boolean)).toHaveLength(1);
    }));

  it.each([
    ['store.set', 'reject'],
    ['oneTime.claim', 'reject'],
    ['oneTime.put', 'reject'],
    ['oneTime.put', 'hang'],
    ['devices.hasRecoveryCode', 'reject'],
  ] as const)('no code is lost when %s fails at that moment (%s), and nothing is unlocked', (call, fault) =>
    attack({ dependencyTimeout: 0.2 }, async (target) => {
      const { nodes, shared } = target;
      const [code = ''] = await sueWithCodes(target);
      const headers = await sueIn(target);
      target.expectFaults();
      const [name = '', operation = ''] = call.split('.');
      const all = { ...shared.faults, ...nodes[0].faults };
      const faults = all[name as keyof typeof all];
      faults.break(operation, fault);
      expect((await unlock(target, headers, code)).status).toBe(503);
      faults.heal();
      expect(await nodes[0].repositories.devices.countRecoveryCodes(sue.id)).toBe(10);
      expect(await isUnlocked(target, headers)).toBe(false);
      expect((await unlock(target, headers, code, 1)).status).toBe(200);
    }),
  );

  it.each(['reject', 'hang'] as const)(
    'where the code cannot be spent (%s), the session that it unlocked is ended',
    (fault) =>
      attack({ dependencyTimeout: 0.2 }, async (target) => {
        const { nodes } = target;
        const [code = ''] = await sueWithCodes(target);
        const headers = await sueIn(target);
        target.expectFaults();
        nodes[0].faults.devices.break('consumeRecoveryCode', fault);
        expect((await unlock(target, headers, code)).status).toBe(503);
        nodes[0].faults.devices.heal();
        for (const node of nodes) expect(await reach(node, headers)).toBe(401);
        expect((await unlock(target, await sueIn(target), code, 1)).status).toBe(200);
      }),
  );
});
