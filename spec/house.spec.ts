import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const root = fileURLToPath(new URL('..', import.meta.url));
const lib = join(root, 'lib');

/** The rooms from the top floor down: a file may import from its own floor and from those below. */
const floors = [
  ['index.ts', 'testing'],
  ['control.ts'],
  ['options', 'routes'],
  ['second-factor', 'sessions', 'strategies', 'express.ts'],
  ['defence'],
  ['wire', 'repositories', 'errors.ts'],
];

interface Import {
  /** Paths inside lib, or the name of a package. */
  from: string;
  to: string;
  typeOnly: boolean;
}

const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
const sources = new Map(files.map((path) => [path, readFileSync(join(lib, path), 'utf8')]));
const imports = [...sources].flatMap(([path, source]) => importsOf(path, source));

function importsOf(path: string, source: string): Import[] {
  const statements = source.matchAll(
    /^(import|export)\b([^;'"]*?)from\s+'([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm,
  );
  return [...statements].map(([, , names = '', from, bare, dynamic]) => {
    const target = from ?? bare ?? dynamic ?? '';
    const to = target.startsWith('.')
      ? normalize(join(dirname(path), target)).replace(/\.js$/, '.ts')
      : target;
    return { from: path, to, typeOnly: /^\s*type\b/.test(names) };
  });
}

function floorOf(path: string): number {
  const [room = ''] = path.split('/');
  const floor = floors.findIndex((rooms) => rooms.includes(room));
  if (floor < 0) throw new Error(`lib/${path} stands in no room of the house`);
  return floor;
}

const inside = imports.filter(({ to }) => to.endsWith('.ts'));

describe('the house', () => {
  it('has its imports run one way', () => {
    const uphill = inside.filter(({ from, to }) => floorOf(to) < floorOf(from));
    expect(uphill.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
  });

  it('has no two files that import each other, by whatever way round', () => {
    const next = new Map(
      files.map((path) => [path, inside.filter(({ from }) => from === path).map(({ to }) => to)]),
    );
    const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
      (next.get(from) ?? []).some((each) => {
        if (each === to) return true;
        if (seen.has(each)) return false;
        seen.add(each);
        return reaches(each, to, seen);
      });
    expect(files.filter((path) => reaches(path, path))).toEqual([]);
  });

  it('keeps the strategies apart', () => {
    const shared = ['strategies/strategy.ts', 'strategies/method.ts'];
    const wrong = inside.filter(
      ({ from, to }) =>
        from.startsWith('strategies/') &&
        to.startsWith('strategies/') &&
        from !== 'strategies/index.ts' &&
        !shared.includes(to),
    );
    expect(wrong).toEqual([]);
  });

  it('knows Passport in two places', () => {
    const values = imports
      .filter(({ to, typeOnly }) => to === 'passport' && !typeOnly)
      .map(({ from }) => from);
    expect(values.sort()).toEqual(['control.ts', 'strategies/strategy.ts']);
  });

  it('loads heavy libraries where they are used, when they are used', () => {
    const heavy = ['@node-rs/argon2'];
    for (const [path, source] of sources) {
      for (const name of heavy)
        expect([path, new RegExp(`from '${name}'`).test(source)]).toEqual([path, false]);
    }
  });

  it('reads no environment, prints nothing, and asks no clock and no dice but those that it is handed', () => {
    for (const [path, source] of sources) {
      const code = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
      for (const forbidden of [
        'process.env',
        'process.std',
        'process.on',
        'console.',
        'Date.now()',
        'new Date()',
        'Math.random',
        'globalThis',
      ]) {
        expect([path, forbidden, code.includes(forbidden)]).toEqual([path, forbidden, false]);
      }
    }
  });

  it('has no file that outgrew one thing', () => {
    const long = [...sources].filter(([, source]) => source.split('\n').length > 260).map(([path]) => path);
    expect(long).toEqual([]);
  });

  it('says of every export what it is', () => {
    const bare = [...sources].flatMap(([path, source]) => {
      const lines = source.split('\n');
      return lines.flatMap((line, index) => {
        const name = /^export (?:abstract |async )?(?:class|function|interface|type|const) (\w+)/.exec(
          line,
        )?.[1];
        return name !== undefined && !/\*\/\s*$/.test(lines[index - 1] ?? '') ? [`${path}: ${name}`] : [];
      });
    });
    expect(bare).toEqual([]);
  });

  it('has at its top what belongs there, and nothing else', () => {
    const tracked = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).trim().split('\n');
    const top = new Set(
      tracked.map((path) => path.split('/')[0] ?? '').filter((name) => !name.startsWith('.')),
    );
    const belongs = ['package.json', 'package-lock.json', 'tsconfig.json', 'lib', 'spec', 'examples'];
    expect([...top].sort()).toEqual([...belongs, 'CHANGELOG.md', 'README.md', 'LICENSE'].sort());
  });

  it('names no registry', () => {
    expect(readFileSync(join(root, 'package-lock.json'), 'utf8')).not.toMatch(/https?:\/\/[^"]*\.tgz/);
  });

  it('is read whole', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(inside.length).toBeGreaterThan(100);
    expect(
      inside.filter(({ to }) => !sources.has(to)).map(({ from, to }) => `${relative('.', from)}: ${to}`),
    ).toEqual([]);
  });
});
