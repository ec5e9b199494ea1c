import { describe, expect, it } from '@jest/globals';
import { deviceFromU2fRegistration } from '../../lib/index.js';
import { SoftwareAuthenticator } from '../../lib/testing/index.js';
import { origin, testApp } from '../support/app.js';
import { alice } from '../support/people.js';
import { fido2, pendingSession, rpId } from '../support/second-factor.js';

const appId = 'https://example.com/app-id.json';

async function registered() {
  const key = new SoftwareAuthenticator({ origin, counter: 41 });
  const { credentialId } = await key.enrolledU2f(alice, { name: 'old', appId });
  return { key, bytes: key.u2fRegistrationData(credentialId) };
}

describe('a registration through U2F', () => {
  it.each([
    ['bytes', (bytes: Uint8Array) => bytes],
    ['base64', (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')],
    ['base64url', (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')],
  ])('in %s becomes a device that signs in', async (_, spell) => {
    const { key, bytes } = await registered();
    const details = { name: 'from before', counter: 41, createdAt: 1_500_000_000_000 };
    const device = deviceFromU2fRegistration(spell(bytes), details);
    expect(device).toMatchObject({
      ...details,
      type: 'U2f',
      credentialId: key.credentials[0]?.id,
      origin: null,
    });
    const app = await testApp({ relyingParty: { id: rpId, name: 'Example', origins: [origin], appId } });
    await app.repositories.devices.add(alice.id, device);
    const pending = await pendingSession(app);
    expect((await app.post(fido2, await key.get(pending.options), pending.headers)).status).toBe(204);
  });

  it.each<[string, (bytes: Buffer) => Uint8Array | string]>([
    ['nothing', () => ''],
    ['another first byte', (bytes) => Buffer.concat([Buffer.from([4]), bytes.subarray(1)])],
    [
      'no point of the curve',
      (bytes) => Buffer.concat([bytes.subarray(0, 2), Buffer.alloc(64, 1), bytes.subarray(66)]),
    ],
    [
      'no key handle',
      (bytes) => Buffer.concat([bytes.subarray(0, 66), Buffer.from([0]), bytes.subarray(99)]),
    ],
    ['a key handle that ends early', (bytes) => bytes.subarray(0, 80)],
    ['no certificate', (bytes) => bytes.subarray(0, 99)],
    ['the public key alone', (bytes) => bytes.subarray(1, 66)],
  ])('is none with %s', async (_, change) => {
    const { bytes } = await registered();
    const wrong = change(Buffer.from(bytes));
    expect(() => deviceFromU2fRegistration(wrong, { name: 'x', createdAt: 0 })).toThrow(RangeError);
  });
});
