import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import express from 'express';
import { answer, given, type Hosted, listen } from './host.js';

/** Express with no authentication: the ceiling. */
export async function bare(): Promise<Hosted> {
  const app = express();
  app.get('/me', (_request, response) => {
    response.json(answer);
  });
  app.post('/login', (_request, response) => {
    response.json(given);
  });
  app.get('/refused', (_request, response) => {
    response.status(401).json({ code: 'unauthorized' });
  });
  const { port } = await listen(app);
  return {
    port,
    requests: {
      protected: [{ method: 'GET', path: '/me', expected: 200 }],
      'app login': [{ method: 'POST', path: '/login', expected: 200 }],
      forged: [{ method: 'GET', path: '/refused', expected: 401 }],
    },
  };
}

/** The four steps of a Bearer session, written by hand into the handler: HMAC, lookup, repository read, expiry. */
export async function byHand(): Promise<Hosted> {
  const secret = randomBytes(32);
  const sessions = new Map<string, { userId: string; idleAt: number; absoluteAt: number }>();
  const users = new Map([[answer.id, { ...answer, enabled: true }]]);
  const findById = async (id: string) => users.get(id) ?? null;
  const macOf = (random: Buffer) => createHmac('sha256', secret).update(random).digest();

  const random = randomBytes(32);
  const day = 86_400_000;
  sessions.set(random.toString('base64url'), {
    ...{ userId: answer.id, idleAt: Date.now() + day, absoluteAt: Date.now() + 7 * day },
  });
  const token = Buffer.concat([random, macOf(random)]).toString('base64url');

  const app = express();
  app.get('/me', async (request, response) => {
    const [scheme, presented = ''] = (request.headers.authorization ?? '').split(' ');
    const bytes = Buffer.from(presented, 'base64url');
    const mac = macOf(bytes.subarray(0, 32));
    const now = Date.now();
    const good = scheme === 'Bearer' && bytes.length === 64 && timingSafeEqual(bytes.subarray(32), mac);
    const session = good ? sessions.get(bytes.subarray(0, 32).toString('base64url')) : undefined;
    const user =
      session && session.idleAt > now && session.absoluteAt > now ? await findById(session.userId) : null;
    if (user === null || !user.enabled) {
      response.status(401).json({ code: 'unauthorized' });
      return;
    }
    response.json(answer);
  });
  const { port } = await listen(app);
  const headers = { Authorization: `Bearer ${token}` };
  return { port, requests: { protected: [{ method: 'GET', path: '/me', headers, expected: 200 }] } };
}
