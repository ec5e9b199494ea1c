import { setTimeout as sleep } from 'node:timers/promises';
import { type Asked, asking } from './asking.js';
import type { Burst } from './bursts/burst.js';
import { send, sendEach } from './sending.js';
import { load, type Serving, serve } from './serving.js';

/** The hosts that run, by name. */
export type Hosts = Record<string, Serving>;

/** One thing that is measured, in a round. */
export interface Subject {
  name: string;
  /** How much of it there is: answers per second, or whatever its work counts by. */
  measure(hosts: Hosts, seconds: number): Promise<number>;
  /** Ends what was started for it alone. */
  end?(): void;
}

/** What a host answers in a second. */
export const rate = (name: string, host: string, request: string, connections = 32): Subject => ({
  name,
  measure: async (hosts, seconds) => {
    const { perSecond } = await load(hosts[host] as Serving, request, { seconds, connections });
    return perSecond;
  },
});

/** What a script measures by itself, on the core of the hosts. */
export function alone(name: string, script: string, ...args: string[]): Subject {
  let asked: Asked | undefined;
  return {
    name,
    async measure(_, seconds) {
      asked ??= asking(script, args);
      return asked.measure(seconds);
    },
    end: () => asked?.end(),
  };
}

/** Bursts that warm a host beside the first round, in which it answers too few to have everything compiled. */
const warming = 2;

/** How many requests a host of its own answers in a second, each of which is good once. */
export function burst(name: string, make: () => Promise<Burst>): Subject {
  let [serving, perSecond]: [Serving | undefined, number] = [undefined, 0];
  let made: Promise<Burst> | undefined;
  const once = async ({ prepare, most }: Burst, { port }: Serving, seconds: number) => {
    const sent = await prepare(port, Math.min(most, Math.ceil(perSecond * seconds)));
    perSecond = await sendEach(port, sent);
  };
  return {
    name,
    async measure(_, seconds) {
      made ??= make();
      const all = await made;
      if (serving === undefined) {
        perSecond = all.about;
        serving = await serve(all.host, { seed: all.seed });
        for (let n = 0; n < warming; n += 1) await once(all, serving, seconds);
      }
      await once(all, serving, seconds);
      return perSecond;
    },
    end: () => void serving?.process.kill(),
  };
}

/** The milliseconds that a protected GET takes. */
export const wait = (name: string, host: string): Subject => ({
  name,
  measure: (hosts, seconds) => medianWait(hosts[host] as Serving, seconds),
});

/** The same, while the host verifies passwords. */
export const waitAmongLogins = (name: string, host: string, connections = 64): Subject => ({
  name,
  async measure(hosts, seconds) {
    const serving = hosts[host] as Serving;
    const logins = load(serving, 'password login', { seconds: seconds + 1, connections });
    await sleep(500);
    const [median] = await Promise.all([medianWait(serving, seconds), logins]);
    return median;
  },
});

/** The median of milliseconds that a protected GET takes, when one is asked after the other. */
async function medianWait({ port, requests }: Serving, seconds: number): Promise<number> {
  const [sent] = requests.protected ?? [];
  if (sent === undefined) throw new Error('the host has no protected route');
  const took: number[] = [];
  for (const ends = performance.now() + seconds * 1000; performance.now() < ends; ) {
    const since = performance.now();
    await send(port, sent);
    took.push(performance.now() - since);
  }
  return took.sort((one, other) => one - other)[Math.floor(took.length / 2)] ?? Number.NaN;
}
