import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const fixture = (name: string) => readFile(new URL(`../support/package/${name}`, import.meta.url), 'utf8');
const install = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', '--silent'];

let folder: string;
let tarball: string;
let packed: string[];

/** Makes a project that has the packed package and these others installed. */
async function project(name: string, manifest: object, ...packages: string[]): Promise<string> {
  const at = join(folder, name);
  await run('mkdir', [at]);
  await writeFile(join(at, 'package.json'), JSON.stringify({ name, private: true, ...manifest }));
  await run('npm', [...install, tarball, ...packages], { cwd: at });
  return at;
}

/** The version that this repository has installed of a package, so that both are tested alike. */
function installed(name: string): string {
  const manifest = createRequire(join(root, 'package.json')).resolve(`${name}/package.json`);
  return `${name}@${createRequire(import.meta.url)(manifest).version}`;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'packed-'));
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
    expect(packed).toContain('dist/index.js');
    expect(packed).toContain('dist/testing/index.d.ts');
  });

  it('runs from an ESM project and from a CommonJS one', async () => {
    const at = await project('run', { type: 'module' }, installed('express'));
    const body = await fixture('run.txt');
    await writeFile(
      join(at, 'esm.mjs'),
      `import express from 'express';\nimport * as library from 'passport-control';\nimport * as testing from 'passport-control/testing';\n${body}\nawait main({ express, testing, control: library.passportControl(options(library)) });\n`,
    );
    await writeFile(
      join(at, 'cjs.cjs'),
      `const express = require('express');\nconst library = require('passport-control');\nconst testing = require('passport-control/testing');\n${body}\nmain({ express, testing, control: library.passportControl(options(library)) });\n`,
    );
    for (const script of ['esm.mjs', 'cjs.cjs']) {
      const { stdout } = await run('node', ['--no-warnings', script], { cwd: at });
      const expected = { status: 200, body: { id: 'a4400000-0000-4000-8000-000000000005' }, testing: true };
      expect([script, JSON.parse(stdout)]).toEqual([script, expected]);
    }
  });

  it('loads no password hashing for a control of apps', async () => {
    const at = await project('light', { type: 'module' }, installed('express'));
    const script = `import * as library from 'passport-control';\n${await fixture('run.txt')}\nawait library.passportControl(options(library)).ready;\nconsole.log(process.report.getReport().sharedObjects.some((path) => path.includes('argon2')));\n`;
    await writeFile(join(at, 'light.mjs'), script);
    expect((await run('node', ['light.mjs'], { cwd: at })).stdout.trim()).toBe('false');
  });

  it.each([
    ['4', 'express@4', '@types/express@4'],
    ['5', 'express@5', '@types/express@5'],
  ])(
    'type-checks in a strict host under @types/express %s, from ESM and from CommonJS',
    async (version, ...packages) => {
      const types = [installed('typescript'), installed('@types/node'), '@types/passport', 'passport'];
      const at = await project(`types-${version}`, {}, ...packages, ...types);
      const source = await fixture('host.txt');
      await writeFile(join(at, 'host.mts'), source);
      await writeFile(join(at, 'host.cts'), source);
      const compilerOptions = {
        ...{ strict: true, noEmit: true, skipLibCheck: false, module: 'nodenext', target: 'es2023' },
        ...{ esModuleInterop: true, types: ['node'] },
      };
      await writeFile(join(at, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['host.*'] }));
      const { stdout } = await run('npx', ['--no-install', 'tsc', '-p', '.'], { cwd: at }).catch(
        (error) => error,
      );
      expect(stdout).toBe('');
    },
  );
});
