import type { AddressInfo } from 'node:net';
import express from 'express';
import { passportControl } from 'passport-control';
import { redisStores } from 'passport-control/redis';
import { createClient } from 'redis';
import { relyingParty, repositoriesOf } from './people.js';

// One node: an ordinary host, which shares its Redis and its secret with the others, and nothing else.
const { REDIS_URL, SESSION_SECRET = '', TABLE = '', PORT = '0' } = process.env;
const client = createClient({ ...(REDIS_URL && { url: REDIS_URL }), disableOfflineQueue: true });
client.on('error', () => {});
await client.connect();
const { store, stores } = redisStores({ client });
const control = passportControl({
  ...{ repositories: await repositoriesOf(JSON.parse(TABLE)), secret: SESSION_SECRET, relyingParty, stores },
  session: { store, maxPerEntity: { user: 1000, app: 1000 } },
});

const app = express();
app.set('trust proxy', 'loopback');
app.use('/sys/v1', control.router);
app.get('/me', control.requireSession(), (request, response) => {
  response.json({ id: request.user?.id });
});
const server = app.listen(Number(PORT), '127.0.0.1', () => {
  process.stdout.write(`listening on ${(server.address() as AddressInfo).port}\n`);
});

// No node outlives whoever started it.
process.once('disconnect', () => process.exit());

// What is under way is answered first; then nobody waits for connections that are kept for later, and Redis may go.
process.once('SIGTERM', async () => {
  const closed = new Promise((resolve) => server.close(resolve));
  await control.close();
  server.closeIdleConnections();
  await closed;
  await client.close();
  process.exit();
});
