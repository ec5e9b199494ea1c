import type { Hosts } from './subjects.js';
import type { Work } from './works.js';

/** How often and for how long each subject is measured. */
export interface Rounds {
  rounds: number;
  seconds: number;
  /** Seconds before the first round, in which everything is compiled and nothing counted. */
  warm: number;
}

/** What was measured of a work. */
export type Result = Awaited<ReturnType<typeof measure>>;

/** Measures all subjects of a work in turn, round after round. */
export async function measure(work: Work, hosts: Hosts, plan: Rounds, say: (text: string) => void) {
  const values = await valuesOf(work, hosts, plan, say);
  const { name, unit, subjects, targets } = work;
  // A machine is fast now and slow then, so what is compared was measured in the same round.
  const ratio = (of: string, against?: string) =>
    median((values[of] ?? []).map((value, round) => value / (values[against ?? '']?.[round] ?? 1)));
  const first = subjects[0]?.name ?? '';
  return {
    ...{ name, unit, values },
    medians: Object.fromEntries(Object.entries(values).map(([subject, all]) => [subject, median(all)])),
    ratios: Object.fromEntries(subjects.map((subject) => [subject.name, ratio(subject.name, first)])),
    targets: targets.map(({ of, against, least, most }) => {
      const measured = ratio(of, against);
      const isMet = measured >= (least ?? 0) && measured <= (most ?? Number.POSITIVE_INFINITY);
      const wanted = least === undefined ? `at most ${most}` : `at least ${least}`;
      const what = `${name}: ${of}${against === undefined ? '' : ` against ${against}`}`;
      return { what, wanted, measured, isMet };
    }),
  };
}

/** What was measured of each subject, in the order of the rounds. */
async function valuesOf(
  { name, subjects, isOnce = false, leastSeconds = 0 }: Work,
  hosts: Hosts,
  { rounds, seconds, warm }: Rounds,
  say: (text: string) => void,
): Promise<Record<string, number[]>> {
  const values: Record<string, number[]> = Object.fromEntries(subjects.map((subject) => [subject.name, []]));
  try {
    // A round that is thrown away comes first.
    for (let round = isOnce ? rounds : 0; round <= rounds; round += 1) {
      say(`${name}: ${round === 0 ? 'getting warm' : `round ${round} of ${rounds}`}`);
      for (const subject of subjects) {
        const value = await subject.measure(hosts, round === 0 ? warm : Math.max(seconds, leastSeconds));
        if (round > 0) values[subject.name]?.push(value);
      }
    }
  } finally {
    for (const subject of subjects) subject.end?.();
  }
  return values;
}

function median(all: readonly number[]): number {
  const sorted = [...all].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
