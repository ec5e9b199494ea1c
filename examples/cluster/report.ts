import type { Books } from './books.js';
import type { Answer } from './client.js';

/** What was answered in one phase. */
interface Phase {
  name: string;
  startedAt: number;
  /** How long each answer took, in milliseconds, that was neither 502 nor 503. */
  took: number[];
  down: number;
  lost: number;
}

/** Collects what is answered, and prints it at the end as tables of Markdown. */
export class Report {
  private readonly phases: Phase[] = [];

  /** Says something on the way. */
  say(text: string): void {
    console.error(`${new Date().toISOString().slice(11, 19)} ${text}`);
  }

  /** From here on something else happens. */
  phase(name: string): void {
    this.phases.push({ name, startedAt: performance.now(), took: [], down: 0, lost: 0 });
    this.say(name);
  }

  /** Notes an answer. */
  readonly note = ({ status }: Answer, took: number): void => {
    const phase = this.phases.at(-1);
    if (phase === undefined) return;
    if (status === 503) phase.down += 1;
    else if (status === 502 || status === 0) phase.lost += 1;
    else phase.took.push(took);
  };

  /** Prints what happened, and whether the books balance. */
  finish(books: Books): void {
    const [first] = this.phases;
    const seconds = Math.round((performance.now() - (first?.startedAt ?? 0)) / 1000);
    console.log('\n| while | answered | of these the slowest 1 % from | 503 | connection lost (502) |');
    console.log('|---|---|---|---|---|');
    for (const { name, took, down, lost } of this.phases) {
      took.sort((one, other) => one - other);
      const slow = took[Math.floor(took.length * 0.99)] ?? 0;
      console.log(`| ${name} | ${took.length} | ${slow.toFixed(0)} ms | ${down} | ${lost} |`);
    }
    console.log(`\n| in ${seconds} s | |`);
    console.log('|---|---|');
    const rows = {
      'sessions proven': books.proven,
      'sessions ended by their owners': books.ended,
      'things that are good once, shown at least twice at once': books.onceShown,
      'assertions refused after a first answer that was lost or 503': books.refusedAfterFailure,
      'requests of pending, ended or replaced sessions, refused': books.refused,
      'sessions lost with what Redis knew when it was killed': books.lostByRedis,
      ...Object.fromEntries(
        Object.entries(books.violations).map(([what, times]) => [`**${what}**`, `**${times}**`]),
      ),
    };
    for (const [what, times] of Object.entries(rows)) console.log(`| ${what} | ${times} |`);
    console.log(books.balance ? '\nThe books balance.' : '\nThe books do not balance:');
    for (const found of books.found) console.log(found);
  }
}
