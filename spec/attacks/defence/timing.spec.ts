import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { hash } from '@node-rs/argon2';
import { type MemoryRepositories, memoryRepositories } from '../../../lib/index.js';
import type { TestAppOptions } from '../../support/app.js';
import type { Node } from '../../support/attack.js';
import { mannWhitney, median } from '../../support/mann-whitney.js';
import { auth } from '../../support/owing.js';
import { swiftly } from '../../support/swift.js';

/** Samples of each cause. */
const samples = 200;
/** How unlikely chance must be, to be believed when it has been seen twice. */
const threshold = 0.01;
/** How much of a check the medians may be apart. */
const gap = 0.05;

const right = 'the right password';
const kinds = {
  usual: { memoryCost: 19_456, timeCost: 2, parallelism: 1 },
  older: { memoryCost: 4096, timeCost: 3, parallelism: 1 },
  dearer: { memoryCost: 19_456, timeCost: 3, parallelism: 1 },
};
let hashes: Record<keyof typeof kinds, string>;

beforeAll(async () => {
  const made = Object.entries(kinds).map(async ([kind, costs]) => [kind, await hash(right, costs)]);
  hashes = Object.fromEntries(await Promise.all(made));
});

/** What an attacker tries, by why it fails: an address and a password. */
const causes: Record<string, [email: string, password: string]> = {
  'a wrong password': ['usual@example.com', 'wrong'],
  'nobody of this address': ['nobody@example.com', 'wrong'],
  'a user without a password': ['sso@example.com', 'wrong'],
  'a user who is disabled': ['disabled@example.com', 'wrong'],
  'a user who is disabled, and the right password': ['disabled@example.com', right],
  'an older hash': ['older@example.com', 'wrong'],
  'a dearer hash': ['dearer@example.com', 'wrong'],
  'a hash that is none': ['broken@example.com', 'wrong'],
};

function repositories(): MemoryRepositories['users'] {
  const user = (name: string, at: number, passwordHash: string | null, enabled = true) => ({
    ...{
      id: `a11ce000-0000-4000-8000-0000000001${at}0`,
      email: `${name}@example.com`,
      passwordHash,
      enabled,
    },
  });
  const rows = [
    user('usual', 1, hashes.usual),
    user('sso', 2, null),
    user('disabled', 3, hashes.usual, false),
    user('older', 4, hashes.older),
    user('dearer', 5, hashes.dearer),
    user('broken', 6, '$argon2id$x'),
  ];
  return memoryRepositories({ users: rows }).users;
}

type Times = Record<string, number[]>;

/** Tries each cause so often, in an order that changes from round to round; how many milliseconds each answer took. */
async function measure(node: Node, names: readonly string[], rounds: number, basic: boolean): Promise<Times> {
  const times: Times = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let at = 0; at < names.length; at += 1) {
      const name = names[(at * 7 + round * 5) % names.length] ?? '';
      const [email, password] = causes[name] ?? ['', ''];
      const started = performance.now();
      const key = Buffer.from(`${email}:${password}`).toString('base64');
      const answer = basic
        ? await node.call(auth, undefined, { Authorization: `Basic ${key}` })
        : await node.call(auth, { method: 'password', email, password });
      times[name]?.push(performance.now() - started);
      expect([name, answer.status]).toEqual([name, 401]);
    }
  }
  return times;
}

/** The causes that can be told from a wrong password by the time of their answer: twice, and in the same direction. */
async function separable(
  node: Node,
  names: readonly string[],
  rounds: number,
  basic = false,
): Promise<string[]> {
  const [reference = '', ...others] = names;
  await measure(node, names, 5, basic);
  const told = async (suspects: readonly string[]) => {
    const times = await measure(node, [reference, ...suspects], rounds, basic);
    const usual = median(times[reference] ?? []);
    return suspects.flatMap((name) => {
      const apart = (median(times[name] ?? []) - usual) / usual;
      const isTold =
        mannWhitney(times[name] ?? [], times[reference] ?? []) < threshold || Math.abs(apart) > gap;
      return isTold ? [{ name, sign: Math.sign(apart) }] : [];
    });
  };
  const suspects = await told(others);
  if (suspects.length === 0) return [];
  const again = await told(suspects.map(({ name }) => name));
  return again
    .filter(({ name, sign }) => suspects.some((each) => each.name === name && each.sign === sign))
    .map(({ name }) => name);
}

const options: TestAppOptions = { lockout: false };
/** Runs a case on nodes with these users, looked up in this way. */
function onUsers(
  findByEmail: (
    users: MemoryRepositories['users'],
    email: string,
  ) => ReturnType<MemoryRepositories['users']['findByEmail']>,
  drive: (node: Node) => Promise<void>,
) {
  return swiftly(options, async (target) => {
    const users = repositories();
    for (const { repositories: own } of target.nodes)
      own.users.findByEmail = (email) => findByEmail(users, email);
    await drive(target.nodes[0]);
  });
}
const names = Object.keys(causes).filter((name) => name !== 'a dearer hash');

describe('attacks by the time of an answer (ENUM-01)', () => {
  it(
    'ENUM-01, PWD-12: no cause of a failure by password can be told from another',
    () =>
      onUsers(
        (users, email) => users.findByEmail(email),
        async (node) => {
          expect(await separable(node, names, samples)).toEqual([]);
        },
      ),
    300_000,
  );

  it(
    'ENUM-01: nor who has a hash that costs more than all others, once this process has met one',
    () =>
      onUsers(
        (users, email) => users.findByEmail(email),
        async (node) => {
          const three = ['a wrong password', 'a dearer hash', 'an older hash'];
          expect(await separable(node, three, 80)).toEqual([]);
        },
      ),
    300_000,
  );

  it(
    'ENUM-01: nor can any by the Basic header',
    () =>
      onUsers(
        (users, email) => users.findByEmail(email),
        async (node) => {
          expect(await separable(node, names.slice(0, 4), samples / 2, true)).toEqual([]);
        },
      ),
    300_000,
  );

  it.each<[string, number]>([
    ['three milliseconds', 3],
    ['a tenth of a check', 1.5],
  ])(
    'is told where there is something to tell: a lookup that takes %s longer for who is there',
    (_, delay) =>
      onUsers(
        async (users, email) => {
          const user = await users.findByEmail(email);
          if (user !== null) await sleep(delay);
          return user;
        },
        async (node) => {
          const pair = ['a wrong password', 'nobody of this address'];
          expect(await separable(node, pair, samples)).toEqual(['nobody of this address']);
        },
      ),
    300_000,
  );
});
