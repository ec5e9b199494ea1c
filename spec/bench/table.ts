import type { Result } from './measure.js';

/** Prints what was measured of each subject, and which targets are met. */
export function printTables(results: readonly Result[]): void {
  console.log('| work | | | of the first |\n|---|---|---|---|');
  for (const { name, unit, medians, ratios } of results)
    for (const [subject, value] of Object.entries(medians)) {
      const digits = value < 100 ? 2 : 0;
      console.log(
        `| ${name} | ${subject} | ${value.toFixed(digits)} ${unit} | ${ratios[subject]?.toFixed(2)} |`,
      );
    }
  console.log('\n| target | wanted | measured | |\n|---|---|---|---|');
  for (const { targets } of results)
    for (const { what, wanted, measured, isMet } of targets)
      console.log(`| ${what} | ${wanted} | ${measured.toFixed(2)} | ${isMet ? 'met' : '**missed**'} |`);
}
