import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SoftwareAuthenticator } from '../../lib/testing/index.js';
import { basic, bearer, origin } from '../support/app.js';
import { acme } from '../support/people.js';
import { type RedisServer, redisServer } from '../support/redis.js';
import type { RedisHostOptions } from '../support/redis-host.js';
import { rpId } from '../support/second-factor.js';
import { type Serving, serving } from '../support/serving.js';

const auth = '/sys/v1/session/auth';
const user = {
  id: 'a11ce000-0000-4000-8000-000000000001',
  email: 'alice@example.com',
  password: 'pass of alice',
};
const app = {
  id: 'a4400000-0000-4000-8000-000000000005',
  accountId: acme,
  name: 'robot',
  secret: 'secret of robot',
};
const key = new SoftwareAuthenticator({ origin });

let redis: RedisServer;
let nodes: Serving[] = [];

beforeAll(async () => {
  redis = await redisServer();
  const device = await key.enrolled(user, { name: 'key', rpId, at: Date.now() });
  const options: RedisHostOptions = {
    ...{ url: redis.url, user, app, secret: 'a secret of more than thirty-two bytes' },
    device: { ...device, publicKey: Buffer.from(device.publicKey).toString('base64') },
  };
  const script = fileURLToPath(new URL('../support/redis-host.ts', import.meta.url));
  const command = [process.execPath, '--import', 'tsx', script, JSON.stringify(options)];
  nodes = await Promise.all([0, 1].map(() => serving(command, /listening on (\d+)/)));
}, 60_000);
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  await redis?.stop();
});

type Headers = Record<string, string>;
async function call(node: 0 | 1, method: string, path: string, headers: Headers = {}, body?: object) {
  const answer = await fetch(`http://127.0.0.1:${nodes[node]?.found}${path}`, {
    ...{ method, headers: { ...headers, ...(body && { 'Content-Type': 'application/json' }) } },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? null : JSON.parse(text) };
}
const signIn = (node: 0 | 1) =>
  call(node, 'POST', auth, {}, { method: 'password', email: user.email, password: user.password });
const me = async (node: 0 | 1, headers: Headers) => (await call(node, 'GET', '/me', headers)).status;

/** Signs alice in on one node and completes it on the other. */
async function active(): Promise<Headers> {
  const { body } = await signIn(0);
  const headers = bearer(body.access_token);
  const assertion = await key.get(body.fido2_assertion_options);
  expect((await call(1, 'POST', `${auth}/2fa/fido2`, headers, assertion)).status).toBe(204);
  return headers;
}
/** Waits until a node has found its Redis again. */
async function recovered(node: 0 | 1): Promise<void> {
  for (let n = 0; n < 100; n += 1) {
    if ((await call(node, 'POST', auth, basic(app.id, app.secret))).status === 200) return;
    await sleep(100);
  }
  throw new Error('the node does not find its Redis');
}

describe('two processes that share a Redis', () => {
  it('are one service: a sign-in here, its second factor there, and an end that holds everywhere at once', async () => {
    const { body } = await signIn(0);
    const headers = bearer(body.access_token);
    expect([await me(0, headers), await me(1, headers)]).toEqual([401, 401]);
    const assertion = await key.get(body.fido2_assertion_options);
    expect((await call(1, 'POST', `${auth}/2fa/fido2`, headers, assertion)).status).toBe(204);
    expect([await me(0, headers), await me(1, headers)]).toEqual([200, 200]);
    expect((await call(1, 'POST', '/sys/v1/session/terminate', headers)).status).toBe(204);
    expect([await me(0, headers), await me(1, headers)]).toEqual([401, 401]);
  });

  it('complete one of twenty copies of an assertion, whichever node they reach', async () => {
    const { body } = await signIn(1);
    const headers = bearer(body.access_token);
    const assertion = await key.get(body.fido2_assertion_options);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        call((n % 2) as 0 | 1, 'POST', `${auth}/2fa/fido2`, headers, assertion),
      ),
    );
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
    expect(answers.filter(({ status }) => ![204, 401, 403].includes(status))).toEqual([]);
  });

  it('lock an address together', async () => {
    const guess = { method: 'password', email: 'nobody@example.com', password: 'x' };
    const statuses: number[] = [];
    for (let n = 0; n < 12; n += 1)
      statuses.push((await call((n % 2) as 0 | 1, 'POST', auth, {}, guess)).status);
    expect(statuses).toEqual([...Array(10).fill(401), 423, 423]);
  });

  it.each<[string, () => unknown, () => unknown]>([
    ['is killed, and comes back empty', () => redis.kill(), () => redis.start()],
    ['answers nothing for a while', () => redis.pause(), () => redis.resume()],
  ])('let nobody in while it %s, but API keys, and go on by themselves', async (name, down, up) => {
    const headers = await active();
    const { body: owed } = await signIn(0);
    const assertion = await key.get(owed.fido2_assertion_options);
    await call(0, 'GET', '/events');
    await down();
    const pending = bearer(owed.access_token);
    const answers = await Promise.all([
      signIn(0),
      call(1, 'POST', auth, basic(app.id, app.secret)),
      call(1, 'POST', `${auth}/2fa/fido2`, pending, assertion),
      call(0, 'GET', '/me', headers),
      call(1, 'POST', '/sys/v1/session/terminate', headers),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503, 503]);
    expect((await call(0, 'GET', '/key', basic(app.id, app.secret))).status).toBe(200);
    expect((await call(0, 'GET', '/key', basic(app.id, 'wrong'))).status).toBe(401);
    expect((await call(0, 'GET', '/events')).body).toContain('dependency_failed');
    await up();
    await Promise.all([recovered(0), recovered(1)]);

    const isEmpty = name.includes('empty');
    expect([await me(0, headers), await me(1, headers)]).toEqual(isEmpty ? [401, 401] : [200, 200]);
    // What could not be done was not done later, and the same answer is good still.
    const again = await call(0, 'POST', `${auth}/2fa/fido2`, pending, assertion);
    expect(again.status).toBe(isEmpty ? 401 : 204);
    expect(await me(1, await active())).toBe(200);
  });

  it('answer within two deadlines while it is silent, and at once when they know', async () => {
    const headers = await active();
    redis.pause();
    try {
      const took: number[] = [];
      for (let n = 0; n < 8; n += 1) {
        const started = performance.now();
        const answer = n % 2 === 0 ? await signIn(0) : await call(0, 'GET', '/me', headers);
        took.push(performance.now() - started);
        expect(answer.status).toBe(503);
      }
      // A deadline is a second here. The stores are four dependencies, and each sign-in asks one after the other.
      expect(Math.max(...took)).toBeLessThan(2500);
      const burst = performance.now();
      const answers = await Promise.all(Array.from({ length: 50 }, () => call(0, 'GET', '/me', headers)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
      expect(performance.now() - burst).toBeLessThan(1600);
    } finally {
      redis.resume();
    }
    await recovered(0);
    expect(await me(0, headers)).toBe(200);
  });
});
