import type { Sent } from '../hosts/host.js';

export const auth = '/sys/v1/session/auth';

/** Requests of which each is good once, so that they are prepared before they are measured. */
export interface Burst {
  /** The host that is asked, and what it is to hold. */
  host: string;
  seed: object;
  /** How many can be prepared at once. */
  most: number;
  /** How many are answered in a second, about; for the first burst. */
  about: number;
  prepare(port: number, count: number): Promise<Sent[]>;
}
