import { describe, expect, it } from '@jest/globals';
import type { z } from 'zod';
import { AuthError } from '../../lib/index.js';
import {
  addDeviceRequest,
  appNameRequest,
  authRequest,
  name,
  parseBody,
  passwordRequest,
  removeDeviceRequest,
  renameDeviceRequest,
  secret,
  selectAccountRequest,
  uuid,
} from '../../lib/wire/schemas.js';
import { acme, alice } from '../support/people.js';

/** What a body is refused with. */
function refusalOf(schema: z.ZodType, body: unknown): AuthError {
  try {
    parseBody(schema, body);
  } catch (error) {
    if (error instanceof AuthError) return error;
    throw error;
  }
  throw new Error('the body was accepted');
}

const password = { email: alice.email, password: 'x' };
const app = { acct_id: acme, name: 'robot', password: 'x' };

describe('parseBody', () => {
  it('names the path of each wrong field, and what is wrong with it', () => {
    const refusal = refusalOf(appNameRequest, { acct_id: 5, name: ' ' });
    expect(refusal).toMatchObject({ code: 'malformed_request', status: 400 });
    expect(refusal.fields).toEqual([
      { path: 'acct_id', detail: 'has the wrong type' },
      { path: 'name', detail: 'must be one line and not blank' },
      { path: 'password', detail: 'is required' },
    ]);
  });

  it.each([
    [passwordRequest, { ...password, email: 'marker-at-example' }],
    [passwordRequest, { ...password, email: { $ne: 'marker' } }],
    [passwordRequest, { ...password, password: 'marker'.repeat(200) }],
    [passwordRequest, { ...password, password: ['marker'] }],
    [passwordRequest, { ...password, recaptcha_response: 'marker'.repeat(2000) }],
    [authRequest, { token_type: 'marker' }],
    [authRequest, { method: ['marker'] }],
    [appNameRequest, { ...app, acct_id: 'marker' }],
    [appNameRequest, { ...app, name: 'marker\nmarker' }],
    [appNameRequest, { ...app, name: 'marker'.repeat(1000) }],
    [selectAccountRequest, { acct_id: '{marker}' }],
    [selectAccountRequest, 'marker'],
  ])('never quotes the value', (schema, body) => {
    const { message, detail, fields } = refusalOf(schema, body);
    expect(JSON.stringify([message, detail, fields])).not.toContain('marker');
    expect(fields?.length).toBeGreaterThan(0);
  });

  it.each([null, [], 'text', 5, true, undefined])('refuses %j, which is no object', (body) => {
    expect(refusalOf(authRequest, body).fields).toEqual([
      { path: '', detail: expect.stringMatching(/^(?:has the wrong type|is required)$/) },
    ]);
  });

  it('drops fields that it does not know, and takes none from a prototype', () => {
    const body = JSON.parse('{"__proto__":{"password":"x"},"email":"a@example.com","admin":true}');
    expect(refusalOf(passwordRequest, body).fields).toEqual([{ path: 'password', detail: 'is required' }]);
    const read = parseBody(passwordRequest, { ...password, admin: true, toString: 'x' });
    expect(Object.keys(read)).toEqual(['email', 'password']);
  });

  it('reads the e-mail address into its canonical form, and the password as it is', () => {
    const body = { email: 'Alice@EXAMPLE.com', password: ' P\u0061\u030a ' };
    expect(parseBody(passwordRequest, body)).toEqual({
      email: 'alice@example.com',
      password: ' P\u0061\u030a ',
    });
  });

  it('has Bearer for the default, and takes no other spelling of a token type', () => {
    expect(parseBody(authRequest, {})).toEqual({ token_type: 'Bearer' });
    for (const token_type of ['bearer', 'COOKIE', ' Bearer', '__proto__', null, ['Bearer'], 1]) {
      expect(refusalOf(authRequest, { token_type }).fields).toEqual([
        { path: 'token_type', detail: 'is not one of the allowed values' },
      ]);
    }
  });

  it('answers quickly to the worst name that a body may hold', () => {
    const started = performance.now();
    for (const worst of ['a'.repeat(40_000), ' '.repeat(40_000), '\u00e9'.repeat(30_000)]) {
      expect(refusalOf(appNameRequest, { ...app, name: `${worst}\n` }).fields?.[0]?.path).toBe('name');
    }
    expect(performance.now() - started).toBeLessThan(200);
  });
});

describe('a password or a secret', () => {
  const accepts = (text: unknown) => secret.safeParse(text).success;

  it('has 1 to 1,024 bytes, not characters', () => {
    expect([accepts(''), accepts('x'), accepts('x'.repeat(1024)), accepts('x'.repeat(1025))]).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect([accepts('ü'.repeat(512)), accepts('ü'.repeat(513))]).toEqual([true, false]);
    expect([accepts('😀'.repeat(256)), accepts('😀'.repeat(257))]).toEqual([true, false]);
  });

  it('may be blank, hold controls, and is never changed', () => {
    for (const text of [' ', '\0', '\n', ' x ', 'pass\u0000junk', '\u200b', 'e\u0301', '\ufffd'])
      expect(secret.parse(text)).toBe(text);
  });

  it('is no lone surrogate, which UTF-8 cannot hold', () => {
    for (const text of ['\ud800', 'x\udfff', '\udc00\ud800']) expect(accepts(text)).toBe(false);
  });

  it('is a text and nothing else', () => {
    for (const value of [0, 1, true, null, undefined, [], ['x'], {}, { $ne: null }])
      expect(accepts(value)).toBe(false);
  });
});

describe('a name', () => {
  const accepts = (text: unknown) => name.safeParse(text).success;

  it('has 1 to 4,096 characters', () => {
    expect([accepts(''), accepts('x'), accepts('x'.repeat(4096)), accepts('x'.repeat(4097))]).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(accepts('ü'.repeat(4096))).toBe(true);
  });

  it('is one line, and not blank', () => {
    for (const text of [' ', '\t', '\u00a0', 'a\nb', '\n', 'a\n', '\na']) expect(accepts(text)).toBe(false);
    for (const text of [' a ', 'Ü 1', 'a.', '__proto__']) expect(name.parse(text)).toBe(text);
  });

  it('is no lone surrogate', () => {
    expect([accepts('a\ud800'), accepts('a😀')]).toEqual([false, true]);
  });

  it('has no NUL where it is kept, since some databases cannot hold one', () => {
    const bodies = [
      [renameDeviceRequest, { old_name: 'a\0', new_name: 'b' }],
      [renameDeviceRequest, { old_name: 'a', new_name: '\0b' }],
      [removeDeviceRequest, { name: 'a\0' }],
    ] as const;
    for (const [schema, body] of bodies)
      expect(refusalOf(schema, body).fields?.[0]?.detail).toBe('must not contain NUL');
    expect(addDeviceRequest.shape.name.safeParse('a\0').success).toBe(false);
  });
});

describe('an id', () => {
  it('is a UUID in lower case, hyphens and all', () => {
    expect(uuid.safeParse(alice.id).success).toBe(true);
    for (const other of [
      ...[alice.id.toUpperCase(), `{${alice.id}}`, alice.id.replaceAll('-', ''), ` ${alice.id}`],
      ...[`${alice.id}\n`, `${alice.id}0`, alice.id.slice(1), '*', '../', '', 5, null, [alice.id]],
    ]) {
      expect([other, uuid.safeParse(other).success]).toEqual([other, false]);
    }
  });
});
