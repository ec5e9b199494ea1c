import { randomBytes } from 'node:crypto';
import { verifyAuthenticationResponse } from '@simplewebauthn/server';
import { holder, relyingParty } from '../bursts/fido2-parties.js';
import { measuring, perSecond } from './measuring.js';

// How many assertions are verified in a second, 32 in flight, by the library alone: one and the same.
const { device, key } = await holder(0);
const challenge = randomBytes(32).toString('base64url');
const assertion = await key.get({ challenge, rpId: relyingParty.id });
const asked: Parameters<typeof verifyAuthenticationResponse>[0] = {
  response: { ...assertion, type: 'public-key' },
  expectedChallenge: challenge,
  expectedOrigin: relyingParty.origins,
  expectedRPID: relyingParty.id,
  credential: { id: device.credentialId, publicKey: Uint8Array.from(device.publicKey), counter: 0 },
  requireUserVerification: false,
};
measuring((seconds) =>
  perSecond(seconds, async () => {
    if (!(await verifyAuthenticationResponse(asked)).verified)
      throw new Error('a good assertion was refused');
  }),
);
