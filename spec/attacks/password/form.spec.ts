import { describe, expect, it } from '@jest/globals';
import { basic, bearer } from '../../support/app.js';
import { attack, type Node, type WireAnswer } from '../../support/attack.js';
import { givePassword, lookUps, seen, userWays, wrong } from '../../support/credentials.js';
import { auth, passwordOf } from '../../support/owing.js';
import { alice, bob, robot } from '../../support/people.js';

const malformed = '400 malformed_request';
const two = '400 ambiguous_credentials';
const none = '401 credentials_required';

const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64');
const good = base64(`${alice.email}:${alice.password}`);
const robots = base64(`${robot.id}:${robot.secret}`);
const send = (node: Node, Authorization: string | string[], body?: object): Promise<WireAnswer> =>
  node.send({
    headers: { Authorization, ...(body && { 'Content-Type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });

describe('attacks by the scheme of the Authorization header', () => {
  const schemes: [string, string | string[], string][] = [
    ['letters around it', `xBASICx ${good}`, none],
    ['letters before it', `NotBasic ${good}`, none],
    ['letters behind it', `Basically ${good}`, none],
    ['a hyphen', `Basic-Auth ${good}`, none],
    ['quotes', `"Basic" ${good}`, none],
    ['no space', `Basic${good}`, none],
    ['a colon', `Basic: ${good}`, none],
    ['no scheme', good, none],
    ['Bearer', `Bearer ${good}`, none],
    ['Digest', `Digest ${good}`, none],
    ['another before it', `Negotiate Basic ${good}`, none],
    ['two tokens', `Basic ${good} ${good}`, malformed],
    ['two of it in one line', `Basic ${good}, Basic ${good}`, malformed],
    ['another in its line', `Basic ${good}, Bearer ${'A'.repeat(86)}`, malformed],
    ['a comma', `Basic ${good},`, malformed],
    ['a parameter', `Basic ${good} realm="session"`, malformed],
    ['a parameter instead', `Basic token="${good}"`, malformed],
    ['it twice', `Basic Basic ${good}`, malformed],
    ['a tab in the token', `Basic ${good.slice(0, 8)}\t${good.slice(8)}`, malformed],
    ['nothing else', 'Basic', malformed],
    ['two headers', [`Basic ${good}`, `Basic ${good}`], two],
    ['a header of another', [`Basic ${good}`, `Basic ${robots}`], two],
    ['a Bearer header after it', [`Basic ${good}`, `Bearer ${'A'.repeat(86)}`], two],
    ['a Bearer header before it', [`Bearer ${'A'.repeat(86)}`, `Basic ${good}`], two],
    ['an empty header after it', [`Basic ${good}`, ''], two],
  ];

  it('PWD-03: nothing but Basic with one token in one header is a Basic header', () =>
    attack({}, async (target) => {
      const [one, other] = target.nodes;
      for (const [name, header, answer] of schemes) {
        expect([name, seen(await send(one, header))]).toEqual([name, answer]);
        expect([name, seen(await send(other, header, { token_type: 'Cookie' }))]).toEqual([name, answer]);
      }
      for (const header of [`Basic\t${good}`, `\tBasic\t${good}`, `Basic\u00a0${good}`])
        expect([400, 401]).toContain((await send(one, header)).status);
      expect(lookUps(target)).toBe(0);
    }));

  it('PWD-03: the scheme is read in any case', () =>
    attack({}, async (target) => {
      target.expectSessionsOf(alice.id);
      for (const scheme of ['Basic', 'basic', 'BASIC', 'bAsIC'])
        expect(seen(await send(target.nodes[0], `${scheme} ${good}`))).toBe('200');
    }));

  it('PWD-03: a header beside a method is two credentials, whichever is right', () =>
    attack({}, async (target) => {
      const [one, other] = target.nodes;
      const bodies = [
        passwordOf(alice),
        passwordOf(bob),
        { ...passwordOf(alice), password: 'wrong' },
        { method: 'auth-by-app-name', acct_id: robot.accountId, name: robot.name, password: robot.secret },
        { method: 'basic' },
        { method: 'nothing' },
        { method: '' },
      ];
      const headers = [
        ...[basic(alice.email, alice.password), basic(alice.email, 'wrong'), basic(robot.id, robot.secret)],
        ...[bearer('A'.repeat(86)), { Authorization: 'Basic' }, { Authorization: 'x' }],
      ];
      for (const body of bodies)
        for (const header of headers)
          expect([body, header, seen(await one.call(auth, body, header))]).toEqual([body, header, two]);
      for (const method of [null, ['password'], { password: 1 }])
        expect(seen(await other.call(auth, { ...passwordOf(alice), method }, headers[0]))).toBe(malformed);
      expect(lookUps(target)).toBe(0);
    }));

  it('PWD-03: a body without a method adds nothing to the header and mends nothing of it', () =>
    attack({}, async (target) => {
      const [one, other] = target.nodes;
      target.expectSessionsOf(alice.id);
      const { method: _, ...bobs } = passwordOf(bob);
      const answer = await one.call(auth, bobs, basic(alice.email, alice.password));
      expect([answer.status, JSON.parse(answer.body).entity_id]).toEqual([200, alice.id]);
      expect(seen(await other.call(auth, bobs, basic(alice.email, 'wrong')))).toBe(wrong);
      expect(seen(await other.call(auth, bobs))).toBe(none);
    }));
});

describe('attacks by the form of a Basic header', () => {
  const bytes = (...parts: (string | number[])[]) =>
    base64(
      Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part)))),
    );
  const email = alice.email;
  const tokens: [string, string, string][] = [
    ['no base64', '!!!!', malformed],
    ['plain text', `${email}:${alice.password}`, malformed],
    ['one letter', 'Y', malformed],
    ['padding alone', '====', malformed],
    ['no padding', base64(`${email}:a`).replace(/=+$/, ''), malformed],
    ['too much padding', `${base64(`${email}:abc`)}==`, malformed],
    ['padding in the middle', `${base64('a:b')}=${base64('c')}`, malformed],
    ['bits that nobody reads', base64(`${email}:ab`).replace(/.=$/, (end) => `${after(end[0])}=`), malformed],
    ['the letters of base64url', base64(`${email}:\u07ff\u07ff\u07ff`).replace(/\//g, '_'), malformed],
    ['no colon', base64(email), malformed],
    ['nothing', base64(''), malformed],
    ['a colon in another script', base64(`${email}\uff1aword`), malformed],
    ['an empty password', base64(`${email}:`), malformed],
    ['a colon alone', base64(':'), malformed],
    ['an empty user', base64(`:${alice.password}`), wrong],
    ['a blank user', base64(` :${alice.password}`), wrong],
    ['a user with a NUL', base64(`\0:${alice.password}`), wrong],
    ['a user who is no address and no id', base64(`alice:${alice.password}`), wrong],
    ['FE and FF in the password', bytes(`${email}:`, [0xff, 0xfe]), malformed],
    ['FE and FF in the user', bytes([0xff, 0xfe], `@example.com:${alice.password}`), malformed],
    ['an overlong colon', bytes(email, [0xc0, 0xba], 'word'), malformed],
    ['a surrogate', bytes(`${email}:`, [0xed, 0xa0, 0x80]), malformed],
    ['half a letter', bytes(`${email}:p`, [0xc3]), malformed],
    ['Latin-1', base64(Buffer.from(`${email}:${alice.password}`, 'latin1')), malformed],
    ['UTF-16', base64(Buffer.from(`${email}:word`, 'utf16le')), wrong],
  ];

  /** The next letter of base64, which says the same where its last bits are not read. */
  function after(letter = ''): string {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    return letters[letters.indexOf(letter) + 1] ?? '';
  }

  it('PWD-04: what is no base64 of a user, a colon and a password in UTF-8 signs nobody in', () =>
    attack({}, async (target) => {
      const [one, other] = target.nodes;
      for (const [at, [name, token, answer]] of tokens.entries())
        expect([name, seen(await send(at % 2 ? one : other, `Basic ${token}`))]).toEqual([name, answer]);
      expect(lookUps(target)).toBe(0);
    }));

  it('PWD-04: no bytes that are not valid are the password that they would be mended to', () =>
    attack({}, async (target) => {
      const [one, other] = target.nodes;
      target.expectSessionsOf(bob.id);
      await givePassword(target, bob, '\ufffd\ufffd');
      const json = (password: number[] | string) =>
        Buffer.concat([
          Buffer.from(`{"method":"password","email":"${bob.email}","password":"`),
          typeof password === 'string' ? Buffer.from(password) : Buffer.from(password),
          Buffer.from('"}'),
        ]);
      const headers = { 'Content-Type': 'application/json' };
      for (const invalid of [
        [0xff, 0xfe],
        [0xc3, 0xc3],
        [0xed, 0xa0, 0x80],
        [0xf0, 0x9f],
      ]) {
        expect(seen(await send(one, `Basic ${bytes(`${bob.email}:`, invalid)}`))).toBe(malformed);
        expect(seen(await other.send({ headers, body: json(invalid) }))).toBe(malformed);
      }
      for (const escaped of ['\\ud800\\ud800', '\\udc00\\ud800', '\\ufffd\\ud800'])
        expect(seen(await one.send({ headers, body: json(escaped) }))).toBe(malformed);
      for (const [, way] of userWays) {
        expect(seen(await way(one, bob.email, '\ufffd'))).toBe(wrong);
        expect(seen(await way(other, bob.email, '\ufffd\ufffd'))).toBe('200');
      }
    }));
});
