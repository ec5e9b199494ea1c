import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { problems } from '../lib/errors.js';
import { methods } from '../lib/strategies/index.js';

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const readme = read('README.md');

/** The text between a heading and the next one of its level. */
function section(heading: string): string {
  const start = readme.indexOf(`\n## ${heading}\n`);
  const end = readme.indexOf('\n## ', start + 1);
  return start < 0 ? '' : readme.slice(start, end < 0 ? undefined : end);
}

/** The words in backticks of the first column of each row. */
function firstColumn(text: string): string[] {
  const rows = text.split('\n').filter((line) => line.startsWith('| `'));
  return rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, word = '']) => word),
  );
}

/** The names of an interface's members, with those of nested objects as paths. */
function members(source: string, name: string): string[] {
  const body = new RegExp(`export interface ${name} \\{\\n([\\s\\S]*?)\\n\\}`).exec(source)?.[1] ?? '';
  return [...body.matchAll(/^ {2}(\w+)\??:/gm)].map(([, member = '']) => member);
}

describe('the README', () => {
  it('lists every option, and none that does not exist', () => {
    const source = read('lib/options/public.ts');
    const options = members(source, 'PassportControlOptions').flatMap((name) => {
      if (name === 'secondFactor')
        return [name, ...members(source, 'SecondFactorOptions').map((each) => `${name}.${each}`)];
      if (name !== 'session') return [name];
      const session = members(source, 'SessionOptions').filter((each) => each !== 'cookie');
      return [...session, 'cookie.name', 'cookie.dangerouslyAllowHttpOnLocalhost'].map(
        (each) => `session.${each}`,
      );
    });
    expect(options.length).toBeGreaterThan(15);
    expect(firstColumn(section('Options')).sort()).toEqual(options.sort());
  });

  it('lists every code with its status', () => {
    const rows = section('Errors')
      .split('\n')
      .filter((line) => /^\| \d/.test(line));
    const listed = rows.flatMap((row) => {
      const [, statuses = '', codes = ''] = row.split('|');
      const found = [...codes.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
      const numbers = statuses.match(/\d+/g) ?? [];
      return found.map((code, index) => [code, Number(numbers[index] ?? numbers[0])]);
    });
    const known = Object.entries(problems).map(([code, { status }]) => [code, status]);
    expect(listed.sort()).toEqual(known.sort());
  });

  it('has a block for every method', () => {
    const blocks = [...section('Methods').matchAll(/^### `([^`]+)`$/gm)].map(([, name]) => name);
    expect(blocks.sort()).toEqual(Object.keys(methods).sort());
  });

  it('says why each dependency is there', () => {
    const { dependencies, peerDependenciesMeta } = JSON.parse(read('package.json'));
    const optional = Object.keys(peerDependenciesMeta).filter((name) => name !== '@types/express');
    expect(firstColumn(section('Dependencies, and why these')).sort()).toEqual(
      [...Object.keys(dependencies), ...optional].sort(),
    );
  });

  it('names code and specs that exist where it says what is done about each requirement', () => {
    const rows = section('Security')
      .split('\n')
      .filter((line) => /^\| \d/.test(line));
    expect(rows.length).toBeGreaterThan(45);
    for (const row of rows) {
      const [, , , where = '', spec = ''] = row.split('|');
      for (const [root, cell] of [
        ['lib', where],
        ['spec', spec],
      ] as const)
        for (const [, path = ''] of cell.matchAll(/`([a-z0-9-]+\/[a-z0-9/.-]+)`/g))
          expect([row, existsSync(new URL(`../${root}/${path}`, import.meta.url))]).toEqual([row, true]);
    }
  });

  it('names commands that exist', () => {
    const { scripts } = JSON.parse(read('package.json'));
    for (const [, script = ''] of readme.matchAll(/npm run ([\w:]+)/g))
      expect(Object.keys(scripts)).toContain(script);
  });
});
