/** What a session is known to be: from what was answered, and, where an answer was lost, from what may have been. */
export interface Account {
  /** `no`: no proof was ever taken. `maybe`: one was sent, and no answer came. `yes`: it was taken. */
  proven: 'no' | 'maybe' | 'yes';
  /** When the proof was sent that was taken, and before that when the session was asked for, in milliseconds. */
  provenAt: number;
  /** Whether somebody has asked for its end. */
  ending: boolean;
  /** When its end was answered as done; `null` while it was not. */
  endedAt: number | null;
}

/** What must not have happened, each with how often it has. */
export interface Violations {
  'answered by a session that was never proven': number;
  'answered by a session that had ended': number;
  'good twice, though it is good once': number;
  'refused, though it was good': number;
  'lost, though they had been answered as good': number;
  'answered in a way that nothing explains': number;
}

/** The books of a run. */
export class Books {
  /** Sessions that were proven. */
  proven = 0;
  /** Sessions whose end was answered as done. */
  ended = 0;
  /** What is good once, and was shown several times at once. */
  onceShown = 0;
  /** What was good once and was refused, after a first answer that was lost or 503: perhaps it had been done. */
  refusedAfterFailure = 0;
  /** Requests that must be refused, and were. */
  refused = 0;
  /** Sessions that ended because Redis lost what it knew. */
  lostByRedis = 0;
  readonly violations: Violations = {
    'answered by a session that was never proven': 0,
    'answered by a session that had ended': 0,
    'good twice, though it is good once': 0,
    'refused, though it was good': 0,
    'lost, though they had been answered as good': 0,
    'answered in a way that nothing explains': 0,
  };
  /** What the last few violations were, for whoever looks into them. */
  readonly found: string[] = [];
  /** When Redis lost what it knew, in milliseconds. */
  private readonly losses: number[] = [];

  /** Redis starts anew from here on. */
  redisLostAll(): void {
    this.losses.push(performance.now());
  }

  /** A session was given to somebody who asked for it then. */
  open(sentAt: number): Account {
    return { proven: 'no', provenAt: sentAt, ending: false, endedAt: null };
  }

  /** The proof was taken that was sent then. */
  prove(account: Account, sentAt: number): void {
    account.proven = 'yes';
    account.provenAt = sentAt;
    this.proven += 1;
  }

  /** The end of a session was answered as done. */
  end(account: Account): void {
    account.endedAt = performance.now();
    this.ended += 1;
  }

  /** Whether a session can have been lost with what Redis knew. */
  canBeLost({ provenAt }: Account): boolean {
    return this.losses.some((at) => at >= provenAt);
  }

  /** Books what a request with a session was answered, that was sent then. `true` while the session seems to live. */
  requested(account: Account, sentAt: number, status: number): boolean {
    if (status === 200) {
      if (account.proven === 'no')
        this.violate('answered by a session that was never proven', account, status);
      else if (account.endedAt !== null && sentAt > account.endedAt)
        this.violate('answered by a session that had ended', account, status);
      return true;
    }
    if (status === 502 || status === 503) return true;
    if (status !== 401 && status !== 403) {
      this.violate('answered in a way that nothing explains', account, status);
      return true;
    }
    if (account.proven === 'yes' && !account.ending) {
      if (this.canBeLost(account)) this.lostByRedis += 1;
      else this.violate('lost, though they had been answered as good', account, status);
    } else this.refused += 1;
    return false;
  }

  /** Books how often one thing was good that was shown several times at once. */
  once(times: number): void {
    this.onceShown += 1;
    if (times > 1) this.violate('good twice, though it is good once', null, times);
  }

  /** Books that something good was refused. `failed`: an answer before that was lost, or that something is down. */
  refusedGood(account: Account, failed: boolean): void {
    if (failed) this.refusedAfterFailure += 1;
    else if (!this.canBeLost(account)) this.violate('refused, though it was good', account, null);
  }

  /** Books an answer that must not be. */
  violate(what: keyof Violations, account: Account | null, answer: unknown): void {
    this.violations[what] += 1;
    if (this.found.length < 20)
      this.found.push(JSON.stringify({ what, account, answer, at: performance.now() }));
  }

  /** Whether nothing happened that must not. */
  get balance(): boolean {
    return Object.values(this.violations).every((times) => times === 0);
  }
}
