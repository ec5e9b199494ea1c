import { randomBytes } from 'node:crypto';
import express from 'express';
import {
  hashSecret,
  memoryCounterStore,
  memoryOneTimeStore,
  memoryRepositories,
  memorySessionIndex,
  memorySessionStore,
  passportControl,
} from 'passport-control';
import { ask, basic, listen } from '../hosts/host.js';

const robot = { id: 'a4400000-0000-4000-8000-000000000005', name: 'robot', secret: 'secret of the machine' };

/** Made as the library makes it, since strings that are made otherwise may take other room. */
const sidOf = (key: string) => `passport-control:${key}`;

function keys(count: number): string[] {
  const random = randomBytes(32 * count);
  return Array.from({ length: count }, (_, n) => random.toString('base64url', 32 * n, 32 * (n + 1)));
}

/** A control in memory whose app has signed in, so often that sessions of all are among the others. */
export async function deployment() {
  const store = memorySessionStore({ maxSessions: 1_100_000 });
  const rows: { sid: string; row: { key: string; cookie: unknown } }[] = [];
  const { set } = store;
  store.set = (sid, row, callback) => {
    rows.push({ sid, row });
    set(sid, row, callback);
  };
  const control = passportControl({
    repositories: memoryRepositories({
      apps: [
        {
          ...{ id: robot.id, name: robot.name, accountId: 'acc00000-0000-4000-8000-000000000000' },
          secrets: [{ id: '1', hash: hashSecret(robot.secret) }],
        },
      ],
    }),
    secret: randomBytes(32),
    secondFactor: false,
    session: { store, absoluteTimeout: 86_400, idleTimeout: 86_400 },
    stores: { oneTime: memoryOneTimeStore(), counters: memoryCounterStore(), index: memorySessionIndex() },
  });
  const app = express();
  app.use('/sys/v1', control.router);
  const { port, server } = await listen(app);
  const tokens: string[] = [];
  for (let n = 0; n < 500; n += 1) {
    const login = {
      method: 'POST',
      path: '/sys/v1/session/auth',
      headers: basic(robot.id, robot.secret),
    } as const;
    const answered = await ask(port, { ...login, expected: 200 });
    tokens.push(((await answered.json()) as { access_token: string }).access_token);
  }
  server.close();
  server.closeAllConnections();
  store.set = set;
  /** Puts the row of a session into the store again, so often, under keys of others, and with texts of its own as other rows have. */
  const fill = (count: number) => {
    const [first] = rows;
    if (first === undefined) throw new Error('nothing was saved');
    const { sid, row } = first;
    if (sid !== sidOf(row.key)) throw new Error(`sessions are not kept as "${sid}" is made here`);
    const { cookie, ...own } = row;
    const text = JSON.stringify(own);
    // Many keys are drawn at once: a million draws take seconds.
    for (let left = count; left > 0; left -= 1000)
      for (const key of keys(Math.min(left, 1000))) set(sidOf(key), { ...JSON.parse(text), key, cookie });
    rows.length = 0;
  };
  return { control, tokens, fill };
}
