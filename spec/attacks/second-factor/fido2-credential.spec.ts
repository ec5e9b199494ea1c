import { describe, expect, it } from '@jest/globals';
import { type SoftwareAssertion, SoftwareAuthenticator } from '../../../lib/testing/index.js';
import { origin } from '../../support/app.js';
import {
  altered,
  auth,
  codeOf,
  expectAccepted,
  expectRefused,
  type Forgery,
  owing,
  passwordOf,
  pay,
  reach,
  roomy,
  statesOf,
} from '../../support/owing.js';
import { alice, bob } from '../../support/people.js';
import { enrolledKey, type PendingSession, rpId } from '../../support/second-factor.js';
import { swiftly } from '../../support/swift.js';

const handle = (id: string) => Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url');
const named =
  (id: string | undefined) =>
  (answer: unknown): unknown => ({ ...(answer as object), id, rawId: id });
const userHandle = (value: unknown): Forgery =>
  altered(({ response, ...rest }) => ({ ...rest, response: { ...response, userHandle: value } }));
const idOf = ({ credentials }: SoftwareAuthenticator) => credentials[0]?.id ?? '';

/** A key that holds a credential for the relying party and is enrolled by nobody. */
async function stranger(user: { id: string } = alice) {
  const key = new SoftwareAuthenticator({ origin, counts: false });
  await key.enrolled(user, { name: 'stranger', rpId });
  return key;
}

/** The challenge of a session, signed by the first credential of a key whatever the options allow. */
function signedBy(key: SoftwareAuthenticator, json?: (answer: unknown) => unknown): Forgery {
  return ({ options }) => {
    const [credential] = key.credentials;
    return key.get(options, { ...(credential ? { credential } : {}), ...(json ? { json } : {}) });
  };
}

describe('attacks with credentials of others', () => {
  it('FIDO-06: the credential of another user pays for nobody else', () =>
    swiftly(roomy, async (target) => {
      const [node] = target.nodes;
      const key = await enrolledKey(node, alice, { counts: false });
      const bobs = await enrolledKey(node, bob, { counts: false, discoverable: true });
      const none = await stranger();
      await expectRefused(target, key, {
        "of bob, by bob's id": signedBy(bobs),
        "of bob, by alice's id": signedBy(bobs, named(idOf(key))),
        "of bob, by alice's id, in the name of alice": signedBy(bobs, (answer) => {
          const { response, ...rest } = answer as SoftwareAssertion;
          const id = idOf(key);
          return { ...rest, id, rawId: id, response: { ...response, userHandle: handle(alice.id) } };
        }),
        "of alice, by bob's id": { json: named(idOf(bobs)) },
        'of nobody': signedBy(none),
        "of nobody, by alice's id": signedBy(none, named(idOf(key))),
      });
    }));

  it('FIDO-24: the answer to one pending session is none to another, of bob or of alice', () =>
    swiftly({}, async (target) => {
      const { nodes } = target;
      target.expectSessionsOf(alice.id, bob.id);
      const key = await enrolledKey(nodes[0], alice, { counts: false });
      const bobs = await enrolledKey(nodes[0], bob, { counts: false });
      const [one, other, his] = await Promise.all([owing(target), owing(target), owing(target, bob)]);
      const [toOne, toOther] = [await key.get(one.options), await key.get(other.options)];
      const toHis = await bobs.get(his.options);
      for (const [session, answer] of [
        [one, toOther],
        [other, toOne],
        [one, toHis],
        [his, toOne],
      ] as const)
        expect((await pay(nodes[0], session, answer)).status).toBe(401);
      for (const [session, answer] of [
        [one, toOne],
        [other, toOther],
        [his, toHis],
      ] as const) {
        expect((await pay(nodes[1], session, answer)).status).toBe(204);
        expect(await reach(nodes[0], session.headers)).toBe(200);
      }
    }));

  it('FIDO-07: a user handle must be the one of this user, if there is one', () =>
    swiftly(roomy, async (target) => {
      const key = await enrolledKey(target.nodes[0], alice, { counts: false });
      await expectRefused(target, key, {
        'of bob': userHandle(handle(bob.id)),
        empty: userHandle(''),
        'of 65 bytes': userHandle(Buffer.alloc(65).toString('base64url')),
        'in standard base64': userHandle('oRzgAAAAQACAAAAAAAAAA+/'),
        'the id as text': userHandle(alice.id),
        'the text of the id': userHandle(Buffer.from(alice.id).toString('base64url')),
        'a byte more': userHandle(`${handle(alice.id)}AA`),
      });
      await expectAccepted(target, key, {
        own: userHandle(handle(alice.id)),
        'own, padded': userHandle(`${handle(alice.id)}==`),
        null: userHandle(null),
      });
    }));

  it('FIDO-07: a user handle that is no text is malformed', () =>
    swiftly(roomy, async (target) => {
      const key = await enrolledKey(target.nodes[0], alice, { counts: false });
      const odd = { 'a list': [handle(alice.id)], 'a number': 1, 'an object': { toString: 'x' }, true: true };
      const forgeries = Object.entries(odd).map(([name, value]) => [name, userHandle(value)]);
      const malformed = { status: 400, code: 'malformed_request' };
      await expectRefused(target, key, Object.fromEntries(forgeries), malformed);
    }));

  it('FIDO-08, MFA-07: a credential that came after the challenge is not offered by it', () =>
    swiftly({}, async (target) => {
      const [node, other] = target.nodes;
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(node);
      const session = await owing(target);
      const later = await enrolledKey(node, alice, { name: 'later' });
      expect((await pay(node, session, await signed(later, session))).status).toBe(401);
      expect((await pay(other, session, await key.get(session.options))).status).toBe(204);
      const next = await owing(target);
      expect(next.options.allowCredentials).toHaveLength(2);
      expect((await pay(node, next, await signed(later, next))).status).toBe(204);
    }));

  it('FIDO-08, MFA-07: a credential that was removed is good no longer, and its removal opens nothing', () =>
    swiftly({}, async (target) => {
      const [node, other] = target.nodes;
      const { devices } = node.repositories;
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(node);
      const kept = await enrolledKey(node, alice, { name: 'kept' });
      const session = await owing(target);
      await devices.remove(alice.id, 'key');
      expect((await pay(node, session, await key.get(session.options))).status).toBe(401);
      expect([await reach(node, session.headers), statesOf(target)]).toEqual([401, ['pending']]);
      expect((await pay(other, session, await signed(kept, session))).status).toBe(204);

      const last = await owing(target);
      await devices.remove(alice.id, 'kept');
      expect((await pay(node, last, await signed(kept, last))).status).toBe(401);
      expect([await reach(node, last.headers), await reach(other, last.headers)]).toEqual([401, 401]);
      expect(statesOf(target).sort()).toEqual(['active', 'pending']);
    }));

  it('FIDO-08: a credential that passed on to another user is not the one that was offered', () =>
    swiftly({}, async (target) => {
      const [node] = target.nodes;
      const { devices } = node.repositories;
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(node);
      const session = await owing(target);
      const [device] = await devices.listByUser(alice.id);
      await devices.remove(alice.id, 'key');
      if (device) expect(await devices.add(bob.id, device)).toBe(true);
      expect((await pay(node, session, await key.get(session.options))).status).toBe(401);
      expect(statesOf(target)).toEqual(['pending']);
    }));

  it('FIDO-26, ENUM-08: the options name this user alone, and say nothing before the password is proven', () =>
    swiftly({}, async (target) => {
      const [node] = target.nodes;
      target.expectSessionsOf(alice.id, bob.id);
      const key = await enrolledKey(node);
      const bobs = await enrolledKey(node, bob);
      const seen = new Set<string>();
      for (let round = 0; round < 10; round += 1) {
        const { options } = await owing(target);
        expect(options).toMatchObject({ rpId, userVerification: 'preferred' });
        expect(options.allowCredentials).toEqual([
          { type: 'public-key', id: idOf(key), transports: ['usb'] },
        ]);
        expect(Buffer.from(options.challenge, 'base64url')).toHaveLength(32);
        seen.add(options.challenge);
      }
      expect(seen.size).toBe(10);
      const wrong = await node.call(auth, { ...passwordOf(alice), password: 'wrong' });
      const nobody = await node.call(auth, { ...passwordOf(alice), email: 'no@example.com' });
      expect([wrong.status, wrong.body]).toEqual([401, nobody.body]);
      for (const known of [idOf(key), idOf(bobs), 'fido2', 'mfa']) expect(wrong.body).not.toContain(known);
      const { date, ...headers } = wrong.headers;
      expect({ ...nobody.headers, date }).toEqual({ ...headers, date });
    }));

  it('FIDO-27: a user none of whose devices can answer owes the factor all the same', () =>
    swiftly({}, async (target) => {
      const [node, other] = target.nodes;
      const { devices } = node.repositories;
      target.expectSessionsOf(alice.id);
      const old = new SoftwareAuthenticator({ origin, discoverable: true });
      const device = await old.enrolled(alice, { name: 'old', rpId });
      expect(await devices.add(alice.id, { ...device, type: 'U2f' })).toBe(true);
      const answer = await node.call(auth, passwordOf(alice));
      const { fido2_assertion_options: options, access_token: token } = JSON.parse(answer.body);
      expect([answer.status, options?.allowCredentials ?? []]).toEqual([200, []]);
      const headers = { Authorization: `Bearer ${token}` };
      const challenge = options?.challenge ?? Buffer.alloc(32).toString('base64url');
      for (const key of [old, await stranger()]) {
        const forged = await key.get({ challenge, rpId }, {});
        const paid = await pay(node, { headers, options }, forged);
        expect([paid.status, codeOf(paid)]).toEqual([401, 'invalid_credentials']);
      }
      expect([await reach(node, headers), await reach(other, headers)]).toEqual([401, 401]);
      expect(statesOf(target)).toEqual(['pending']);
    }));

  it('FIDO-29: an id of any length that is not offered is refused, and one spelling is all there is', () =>
    swiftly(roomy, async (target) => {
      const key = await enrolledKey(target.nodes[0], alice, { counts: false });
      const long = Buffer.alloc(1023, 7).toString('base64url');
      const known = Buffer.from(idOf(key), 'base64url');
      await expectRefused(target, key, {
        '1,023 bytes': { json: named(long) },
        'the first byte alone': { json: named(known.subarray(0, 1).toString('base64url')) },
        'a byte more': { json: named(Buffer.concat([known, Buffer.alloc(1)]).toString('base64url')) },
        'another case': { json: named(idOf(key).replace(/[a-z]/i, swapped)) },
      });
      const respelt = `${idOf(key).slice(0, -1)}${last(idOf(key))}`;
      await expectAccepted(target, key, {
        padded: { json: named(`${idOf(key)}=`) },
        'the id padded, and not the raw one': altered((own) => ({ ...own, id: `${own.id}=` })),
        'with the last bits otherwise': { json: named(respelt) },
      });
    }));

  it('FIDO-29: an id that is too long, in another alphabet or of two kinds is malformed', () =>
    swiftly(roomy, async (target) => {
      const key = await enrolledKey(target.nodes[0], alice, { counts: false });
      const bobs = await enrolledKey(target.nodes[0], bob, { counts: false });
      await expectRefused(
        target,
        key,
        {
          '1,025 bytes': { json: named(Buffer.alloc(1025).toString('base64url')) },
          'in standard base64': { json: named(`${idOf(key).slice(0, -4)}+/+/`) },
          'padded twice': { json: named(`${idOf(key)}==`) },
          'two ids': { json: (answer) => ({ ...(answer as object), rawId: idOf(bobs) }) },
          'two ids the other way round': signedBy(bobs, (answer) => ({
            ...(answer as object),
            id: idOf(key),
          })),
          'with a line break': { json: named(`${idOf(key)}\n`) },
        },
        { status: 400, code: 'malformed_request' },
      );
    }));
});

function signed(key: SoftwareAuthenticator, { options }: PendingSession): Promise<unknown> {
  const [credential] = key.credentials;
  return key.get(options, credential === undefined ? {} : { credential });
}

function swapped(letter: string): string {
  return letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
}

/** Another spelling of the last digit of 32 bytes in base64url: its two lowest bits mean nothing. */
function last(value: string): string {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return digits[digits.indexOf(value.at(-1) ?? 'A') ^ 1] ?? 'A';
}
