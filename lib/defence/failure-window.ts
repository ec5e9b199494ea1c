import { setTimeout as sleep } from 'node:timers/promises';
import type { CounterStore } from './counters.js';

/** How many failures are allowed in how many seconds. */
export interface FailureLimit {
  limit: number;
  /** Seconds. */
  window: number;
  /** Seconds for which a key is closed once the limit is reached. @default what is left of the window */
  closedFor?: number;
}

/** An attempt that has a place within its limit. Settle it exactly once. */
export interface Attempt {
  /** The attempt failed: its place stays taken. `true` when this failure reached the limit. */
  failed(): Promise<boolean>;
  /** The attempt was no failure: its place is given back. */
  forgiven(): Promise<void>;
  /** The attempt was good, though more is asked for: its place is given back. */
  proven(): Promise<void>;
  /** The matter is settled for good: this and all earlier failures are forgotten. */
  cleared(): Promise<void>;
}

/** An attempt that nothing limits. */
export const unlimited: Attempt = {
  failed: async () => false,
  forgiven: async () => {},
  proven: async () => {},
  cleared: async () => {},
};

/** No place is left: `retryAfter` in seconds, and whether it is for failures or only for attempts under way. */
export interface Closed {
  closed: 'failures' | 'busy';
  retryAfter: number;
}

/** Milliseconds between the first two looks at a key whose places are all taken by attempts under way, and between later ones at most. */
const pollFirst = 20;
const pollAtMost = 200;
/** Milliseconds for which an attempt waits for those. */
const patience = 5000;

/**
 * Counts failures so that parallel attempts cannot pass the limit: each takes a place before it is looked at, and
 * gives it back unless it fails. While others are under way, the next waits for their outcome instead of being
 * refused, so many good sign-ins at once all come through.
 */
export class FailureWindow {
  constructor(
    private readonly counters: CounterStore,
    private readonly prefix: string,
    private readonly limits: FailureLimit,
  ) {}

  /** Takes a place for one attempt on `key`, or waits for one. */
  async reserve(key: string): Promise<Attempt | Closed> {
    const since = performance.now();
    for (;;) {
      const { count } = await this.counters.increment(this.taken(key), this.limits.window);
      const taken = count <= this.limits.limit;
      if (!taken) await this.free(key);
      // Looked at after the place is taken: whoever closes the key does so before the places are emptied.
      const closed = await this.closed(key).catch(async (error: unknown) => {
        if (taken) await this.free(key).catch(() => {});
        throw error;
      });
      if (taken && closed === null) return this.attempt(key);
      if (taken) await this.free(key);
      if (closed !== null) return closed;
      const over = await this.over(key);
      if (over !== null) return over;
      if (!(await this.placeIsFree(key, since))) return { closed: 'busy', retryAfter: 1 };
    }
  }

  /** Gives a place back. */
  private async free(key: string): Promise<void> {
    await this.counters.decrement(this.taken(key));
  }

  /** Waits until a place seems free or the key is closed; `false` when that takes too long. */
  private async placeIsFree(key: string, since: number): Promise<boolean> {
    for (
      let pause = pollFirst;
      performance.now() - since < patience;
      pause = Math.min(2 * pause, pollAtMost)
    ) {
      await sleep(pause);
      const taken = await this.counters.get(this.taken(key));
      if (taken === null || taken.count < this.limits.limit || (await this.closed(key)) !== null) return true;
    }
    return false;
  }

  /** Whether failures have closed the key; `null` when it is open. */
  async closed(key: string): Promise<Closed | null> {
    const reached = await this.counters.get(this.shut(key));
    return reached === null ? null : { closed: 'failures', retryAfter: reached.endsIn / 1000 };
  }

  /** Closes a key whose failures have reached the limit, where whoever reached it could not; `null` where there is a limit still. */
  private async over(key: string): Promise<Closed | null> {
    const failed = await this.counters.get(this.failures(key));
    if (failed === null || failed.count < this.limits.limit) return null;
    await this.shutFor(key, failed.endsIn / 1000);
    return this.closed(key);
  }

  /** Closes a key. From here the closed key decides; what comes after it starts from nothing. */
  private async shutFor(key: string, left: number): Promise<void> {
    const { counters } = this;
    await counters.increment(this.shut(key), this.limits.closedFor ?? left);
    await Promise.all([counters.clear(this.failures(key)), counters.clear(this.taken(key))]);
  }

  /** Forgets all failures at a key. One that is closed stays so. */
  async clear(key: string): Promise<void> {
    await Promise.all([this.counters.clear(this.failures(key)), this.counters.clear(this.taken(key))]);
  }

  /** Forgets all failures at a key, and opens it where it is closed. */
  async open(key: string): Promise<void> {
    await Promise.all([this.clear(key), this.counters.clear(this.shut(key))]);
  }

  private attempt(key: string): Attempt {
    const { counters } = this;
    const { limit, window } = this.limits;
    return {
      failed: async () => {
        // Failures end with the window of the places, never after it: a place is free only when its failure is gone.
        const { endsIn } =
          (await counters.get(this.taken(key))) ?? (await counters.increment(this.taken(key), window));
        const { count } = await counters.increment(this.failures(key), endsIn / 1000);
        if (count < limit) return false;
        await this.shutFor(key, endsIn / 1000);
        return count === limit;
      },
      forgiven: () => this.free(key),
      proven: () => this.free(key),
      cleared: () => this.clear(key),
    };
  }

  private taken(key: string): string {
    return `${this.prefix}:taken:${key}`;
  }

  private failures(key: string): string {
    return `${this.prefix}:failed:${key}`;
  }

  private shut(key: string): string {
    return `${this.prefix}:shut:${key}`;
  }
}
