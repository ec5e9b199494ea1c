import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { measuring } from './measuring.js';

// How long a process takes to import express, or express and this package with a control of local methods in a process of its own.
const express = "await import('express');";
const ours = `${express}
const { hashSecret, memoryRepositories, passportControl } = await import('passport-control');
const accountId = 'acc00000-0000-4000-8000-000000000000';
const apps = [{ id: 'a4400000-0000-4000-8000-000000000005', name: 'robot', accountId, secrets: [{ id: '1', hash: hashSecret('x') }] }];
const users = [{ id: 'a11ce000-0000-4000-8000-000000000001', email: 'alice@example.com' }];
passportControl({ repositories: memoryRepositories({ users, apps }), secret: (await import('node:crypto')).randomBytes(32), secondFactor: false });`;
const source = process.argv[2] === 'ours' ? ours : express;
const timed = `const since = performance.now(); ${source} process.stdout.write(String(performance.now() - since));`;
const cwd = fileURLToPath(new URL('../../..', import.meta.url));
function timeOnce(): number {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', timed], {
    cwd,
    encoding: 'utf8',
  });
  if (!(Number(stdout) > 0)) throw new Error(stderr);
  return Number(stdout);
}
measuring(timeOnce);
