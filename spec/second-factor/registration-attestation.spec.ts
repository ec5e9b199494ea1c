import { beforeAll, describe, expect, it } from '@jest/globals';
import type { AttestedBy, CreationChange } from '../../lib/testing/index.js';
import { type Attester, attester } from '../support/attested.js';
import { testClock } from '../support/clock.js';
import { addDevice, type Enrolling, enrolling, expectAdded, expectSignIn } from '../support/enrolling.js';

// W3C WebAuthn Level 3, section 7.1, steps 21 to 24, where the host has named whom it trusts.

let root: Attester;
let maker: Attester;
let leaf: Attester;
let stranger: Attester;

beforeAll(() => {
  root = attester({ ca: true, name: 'Root' });
  maker = attester({ ca: true, name: 'Maker', by: root });
  leaf = attester({ by: maker });
  stranger = attester({ ca: true, name: 'Root' });
});

/** A session that enrols where the root is trusted, two days from now. */
async function trusting(anchors: readonly Attester[] = [root]): Promise<Enrolling> {
  const clock = testClock();
  clock.advance((Date.now() - clock()) / 1000 + 2 * 86_400);
  const attestation = { trustAnchors: anchors.map(({ pem }) => pem) };
  return enrolling({ app: { testClock: clock, secondFactor: { attestation } } });
}
const by = (own: Attester, ...others: Attester[]): AttestedBy => ({
  privateKey: own.privateKey,
  x5c: [own, ...others].map(({ der }) => der),
});

/** Expects that an attestation is refused as others are, and that an honest one over the same challenge is taken. */
async function expectUntrusted(change: CreationChange, at?: Enrolling): Promise<void> {
  const own = at ?? (await trusting());
  const answer = await addDevice(own, await own.key.create(own.options, change));
  expect([answer.status, answer.body.code]).toEqual([401, 'invalid_credentials']);
  await new Promise((resolve) => setImmediate(resolve));
  expect(own.app.events.at(-1)).toMatchObject({
    type: 'device_refused',
    reason: expect.stringMatching(/^(?:attestation_not_trusted|not_verified|attestation_not_asked)$/),
  });
  await expectAdded(own, { attestation: by(leaf, maker) }, 'honest');
}

describe('an attestation that leads to a certificate which is trusted', () => {
  it('is asked for', async () => {
    expect(await trusting()).toMatchObject({ options: { attestation: 'direct' } });
  });

  it.each<[string, () => AttestedBy, () => Attester[]]>([
    ['by a maker whom the root has certified', () => by(leaf, maker), () => [root]],
    ['with the root itself beside it', () => by(leaf, maker, root), () => [root]],
    ['by the maker who is trusted', () => by(leaf), () => [maker]],
    ['by a certificate that is trusted itself', () => by(leaf), () => [leaf]],
    [
      'by a root that may stand above one other, and does',
      () => {
        const near = attester({ ca: true, name: 'Near', by: root, pathLength: 0 });
        return by(attester({ by: near }), near);
      },
      () => [root],
    ],
    [
      'by an issuer who has renewed his own certificate, which does not make the path longer',
      () => {
        const last = attester({ ca: true, name: 'Last', by: root, pathLength: 0 });
        const renewed = attester({ ca: true, name: 'Last', by: last });
        return by(attester({ by: renewed }), renewed, last);
      },
      () => [root],
    ],
    [
      'beside one that is trusted and that nobody can read',
      () => by(leaf, maker),
      () => [attester({ ca: true, name: 'Odd', extension: '2.5.29.32=DER:0500' }), root],
    ],
    ['over SHA-512', () => by(attester({ by: maker, hash: 'sha512' }), maker), () => [root]],
    ['by the second of those that are trusted', () => by(leaf, maker), () => [stranger, root]],
  ])('is taken: %s', async (_, attestation, anchors) => {
    const at = await trusting(anchors());
    const device = await expectAdded(at, { attestation: attestation() });
    expect(device).toMatchObject({ type: 'Fido2' });
    await expectSignIn(at);
  });

  it('is taken in the format of U2F', async () => {
    const at = await trusting();
    await expectAdded(at, { attestation: { ...by(leaf, maker), format: 'fido-u2f' } });
    await expectSignIn(at);
  });
});

describe('an attestation that leads to nobody who is trusted', () => {
  it.each<[string, () => CreationChange]>([
    ['none at all', () => ({ attestation: 'none' })],
    ['one by the key itself', () => ({ attestation: 'self' })],
    ['a certificate that nobody has issued', () => ({ attestation: by(attester()) })],
    ['a root of the same name', () => ({ attestation: by(attester({ by: stranger }), stranger) })],
    ['a maker who is left out', () => ({ attestation: by(leaf) })],
    ['certificates in another order', () => ({ attestation: { ...by(leaf), x5c: [maker.der, leaf.der] } })],
    [
      'a maker who is none',
      () => {
        const none = attester({ by: root, name: 'None' });
        return { attestation: by(attester({ by: none }), none) };
      },
    ],
    [
      'the certificate of somebody else',
      () => ({ attestation: { ...by(leaf, maker), privateKey: stranger.privateKey } }),
    ],
    ['a certificate of a maker for a key', () => ({ attestation: by(maker) })],
    ['one of another unit', () => ({ attestation: by(attester({ by: maker, unit: 'Others' }), maker) })],
    [
      'a maker below another who may stand above none',
      () => {
        const last = attester({ ca: true, name: 'Last', by: root, pathLength: 0 });
        const more = attester({ ca: true, name: 'More', by: last });
        return { attestation: by(attester({ by: more }), more, last) };
      },
    ],
    [
      'a key with a critical extension that nobody knows',
      () => ({ attestation: by(attester({ by: maker, extension: '1.2.3.4.6=critical,DER:0500' }), maker) }),
    ],
    [
      'a maker with one',
      () => {
        const odd = attester({ ca: true, name: 'Odd', by: root, extension: '1.2.3.4.6=critical,DER:0500' });
        return { attestation: by(attester({ by: odd }), odd) };
      },
    ],
    [
      'a maker who may certify other names',
      () => {
        const extension = 'nameConstraints=permitted;DNS:example.org';
        const other = attester({ ca: true, name: 'Other', by: root, extension });
        return { attestation: by(attester({ by: other }), other) };
      },
    ],
    ['a signature over SHA-1', () => ({ attestation: by(attester({ by: maker, hash: 'sha1' }), maker) })],
    [
      'a maker by a signature over SHA-1',
      () => {
        const old = attester({ ca: true, name: 'Old', by: root, hash: 'sha1' });
        return { attestation: by(attester({ by: old }), old) };
      },
    ],
    ['one that has ended', () => ({ attestation: by(attester({ by: maker, days: 1 }), maker) })],
    ['no certificate in its list', () => ({ attestation: { ...by(leaf), x5c: [] } })],
    ['bytes that are no certificate', () => ({ attestation: { ...by(leaf), x5c: [Uint8Array.of(1)] } })],
    ['six of them', () => ({ attestation: by(leaf, maker, root, root, root, root) })],
    [
      'a signature that is changed',
      () => ({
        attestation: by(leaf, maker),
        signature: (bytes) => {
          const changed = Buffer.from(bytes);
          changed[10] = (changed[10] ?? 0) ^ 1;
          return changed;
        },
      }),
    ],
    [
      'a format that is not for security keys',
      () => ({
        attestation: { fmt: 'apple', attStmt: new Map([['x5c', [leaf.der, maker.der]]]) },
      }),
    ],
    [
      'more than belongs there',
      () => ({
        attestation: {
          fmt: 'packed',
          attStmt: new Map<string, unknown>([
            ['alg', -7],
            ['sig', Uint8Array.of(1)],
            ['x5c', [leaf.der]],
            ['ecdaaKeyId', Uint8Array.of(1)],
          ]),
        },
      }),
    ],
  ])('is refused: %s', async (_, change) => expectUntrusted(change()));

  it('is refused where a trusted one may stand above no other, and does', async () => {
    const last = attester({ ca: true, name: 'Last', pathLength: 0 });
    const more = attester({ ca: true, name: 'More', by: last });
    const at = await trusting([last, root]);
    await expectUntrusted({ attestation: by(attester({ by: more }), more) }, at);
  });

  it.each(['packed', 'fido-u2f'] as const)(
    'is refused where a certificate of somebody else carries a trusted one in itself: %s',
    async (format) => {
      // Node reads PEM wherever it finds it, and the library reads DER: they would see two certificates in one.
      const genuine = attester({ by: root });
      const forged = attester({ carries: `\n${genuine.pem}` });
      await expectUntrusted({ attestation: { ...by(forged), format } });
    },
  );

  it('is refused where bytes follow a certificate', async () => {
    const longer = Uint8Array.from([...leaf.der, 0]);
    await expectUntrusted({ attestation: { ...by(leaf, maker), x5c: [longer, maker.der] } });
  });

  it('is refused in the format of U2F for a key that is no point of P-256', async () => {
    const at = await trusting();
    await expectUntrusted({ algorithm: 'RS256', attestation: by(attester({ by: stranger }), stranger) }, at);
  });
});
