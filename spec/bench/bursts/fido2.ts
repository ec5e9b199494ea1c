import { json, type Sent } from '../hosts/host.js';
import { inLanes, send } from '../sending.js';
import { auth, type Burst } from './burst.js';
import { challenge, type DeviceSeed, type Holder, holder, relyingParty } from './fido2-parties.js';

/** So many that nobody has two sessions in one burst, whose counters could overtake each other. */
const most = 2000;

/** Completions of second factors: an assertion for a session that is pending, each of another user. */
export async function fido2Burst(): Promise<Burst> {
  const { holders, seed } = await parties();
  return {
    ...{ host: 'oursWithDevices', seed, most, about: 500 },
    prepare: (port, count) =>
      inLanes(holders.slice(0, count), async ({ email, key }) => {
        const { body } = await send(port, signIn(email));
        const { access_token: token, fido2_assertion_options: options } = JSON.parse(body);
        return completion(token, await key.get(options));
      }),
  };
}

/** The same assertions for a handler that verifies them and no more. */
export async function fido2ByHandBurst(): Promise<Burst> {
  const { holders, seed } = await parties();
  const wanted = { challenge, rpId: relyingParty.id };
  return {
    ...{ host: 'fido2ByHand', seed, most, about: 500 },
    prepare: (_, count) =>
      inLanes(holders.slice(0, count), async ({ key }) => completion('of nobody', await key.get(wanted))),
  };
}

async function parties(): Promise<{ holders: Holder[]; seed: DeviceSeed[] }> {
  const holders: Holder[] = [];
  for (let n = 0; n < most; n += 1) holders.push(await holder(n));
  return { holders, seed: holders.map(({ id, email, device }) => ({ id, email, device })) };
}

function signIn(email: string): Sent {
  const body = JSON.stringify({ method: 'password', email, password: 'is not looked at' });
  return { method: 'POST', path: auth, headers: json, body, expected: 200 };
}

function completion(token: string, assertion: object): Sent {
  const headers = { ...json, Authorization: `Bearer ${token}` };
  return {
    ...{ method: 'POST', path: `${auth}/2fa/fido2`, headers, expected: 204 },
    body: JSON.stringify(assertion),
  };
}
