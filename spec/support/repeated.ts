import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';

/** How often a race or a fault is repeated. */
export const repetitions = 50;

/** How much longer than it should a wait takes now: on a machine that has other work, whatever is to be met takes longer too. */
let slowness = 1;

async function measureSlowness(isOver: () => boolean): Promise<void> {
  const wait = 12;
  while (!isOver()) {
    const since = performance.now();
    await sleep(wait);
    slowness = Math.max(1, slowness * 0.7 + ((performance.now() - since) / wait) * 0.3);
  }
}

/**
 * Runs a round fifty times, several at once. A round has users and sessions of its own, so that none can see another. With the
 * first that fails no more are begun.
 */
export async function repeatedly(
  round: (n: number) => Promise<void>,
  { atOnce = 10, times = repetitions } = {},
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < times) {
      next += 1;
      await round(next - 1).catch((error: unknown) => {
        next = times;
        throw error;
      });
    }
  };
  let isOver = false;
  const measuring = measureSlowness(() => isOver);
  const lanes = await Promise.allSettled(Array.from({ length: atOnce }, lane));
  isOver = true;
  await measuring;
  for (const each of lanes) if (each.status === 'rejected') throw each.reason;
}

/** Counts what the rounds came to. */
export class Outcomes {
  private readonly counts = new Map<string, number>();

  note(outcome: string | number): void {
    this.counts.set(String(outcome), (this.counts.get(String(outcome)) ?? 0) + 1);
  }

  /** Expects that each of these has come up, so that the two sides of a race have really met. */
  expectEach(...wanted: (string | number)[]): void {
    const missing = wanted.filter((each) => !this.counts.has(String(each)));
    expect({ missing, counts: Object.fromEntries(this.counts) }).toMatchObject({ missing: [] });
  }
}

/** A number of milliseconds below this one, or below as much more as all takes longer now. */
export const some = (milliseconds: number) => Math.random() * milliseconds * slowness;

/** One of these. */
export function anyOf<T>(all: readonly [T, ...T[]]): T {
  return all[Math.floor(Math.random() * all.length)] ?? all[0];
}

/** The same in any order. */
export function shuffled<T>(all: readonly T[]): T[] {
  return all
    .map((each) => ({ each, at: Math.random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ each }) => each);
}
