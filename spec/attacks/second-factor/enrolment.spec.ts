import { describe, expect, it } from '@jest/globals';
import { SoftwareAuthenticator } from '../../../lib/testing/index.js';
import { basic, bearer, origin } from '../../support/app.js';
import { attack, type Target, type WireAnswer } from '../../support/attack.js';
import { activeSession, addDevice, attested, challenged, config, unlock } from '../../support/configuring.js';
import { auth, codeOf, owing, passwordOf, pay, reach } from '../../support/owing.js';
import { alice, bob, robot } from '../../support/people.js';
import { enrolledKey } from '../../support/second-factor.js';
import { swiftly } from '../../support/swift.js';

const newKey = () => new SoftwareAuthenticator({ origin });
const seen = (answer: WireAnswer) => `${answer.status} ${codeOf(answer) ?? ''}`.trim();
const locked = '403 configuration_locked';
const wrong = '401 invalid_credentials';

async function namesOf({ nodes }: Target, { id }: { id: string } = alice): Promise<string[]> {
  const devices = await nodes[0].repositories.devices.listByUser(id);
  return devices.map(({ name }) => name).sort();
}

describe('attacks on the configuration of the second factor (MFA-08)', () => {
  it('MFA-08: an active session alone changes nothing: it must prove the password again', () =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      const key = await enrolledKey(nodes[0]);
      const headers = await activeSession(target, alice, { key });
      const attestation = await newKey().create({
        ...{
          challenge: Buffer.alloc(32).toString('base64url'),
          rp: { id: 'example.com' },
          user: { id: 'AA' },
        },
      });
      expect(seen(await addDevice(nodes[1], headers, attestation, 'evil'))).toBe(locked);
      const options = await challenged(nodes[0], headers);
      expect(options).toMatchObject({ rpId: 'example.com', allowCredentials: [{ type: 'public-key' }] });
      const made = await newKey().create({ ...options, rp: { id: 'example.com' }, user: { id: 'AA' } });
      expect(seen(await addDevice(nodes[0], headers, made, 'evil'))).toBe(locked);
      expect(await namesOf(target)).toEqual(['key']);
    }));

  it('MFA-08, SES-13: wrong passwords count with those of sign-ins, either way, and the tenth locks both', () =>
    swiftly({}, async (target) => {
      const { nodes, clock } = target;
      const headers = await activeSession(target);
      const wrongly = { ...passwordOf(alice), password: 'wrong' };
      const tries = Array.from({ length: 10 }, (_, at) =>
        at % 2 ? nodes[0].call(auth, wrongly) : unlock(nodes[1], headers, 'wrong'),
      );
      expect((await Promise.all(tries)).map(seen)).toEqual(Array(10).fill(wrong));
      expect(seen(await unlock(nodes[0], headers))).toBe('423 locked');
      expect(seen(await nodes[1].call(auth, passwordOf(alice)))).toBe('423 locked');
      expect(seen(await nodes[0].call(config.devices, {}, headers))).not.toMatch(/^2/);
      expect(await reach(nodes[1], headers)).toBe(200);
      clock.advance(900);
      expect(seen(await unlock(nodes[1], headers))).toBe('200');
    }));

  it('MFA-08: fifty wrong passwords at once on two nodes do not pass the limit', () =>
    attack({ hashing: { queue: 200 } }, async (target) => {
      const { nodes } = target;
      const headers = await activeSession(target);
      const tries = Array.from({ length: 50 }, (_, at) =>
        unlock(nodes[at % 2] ?? nodes[0], headers, at === 40 ? alice.password : `wrong ${at}`),
      );
      const statuses = (await Promise.all(tries)).map(({ status }) => status);
      expect(statuses.filter((status) => status === 401)).toHaveLength(10);
      expect(statuses.filter((status) => status === 423)).toHaveLength(40);
    }));

  it('SES-13: the password of another user unlocks nothing, and changes no identity', () =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      const headers = await activeSession(target);
      const answer = await nodes[0].call(config.auth, { ...passwordOf(bob), email: bob.email }, headers);
      expect(seen(answer)).toBe(wrong);
      const me = await nodes[1].send({ method: 'GET', path: '/me', headers });
      expect(JSON.parse(me.body).id).toBe(alice.id);
      expect(seen(await nodes[0].call(config.challenge, undefined, headers))).toBe(locked);
    }));

  it('MFA-08: no app configures a second factor, with its session or with its key', () =>
    swiftly({}, async (target) => {
      const [node] = target.nodes;
      target.expectSessionsOf(robot.id);
      const answer = await node.call(auth, undefined, basic(robot.id, robot.secret));
      const headers = bearer(JSON.parse(answer.body).access_token);
      const calls = [
        ['POST', config.auth, { password: robot.secret }],
        ['POST', config.challenge, undefined],
        ['POST', config.terminate, undefined],
        ['POST', config.devices, { name: 'x', attestationResult: {} }],
        ['GET', config.devices, undefined],
      ] as const;
      for (const [method, path, body] of calls) {
        const text = body === undefined ? {} : { body: JSON.stringify(body) };
        const refused = await node.send({ method, path, headers, ...text });
        expect([path, seen(refused)]).toEqual([path, '403 wrong_principal']);
        const byKey = await node.send({ method, path, headers: basic(robot.id, robot.secret), ...text });
        expect([path, byKey.status]).toEqual([path, 401]);
      }
    }));

  it('MFA-08: the configuration is unlocked for ten minutes, in that session, until it is locked', () =>
    swiftly({}, async (target) => {
      const { nodes, clock } = target;
      const [one, other] = await Promise.all([activeSession(target), activeSession(target)]);
      expect(seen(await unlock(nodes[0], one))).toBe('200');
      expect(seen(await nodes[1].call(config.challenge, undefined, other))).toBe(locked);
      const own = await attested(nodes[1], one, newKey());
      expect(seen(await addDevice(nodes[0], other, own))).toBe(locked);

      clock.advance(599);
      const late = await attested(nodes[0], one, newKey());
      clock.advance(1);
      expect(seen(await addDevice(nodes[1], one, late))).toBe(locked);
      expect(seen(await nodes[0].call(config.challenge, undefined, one))).toBe(locked);

      expect(seen(await unlock(nodes[0], one))).toBe('200');
      const made = await attested(nodes[0], one, newKey());
      for (const node of nodes) expect(seen(await node.call(config.terminate, undefined, one))).toBe('204');
      expect(seen(await addDevice(nodes[1], one, made))).toBe(locked);
      expect(seen(await unlock(nodes[1], one))).toBe('200');
      expect(seen(await addDevice(nodes[0], one, made))).toBe(wrong);
      expect(await namesOf(target)).toEqual([]);
    }));

  it('MFA-08: a challenge is for what it was given for', () =>
    swiftly({ secondFactor: { endOtherSessionsOnChange: false } }, async (target) => {
      const { nodes } = target;
      const key = await enrolledKey(nodes[0]);
      const headers = await activeSession(target, alice, { key });
      const toProve = await challenged(nodes[0], headers);
      const pending = await owing(target);
      const answered = await key.get({ ...pending.options, challenge: toProve.challenge });
      expect(seen(await pay(nodes[0], pending, answered))).toBe(wrong);

      expect(seen(await unlock(nodes[0], headers))).toBe('200');
      const rp = { rp: { id: 'example.com' }, user: { id: 'AA' } };
      for (const { challenge } of [toProve, pending.options]) {
        const made = await newKey().create({ challenge, ...rp });
        expect(seen(await addDevice(nodes[1], headers, made, 'evil'))).toBe(wrong);
      }
      const toMake = await challenged(nodes[1], headers);
      const asserted = await key.get({ ...pending.options, challenge: toMake.challenge });
      expect(seen(await pay(nodes[0], pending, asserted))).toBe(wrong);
      expect(seen(await addDevice(nodes[0], headers, await newKey().create(toMake), 'second'))).toBe('201');
      expect(seen(await pay(nodes[0], pending, await key.get(pending.options)))).toBe('204');
      expect(await namesOf(target)).toEqual(['key', 'second']);
    }));

  it('MFA-08: the challenge of another session makes no device, and a wrong answer spoils none', () =>
    swiftly({}, async (target) => {
      const { nodes, clock } = target;
      const [hers, again] = await Promise.all([activeSession(target), activeSession(target)]);
      const his = await activeSession(target, bob);
      for (const headers of [hers, again]) expect(seen(await unlock(nodes[0], headers))).toBe('200');
      expect(seen(await unlock(nodes[0], his, bob.password))).toBe('200');
      const made = await attested(nodes[0], hers, newKey());
      for (const headers of [his, again])
        expect(seen(await addDevice(nodes[1], headers, made, 'evil'))).toBe(wrong);
      await challenged(nodes[1], again);
      await challenged(nodes[1], his);
      for (const headers of [his, again])
        expect(seen(await addDevice(nodes[1], headers, made, 'evil'))).toBe(wrong);
      const bent = { ...made, response: { ...made.response, attestationObject: 'AAAA' } };
      expect(seen(await addDevice(nodes[1], hers, bent))).toBe(wrong);
      expect(seen(await addDevice(nodes[1], hers, made))).toBe('201');
      expect([await namesOf(target), await namesOf(target, bob)]).toEqual([['key'], []]);
      const old = await attested(nodes[0], his, newKey());
      clock.advance(300);
      expect(seen(await addDevice(nodes[0], his, old))).toBe(wrong);
    }));

  it('MFA-08: an attestation is good once, whatever name it comes back under', () =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      const headers = await activeSession(target);
      await unlock(nodes[0], headers);
      const made = await attested(nodes[0], headers, newKey());
      expect(seen(await addDevice(nodes[0], headers, made))).toBe('201');
      for (const node of nodes) expect(seen(await addDevice(node, headers, made, 'again'))).toBe(wrong);
      await challenged(nodes[1], headers);
      expect(seen(await addDevice(nodes[0], headers, made, 'again'))).toBe(wrong);
      expect(await namesOf(target)).toEqual(['key']);
    }));

  it.each(['one attestation', 'two attestations'])(
    'RACE-06: %s at once over one challenge make one device',
    (what) =>
      attack({}, async (target) => {
        const { nodes } = target;
        const headers = await activeSession(target);
        await unlock(nodes[0], headers);
        for (let round = 1; round <= 3; round += 1) {
          const options = await challenged(nodes[0], { ...headers });
          const one = await newKey().create(options);
          const other = what === 'one attestation' ? one : await newKey().create(options);
          const answers = await Promise.all(
            Array.from({ length: 8 }, (_, at) =>
              addDevice(nodes[at % 2] ?? nodes[0], headers, at % 2 ? other : one, `key ${round} ${at}`),
            ),
          );
          expect(answers.map(seen).sort()).toEqual(['201', ...Array(7).fill(wrong)]);
          expect(await namesOf(target)).toHaveLength(round);
        }
      }),
  );

  it('MFA-08: a name or a credential that is taken costs nothing, and takes nobody else’s', () =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      const bobs = await enrolledKey(nodes[0], bob);
      const headers = await activeSession(target);
      await unlock(nodes[0], headers);
      expect(seen(await addDevice(nodes[0], headers, await attested(nodes[0], headers, newKey())))).toBe(
        '201',
      );
      const made = await attested(nodes[0], headers, newKey());
      expect(seen(await addDevice(nodes[1], headers, made, 'key'))).toBe('409 name_taken');
      expect(seen(await addDevice(nodes[1], headers, made, 'other'))).toBe('201');
      const credentialId = Buffer.from(bobs.credentials[0]?.id ?? '', 'base64url');
      const taken = await attested(nodes[0], headers, newKey(), { credentialId });
      expect(seen(await addDevice(nodes[0], headers, taken, 'third'))).toBe('409 credential_taken');
      expect([await namesOf(target), await namesOf(target, bob)]).toEqual([['key', 'other'], ['key']]);
      const his = await owing(target, bob);
      target.expectSessionsOf(bob.id);
      expect(seen(await pay(nodes[0], his, await bobs.get(his.options)))).toBe('204');
    }));
});
