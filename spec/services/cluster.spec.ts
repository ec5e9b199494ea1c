import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { root } from '../support/example.js';

const run = promisify(execFile);

describe('the cluster', () => {
  it('keeps its books while nodes are killed, and Redis is paused, slow and emptied', async () => {
    const { stdout } = await run(
      'node_modules/.bin/tsx',
      ['examples/cluster/run.ts', '--seconds', '20', '--nodes', '2', '--visitors', '9'],
      { cwd: root },
    );
    const numbers = Object.fromEntries(
      [...stdout.matchAll(/^\| (\D+) \| \**(\d+)\** \|$/gm)].map(([, what = '', times]) => [
        what.replaceAll('*', ''),
        Number(times),
      ]),
    );
    expect(stdout).toContain('The books balance.');
    // The nodes have noticed what happened to their Redis.
    for (const trouble of ['Redis is paused, and goes on', 'Redis is killed, and comes back empty'])
      expect([
        trouble,
        Number(new RegExp(`^\\| ${trouble} \\|.*\\| (\\d+) \\| \\d+ \\|$`, 'm').exec(stdout)?.[1]) > 0,
      ]).toEqual([trouble, true]);
    // Nothing of what it counts was left out.
    for (const what of [
      'sessions proven',
      'sessions ended by their owners',
      'things that are good once, shown at least twice at once',
      'requests of pending, ended or replaced sessions, refused',
    ])
      expect([what, (numbers[what] ?? 0) > 20]).toEqual([what, true]);
    expect(numbers['answered by a session that had ended']).toBe(0);
  }, 120_000);

  it('says what it takes', async () => {
    const failed = await run('node_modules/.bin/tsx', ['examples/cluster/run.ts', '--nodes', '1'], {
      cwd: root,
    }).catch((error) => error);
    expect([failed.code, failed.stderr]).toEqual([2, expect.stringContaining('usage:')]);
  });
});
