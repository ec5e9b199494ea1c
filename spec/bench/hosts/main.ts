import { once } from 'node:events';
import { bare, byHand } from './bare.js';
import type { Hosted } from './host.js';

// A host in a process of its own, which loads nothing of the others. What a host is to hold, it is sent.
const seed = async () => (await once(process, 'message'))[0];
const hosts: Record<string, () => Promise<Hosted>> = {
  bare,
  byHand,
  passportSession: async () => (await import('./passport.js')).passportSession(),
  httpBearer: async () => (await import('./passport.js')).httpBearer(),
  betterAuth: async () => (await import('./better-auth.js')).betterAuthHost(),
  oursInMemory: async () => (await import('./ours.js')).oursInMemory(),
  oursOnRedis: async () => (await import('./ours.js')).oursOnRedis(),
  oursWithDevices: async () => (await import('./ours-with-devices.js')).oursWithDevices(await seed()),
  fido2ByHand: async () => (await import('./fido2-by-hand.js')).fido2ByHand(await seed()),
  oursWithSaml: async () => (await import('./ours-with-saml.js')).oursWithSaml(await seed()),
};
process.once('disconnect', () => process.exit());
const make = hosts[process.argv[2] ?? ''];
if (make === undefined) throw new Error(`a host is one of ${Object.keys(hosts).join(', ')}`);
process.stdout.write(`${JSON.stringify(await make())}\n`);
