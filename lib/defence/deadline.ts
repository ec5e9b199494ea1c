/** A call that is waited for, and what happens when it has been for too long. */
interface Watched {
  readonly endsAt: number;
  readonly expire: () => void;
}

/**
 * Watches calls that may all take the same time. Since the one that began first is due first, one timer does for all of
 * them: a call that is answered soon, as nearly all are, sets none and stops none.
 */
export class Deadline {
  /** In the order in which they began. */
  private readonly watched = new Set<Watched>();
  private isSet = false;

  constructor(private readonly milliseconds: number) {}

  /** Calls `expire` when the time is up, unless it is told before to {@link forget}. */
  watch(expire: () => void): Watched {
    const watched = { endsAt: performance.now() + this.milliseconds, expire };
    this.watched.add(watched);
    if (!this.isSet) this.set(this.milliseconds);
    return watched;
  }

  /** Stops watching; `false` when the time was up before. */
  forget(watched: Watched): boolean {
    return this.watched.delete(watched);
  }

  /** Whoever waits is kept alive by what it waits for; this timer keeps no process from its end. */
  private set(milliseconds: number): void {
    this.isSet = true;
    setTimeout(() => this.check(), milliseconds).unref();
  }

  private check(): void {
    this.isSet = false;
    const now = performance.now();
    for (const watched of this.watched) {
      if (watched.endsAt > now) {
        this.set(Math.ceil(watched.endsAt - now));
        break;
      }
      this.watched.delete(watched);
      watched.expire();
    }
  }
}
