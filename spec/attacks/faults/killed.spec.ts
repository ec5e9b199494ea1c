import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { samlProvider } from '../../../lib/testing/index.js';
import { bearer, testSecret } from '../../support/app.js';
import type { TestClock } from '../../support/clock.js';
import { activeOf, crowd, owingOf, rowsOf } from '../../support/crowd.js';
import { auth, discover, samlRecordOf, serviceProvider } from '../../support/federation.js';
import { type Killable, Outside, type Stop } from '../../support/killable.js';
import { people } from '../../support/people.js';
import { repeatedly } from '../../support/repeated.js';
import { entityId, idpKeys } from '../../support/saml.js';
import type { Holder } from '../../support/second-factor.js';
import { sessionsOf } from '../../support/session-maker.js';
import { sharedStores } from '../../support/shared.js';

const recovering = `${auth}/2fa/recovery_code`;
const codes = '/sys/v1/users/generate_recovery_codes';
/** Seconds after which nobody waits for what was under way when a process died. */
const later = 61;

let ahead = 0;
const clock: TestClock = Object.assign(() => Date.now() + ahead, {
  advance(seconds: number) {
    ahead += seconds * 1000;
  },
});
const shared = sharedStores(clock);
const stores = { shared, clock };
const repositories = await people();
const outside = new Outside(shared, repositories);
const provider = samlProvider({ entityId, ...idpKeys, clock });
const users = crowd({ nodes: [{ repositories }] }, 300);
const hosts: Killable[] = [];

const nextUser = (): Holder => {
  const user = users.pop();
  if (user === undefined) throw new Error('nobody is left');
  return user;
};
const start = async () => {
  const host = await outside.start(testSecret.toString(), ahead);
  hosts.push(host);
  return host;
};
repositories.identityProviders.table.set('saml', samlRecordOf(idpKeys));
afterAll(async () => {
  for (const host of hosts) await host.kill();
});

/** A request of one user, which is stopped at one of its calls, and what must hold when the process is gone. */
interface Case {
  name: string;
  user: Holder;
  send(): ReturnType<Killable['send']>;
  check(host: Killable): Promise<void>;
}

const status = async (answer: ReturnType<Killable['send']>) => (await answer)?.status;
const reach = (host: Killable, headers: Record<string, string>) =>
  status(host.send('GET', '/me', { headers }));

/** What holds for everybody: all that is in the store is known, and can be ended. */
async function expectWhole(host: Killable, { name, user }: Case): Promise<void> {
  const path = `/users/${user.id}/sessions`;
  const listed = await host.send('GET', path);
  const rows = rowsOf({ shared }, user);
  expect([name, listed?.status, listed?.body.length >= rows.filter(isActive).length]).toEqual([
    name,
    200,
    true,
  ]);
  const ended = await host.send('DELETE', path);
  expect([name, ended?.status, ended?.body]).toEqual([name, 200, []]);
}
const isActive = ({ state }: { state: string }) => state === 'active';

/** The use of a recovery code. */
async function recovery(
  host: Killable,
  user: Holder,
  carrier: 'Bearer' | 'Cookie',
  name: string,
): Promise<Case> {
  const unlocked = await activeOf(stores, user);
  await sessionsOf(stores).change(unlocked.key, () => ({ unlockedUntil: clock() + 60_000 }));
  const made = await host.send('POST', codes, { headers: unlocked.headers });
  const [used = '', another = '']: string[] = made?.body.recovery_codes ?? [];
  await host.send('DELETE', `/users/${user.id}/sessions`);
  const session = await owingOf(stores, user, [], carrier);
  const use = async (on: Killable, code: string) => {
    const { headers } = await owingOf(stores, user);
    const answer = await status(on.send('POST', recovering, { headers, body: { recovery_code: code } }));
    expect([name, await reach(on, headers)]).toEqual([name, answer === 204 ? 200 : 401]);
    return answer;
  };
  return {
    ...{ name, user },
    send: () =>
      host.send('POST', recovering, {
        headers: { ...session.headers, 'x-request': name },
        body: { recovery_code: used },
      }),
    async check(next) {
      const active = rowsOf({ shared }, user).some(isActive);
      const alive = (await reach(next, session.headers)) ?? 0;
      expect([name, [200, 401].includes(alive), alive === 200 && !active]).toEqual([name, true, false]);
      // What has opened a session opens no other, and what has opened none is not lost.
      const again = await use(next, used);
      expect([name, active, again]).toEqual([name, active, active ? 401 : 204]);
      expect([name, await use(next, used), await use(next, another)]).toEqual([name, 401, 204]);
    },
  };
}

/** A sign-in by a SAML response. */
async function assertion(host: Killable, user: Holder, name: string): Promise<Case> {
  const begin = async (on: Killable) => {
    const begun = await on.send('POST', discover, { body: { user_email: user.email } });
    const { id } = begun?.body.find(({ method }: { method: string }) => method === 'saml-post') ?? {};
    const response = await provider.response({
      ...{ subject: `subject of ${user.id}`, audience: serviceProvider.entityId },
      ...{ acsUrl: serviceProvider.acsUrl, inResponseTo: id, attributes: { mail: user.email } },
    });
    return { headers: { Cookie: begun?.cookie ?? '' }, body: { method: 'saml-response', id, response } };
  };
  const { headers, body } = await begin(host);
  return {
    ...{ name, user },
    send: () => host.send('POST', auth, { headers: { ...headers, 'x-request': name }, body }),
    async check(next) {
      const rows = rowsOf({ shared }, user);
      expect([name, rows.length <= 1, rows.every(isActive)]).toEqual([name, true, true]);
      // An assertion that has opened a session opens no other.
      const again = await status(next.send('POST', auth, { headers, body }));
      expect([name, [200, 401].includes(again ?? 0), again === 200 && rows.length > 0]).toEqual([
        name,
        true,
        false,
      ]);
      expect([name, await status(next.send('POST', auth, { headers, body }))]).toEqual([name, 401]);
      const fresh = await begin(next);
      const signedIn = await next.send('POST', auth, fresh);
      expect([name, signedIn?.status, signedIn?.body.entity_id]).toEqual([name, 200, user.id]);
      expect([name, await reach(next, bearer(signedIn?.body.access_token))]).toEqual([name, 200]);
    },
  };
}

type Make = (host: Killable, user: Holder, name: string) => Promise<Case>;
const kinds: Record<string, Make> = {
  'a recovery code that completes a Bearer': (host, user, name) => recovery(host, user, 'Bearer', name),
  'a recovery code that completes a Cookie': (host, user, name) => recovery(host, user, 'Cookie', name),
  'an assertion of SAML': assertion,
};

/** Cases of one kind, each to be stopped at another of the calls that such a request makes. */
async function casesOf(what: string, host: Killable): Promise<(Case & { stop: Stop })[]> {
  const make = kinds[what] ?? assertion;
  const whole = await make(host, nextUser(), what);
  expect([200, 204]).toContain(await status(whole.send()));
  const calls = outside.calls(what);
  expect(calls.length).toBeGreaterThan(8);
  const stops = calls.flatMap((_, n) => [
    { at: n + 1, how: 'before' } as const,
    { at: n + 1, how: 'after' } as const,
  ]);
  const making = stops.map(async (stop) => {
    const name = `${what}: ${stop.how} ${stop.at} ${calls[stop.at - 1]}`;
    return { stop, ...(await make(host, nextUser(), name)) };
  });
  return Promise.all(making);
}

let next: Killable;
const cases = new Map<string, Case[]>();

// All requests are brought to where they are stopped, and the process is killed there.
beforeAll(async () => {
  const host = await start();
  const made = await Promise.all(
    Object.keys(kinds).map(async (what) => {
      const own = await casesOf(what, host);
      cases.set(what, own);
      return own;
    }),
  );
  const underWay = made.flat().map(({ name, stop, send }) => ({
    there: outside.stop(name, stop),
    answer: send(),
  }));
  await Promise.all(underWay.map(({ there, answer }) => Promise.race([there, answer])));
  await host.kill();
  const answers = await Promise.all(underWay.map(({ answer }) => answer));
  expect(answers.filter((answer) => answer !== null)).toEqual([]);
  clock.advance(later);
  next = await start();
}, 60_000);

describe('a process that is killed (FLT-12)', () => {
  it.each(Object.keys(kinds))(
    'FLT-12: at any of the calls for %s: nothing half is believed then, nothing is good twice, and the user gets in',
    async (what) => {
      const own = cases.get(what) ?? [];
      await repeatedly(
        async (n) => {
          const each = own[n];
          if (each === undefined) throw new Error(`there is no case ${n}`);
          await each.check(next);
          await expectWhole(next, each);
        },
        { times: own.length },
      );
    },
  );
});
