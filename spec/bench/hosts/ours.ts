import { randomBytes } from 'node:crypto';
import express from 'express';
import {
  hashPassword,
  hashSecret,
  memoryRepositories,
  type PassportControlOptions,
  passportControl,
} from 'passport-control';
import { redisStores } from 'passport-control/redis';
import { createClient } from 'redis';
import { answer, ask, basic, type Hosted, json, listen, type Sent } from './host.js';

const auth = '/sys/v1/session/auth';
const idOf = (kind: string, n: number) => `${kind}-0000-4000-8000-${String(n).padStart(12, '0')}`;
const password = 'correct horse battery staple';
const secret = 'secret of the machine';
/** So many that none has more sessions than it may have, which would end one with each sign-in. */
const robots = Array.from({ length: 500 }, (_, n) => ({ id: idOf('a4400000', n), name: `machine ${n}` }));
const people = Array.from({ length: 200 }, (_, n) => ({
  id: idOf('a11ce000', n),
  email: `user${n}@example.com`,
}));

/** passport-control as its README mounts it, with every limit on. */
async function ours(shared: Pick<PassportControlOptions, 'session' | 'stores'>): Promise<Hosted> {
  const passwordHash = await hashPassword(password);
  const hash = hashSecret(secret);
  const accountId = 'acc00000-0000-4000-8000-000000000000';
  const repositories = memoryRepositories({
    users: people.map((user) => ({ ...user, passwordHash })),
    apps: robots.map((robot) => ({ ...robot, accountId, secrets: [{ id: '1', hash }] })),
  });
  const control = passportControl({
    ...{ repositories, secret: randomBytes(32), ...shared },
    relyingParty: { id: 'localhost', name: 'Bench', origins: ['http://localhost'] },
  });
  await control.ready;
  const app = express();
  app.use('/sys/v1', control.router);
  app.get('/me', control.requireSession(), (_request, response) => {
    response.json(answer);
  });
  const { port } = await listen(app);
  const signIn = (body: object): Sent => ({
    ...{ method: 'POST', path: auth, headers: json, body: JSON.stringify(body), expected: 200 },
  });
  const [visitor, ...others] = people;
  const logins = others.map(({ email }) => signIn({ method: 'password', email, password }));
  // Whose session is measured signs in once, so that no later sign-in of the same puts it out.
  const login = signIn({ method: 'password', email: visitor?.email, password });
  const { access_token: token } = (await (await ask(port, login)).json()) as { access_token: string };
  const byCookie = await ask(port, {
    ...login,
    body: JSON.stringify({ method: 'password', email: visitor?.email, password, token_type: 'Cookie' }),
  });
  const [cookie = ''] = byCookie.headers.getSetCookie();
  // A token of the right form, whose MAC is another's.
  const forged = `${token.slice(0, 50)}${randomBytes(27).toString('base64url')}`;
  const me = (headers: Record<string, string>, expected: number): Sent => ({
    method: 'GET',
    path: '/me',
    headers,
    expected,
  });
  return {
    port,
    requests: {
      protected: [me({ Authorization: `Bearer ${token}` }, 200)],
      'protected by cookie': [me({ Cookie: cookie.split(';')[0] ?? '' }, 200)],
      forged: [me({ Authorization: `Bearer ${forged}` }, 401)],
      'app login': robots.map(({ id }) => ({
        ...{ method: 'POST', path: auth, expected: 200 },
        headers: basic(id, secret),
      })),
      'password login': logins,
    },
  };
}

export const oursInMemory = () => ours({});

/** The same on the Redis whose URL the environment has. */
export async function oursOnRedis(): Promise<Hosted> {
  const client = createClient({ url: process.env.REDIS_URL ?? '', disableOfflineQueue: true });
  await client.connect();
  const { store, stores } = redisStores({ client });
  return ours({ session: { store }, stores });
}
