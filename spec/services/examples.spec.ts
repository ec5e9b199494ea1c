import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Example, root, start, startConsole, stopAll, until } from '../support/example.js';
import { freePort } from '../support/free-port.js';

const run = promisify(execFile);

/** Runs a line as somebody who pastes it into a shell does. */
async function shell(line: string): Promise<string> {
  return (await run('sh', ['-c', line], { cwd: root })).stdout;
}

beforeAll(async () => {
  await run('curl', ['--version']).catch(() => {
    throw new Error('These specs run the curl lines that the examples print: install curl.');
  });
});

afterAll(stopAll);

describe('the console', () => {
  let example: Example;
  let origin: string;

  /** The curl line that stands below a comment. */
  const lineAfter = (comment: string) => {
    const lines = example.said().split('\n');
    const line = lines[lines.findIndex((each) => each.trim().startsWith(`# ${comment}`)) + 1];
    if (line === undefined) throw new Error(`there is no line for "${comment}"`);
    return line.trim();
  };

  beforeAll(async () => {
    const started = await startConsole();
    example = started;
    origin = started.origin;
  });

  it('prints a comment and a curl line for each method, and nothing that this spec does not run', () => {
    const comments = [...example.said().matchAll(/^ {2}# ([^:]+):/gm)].map(([, comment]) => comment);
    expect(comments).toEqual([
      'password',
      'Basic, user',
      'Basic, app',
      'auth-by-app-name',
      'aws-iam',
      'discover',
      'Bearer',
      'sign out',
      'API key',
    ]);
    expect(example.said().match(/^ {2}(?:curl|TOKEN=|AWS_)/gm)).toHaveLength(comments.length);
  });

  const alice = 'a11ce000-0000-4000-8000-000000000001';
  const robot = 'a4400000-0000-4000-8000-000000000005';
  it.each([
    ['password', alice],
    ['Basic, user', alice],
    ['Basic, app', robot],
    ['auth-by-app-name', robot],
    ['aws-iam', robot],
  ])('signs in with the line for %s', async (comment, entityId) => {
    const answer = await shell(lineAfter(comment));
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(answer).toMatch(/"access_token":"[\w-]{86}"/);
    expect(answer).toContain(`"entity_id":"${entityId}"`);
  });

  it('is told by discovery of the providers that the demo brings along', async () => {
    const answer = await shell(lineAfter('discover'));
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
    const methods = [...answer.matchAll(/"method":"([\w-]+)"/g)].map(([, method]) => method);
    expect(methods).toEqual(['password', 'saml-post', 'saml-post', 'oauth-auth-code-grant', 'ldap-password']);
  });

  it('calls the protected route with the token that the line for Bearer takes', async () => {
    const answer = await shell(lineAfter('Bearer'));
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(answer).toContain(`{"id":"${alice}","name":"alice@example.com","session":{`);
    expect(answer).not.toContain('argon2');
  });

  it('ends the session with the line for signing out', async () => {
    const line = lineAfter('sign out');
    const after = `curl -sSi ${origin}/api/whoami -H "Authorization: Bearer $TOKEN"`;
    const [ended, refused] = (await shell(`${line}; ${after}`)).split(/(?<=\r\n\r\n)(?=HTTP)/);
    expect(ended).toMatch(/^HTTP\/1\.1 204 No Content/);
    expect(refused).toMatch(/^HTTP\/1\.1 401 Unauthorized/);
    expect(refused).toContain('"code":"invalid_session"');
  });

  it('calls the protected route with an API key and no session', async () => {
    const answer = await shell(lineAfter('API key'));
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(answer).toContain(`{"id":"${robot}","name":"robot","session":{"id":null,`);
  });

  it('prints the credentials that the page offers, and both accounts of the second user', async () => {
    const offered = await (await fetch(`${origin}/people.json`)).text();
    const values = [...offered.matchAll(/"(?:email|password|secret|accountId|name)":"([^"]+)"/g)];
    expect(values).toHaveLength(9);
    for (const [, value] of values) expect(example.said()).toContain(value);
    expect(example.said()).toMatch(/accounts {3}Acme acc[\w-]+\n +Globex acc[\w-]+\n/);
  });

  it('keeps a user out of the route for robots, and everybody without a session out of both', async () => {
    const [, token] = /"access_token":"([^"]+)"/.exec(await shell(lineAfter('password'))) ?? [];
    const headers = { Authorization: `Bearer ${token}` };
    expect((await fetch(`${origin}/api/robots-only`, { headers })).status).toBe(403);
    expect((await fetch(`${origin}/api/robots-only`)).status).toBe(401);
    expect((await fetch(`${origin}/api/whoami`)).status).toBe(401);
  });

  it('gives a browser on http://localhost a cookie that works there', async () => {
    const browser = { Origin: origin, 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'application/json' };
    const [, body] = /-d '([^']+)'/.exec(lineAfter('password')) ?? [];
    const signedIn = await fetch(`${origin}/sys/v1/session/auth`, {
      method: 'POST',
      headers: browser,
      body: JSON.stringify({ ...JSON.parse(body ?? ''), token_type: 'Cookie' }),
    });
    const [cookie = ''] = signedIn.headers.getSetCookie();
    expect(cookie).toMatch(/^session=[\w-]{86}; .*HttpOnly; SameSite=Lax$/);
    const headers = { Cookie: cookie.split(';')[0] ?? '' };
    const me = await fetch(`${origin}/api/whoami`, { headers });
    expect(await me.json()).toMatchObject({ id: alice, session: { method: 'password', state: 'active' } });
  });

  it('serves the page and all that it loads, under a policy that allows only what the server sends', async () => {
    const types = { html: 'text/html', css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' };
    const seen = new Set<string>();
    const visit = async (path: string, type: string) => {
      if (seen.has(path)) return;
      seen.add(path);
      const answer = await fetch(`${origin}/${path}`);
      expect([path, answer.status]).toEqual([path, 200]);
      expect(answer.headers.get('content-type')).toContain(type);
      expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'self';/);
      expect(answer.headers.get('content-security-policy')).not.toContain('unsafe');
      const text = await answer.text();
      if (type === types.html) {
        expect(text).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/);
        expect(text).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
      }
      const names = /(?:src="|href="|from '\.\/)([\w.-]+)\.(css|js|svg)["']/g;
      for (const [, name, extension] of text.matchAll(names)) {
        await visit(`${name}.${extension}`, types[extension as keyof typeof types]);
      }
    };
    await visit('', types.html);
    expect([...seen]).toEqual(
      expect.arrayContaining(['style.css', 'log.css', 'console.js', 'webauthn.js', 'icon.svg']),
    );
  });

  it('says in one line that its port is taken, and exits with 1', async () => {
    const second = start('examples/console/server.ts', Number(new URL(origin).port));
    const [code] = await once(second.child, 'close');
    expect(code).toBe(1);
    expect(second.said()).toMatch(/^The console cannot start: port \d+ is taken[^\n]*\n$/);
  });
});

describe('the minimal example', () => {
  let example: Example;
  let lines: string[];

  beforeAll(async () => {
    const port = await freePort('localhost');
    const readme = await readFile(`${root}examples/minimal/README.md`, 'utf8');
    lines = [...readme.matchAll(/^(?:curl|TOKEN=).*$/gm)].map(([line]) =>
      line.replaceAll('http://localhost:3000', `http://localhost:${port}`),
    );
    example = start('examples/minimal/server.ts', port);
    await until(example, () => fetch(`http://localhost:${port}/hello`).catch(() => undefined));
  });

  it('signs in and calls its route with the lines of its README', async () => {
    const [takeToken, callRoute, apiKey, noSession] = lines;
    const hello = await shell(`${takeToken}\n${callRoute}`);
    expect(hello).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(hello).toContain('{"hello":"a11ce000-0000-4000-8000-000000000001"}');

    const app = await shell(String(apiKey));
    expect(app).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(app).toContain('"entity_id":"a4400000-0000-4000-8000-000000000002"');

    const refused = await shell(String(noSession));
    expect(refused).toMatch(/^HTTP\/1\.1 401 Unauthorized/);
    expect(refused).toContain('"code":"session_required"');
    expect(lines).toHaveLength(4);
  });
});
