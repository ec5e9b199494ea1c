import { catalogue } from '../attacks/catalogue.mjs';

const idPattern = new RegExp(`\\b(?:${catalogue.map(({ id }) => id).join('|')})-\\d\\d\\b`, 'g');

/**
 * Prints, after a run of all attacks, how many rows of the catalogue each component has and how many of them a spec has shown to be
 * withstood. A row that is neither covered nor accounted for fails the run.
 */
export default class AttackTable {
  #passed = new Set();
  #failed = new Set();
  #missing = [];

  constructor({ testPathPatterns, testNamePattern }) {
    this.isWhole = !testNamePattern && (testPathPatterns?.patterns?.length ?? 0) === 0;
  }

  onTestResult(_test, { testResults }) {
    for (const { title, status } of testResults) {
      const ids = title.match(idPattern) ?? [];
      if (status === 'passed') for (const id of ids) this.#passed.add(id);
      if (status === 'failed') for (const id of ids) this.#failed.add(id);
    }
  }

  onRunComplete() {
    if (!this.isWhole) return;
    const lines = catalogue.map(({ id, component, rows, notApplicable = {}, elsewhere = {} }) => {
      const nameOf = (row) => `${id}-${String(row).padStart(2, '0')}`;
      const covered = rows.filter((row) => this.#passed.has(nameOf(row)) && !this.#failed.has(nameOf(row)));
      const rest = rows.filter((row) => !covered.includes(row));
      const said = rest.flatMap((row) => {
        if (row in notApplicable) return [`${nameOf(row)} does not apply: ${notApplicable[row]}`];
        if (row in elsewhere) return [`${nameOf(row)} is shown elsewhere: ${elsewhere[row]}`];
        this.#missing.push(nameOf(row));
        return [`${nameOf(row)} HAS NO SPEC THAT PASSED`];
      });
      const counts = [rows.length, covered.length, rest.filter((row) => row in notApplicable).length];
      return { name: `${id}  ${component}`, counts, said };
    });
    const width = Math.max(...lines.map(({ name }) => name.length));
    const row = (name, counts) =>
      `${name.padEnd(width)}${counts.map((count) => String(count).padStart(16)).join('')}\n`;
    process.stdout.write(`\n${row('component', ['rows', 'covered', 'not applicable'])}`);
    for (const { name, counts } of lines) process.stdout.write(row(name, counts));
    const totals = [0, 1, 2].map((at) => lines.reduce((sum, { counts }) => sum + counts[at], 0));
    process.stdout.write(row('all', totals));
    for (const { said } of lines) for (const line of said) process.stdout.write(`${line}\n`);
  }

  getLastError() {
    if (this.#missing.length > 0)
      return new Error(`no spec has shown that these are withstood: ${this.#missing.join(', ')}`);
    return undefined;
  }
}
