import { randomBytes } from 'node:crypto';
import express from 'express';
import { hashPassword, hashSecret, memoryRepositories, passportControl } from 'passport-control';

const alice = { id: 'a11ce000-0000-4000-8000-000000000001', email: 'alice@example.com' };
const robot = { id: 'a4400000-0000-4000-8000-000000000002', name: 'robot' };
const secrets = [{ id: 'first', hash: hashSecret('8r1hS0mTq3vWcXyB5nKd7gLz') }];
const repositories = memoryRepositories({
  users: [{ ...alice, passwordHash: await hashPassword('correct horse battery staple') }],
  apps: [{ ...robot, accountId: 'acc00000-0000-4000-8000-000000000003', secrets }],
});
const relyingParty = { id: 'localhost', name: 'Minimal', origins: ['http://localhost:3000'] };
const control = passportControl({ repositories, secret: randomBytes(32), relyingParty });

const app = express();
app.use('/sys/v1', control.router);
app.get('/hello', control.requireSession(), (request, response) => {
  response.json({ hello: request.user?.id });
});
app.listen(Number(process.env.PORT ?? 3000), 'localhost');
