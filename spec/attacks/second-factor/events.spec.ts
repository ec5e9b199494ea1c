import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { AuditEvent } from '../../../lib/index.js';
import { type AuthenticatorChange, SoftwareAuthenticator } from '../../../lib/testing/index.js';
import { origin } from '../../support/app.js';
import type { Target } from '../../support/attack.js';
import { activeSession, addDevice, attested, unlock } from '../../support/configuring.js';
import { owing, pay } from '../../support/owing.js';
import { alice, bob } from '../../support/people.js';
import { enrolledKey } from '../../support/second-factor.js';
import { swiftly } from '../../support/swift.js';

/** The events of both nodes that tell of the second factor, as they came. */
async function told({ nodes }: Target): Promise<AuditEvent[]> {
  await sleep(15);
  const events = nodes.flatMap((node) => node.events.splice(0));
  return events.filter(({ type }) => /^(?:second_factor|configuration|device)/.test(type));
}

const who = (target: Target) => ({
  at: target.clock(),
  session: expect.any(String),
  entityId: alice.id,
  address: '127.0.0.1',
  requestId: null,
});
const factor = (target: Target) => ({ ...who(target), factor: 'fido2', purpose: 'sign-in' });

/** Says that nothing of this is to be told anywhere: not what was signed, not the signature, not the key. */
function keep(target: Target, assertion: { response: object }): void {
  for (const value of Object.values(assertion.response))
    if (typeof value === 'string' && value.length > 20) target.secret(value);
}

const flip = (bytes: Buffer) => {
  bytes[10] = (bytes[10] ?? 0) ^ 1;
  return bytes;
};

describe('what is told of attacks on the second factor (LOG-05)', () => {
  it.each(['Bearer', 'Cookie'] as const)('LOG-05: a %s that is completed', (carrier) =>
    swiftly({}, async (target) => {
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(target.nodes[0]);
      const session = await owing(target, alice, carrier);
      const [pending] = await target.nodes[0].control.sessions.list({ user: alice.id });
      await told(target);
      const assertion = await key.get(session.options);
      keep(target, assertion);
      expect((await pay(target.nodes[0], session, assertion)).status).toBe(204);
      expect(await told(target)).toEqual([
        { type: 'second_factor_completed', ...factor(target), session: pending?.id },
      ]);
    }),
  );

  it('LOG-05: each refusal, with its reason', () =>
    swiftly({ lockout: { failures: 50 } }, async (target) => {
      target.expectSessionsOf(alice.id);
      const { devices } = target.nodes[0].repositories;
      const key = await enrolledKey(target.nodes[0], alice, { counter: 8 });
      const bobs = await enrolledKey(target.nodes[0], bob);
      const id = key.credentials[0]?.id;
      const [bobsCredential] = bobs.credentials;
      const backup = { flags: (flags: number) => flags | 0x08 };
      const handle = Buffer.from(bob.id.replaceAll('-', ''), 'hex').toString('base64url');
      const refusals: [reason: string, change: AuthenticatorChange][] = [
        ['not_verified', { signature: flip }],
        ['not_verified', { counter: 0, signature: flip }],
        ['not_verified', { clientData: (data) => ({ ...data, origin: 'https://evil.com' }) }],
        ['credential_not_offered', bobsCredential ? { credential: bobsCredential } : {}],
        ['counter_regressed', { counter: 8 }],
        ['backup_eligibility_changed', backup],
        ['other_user_handle', { json: (answer) => withHandle(answer, handle) }],
        [
          'not_verified',
          { json: (answer) => ({ ...(answer as object), clientExtensionResults: {} }), flags: () => 0 },
        ],
      ];
      for (const [reason, change] of refusals) {
        const session = await owing(target);
        await told(target);
        const assertion = await key.get(session.options, change);
        keep(target, assertion);
        expect((await pay(target.nodes[0], session, assertion)).status).toBe(401);
        expect(await told(target)).toEqual([{ type: 'second_factor_failed', reason, ...factor(target) }]);
      }
      const session = await owing(target);
      await told(target);
      const assertion = await key.get(session.options);
      expect(assertion.id).toBe(id);
      await devices.remove(alice.id, 'key');
      expect((await pay(target.nodes[1], session, assertion)).status).toBe(401);
      expect(await told(target)).toMatchObject([{ type: 'second_factor_failed', reason: 'credential_gone' }]);
    }));

  it('LOG-05: the alarm for a copy of a key is raised by whoever has one, and by nobody else', () =>
    swiftly({}, async (target) => {
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(target.nodes[0], alice, { counter: 20 });
      const session = await owing(target);
      await told(target);
      for (const counter of [0, 19, 20, 21])
        await pay(target.nodes[0], session, await key.get(session.options, { counter, signature: flip }));
      const garbage = await told(target);
      expect(garbage.map((each) => ('reason' in each ? each.reason : each.type))).toEqual(
        Array(4).fill('not_verified'),
      );
      const copy = await owing(target);
      await told(target);
      await pay(target.nodes[1], copy, await key.get(copy.options, { counter: 20 }));
      expect(await told(target)).toEqual([
        { type: 'second_factor_failed', reason: 'counter_regressed', ...factor(target) },
      ]);
    }));

  it('LOG-05: the end of a session by its failures, and the lock of its user, once', () =>
    swiftly({}, async (target) => {
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(target.nodes[0]);
      for (let round = 0; round < 2; round += 1) {
        const session = await owing(target);
        await told(target);
        for (let at = 0; at < 5; at += 1)
          await pay(target.nodes[0], session, await key.get(session.options, { signature: flip }));
        const events = await told(target);
        const failed = events.filter(({ type }) => type === 'second_factor_failed');
        const rest = events.filter(({ type }) => type !== 'second_factor_failed');
        expect(failed).toHaveLength(5);
        const lock = { type: 'second_factor_locked', ...who(target) };
        const { session: _, ...ofUser } = lock;
        expect(rest).toEqual(round === 0 ? [] : [ofUser]);
      }
      const session = await owing(target);
      await told(target);
      expect((await pay(target.nodes[0], session, await key.get(session.options))).status).toBe(423);
      expect(await told(target)).toEqual([
        { type: 'second_factor_failed', reason: 'locked', ...factor(target) },
      ]);
    }));

  it('LOG-05: a configuration that is unlocked, or not, and a device that is added, or not', () =>
    swiftly({}, async (target) => {
      const { nodes, secret } = target;
      const headers = await activeSession(target);
      await told(target);
      secret('wrong pass-phrase of alice');
      await unlock(nodes[0], headers, 'wrong pass-phrase of alice');
      expect(await told(target)).toEqual([
        { type: 'configuration_unlock_failed', reason: 'wrong_secret', ...who(target) },
      ]);
      await unlock(nodes[0], headers);
      expect(await told(target)).toEqual([{ type: 'configuration_unlocked', ...who(target) }]);

      const made = await attested(nodes[0], headers, new SoftwareAuthenticator({ origin }));
      keep(target, made);
      const bent = { ...made, response: { ...made.response, clientDataJSON: 'AAAA' } };
      await addDevice(nodes[1], headers, bent);
      expect(await told(target)).toEqual([
        { type: 'device_refused', reason: 'not_verified', ...who(target) },
      ]);
      expect((await addDevice(nodes[0], headers, made)).status).toBe(201);
      expect(await told(target)).toEqual([{ type: 'device_added', credentialId: made.id, ...who(target) }]);
      await addDevice(nodes[1], headers, made, 'again');
      expect(await told(target)).toEqual([{ type: 'device_refused', reason: 'raced', ...who(target) }]);
    }));
});

function withHandle(answer: unknown, userHandle: string): unknown {
  const { response, ...rest } = answer as { response: object };
  return { ...rest, response: { ...response, userHandle } };
}
