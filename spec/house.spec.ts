import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { parseSync } from '@swc/core';

/** The rooms from the top floor down: a file may import from its own floor and from those below. */
const floors = [
  ['index.ts'],
  ['control.ts'],
  ['options', 'routes', 'authenticator.ts'],
  ['second-factor', 'sessions', 'strategies', 'express.ts'],
  ['federation', 'plugged'],
  ['defence'],
  ['wire', 'repositories'],
  ['errors.ts', 'awaitable.ts', 'load-once.ts'],
];

/** Entry points of their own: they may import what is below the control, and nothing else imports them. */
const annexes = ['testing', 'redis', 'aws'];

/** What is to be loaded when a method that needs it is configured, by `import()`. */
const heavy = [
  '@node-rs/argon2',
  '@node-saml/node-saml',
  'ldapts',
  'openid-client',
  '@xmldom/xmldom',
  'xml-crypto',
  'xml-encryption',
  '@peculiar/x509',
  '@simplewebauthn/server',
  '@smithy/signature-v4',
  '@aws-sdk/credential-provider-node',
];

/** What is not asked for in lib, since it is handed over or is the host's. */
const outside = ['process', 'console', 'globalThis', 'require', 'eval'];

type Tree = { type: string; [key: string]: unknown };
type Edge = { from: string; to: string; typeOnly: boolean; dynamic: boolean };

const root = fileURLToPath(new URL('..', import.meta.url));
const lib = join(root, 'lib');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const files = readdirSync(lib, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .sort();
const sources = new Map(files.map((path) => [path, readFileSync(join(lib, path), 'utf8')]));
const trees = new Map([...sources].map(([path, source]) => [path, parse(source)]));
const edges = [...trees].flatMap(([path, tree]) => edgesOf(path, tree));
const inside = edges.filter(({ to }) => to.endsWith('.ts'));
const packages = edges.filter(({ to }) => !to.endsWith('.ts') && !to.startsWith('node:'));

function parse(source: string): Tree[] {
  const { body } = parseSync(source, { syntax: 'typescript', target: 'es2022' });
  return [...treesIn(body)];
}

/** The trees that hang directly on something. */
function* treesIn(value: unknown): Generator<Tree> {
  if (Array.isArray(value)) for (const each of value) yield* treesIn(each);
  else if (isTree(value)) yield value;
  else if (typeof value === 'object' && value !== null) yield* treesIn(Object.values(value));
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

/** A tree and all below it. */
function* all(tree: Tree): Generator<Tree> {
  yield tree;
  for (const child of treesIn(Object.values(tree))) yield* all(child);
}

/** The text of a name or a string literal. */
function text(tree: unknown): string {
  return isTree(tree) && typeof tree.value === 'string' ? tree.value : '';
}

function edgesOf(path: string, tree: Tree[]): Edge[] {
  const edge = (target: unknown, typeOnly: boolean, dynamic: boolean): Edge => {
    const to = text(target);
    const file = normalize(join(dirname(path), to)).replace(/\.js$/, '.ts');
    return { from: path, to: to.startsWith('.') ? file : to, typeOnly, dynamic };
  };
  return tree
    .flatMap((each) => [...all(each)])
    .flatMap((node) => {
      if (/^(?:Import|ExportNamed|ExportAll)Declaration$/.test(node.type) && isTree(node.source))
        return [edge(node.source, node.typeOnly === true, false)];
      if (node.type === 'TsImportType') return [edge(node.argument, true, false)];
      if (node.type === 'CallExpression' && isTree(node.callee) && node.callee.type === 'Import')
        return [edge([...treesIn(node.arguments)][0], false, true)];
      return [];
    });
}

const room = (path: string) => path.split('/')[0] ?? '';
const floorOf = (path: string) => floors.findIndex((rooms) => rooms.includes(room(path)));
const named = (found: Edge[]) => found.map(({ from, to }) => `${from} -> ${to}`);

/** The names that a file declares and exports. */
function declared(path: string): string[] {
  const exported = (trees.get(path) ?? []).filter(({ type }) => type === 'ExportDeclaration');
  return exported.flatMap(({ declaration }) => {
    if (!isTree(declaration)) return [];
    const variables = [...treesIn(declaration.declarations)].map(({ id }) => text(id));
    return variables.length > 0 ? variables : [text(declaration.identifier ?? declaration.id)];
  });
}

/** Where the names that a file hands on are declared, by whatever many steps: `path: name`. */
function handedOn(path: string): string[] {
  return (trees.get(path) ?? []).flatMap((statement) => {
    if (!isTree(statement.source) || statement.type === 'ImportDeclaration') return [];
    const to = normalize(join(dirname(path), text(statement.source))).replace(/\.js$/, '.ts');
    const there = [...declared(to).map((name) => `${to}: ${name}`), ...handedOn(to)];
    if (statement.type === 'ExportAllDeclaration') return there;
    return [...treesIn(statement.specifiers)].map(({ orig }) => {
      const suffix = `: ${text(orig)}`;
      return there.find((each) => each.endsWith(suffix)) ?? `${to}${suffix}`;
    });
  });
}

/** Whether a docstring ends where the declaration of a name begins. */
function isDocumented(path: string, name: string): boolean {
  const declaration = `(?:abstract |async )?(?:class|function\\*?|interface|type|const|enum) ${name}\\b`;
  const documented = new RegExp(`/\\*\\*(?:(?!\\*/)[\\s\\S])+\\*/\\n+export ${declaration}`);
  return documented.test(sources.get(path) ?? '');
}

/** What a file asks of the world around it, where it was not handed over: its process, its clock, its dice. */
function asked(tree: Tree[]): string[] {
  const nodes = tree.flatMap((each) => [...all(each)]);
  const labels = new Set(
    nodes.map(({ type, key, property }) => (type === 'MemberExpression' ? property : key)),
  );
  const defaults = nodes.flatMap(({ type, operator, right, value }) => {
    if (type === 'AssignmentPattern' || operator === '??') return [right];
    return type === 'AssignmentPatternProperty' ? [value] : [];
  });
  const argumentsOf = (node: unknown) => (isTree(node) ? [...treesIn(node.arguments)] : []);
  const byDefault = new Set(defaults.flatMap((each) => [each, ...argumentsOf(each)]));
  return nodes.flatMap((node) => {
    const { type, object, property, callee } = node;
    if (type === 'Identifier') return outside.includes(text(node)) && !labels.has(node) ? [text(node)] : [];
    if (type === 'MemberExpression') {
      const member = `${text(object)}.${text(property)}`;
      return member === 'Math.random' || (member === 'Date.now' && !byDefault.has(node)) ? [member] : [];
    }
    return text(callee) === 'Date' && argumentsOf(node).length === 0 ? ['Date()'] : [];
  });
}

describe('the house', () => {
  it('has its imports run one way', () => {
    const belowControl = floorOf('control.ts') + 1;
    const uphill = inside.filter(({ from, to }) => {
      if (annexes.includes(room(from))) return room(to) !== room(from) && floorOf(to) < belowControl;
      return floorOf(to) < floorOf(from);
    });
    expect(named(uphill)).toEqual([]);
  });

  it('has a room for each file', () => {
    expect(files.filter((path) => floorOf(path) < 0 && !annexes.includes(room(path)))).toEqual([]);
  });

  it('has no files that import each other, by whatever way round', () => {
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
    const shared = ['strategies/index.ts', 'strategies/strategy.ts', 'strategies/method.ts'];
    const between = inside.filter(({ from, to }) => room(from) === 'strategies' && room(to) === 'strategies');
    const toIndex = between.filter(({ to }) => to === 'strategies/index.ts');
    const toAnother = between.filter(
      ({ from, to }) => from !== 'strategies/index.ts' && !shared.includes(to),
    );
    expect(named([...toIndex, ...toAnother])).toEqual([]);
  });

  it('keeps the wire and the repositories apart, but for what an email address is', () => {
    const rooms = ['wire', 'repositories'];
    const between = inside.filter(
      ({ from, to }) => rooms.includes(room(from)) && rooms.includes(room(to)) && room(from) !== room(to),
    );
    expect(named(between)).toEqual(['repositories/memory.ts -> wire/email.ts']);
  });

  it('knows Passport in two places', () => {
    const values = packages.filter(({ to, typeOnly }) => /^passport(?:\/|$)/.test(to) && !typeOnly);
    expect(named(values)).toEqual(['authenticator.ts -> passport', 'strategies/strategy.ts -> passport']);
  });

  it('loads heavy libraries where they are used, when they are used', () => {
    const early = packages.filter(({ to, typeOnly, dynamic }) => heavy.includes(to) && !typeOnly && !dynamic);
    expect(named(early)).toEqual([]);
  });

  it('imports the packages that it depends on, and depends on those that it imports', () => {
    const { dependencies, peerDependencies } = manifest;
    const nameOf = (path: string) => /^(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? '';
    const imported = new Set(packages.map(({ to }) => nameOf(to)));
    const depended = Object.keys({ ...dependencies, ...peerDependencies });
    const isOfTypes = (name: string) => name.startsWith('@types/');
    expect(depended.filter((name) => !isOfTypes(name)).sort()).toEqual([...imported].sort());
  });

  it('reads no environment, prints nothing, and asks no clock and no dice but those that it is handed', () => {
    const asking = [...trees].flatMap(([path, tree]) => asked(tree).map((what) => `${path}: ${what}`));
    expect(asking).toEqual([]);
  });

  it('augments types in one file, which has nothing else', () => {
    const augments = ({ type, global }: Tree) => type === 'TsModuleDeclaration' && global === true;
    const augmenting = [...trees].filter(([, tree]) => tree.some(augments)).map(([path]) => path);
    expect(augmenting).toEqual(['express.ts']);
    const rest = (trees.get('express.ts') ?? []).filter((each) => !augments(each) && each.typeOnly !== true);
    expect(rest).toEqual([]);
  });

  it('has entry points that hand on what is declared elsewhere, and nothing else', () => {
    const entries = files.filter(
      (path) => path === 'index.ts' || annexes.some((name) => path === `${name}/index.ts`),
    );
    const handing = /^Export(?:Named|All)Declaration$/;
    const others = entries.flatMap((path) =>
      (trees.get(path) ?? []).filter(({ type, source }) => !handing.test(type) || !isTree(source)),
    );
    expect(others.map(({ source }) => text(source))).toEqual(['./express.js']);
  });

  it('says of every export what it is', () => {
    const bare = files.flatMap((path) =>
      declared(path).flatMap((name) => (isDocumented(path, name) ? [] : [`${path}: ${name}`])),
    );
    expect(bare).toEqual([]);
  });

  it('declares each name of its entry points where it is documented', () => {
    const known = new Set(files.flatMap((path) => declared(path).map((name) => `${path}: ${name}`)));
    for (const path of ['index.ts', 'testing/index.ts', 'aws/index.ts']) {
      expect(handedOn(path).length).toBeGreaterThan(4);
      expect(handedOn(path).filter((each) => !known.has(each))).toEqual([]);
    }
  });

  it('has no file that outgrew one thing', () => {
    const long = [...sources].filter(([, source]) => source.split('\n').length > 260).map(([path]) => path);
    expect(long).toEqual([]);
  });

  it('has at its top what belongs there, and nothing else', () => {
    const list = ['-c', 'safe.directory=*', 'ls-files', '-z'];
    const tracked = execFileSync('git', list, { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean);
    const top = new Set(tracked.map(room).filter((name) => !name.startsWith('.')));
    const belongs = ['package.json', 'package-lock.json', 'tsconfig.json', 'lib', 'spec', 'examples'];
    expect([...top].sort()).toEqual([...belongs, 'CHANGELOG.md', 'README.md', 'LICENSE'].sort());
  });

  it('locks versions and contents of packages, and names no registry', () => {
    const lock: { packages: Record<string, { resolved?: string; integrity?: string; inBundle?: true }> } =
      JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
    const installed = Object.entries(lock.packages).filter(([path]) => path !== '');
    const placed = installed.filter(([, { resolved }]) => resolved !== undefined);
    const open = installed.filter(
      ([, { integrity, inBundle }]) => !inBundle && !integrity?.startsWith('sha512-'),
    );
    expect([...placed, ...open].map(([path]) => path)).toEqual([]);
  });

  it('is read whole', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(inside.length).toBeGreaterThan(100);
    expect(named(inside.filter(({ to }) => !sources.has(to)))).toEqual([]);
    expect(packages.filter(({ to }) => to === '' || to.startsWith('.'))).toEqual([]);
  });
});
