import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { SoftwareAuthenticator, type U2fChange } from '../../../lib/testing/index.js';
import { origin } from '../../support/app.js';
import { attack, type Target, type WireAnswer } from '../../support/attack.js';
import { auth, codeOf, passwordOf, pay, reach, statesOf } from '../../support/owing.js';
import { alice, bob } from '../../support/people.js';
import { enrolledKey, type PendingSession, rpId } from '../../support/second-factor.js';
import { presentingAnswer } from '../../support/sign-in.js';
import { swiftly } from '../../support/swift.js';

const appId = 'https://example.com/app-id.json';
const path = '/sys/v1/session/auth/2fa/u2f';
const wrong = '401 invalid_credentials';
const seen = (answer: WireAnswer) =>
  answer.body === '' ? `${answer.status}` : `${answer.status} ${codeOf(answer)}`;
const relyingParty = { id: rpId, name: 'Example', origins: [origin], appId };
const options = { relyingParty, secondFactor: { legacyU2f: true }, lockout: { failures: 1000 } } as const;
const sha256 = (text: string) => createHash('sha256').update(text).digest();

/** Gives a user a key that was registered through U2F. */
async function u2fKey(
  { nodes: [node] }: Pick<Target, 'nodes'>,
  user: { id: string } = alice,
  name = 'old key',
) {
  const key = new SoftwareAuthenticator({ origin, counter: 7, userVerified: false });
  const device = await key.enrolledU2f(user, { name, appId });
  expect(await node.repositories.devices.add(user.id, device)).toBe(true);
  return key;
}

type U2fSession = PendingSession & {
  challenge: { u2f_challenge: string; u2f_keys: { keyHandle: string }[] };
};

/** A pending session, with what U2F's JavaScript API is asked. */
async function owingU2f({ nodes: [node] }: Target, holder = alice, carrier = 'Bearer'): Promise<U2fSession> {
  const answer = await node.call(auth, { ...passwordOf(holder), token_type: carrier });
  const body = JSON.parse(answer.body);
  expect([answer.status, body.challenge]).toEqual([200, expect.anything()]);
  const headers = presentingAnswer({ body, headers: answer.headers });
  return { headers, options: body.fido2_assertion_options, challenge: body.challenge };
}

const answerBy = (key: SoftwareAuthenticator, { challenge }: U2fSession, change?: U2fChange) =>
  key.signU2f({ ...challenge, appId }, change);
const sign = (target: Target, session: U2fSession, answer: unknown, node: 0 | 1 = 0) =>
  target.nodes[node].call(path, answer, session.headers);

describe('a key that was registered through U2F', () => {
  it.each(['Bearer', 'Cookie'] as const)(
    'completes a pending %s by WebAuthn, by the appid extension',
    (carrier) =>
      swiftly({ relyingParty }, async (target) => {
        target.expectSessionsOf(alice.id);
        const key = await u2fKey(target);
        const [{ id } = { id: '' }] = key.credentials;
        const session = await owingU2f(target, alice, carrier);
        expect(session.options).toMatchObject({
          ...{ rpId, allowCredentials: [{ type: 'public-key', id }] },
          extensions: { appid: appId },
        });
        expect(session.challenge).toEqual({
          u2f_challenge: session.options.challenge,
          u2f_keys: [{ keyHandle: id, version: 'U2F_V2' }],
        });
        const assertion = await key.get(session.options);
        expect(assertion.clientExtensionResults).toEqual({ appid: true });
        expect(seen(await pay(target.nodes[1], session, assertion))).toBe('204');
        const [device] = await target.nodes[0].repositories.devices.listByUser(alice.id);
        expect(device).toMatchObject({ type: 'U2f', counter: 8 });
      }),
  );

  it.each(['Bearer', 'Cookie'] as const)(
    'completes a pending %s by U2F itself, in either base 64',
    (carrier) =>
      swiftly(options, async (target) => {
        target.expectSessionsOf(alice.id);
        const key = await u2fKey(target);
        const standard = (text: string) => Buffer.from(text, 'base64url').toString('base64');
        for (const spell of [(text: string) => text, standard]) {
          const session = await owingU2f(target, alice, carrier);
          const { keyHandle, signatureData, clientData } = answerBy(key, session);
          const spelt = {
            keyHandle: spell(keyHandle),
            signatureData: spell(signatureData),
            clientData: spell(clientData),
          };
          expect(seen(await sign(target, session, spelt, 1))).toBe('204');
        }
        expect(statesOf(target)).toEqual(['active', 'active']);
      }),
  );

  it('answers nothing where there is no AppID, and is owed all the same', () =>
    swiftly({}, async (target) => {
      const key = await u2fKey(target);
      const answer = await target.nodes[0].call(auth, passwordOf(alice));
      const body = JSON.parse(answer.body);
      expect(body).toMatchObject({ fido2_assertion_options: { allowCredentials: [] } });
      expect([body.challenge, body.fido2_assertion_options.extensions]).toEqual([undefined, undefined]);
      target.expectSessionsOf(alice.id);
      const session = {
        headers: presentingAnswer({ body, headers: answer.headers }),
        options: body.fido2_assertion_options,
      };
      const asked = { ...session.options, allowCredentials: [], extensions: { appid: appId } };
      expect(seen(await pay(target.nodes[1], session, await key.get(asked)))).toBe(wrong);
      expect(await reach(target.nodes[0], session.headers)).toBe(401);
    }));

  it('is refused by U2F itself where that is not switched on: 400', () =>
    swiftly({ relyingParty }, async (target) => {
      target.expectSessionsOf(alice.id);
      const key = await u2fKey(target);
      const session = await owingU2f(target);
      expect(seen(await sign(target, session, answerBy(key, session)))).toBe('400 method_not_configured');
      expect(seen(await pay(target.nodes[0], session, await key.get(session.options)))).toBe('204');
    }));
});

describe('attacks on keys that were registered through U2F', () => {
  it('FIDO-13: the AppID is for them alone, and they for nothing else', () =>
    swiftly(options, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id);
      const old = await u2fKey(target);
      const key = await enrolledKey(nodes[0]);
      const session = await owingU2f(target);
      const [own] = key.credentials;
      const said = (appid: unknown) => ({
        json: (answer: unknown) => ({ ...(answer as object), clientExtensionResults: { appid } }),
      });
      const forged: Record<string, unknown> = {
        'a FIDO2 key for the AppID': await key.get(session.options, {
          rpIdHash: sha256(appId),
          ...said(true),
        }),
        'a FIDO2 key for the AppID, unsaid': await key.get(session.options, { rpIdHash: sha256(appId) }),
        'an old key, unsaid': await old.get(session.options, said(undefined)),
        'an old key, denied': await old.get(session.options, said(false)),
      };
      const all = Object.entries(forged);
      for (const [name, answer] of all.slice(0, 4))
        expect([name, seen(await pay(nodes[0], session, answer))]).toEqual([name, wrong]);
      const next = await owingU2f(target);
      for (const [name, change] of [
        ['an old key for the relying party, said to be for the AppID', { rpIdHash: sha256(rpId) }],
        ['an old key for another AppID', { rpIdHash: sha256('https://evil.example') }],
        ['an old key, in another word', said('true')],
      ] as const)
        expect([name, seen(await pay(nodes[1], next, await old.get(next.options, change)))]).toEqual([
          name,
          wrong,
        ]);
      expect(own?.rpId).toBe(rpId);
      // As the contract calls the results of extensions.
      const assertion = await old.get(next.options);
      const { clientExtensionResults, ...rest } = assertion;
      const contract = {
        ...rest,
        clientExtensionResults: {},
        get_client_extension_results: clientExtensionResults,
      };
      expect(seen(await pay(nodes[1], next, contract))).toBe('204');
    }));

  it('U2F-01, U2F-06, U2F-07, U2F-09: every byte of the answer counts', () =>
    swiftly(options, async (target) => {
      target.expectSessionsOf(alice.id);
      const key = await u2fKey(target);
      const data = (change: object) => ({ clientData: (own: object) => ({ ...own, ...change }) });
      const tail = (change: (signature: Buffer) => Buffer) => ({ signature: change });
      const changes: Record<string, U2fChange> = {
        'a registration': data({ typ: 'navigator.id.finishEnrollment' }),
        'no type': data({ typ: undefined }),
        'an assertion of WebAuthn': data({ typ: 'webauthn.get', type: 'webauthn.get' }),
        'another challenge': data({ challenge: Buffer.alloc(32).toString('base64url') }),
        'no challenge': data({ challenge: undefined }),
        'a challenge in a list': { clientData: (own) => ({ ...own, challenge: [own.challenge] }) },
        'another origin': data({ origin: 'https://app.example.com.evil.example' }),
        'the origin without TLS': data({ origin: 'http://app.example.com' }),
        'the origin with a slash': data({ origin: `${origin}/` }),
        'the AppID for an origin': data({ origin: appId }),
        'no origin': data({ origin: undefined }),
        'a channel id': data({ cid_pubkey: { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' } }),
        'a list for client data': { clientData: (own) => [own] },
        'nothing for client data': { clientData: () => null },
        'a text for client data': { clientData: () => 'x' },
        'nobody there': { presence: 0 },
        'other bits of presence': { presence: 3 },
        'a counter that stands still': { counter: 7 },
        'a counter that went back': { counter: 6 },
        'another AppID': { appIdHash: sha256('https://example.com/other.json') },
        'the relying party for an AppID': { appIdHash: sha256(rpId) },
        'another signature': { signed: () => Buffer.from('x') },
        'bytes after the signature': tail((bytes) => Buffer.concat([bytes, Buffer.from([0])])),
        'a length in its long form': tail((bytes) =>
          Buffer.concat([Buffer.from([0x30, 0x81]), bytes.subarray(1)]),
        ),
        'no signature': tail(() => Buffer.alloc(0)),
        'r of 0': tail(() => Buffer.from('3006020100020101', 'hex')),
        'four bytes in all': { json: (own) => ({ ...own, signatureData: 'AQAAAA' }) },
        'a key that nobody has': { json: (own) => ({ ...own, keyHandle: 'AAAA' }) },
      };
      const names = Object.keys(changes);
      for (let from = 0; from < names.length; from += 4) {
        const session = await owingU2f(target);
        for (const name of names.slice(from, from + 4)) {
          const answer = await sign(target, session, answerBy(key, session, changes[name]));
          expect([name, seen(answer)]).toEqual([name, wrong]);
        }
        expect(await reach(target.nodes[1], session.headers)).toBe(401);
        await target.nodes[0].call('/sys/v1/session/terminate', undefined, session.headers);
      }
      const session = await owingU2f(target);
      for (const odd of [undefined, null, 5, '', 'a b', 'ä', ['AA'], {}, 'A'.repeat(20_000)])
        for (const field of ['keyHandle', 'signatureData', 'clientData']) {
          const answer = await sign(target, session, { ...answerBy(key, session), [field]: odd });
          expect([field, odd, seen(answer)]).toEqual([field, odd, '400 malformed_request']);
        }
      expect(seen(await sign(target, session, answerBy(key, session)))).toBe('204');
    }));

  it('U2F-02: a challenge is answered once, by whichever way, and in its own session', () =>
    attack(options, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id);
      const key = await u2fKey(target);
      const [one, other] = [await owingU2f(target), await owingU2f(target)];
      expect(seen(await sign(target, one, answerBy(key, other)))).toBe(wrong);
      const assertion = await key.get(one.options);
      const answer = answerBy(key, one);
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, n) =>
          n % 2 ? pay(nodes[n % 2 ? 0 : 1], one, assertion) : sign(target, one, answer, n % 4 ? 0 : 1),
        ),
      );
      expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
      expect(statesOf(target).filter((state) => state === 'active')).toHaveLength(1);
      // What is signed for the one API is nothing in the other.
      const next = await owingU2f(target);
      const { response, id } = await key.get(next.options);
      const bytes = Buffer.from(response.authenticatorData, 'base64url').subarray(32);
      const signatureData = Buffer.concat([bytes, Buffer.from(response.signature, 'base64url')]).toString(
        'base64url',
      );
      const swapped = { keyHandle: id, signatureData, clientData: response.clientDataJSON };
      expect(seen(await sign(target, next, swapped))).toBe(wrong);
    }));

  it('U2F-04: a key has one counter, whichever way it is used', () =>
    swiftly(options, async (target) => {
      target.expectSessionsOf(alice.id);
      const key = await u2fKey(target);
      const first = await owingU2f(target);
      expect(seen(await sign(target, first, answerBy(key, first, { counter: 100 })))).toBe('204');
      const second = await owingU2f(target);
      expect(seen(await pay(target.nodes[0], second, await key.get(second.options, { counter: 100 })))).toBe(
        wrong,
      );
      expect(seen(await pay(target.nodes[0], second, await key.get(second.options, { counter: 101 })))).toBe(
        '204',
      );
      const third = await owingU2f(target);
      expect(seen(await sign(target, third, answerBy(key, third, { counter: 101 })))).toBe(wrong);
      expect(seen(await sign(target, third, answerBy(key, third, { counter: 102 })))).toBe('204');
    }));

  it('U2F-05: a key of somebody else, or one that went meanwhile, opens nothing', () =>
    swiftly(options, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id, bob.id);
      const key = await u2fKey(target);
      const ofBob = await u2fKey(target, bob);
      const session = await owingU2f(target);
      const [stolen] = ofBob.credentials;
      const answer = ofBob.signU2f({
        ...session.challenge,
        u2f_keys: [{ keyHandle: stolen?.id ?? '' }],
        appId,
      });
      expect(seen(await sign(target, session, answer))).toBe(wrong);
      const named = { ...answer, keyHandle: key.credentials[0]?.id };
      expect(seen(await sign(target, session, named))).toBe(wrong);
      await nodes[0].repositories.devices.remove(alice.id, 'old key');
      expect(seen(await sign(target, session, answerBy(key, session)))).toBe(wrong);
    }));

  it('U2F-08: no FIDO2 key answers by U2F, and nobody by it who must be verified', async () => {
    await swiftly(options, async (target) => {
      target.expectSessionsOf(alice.id);
      await u2fKey(target);
      const key = await enrolledKey(target.nodes[0]);
      const session = await owingU2f(target);
      expect(session.challenge.u2f_keys).toHaveLength(1);
      const [own] = key.credentials;
      const answer = key.signU2f({ ...session.challenge, u2f_keys: [{ keyHandle: own?.id ?? '' }], appId });
      expect(seen(await sign(target, session, answer))).toBe(wrong);
    });
    const strict = { ...options, secondFactor: { legacyU2f: true, userVerification: 'required' } } as const;
    await swiftly(strict, async (target) => {
      target.expectSessionsOf(alice.id);
      const key = await u2fKey(target);
      const session = await owingU2f(target);
      expect(seen(await sign(target, session, answerBy(key, session)))).toBe(wrong);
      expect(seen(await pay(target.nodes[0], session, await key.get(session.options)))).toBe(wrong);
    });
  });

  it('MFA-05: its failures count with all others', () =>
    swiftly({ ...options, lockout: { failures: 10 } }, async (target) => {
      target.expectSessionsOf(alice.id);
      const key = await u2fKey(target);
      const forged = { signed: () => Buffer.from('x') };
      const session = await owingU2f(target);
      for (let n = 0; n < 5; n += 1)
        expect(seen(await sign(target, session, answerBy(key, session, forged)))).toBe(wrong);
      expect(seen(await sign(target, session, answerBy(key, session)))).toBe('401 invalid_session');
    }));

  it.each([64, 66, 65])(
    'a key of %d bytes that is no point verifies nothing, and nobody comes down',
    (length) =>
      swiftly(options, async (target) => {
        target.expectSessionsOf(alice.id);
        const key = new SoftwareAuthenticator({ origin });
        const device = await key.enrolledU2f(alice, { name: 'broken', appId });
        const publicKey = Uint8Array.from({ length }, (_, at) => (at === 0 ? 4 : 1));
        await target.nodes[0].repositories.devices.add(alice.id, { ...device, publicKey });
        const session = await owingU2f(target);
        expect(seen(await sign(target, session, answerBy(key, session)))).toBe(wrong);
        expect(seen(await pay(target.nodes[0], session, await key.get(session.options)))).toBe(wrong);
      }),
  );
});
