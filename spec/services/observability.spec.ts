import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Example, root, start, stopAll, until } from '../support/example.js';

const run = promisify(execFile);
const alice = 'a11ce000-0000-4000-8000-000000000001';

afterAll(stopAll);

describe('the example of observability', () => {
  let example: Example;
  let answers: string[];

  /** The lines of the log with this message. */
  const logged = (message: string) =>
    example
      .said()
      .split('\n')
      .filter((line) => line.startsWith('{"level"'))
      .map((line) => JSON.parse(line))
      .filter(({ msg }) => msg === message);

  /** What was printed of objects whose first lines have this name, each up to its end. */
  const printed = (name: string) =>
    (example.said().match(/^\{\n[\s\S]*?^\}$/gm) ?? []).filter((text) => text.includes(`name: '${name}'`));

  beforeAll(async () => {
    example = start('examples/observability/server.ts', 0);
    const url = await until(example, async () => logged('listening')[0]?.url as string | undefined);
    const readme = await readFile(`${root}examples/observability/README.md`, 'utf8');
    const lines = readme.match(/^curl .*$/gm) ?? [];
    answers = [];
    for (const line of lines) {
      const here = line.replaceAll('http://localhost:3000', url);
      answers.push((await run('sh', ['-c', here], { cwd: root })).stdout);
    }
  });

  it('refuses and signs in with the lines of its README', () => {
    expect(answers).toEqual([
      expect.stringMatching(/^HTTP\/1\.1 401 /),
      expect.stringMatching(/^HTTP\/1\.1 200 /),
    ]);
  });

  it('logs a line for each, with the id of the request', async () => {
    const [failed] = await until(example, async () =>
      logged('signed_in').length > 0 ? logged('sign_in_failed') : undefined,
    );
    const requestId = expect.stringMatching(/^[\da-f-]{36}$/);
    expect(failed).toMatchObject({
      level: 40,
      audit: { reason: 'wrong_secret', entityId: alice, requestId },
    });
    expect(logged('signed_in')).toMatchObject([
      { level: 30, audit: { method: 'password', entityId: alice, requestId } },
    ]);
    expect(logged('signed_in')[0].audit.requestId).not.toBe(failed.audit.requestId);
  });

  it('prints a span for each, with the event in it', async () => {
    const [refused, signedIn] = await until(example, async () => {
      const spans = printed('POST');
      return spans.length === 2 ? spans : undefined;
    });
    expect(refused).toContain("'http.response.status_code': 401");
    expect(refused).toContain("name: 'passport_control.sign_in_failed'");
    expect(refused).toContain(logged('sign_in_failed')[0].audit.requestId);
    expect(signedIn).toContain("'http.response.status_code': 200");
    expect(signedIn).toContain("name: 'passport_control.signed_in'");
    expect(signedIn).toContain(logged('signed_in')[0].audit.requestId);
  });

  it('prints the counters of both, and nobody in them', async () => {
    const counters = await until(example, async () => {
      const text = printed('passport_control.sign_ins')
        .filter((each) => each.includes('dataPoints'))
        .join('\n');
      return text.includes('success') && text.includes('failure') ? text : undefined;
    });
    expect(counters).toMatch(/outcome: 'failure',\s+reason: 'wrong_secret'/);
    expect(counters).toMatch(/outcome: 'success',\s+state: 'active'/);
    for (const value of [alice, '127.0.0.1', '::1', logged('signed_in')[0].audit.session])
      expect(counters).not.toContain(value);
  });

  it('tells no password and no token', () => {
    const [token] = /(?<="access_token":")[^"]+/.exec(answers[1] ?? '') ?? [];
    expect(token).toHaveLength(86);
    expect(example.said()).not.toContain(token);
    expect(example.said()).not.toContain('correct horse');
  });
});
