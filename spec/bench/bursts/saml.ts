import { keyAndCertificate } from '../../support/keys.js';
import { json, type Sent } from '../hosts/host.js';
import { inLanes, send } from '../sending.js';
import { auth, type Burst } from './burst.js';
import { idp, type SamlPerson, type SamlSeed, samlPerson } from './saml-parties.js';

/** So many that nobody comes near the sessions that one user may have, in all rounds. */
const people = Array.from({ length: 1000 }, (_, n) => samlPerson(n));
const most = 2000;

/** Sign-ins by SAML: a response to a request that was begun in a browser of its own. */
export async function samlBurst(): Promise<Burst> {
  const keys = keyAndCertificate('idp');
  const respond = idp(keys);
  const seed: SamlSeed = { certificate: keys.certificate, people };
  return {
    ...{ host: 'oursWithSaml', seed, most, about: 100 },
    prepare: (port, count) =>
      inLanes(someOf(count), async (person) => {
        const { body, cookie } = await send(port, discovery(person));
        const offers: { method: string; id: string }[] = JSON.parse(body);
        const id = offers.find(({ method }) => method === 'saml-post')?.id ?? '';
        return signIn(id, await respond(person, id), cookie);
      }),
  };
}

/** People in turn, so many times. */
function someOf(count: number): SamlPerson[] {
  return Array.from({ length: count }, (_, n) => people[n % people.length] as SamlPerson);
}

function discovery({ email }: SamlPerson): Sent {
  const body = JSON.stringify({ user_email: email });
  return { method: 'POST', path: `${auth}/discover`, headers: json, body, expected: 200 };
}

function signIn(id: string, response: string, cookie: string): Sent {
  const body = JSON.stringify({ method: 'saml-response', id, response });
  return { method: 'POST', path: auth, headers: { ...json, Cookie: cookie }, body, expected: 200 };
}
