import { createHash } from 'node:crypto';
import { describe, it } from '@jest/globals';
import { origin } from '../../support/app.js';
import { expectAccepted, expectRefused, type Forgery, owing, pay, roomy } from '../../support/owing.js';
import { alice } from '../../support/people.js';
import { enrolledKey } from '../../support/second-factor.js';
import { swiftly } from '../../support/swift.js';

const field = (name: string, value: unknown): Forgery => ({
  clientData: (data) => ({ ...data, [name]: value }),
});
const challenge = (change: (value: string) => unknown): Forgery => ({
  clientData: (data) => ({ ...data, challenge: change(String(data.challenge)) }),
});
const bytes = (change: (bytes: Buffer) => Uint8Array): Forgery => ({ clientDataJSON: change });
const text = (change: (text: string) => string): Forgery =>
  bytes((own) => Buffer.from(change(own.toString())));

/** Each value of one field, under the name that it is reported by. */
const each = (name: string, values: readonly unknown[]) =>
  Object.fromEntries(values.map((value) => [`${name} ${JSON.stringify(value)}`, field(name, value)]));

describe('attacks on the client data of an assertion', () => {
  it('FIDO-03: a challenge that is not exactly the one of this session is refused', () =>
    swiftly(roomy, async (target) => {
      const { nodes } = target;
      const key = await enrolledKey(nodes[0], alice, { counts: false });
      const other = await owing(target);
      const over = await owing(target);
      target.expectSessionsOf(alice.id);
      await pay(nodes[0], over, await key.get(over.options));
      await expectRefused(target, key, {
        'of another pending session': challenge(() => other.options.challenge),
        'of a session that is complete': challenge(() => over.options.challenge),
        zeros: challenge(() => Buffer.alloc(32).toString('base64url')),
        'the other case': challenge((value) => swapCase(value)),
        padded: challenge((value) => `${value}=`),
        'in standard base64': challenge((value) => Buffer.from(`${value}`, 'base64url').toString('base64')),
        'encoded twice': challenge((value) => Buffer.from(value).toString('base64url')),
        'in hexadecimal': challenge((value) => Buffer.from(value, 'base64url').toString('hex')),
        'its name': challenge((value) => createHash('sha256').update(value).digest('base64')),
        'with the last bits otherwise': challenge((value) => `${value.slice(0, -1)}${respelt(value)}`),
        'a byte less': challenge((value) => value.slice(0, -2)),
        'with a space': challenge((value) => ` ${value}`),
        empty: challenge(() => ''),
        null: challenge(() => null),
        'in a list': challenge((value) => [value]),
        'in an object': challenge((value) => ({ value })),
        missing: challenge(() => undefined),
      });
    }));

  it('FIDO-09: what is no webauthn.get is refused', () =>
    swiftly(roomy, async (target) => {
      const key = await enrolledKey(target.nodes[0], alice, { counts: false });
      const types = ['webauthn.create', 'payment.get', 'navigator.id.getAssertion', 'WebAuthn.get'];
      const others = ['webauthn.get ', 'webauthn.get\0', '', null, 1, ['webauthn.get'], {}];
      await expectRefused(target, key, {
        ...each('type', [...types, ...others]),
        'type missing': field('type', undefined),
      });
    }));

  it('FIDO-10: an origin that is not exactly one of the list is refused', () =>
    swiftly(roomy, async (target) => {
      const key = await enrolledKey(target.nodes[0], alice, { counts: false });
      await expectRefused(target, key, {
        ...each('origin', [
          ...['https://app.example.com.evil.com', 'https://evil.com', 'https://evil-app.example.com'],
          ...['http://app.example.com', 'https://app.example.com:8443', 'https://app.example.com:443'],
          ...['https://app.example.com/', 'https://APP.example.com', 'HTTPS://app.example.com'],
          ...['https://example.com', 'https://x.app.example.com', 'https://app.example.com.'],
          ...['https://user@app.example.com', 'https://app.example.com#x', 'https://app.example.com?x'],
          ...['https://аpp.example.com', 'https://xn--pp-6kc.example.com', 'https://app.example.com\0'],
          ...['android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU', 'null', '', null],
          ...[[origin], { origin }, 'app.example.com', ' https://app.example.com', 'file://'],
        ]),
        'origin missing': field('origin', undefined),
      });
    }));

  it('FIDO-10: a page of another site around ours is refused', () =>
    swiftly(roomy, async (target) => {
      const key = await enrolledKey(target.nodes[0], alice, { counts: false });
      await expectRefused(target, key, {
        ...each('crossOrigin', [true, 'true', 'false', 1, {}]),
        ...each('topOrigin', [origin, 'https://evil.com', '']),
        both: { clientData: (data) => ({ ...data, crossOrigin: true, topOrigin: origin }) },
      });
    }));

  it('FIDO-20: bytes that are no JSON object in UTF-8 are refused', () =>
    swiftly(roomy, async (target) => {
      const key = await enrolledKey(target.nodes[0], alice, { counts: false });
      const invalid = (...added: number[]) =>
        bytes((own) => {
          const end = own.length - 1;
          const extra = Buffer.concat([Buffer.from(',"x":"'), Buffer.from(added), Buffer.from('"}')]);
          return Buffer.concat([own.subarray(0, end), extra]);
        });
      await expectRefused(target, key, {
        'a trailing byte': text((own) => `${own}x`),
        'two objects': text((own) => own + own),
        'NUL behind': text((own) => `${own}\0`),
        'NUL within': text((own) => own.replace('"challenge"', '"\0challenge"')),
        truncated: text((own) => own.slice(0, -1)),
        'two byte order marks': text((own) => `\ufeff\ufeff${own}`),
        'a byte order mark behind': text((own) => `${own}\ufeff`),
        'in UTF-16': bytes((own) => Buffer.from(own.toString(), 'utf16le')),
        'a byte that is none': invalid(0xff),
        'an overlong form': invalid(0xc0, 0xaf),
        'half a surrogate pair': invalid(0xed, 0xa0, 0x80),
        null: text(() => 'null'),
        'a list': text((own) => `[${own}]`),
        'a text': text((own) => JSON.stringify(own)),
        'a comment': text((own) => `${own}//`),
        'deep lists': text(() => '['.repeat(3000) + ']'.repeat(3000)),
      });
    }));

  it('FIDO-20: fields that come twice, or from a prototype, are read in one way only', () =>
    swiftly(roomy, async (target) => {
      const key = await enrolledKey(target.nodes[0], alice, { counts: false });
      const evil = '"origin":"https://evil.com"';
      await expectRefused(target, key, {
        'the origin is the last': text((own) => own.replace(/}$/, `,${evil}}`)),
        'the type is the last': text((own) => own.replace(/}$/, ',"type":"webauthn.create"}')),
        'crossOrigin is the last': text((own) => own.replace(/}$/, ',"crossOrigin":true}')),
        'all below __proto__': text((own) => `{"__proto__":${own}}`),
        'the origin below __proto__': text((own) =>
          own.replace(`"origin":"${origin}"`, `"__proto__":{"origin":"${origin}"}`),
        ),
        'all below constructor': text((own) => `{"constructor":{"prototype":${own}}}`),
        'another case of the names': text((own) => own.replace('"challenge"', '"Challenge"')),
      });
    }));

  it('FIDO-20: a token binding that is none is refused', () =>
    swiftly(roomy, async (target) => {
      const key = await enrolledKey(target.nodes[0], alice, { counts: false });
      const wrong = ['x', 1, [], {}, { status: 'bogus' }, { status: '' }, { status: null }];
      await expectRefused(target, key, each('tokenBinding', wrong));
    }));

  it('FIDO-20: what the specification allows is accepted, once', () =>
    swiftly(roomy, async (target) => {
      const key = await enrolledKey(target.nodes[0], alice, { counts: false });
      await expectAccepted(target, key, {
        'a byte order mark': text((own) => `\ufeff${own}`),
        'white space': text((own) => ` \n${own}\t `),
        'escapes in a name': text((own) => own.replace('"origin"', '"\\u006frigin"')),
        'a field that nobody knows': text((own) => own.replace(/}$/, ',"other_keys_can_be_added_here":[1]}')),
        'an own __proto__': text((own) => own.replace(/}$/, ',"__proto__":{"type":"x","origin":"y"}}')),
        'deep lists in a field': text((own) =>
          own.replace(/}$/, `,"x":${'['.repeat(3000)}${']'.repeat(3000)}}`),
        ),
        'a token binding': field('tokenBinding', { status: 'supported' }),
        'no crossOrigin': field('crossOrigin', undefined),
      });
    }));
});

function swapCase(value: string): string {
  return value.replace(/[a-z]/gi, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  );
}

/** Another spelling of the last digit of 32 bytes in base64url: its two lowest bits mean nothing. */
function respelt(value: string): string {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return digits[digits.indexOf(value.at(-1) ?? 'A') ^ 1] ?? 'A';
}
