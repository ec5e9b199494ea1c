import { expect } from '@jest/globals';
import type { CreationChange, SoftwareAttestation, SoftwareAuthenticator } from '../../lib/testing/index.js';
import type { Node, Target, WireAnswer } from './attack.js';
import { auth, passwordOf, pay } from './owing.js';
import { alice } from './people.js';
import type { Holder } from './second-factor.js';
import { presentingAnswer } from './sign-in.js';

/** The paths of the configuration of the second factor. */
export const config = {
  auth: '/sys/v1/session/config_2fa/auth',
  challenge: '/sys/v1/session/config_2fa/new_challenge?protocol=fido2',
  terminate: '/sys/v1/session/config_2fa/terminate',
  devices: '/sys/v1/session/config_2fa/devices',
} as const;

type Headers = Record<string, string>;

/** Signs a user in fully, by a key where one is owed; the headers of the session. */
export async function activeSession(
  { nodes: [node], expectSessionsOf }: Pick<Target, 'nodes' | 'expectSessionsOf'>,
  holder: Holder = alice,
  { key, carrier = 'Bearer' }: { key?: SoftwareAuthenticator; carrier?: 'Bearer' | 'Cookie' } = {},
): Promise<Headers> {
  expectSessionsOf(holder.id);
  const answer = await node.call(auth, { ...passwordOf(holder), token_type: carrier });
  const body = JSON.parse(answer.body);
  const headers = presentingAnswer({ body, headers: answer.headers });
  const { fido2_assertion_options: options } = body;
  if (key === undefined || options === undefined) return headers;
  const paid = await pay(node, { headers, options }, await key.get(options));
  expect(paid.status).toBe(204);
  return carrier === 'Bearer' ? headers : presentingAnswer({ body: {}, headers: paid.headers });
}

/** Unlocks the configuration of a session by the password of its user. */
export function unlock(node: Node, headers: Headers, password: string = alice.password): Promise<WireAnswer> {
  return node.call(config.auth, { password }, headers);
}

/** Asks for a challenge; the options that it comes in. */
export async function challenged(node: Node, headers: Headers) {
  const answer = await node.call(config.challenge, undefined, headers);
  expect(answer.status).toBe(200);
  return JSON.parse(answer.body);
}

/** Adds a device by an attestation, or by whatever stands in for one. */
export function addDevice(
  node: Node,
  headers: Headers,
  attestationResult: unknown,
  name = 'key',
): Promise<WireAnswer> {
  return node.call(config.devices, { name, attestationResult }, headers);
}

/** Asks for a challenge and lets an authenticator answer it. */
export async function attested(
  node: Node,
  headers: Headers,
  key: SoftwareAuthenticator,
  change: CreationChange = {},
): Promise<SoftwareAttestation> {
  return key.create(await challenged(node, headers), change);
}
