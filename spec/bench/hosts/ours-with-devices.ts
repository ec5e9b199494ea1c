import { randomBytes } from 'node:crypto';
import express, { type Request } from 'express';
import { Strategy } from 'passport';
import { memoryRepositories, passportControl } from 'passport-control';
import { type DeviceSeed, relyingParty } from '../bursts/fido2-parties.js';
import { type Hosted, listen } from './host.js';

/** Lets everybody in who is known, without a hash: what is measured here begins after the first factor. */
class LettingIn extends Strategy {
  constructor(private readonly ids: ReadonlyMap<string, string>) {
    super();
  }

  override authenticate({ body }: Request): void {
    this.success({ id: this.ids.get(body.email) } as Express.User);
  }
}

/** passport-control in memory, with every limit on, whose users have a device each. */
export async function oursWithDevices(holders: readonly DeviceSeed[]): Promise<Hosted> {
  const repositories = memoryRepositories({ users: holders.map(({ id, email }) => ({ id, email })) });
  for (const { id, device } of holders) await repositories.devices.add(id, device);
  const strategy = new LettingIn(new Map(holders.map(({ id, email }) => [email, id])));
  const control = passportControl({
    ...{ repositories, secret: randomBytes(32), relyingParty },
    methods: { password: { strategy } },
  });
  await control.ready;
  const app = express();
  app.use('/sys/v1', control.router);
  return { port: (await listen(app)).port, requests: {} };
}
