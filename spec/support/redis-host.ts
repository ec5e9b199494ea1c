import type { AddressInfo } from 'node:net';
import express from 'express';
import { createClient } from 'redis';
import {
  hashPassword,
  hashSecret,
  memoryRepositories,
  type NewMfaDevice,
  passportControl,
} from '../../lib/index.js';
import { redisStores } from '../../lib/redis/index.js';

/** What a node is given: its Redis, and who there is. */
export interface RedisHostOptions {
  url: string;
  user: { id: string; email: string; password: string };
  app: { id: string; accountId: string; name: string; secret: string };
  device: Omit<NewMfaDevice, 'publicKey'> & { publicKey: string };
  secret: string;
}

// One node of a deployment: a host in a process of its own, which shares nothing with the others but Redis.
const { url, user, app, device, secret }: RedisHostOptions = JSON.parse(process.argv[2] ?? '');
const client = createClient({ url, disableOfflineQueue: true, socket: { reconnectStrategy: 50 } });
client.on('error', () => {});
await client.connect();
const { store, stores } = redisStores({ client });

const repositories = memoryRepositories({
  users: [{ id: user.id, email: user.email, passwordHash: await hashPassword(user.password) }],
  apps: [
    {
      ...{ id: app.id, accountId: app.accountId, name: app.name },
      secrets: [{ id: '1', hash: hashSecret(app.secret) }],
    },
  ],
});
await repositories.devices.add(user.id, { ...device, publicKey: Buffer.from(device.publicKey, 'base64') });
const events: string[] = [];
const control = passportControl({
  ...{ repositories, secret, session: { store }, stores, dependencyTimeout: 1 },
  relyingParty: { id: 'example.com', name: 'Example', origins: ['https://app.example.com'] },
  onEvent: ({ type }) => events.push(type),
});
const host = express();
host.use('/sys/v1', control.router);
host.get('/me', control.requireSession(), (request, response) => {
  response.json(request.authSession);
});
host.get('/key', control.requireSession({ principal: 'app', allowApiKey: true }), (_request, response) => {
  response.json('let in');
});
host.get('/events', (_request, response) => {
  response.json(events.splice(0));
});
await control.ready;
const server = host.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listening on ${(server.address() as AddressInfo).port}\n`);
});
