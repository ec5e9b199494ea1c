import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { fromNodeHeaders, toNodeHandler } from 'better-auth/node';
import express from 'express';
import { answer, ask, type Hosted, json, listen, type Sent } from './host.js';

const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** better-auth in memory, with the same hash of passwords; getSession in an Express handler. */
export async function betterAuthHost(): Promise<Hosted> {
  const auth = betterAuth({
    secret: randomBytes(32).toString('hex'),
    baseURL: 'http://127.0.0.1',
    database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
    emailAndPassword: {
      enabled: true,
      password: {
        hash: (password) => hash(password, parameters),
        verify: (given) => verify(given.hash, given.password),
      },
    },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
  });
  const app = express();
  app.all('/api/auth/{*any}', toNodeHandler(auth));
  app.get('/me', async (request, response) => {
    const found = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) });
    if (found === null) {
      response.status(401).json({ code: 'unauthorized' });
      return;
    }
    response.json(answer);
  });
  const { port } = await listen(app);
  const person = { email: 'alice@example.com', password: 'correct horse battery staple' };
  const origin = { Origin: 'http://127.0.0.1' };
  const post = (path: string, body: object): Sent => ({
    ...{ method: 'POST', path, headers: { ...json, ...origin }, body: JSON.stringify(body), expected: 200 },
  });
  await ask(port, post('/api/auth/sign-up/email', { ...person, name: 'Alice' }));
  const login = post('/api/auth/sign-in/email', person);
  const cookies = (await ask(port, login)).headers.getSetCookie();
  const headers = { Cookie: cookies.map((cookie) => cookie.split(';')[0]).join('; ') };
  return {
    port,
    requests: {
      protected: [{ method: 'GET', path: '/me', headers, expected: 200 }],
      'password login': [login],
    },
  };
}
