/** What a full {@link ExpiringMap} throws. */
export class FullError extends Error {
  override readonly name = 'FullError';
}

const firstSweep = 1024;
/** Milliseconds between two sweeps of a map that is full of live entries. */
const sweepPause = 1000;

/**
 * A map whose entries end. It never drops a live entry: at `maxEntries` of them it refuses the next with a
 * {@link FullError}. What has ended is swept out when the map has doubled, so that neither time nor memory is
 * spent on the dead.
 */
export class ExpiringMap<Value> {
  private readonly entries = new Map<string, { value: Value; endsAt: number }>();
  private sweepAt = firstSweep;
  private nextSweep = 0;

  /** @param clock milliseconds since the epoch */
  constructor(
    private readonly clock: () => number,
    private readonly maxEntries: number,
  ) {}

  /** The live value of a key. */
  get(key: string): Value | undefined {
    return this.entry(key)?.value;
  }

  /** Milliseconds until a live entry ends; 0 when there is none. */
  endsIn(key: string): number {
    const entry = this.entry(key);
    return entry === undefined ? 0 : entry.endsAt - this.clock();
  }

  /** Sets a key; `endsAt` is in milliseconds since the epoch. */
  set(key: string, value: Value, endsAt: number): void {
    if (!this.entries.has(key)) this.makeRoom();
    this.entries.set(key, { value, endsAt });
  }

  delete(key: string): void {
    this.entries.delete(key);
  }

  private entry(key: string): { value: Value; endsAt: number } | undefined {
    const entry = this.entries.get(key);
    return entry !== undefined && entry.endsAt > this.clock() ? entry : undefined;
  }

  private makeRoom(): void {
    const now = this.clock();
    const full = this.entries.size >= this.maxEntries;
    if (this.entries.size >= this.sweepAt || (full && now >= this.nextSweep)) {
      for (const [key, { endsAt }] of this.entries) if (endsAt <= now) this.entries.delete(key);
      this.sweepAt = Math.max(firstSweep, this.entries.size * 2);
      this.nextSweep = now + sweepPause;
    }
    if (this.entries.size >= this.maxEntries)
      throw new FullError(`the store is full: ${this.maxEntries} entries`);
  }
}
