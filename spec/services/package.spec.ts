import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';

jest.setTimeout(180_000); // Packages are installed, on a new machine from far away.

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const fixture = (name: string) =>
  readFile(new URL(`../support/package/${name}.txt`, import.meta.url), 'utf8');
const install = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', '--silent'];

let folder: string;
let tarball: string;
let packed: string[];

/** Makes a project of a host that has the packed package and these others installed. */
async function project(name: string, ...packages: string[]): Promise<string> {
  const at = join(folder, name);
  await mkdir(at);
  await writeFile(join(at, 'package.json'), JSON.stringify({ name, private: true }));
  await run('npm', [...install, tarball, ...packages], { cwd: at });
  return at;
}

/** The version that this repository has installed of a package, so that both are tested alike. */
function installed(name: string): string {
  return `${name}@${versionOf(root, name)}`;
}

function versionOf(at: string, name: string): string {
  const require = createRequire(join(at, 'package.json'));
  return require(require.resolve(`${name}/package.json`)).version;
}

/** Runs a script in a project, and answers what it reports as JSON and what it complains of. */
async function report(at: string, script: string, source: string): Promise<unknown> {
  await writeFile(join(at, script), source);
  const { stdout, stderr } = await run('node', [script], { cwd: at });
  expect([script, stderr]).toEqual([script, '']);
  return JSON.parse(stdout);
}

/**
 * Compiles files as an ES module and as a CommonJS one, strictly and with the types of all libraries checked.
 * Answers which were compiled, which were found outside of the project, and what the compiler said.
 */
async function typeCheck(at: string, ...names: string[]) {
  const files = names.flatMap((name) => ['mts', 'cts'].map((kind) => ({ name, file: `${name}.${kind}` })));
  for (const { name, file } of files) await writeFile(join(at, file), await fixture(name));
  const compilerOptions = {
    ...{ strict: true, noEmit: true, skipLibCheck: false, esModuleInterop: true, listFiles: true },
    ...{ target: 'es2023', module: 'nodenext', moduleResolution: 'nodenext' },
  };
  const tsconfig = { compilerOptions, files: files.map(({ file }) => file) };
  await writeFile(join(at, 'tsconfig.json'), JSON.stringify(tsconfig));
  const tsc = join(at, 'node_modules/.bin/tsc');
  const { stdout } = await run(tsc, ['-p', '.'], { cwd: at }).catch((error) => {
    if (error.stdout) return error;
    throw error;
  });
  const lines: string[] = stdout.trim().split('\n');
  const read = lines.filter((line) => line.startsWith('/'));
  return {
    compiled: read.map((path) => relative(at, path)).filter((path) => tsconfig.files.includes(path)),
    foreign: read.filter((path) => !path.startsWith(`${at}/`)),
    said: lines.filter((line) => !read.includes(line)).join('\n'),
  };
}

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'packed-')));
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: root,
  });
  const [pack] = JSON.parse(stdout);
  tarball = join(folder, pack.filename);
  packed = pack.files.map(({ path }: { path: string }) => path);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the packed package', () => {
  it('holds the built library and its papers, and nothing else', () => {
    const papers = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'];
    expect(packed.filter((path) => !path.startsWith('dist/')).sort()).toEqual(papers);
    expect(packed.filter((path) => path.startsWith('dist/') && !/\.(?:js|d\.ts)$/.test(path))).toEqual([]);
    expect(packed.filter((path) => path.includes('.spec.'))).toEqual([]);
  });

  it('holds each file that it exports', async () => {
    const manifest: { exports: Record<string, string | Record<string, string>> } = JSON.parse(
      await readFile(join(root, 'package.json'), 'utf8'),
    );
    const targets = Object.values(manifest.exports).flatMap((target) =>
      typeof target === 'string' ? [target] : Object.values(target),
    );
    expect(packed).toEqual(expect.arrayContaining(targets.map((target) => target.replace('./', ''))));
  });
});

describe.each(['4', '5'])('a host with Express %s', (major) => {
  let at: string;

  beforeAll(async () => {
    const types = [`@types/express@${major}`, '@types/passport', installed('@types/node')];
    const libraries = [`express@${major}`, installed('passport'), installed('typescript')];
    at = await project(`express-${major}`, ...libraries, ...types);
  });

  it('installs with no package missing, and with one copy of the types of Express', async () => {
    await expect(run('npm', ['ls', '--all'], { cwd: at })).resolves.toMatchObject({ stderr: '' });
    expect(versionOf(at, 'express').split('.')[0]).toBe(major);
    expect(versionOf(at, '@types/express').split('.')[0]).toBe(major);
    expect(versionOf(join(at, 'node_modules/@types/passport'), '@types/express').split('.')[0]).toBe(major);
  });

  it('signs in and calls its route from an ES module and from a CommonJS one', async () => {
    const body = await fixture('run');
    const imported = `import express from 'express';
      import * as library from 'passport-control';
      import * as testing from 'passport-control/testing';`;
    const required = `const express = require('express');
      const library = require('passport-control');
      const testing = require('passport-control/testing');`;
    const expected = {
      user: [200, { id: 'a11ce000-0000-4000-8000-000000000001', method: 'password', secondFactor: true }],
      app: [200, { id: 'a4400000-0000-4000-8000-000000000005', method: 'basic', secondFactor: false }],
      nobody: 401,
      contract: true,
    };
    const main = `${body}\nmain({ express, library, testing });`;
    expect(await report(at, 'run.mjs', `${imported}\n${main}`)).toEqual(expected);
    expect(await report(at, 'run.cjs', `${required}\n${main}`)).toEqual(expected);
  });

  it('type-checks under its own types, from an ES module and from a CommonJS one', async () => {
    expect(await typeCheck(at, 'host', 'plain-passport')).toEqual({
      compiled: ['host.mts', 'host.cts', 'plain-passport.mts', 'plain-passport.cts'],
      foreign: [],
      said: '',
    });
  });
});

describe('a host that has installed Express and this package only', () => {
  let at: string;

  beforeAll(async () => {
    at = await project('bare', installed('express'), installed('typescript'));
  });

  it('type-checks, since the types come along', async () => {
    expect(await typeCheck(at, 'host')).toEqual({
      compiled: ['host.mts', 'host.cts'],
      foreign: [],
      said: '',
    });
  });

  it('says what is missing where an app signs in by AWS, and nothing before', async () => {
    const source = `import { awsSignIn } from 'passport-control/aws';
      const options = { accountId: 'acc00000-0000-4000-8000-00000000000a', region: 'eu-west-1', audience: 'b' };
      const said = (error) => error.message;
      console.log(JSON.stringify(await awsSignIn(options)().catch(said)));`;
    expect(await report(at, 'aws.mjs', source)).toBe(
      'passport-control/aws needs @smithy/signature-v4: npm install @smithy/signature-v4',
    );
  });

  it('loads the password hashing for users and not for apps', async () => {
    expect(await report(at, 'load.mjs', await fixture('load'))).toEqual({ withApps: false, withUsers: true });
  });
});
