import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type RedisClient, redisStores } from '../../lib/redis/index.js';
import { basic, type TestApp, testApp } from '../support/app.js';
import { testClock } from '../support/clock.js';
import { alice, robot } from '../support/people.js';
import { nodeRedis, type RedisServer, redisServer } from '../support/redis.js';
import { enrolledKey, fido2, pendingSession } from '../support/second-factor.js';
import { presentingAnswer, signInAlice, signInRobot } from '../support/sign-in.js';

const auth = '/sys/v1/session/auth';

let server: RedisServer;
let client: Awaited<ReturnType<typeof nodeRedis>>;
let readme = '';
beforeAll(async () => {
  server = await redisServer();
  client = await nodeRedis(server.url);
  readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
});
afterAll(async () => {
  client?.destroy();
  await server?.stop();
});

/** Counts the commands that a client sends, and how often somebody had to wait for an answer before the next. */
function counting(counted: RedisClient) {
  const seen = { commands: 0, waits: 0 };
  let underWay = 0;
  const count = <T>(command: () => Promise<T>): Promise<T> => {
    seen.commands += 1;
    if (underWay === 0) seen.waits += 1;
    underWay += 1;
    return command().finally(() => {
      underWay -= 1;
    });
  };
  const wrapped: RedisClient = {
    isReady: true,
    get: (key) => count(() => counted.get(key)),
    mGet: (keys) => count(() => counted.mGet(keys)),
    set: (key, value, options) => count(() => counted.set(key, value, options)),
    del: (keys) => count(() => counted.del(keys)),
    expire: (key, seconds) => count(() => counted.expire(key, seconds)),
    eval: (script, options) => count(() => counted.eval(script, options)),
    evalSha: (sha, options) => count(() => counted.evalSha(sha, options)),
  };
  return { wrapped, seen };
}

/** A host on Redis as the README has it, with all limits on, and what it costs to do something there. */
async function host() {
  await client.flushAll();
  const { wrapped, seen } = counting(client);
  // Rows end by the clock of the machine, whatever that of the control says.
  const clock = testClock(Date.now());
  const { store, stores } = redisStores({ client: wrapped, clock });
  const app = await testApp({ throttle: {}, lockout: {}, session: { store }, stores, testClock: clock });
  const cost = async (work: () => Promise<unknown>): Promise<[number, number]> => {
    await sleep(20);
    const before = { ...seen };
    await work();
    await sleep(20);
    return [seen.commands - before.commands, seen.waits - before.waits];
  };
  return { app, cost };
}

/** What the README says of something: the first numbers of its row. */
function said(what: string): number[] {
  const row = readme.split('\n').find((line) => line.startsWith(`| ${what} |`));
  if (row === undefined) throw new Error(`the README has no row "${what}"`);
  return row
    .split('|')
    .slice(2, -1)
    .map((cell) => Number(cell.replaceAll(',', '')));
}

describe('what Redis is asked', () => {
  const good = async (asked: Promise<{ status: number }>, status: number) =>
    expect((await asked).status).toBe(status);
  /** What is done first, and what is counted then. */
  const operations: Record<string, (app: TestApp) => Promise<() => Promise<unknown>>> = {
    'a request with a session': async (app) => {
      const headers = await signInAlice(app);
      return () => good(app.get('/me', headers), 200);
    },
    'a request with a session that is used for the first time in a while': async (app) => {
      const headers = await signInAlice(app);
      app.clock.advance(4400);
      return () => good(app.get('/me', headers), 200);
    },
    'a request with a forged token': async (app) => () =>
      good(app.get('/me', { Authorization: `Bearer ${'x'.repeat(86)}` }), 401),
    'a sign-in by password': async (app) => () =>
      good(app.post(auth, { method: 'password', email: alice.email, password: alice.password }), 200),
    'a sign-in by API key': async (app) => () =>
      good(app.post(auth, undefined, basic(robot.id, robot.secret)), 200),
    'a wrong password': async (app) => () =>
      good(app.post(auth, { method: 'password', email: alice.email, password: 'wrong' }), 401),
    'the second factor by FIDO2': async (app) => {
      const key = await enrolledKey(app);
      const { headers, options } = await pendingSession(app);
      const assertion = await key.get(options);
      return () => good(app.post(fido2, assertion, headers), 204);
    },
    'an end': async (app) => {
      const headers = await signInAlice(app);
      return () => good(app.post('/sys/v1/session/terminate', undefined, headers), 204);
    },
  };

  it.each(Object.entries(operations))('is counted: %s', async (name, prepare) => {
    // Once before, since a script is sent to a server that does not know it yet.
    await (await prepare((await host()).app))();
    const { app, cost } = await host();
    const measured = await cost(await prepare(app));
    expect([name, ...measured]).toEqual([name, ...said(name)]);
  });
});

describe('what Redis holds', () => {
  /** Bytes that one more of these keys takes, of many: each is copied so often under another name. */
  async function bytesOf(keys: readonly string[], copies = 20_000): Promise<number> {
    const originals = await Promise.all(
      keys.map(async (key) => ({
        ...{ key, type: await client.type(key), endsAt: await client.pExpireTime(key) },
      })),
    );
    const values = await Promise.all(
      originals.map(({ key, type }) =>
        type === 'zset' ? client.zRangeWithScores(key, 0, -1) : client.get(key),
      ),
    );
    const used = async () => Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1]);
    const fresh = (text: string, n: number) => `${text.slice(0, -8)}${n.toString(36).padStart(8, '0')}`;
    const before = await used();
    for (let n = 0; n < copies; n += 500) {
      const batch = client.multi();
      for (let each = n; each < n + 500; each += 1)
        for (const [at, { key, endsAt }] of originals.entries()) {
          const value = values[at];
          if (typeof value === 'string')
            batch.set(fresh(key, each), value, { expiration: { type: 'PXAT', value: endsAt } });
          else if (Array.isArray(value)) {
            batch.zAdd(fresh(key, each), value).pExpireAt(fresh(key, each), endsAt);
          }
        }
      await batch.execAsPipeline();
    }
    return ((await used()) - before) / copies;
  }
  const long = async () => (await client.keys('*')).filter((key) => !/:count:|:lease:|:challenge/.test(key));
  const states: Record<string, (app: TestApp) => Promise<unknown>> = {
    "a user's session": signInAlice,
    "a user's session after its second factor": async (app) => {
      const key = await enrolledKey(app);
      const { headers, options } = await pendingSession(app);
      expect((await app.post(fido2, await key.get(options), headers)).status).toBe(204);
    },
    "an app's session": signInRobot,
    'a session that was ended, until it would have been over': async (app) => {
      const headers = presentingAnswer(
        await app.post(auth, { method: 'password', email: alice.email, password: alice.password }),
      );
      expect((await app.post('/sys/v1/session/terminate', undefined, headers)).status).toBe(204);
    },
  };

  it.each(Object.entries(states))('is measured: %s', async (name, make) => {
    const { app } = await host();
    await make(app);
    await sleep(50);
    const keys = await long();
    const bytes = await bytesOf(keys);
    const [told = 0] = said(name);
    // Of the same server the same, but for the blocks of its tables; another Redis or machine may differ a little.
    expect([name, keys, bytes > told * 0.85 && bytes < told * 1.15, Math.round(bytes)]).toEqual([
      ...[name, keys, true, Math.round(bytes)],
    ]);
  });
});
