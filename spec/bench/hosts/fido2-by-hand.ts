import { verifyAuthenticationResponse } from '@simplewebauthn/server';
import express from 'express';
import { auth } from '../bursts/burst.js';
import { challenge, type DeviceSeed, relyingParty } from '../bursts/fido2-parties.js';
import { type Hosted, listen } from './host.js';

/** A handler that verifies assertions by the library and does nothing else: no session, no challenge of one's own, no limit. */
export async function fido2ByHand(holders: readonly DeviceSeed[]): Promise<Hosted> {
  const keys = new Map(
    holders.map(({ device }) => [device.credentialId, Uint8Array.from(device.publicKey)] as const),
  );
  const app = express();
  app.post(`${auth}/2fa/fido2`, express.json(), async ({ body }, response) => {
    const publicKey = keys.get(body.id);
    if (publicKey === undefined) return void response.status(401).end();
    const { verified } = await verifyAuthenticationResponse({
      response: body,
      expectedChallenge: challenge,
      expectedOrigin: relyingParty.origins,
      expectedRPID: relyingParty.id,
      credential: { id: body.id, publicKey, counter: 0 },
      requireUserVerification: false,
    });
    response.status(verified ? 204 : 401).end();
  });
  return { port: (await listen(app)).port, requests: {} };
}
