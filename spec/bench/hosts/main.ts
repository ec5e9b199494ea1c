import { bare, byHand } from './bare.js';
import type { Hosted } from './host.js';

// A host in a process of its own, which loads nothing of the others.
const hosts: Record<string, () => Promise<Hosted>> = {
  bare,
  byHand,
  passportSession: async () => (await import('./passport.js')).passportSession(),
  httpBearer: async () => (await import('./passport.js')).httpBearer(),
  betterAuth: async () => (await import('./better-auth.js')).betterAuthHost(),
  oursInMemory: async () => (await import('./ours.js')).oursInMemory(),
  oursOnRedis: async () => (await import('./ours.js')).oursOnRedis(),
};
const make = hosts[process.argv[2] ?? ''];
if (make === undefined) throw new Error(`a host is one of ${Object.keys(hosts).join(', ')}`);
process.stdout.write(`${JSON.stringify(await make())}\n`);
process.once('disconnect', () => process.exit());
