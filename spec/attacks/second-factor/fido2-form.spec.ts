import { describe, expect, it } from '@jest/globals';
import type { SoftwareAssertion } from '../../../lib/testing/index.js';
import type { Target } from '../../support/attack.js';
import { altered, codeOf, expectRefused, owing, pay, roomy, statesOf } from '../../support/owing.js';
import { alice } from '../../support/people.js';
import { enrolledKey } from '../../support/second-factor.js';
import { swiftly } from '../../support/swift.js';

const megabyte = 'A'.repeat(1_048_576);
const absent = Symbol('absent');

/** What stands in the place of a field, and what it is called. */
const stand: Record<string, unknown> = {
  missing: absent,
  null: null,
  'a number': 5,
  true: true,
  'a list': ['AA'],
  'an object': { length: 2 },
  'an empty text': '',
  'no base64url': 'not/base64url+!',
  'a length that base64url never has': 'AAAAA',
  'text with NUL': 'AA\0',
};

type Change = (answer: SoftwareAssertion, value: unknown) => unknown;

const top =
  (name: string): Change =>
  (answer, value) =>
    value === absent ? without(answer, name) : { ...answer, [name]: value };
const inner =
  (name: string): Change =>
  ({ response, ...rest }, value) => ({
    ...rest,
    response: value === absent ? without(response, name) : { ...response, [name]: value },
  });

const fields: Record<string, Change> = {
  id: top('id'),
  rawId: top('rawId'),
  type: top('type'),
  response: top('response'),
  clientExtensionResults: top('clientExtensionResults'),
  'response.clientDataJSON': inner('clientDataJSON'),
  'response.authenticatorData': inner('authenticatorData'),
  'response.signature': inner('signature'),
  'response.userHandle': inner('userHandle'),
};

/** Where an assertion may be without something, or say it otherwise, it is read on. */
const legal = new Set([
  'rawId missing',
  'type missing',
  ...['missing', 'null', 'an object'].map((each) => `clientExtensionResults ${each}`),
  ...['missing', 'null', 'an empty text', 'no base64url'].map((each) => `response.userHandle ${each}`),
  ...['a length that base64url never has', 'text with NUL'].map((each) => `response.userHandle ${each}`),
]);

const matrix = Object.entries(fields).flatMap(([field, change]) =>
  Object.entries(stand).map(([what, value]) => ({ name: `${field} ${what}`, change, value })),
);

/** Posts each to one pending session, which must bear it: the genuine assertion completes it after all. */
async function expectBorne(
  target: Target,
  bodies: Record<string, (answer: SoftwareAssertion) => unknown>,
  expected: [status: number, code: string],
): Promise<void> {
  const { nodes } = target;
  target.expectSessionsOf(alice.id);
  const key = await enrolledKey(nodes[0]);
  const session = await owing(target);
  const answers = await Promise.all(
    Object.entries(bodies).map(async ([name, body], at) => {
      const answer = await pay(nodes[at % 2] ?? nodes[0], session, body(await key.get(session.options)));
      return [name, answer.status, codeOf(answer)];
    }),
  );
  expect(answers).toEqual(Object.keys(bodies).map((name) => [name, ...expected]));
  expect(statesOf(target)).toEqual(['pending']);
  const failures = nodes
    .flatMap(({ events }) => events)
    .filter(({ type }) => type.startsWith('second_factor'));
  expect(failures).toEqual([]);
  expect((await pay(nodes[0], session, await key.get(session.options))).status).toBe(204);
}

describe('attacks on the form of an assertion (FIDO-01)', () => {
  it('FIDO-01: a body that is no assertion is malformed, and costs nothing', () =>
    swiftly({}, (target) =>
      expectBorne(
        target,
        {
          'no body': () => undefined,
          'an empty object': () => ({}),
          null: () => 'null',
          'a list': () => '[]',
          'a text': () => '"assertion"',
          'a number': () => '1',
          truncated: (answer) => JSON.stringify(answer).slice(0, -20),
          'two bodies': (answer) => JSON.stringify(answer).repeat(2),
          'a list of one': (answer) => [answer],
          'one level down': (answer) => ({ assertion: answer }),
          'an own __proto__': (answer) => `{"__proto__":${JSON.stringify(answer)}}`,
          'an own constructor': (answer) => ({ constructor: { prototype: answer } }),
          'an empty response': (answer) => ({ ...answer, response: {} }),
          'a text of a response': (answer) => ({ ...answer, response: JSON.stringify(answer.response) }),
          'fifty thousand lists': () => '['.repeat(50_000),
        },
        [400, 'malformed_request'],
      ),
    ));

  it('FIDO-01: each field missing, of another type, empty or not base64url is malformed', () =>
    swiftly({}, (target) => {
      const wrong = matrix.filter(({ name }) => !legal.has(name));
      expect(wrong.length).toBeGreaterThan(70);
      const body =
        ({ change, value }: (typeof matrix)[number]) =>
        (answer: SoftwareAssertion) =>
          change(answer, value);
      const bodies = Object.fromEntries(wrong.map((each) => [each.name, body(each)]));
      return expectBorne(target, bodies, [400, 'malformed_request']);
    }));

  it('FIDO-01: a megabyte in any field is too large', () =>
    swiftly({}, (target) => {
      const body = (change: Change) => (answer: SoftwareAssertion) => change(answer, megabyte);
      const bodies = Object.fromEntries(Object.entries(fields).map(([name, each]) => [name, body(each)]));
      return expectBorne(target, bodies, [413, 'payload_too_large']);
    }));

  it('FIDO-01: each field that is longer than it can be is malformed', () =>
    swiftly({}, (target) => {
      const change = (name: string, value: string) => (answer: SoftwareAssertion) =>
        fields[name]?.(answer, value);
      return expectBorne(
        target,
        {
          id: change('id', 'A'.repeat(1368)),
          rawId: change('rawId', 'A'.repeat(1368)),
          clientDataJSON: change('response.clientDataJSON', 'A'.repeat(22_000)),
          authenticatorData: change('response.authenticatorData', 'A'.repeat(22_000)),
          signature: change('response.signature', 'A'.repeat(1372)),
        },
        [400, 'malformed_request'],
      );
    }));

  it('FIDO-01: what is legal to leave out does not make up for the signature', () =>
    swiftly(roomy, async (target) => {
      const key = await enrolledKey(target.nodes[0], alice, { counts: false });
      const forgeries = matrix
        .filter(({ name }) => legal.has(name))
        .map(({ name, change, value }) => [
          name,
          altered((answer) =>
            change({ ...answer, response: { ...answer.response, signature: 'AAAA' } }, value),
          ),
        ]);
      expect(forgeries).toHaveLength(legal.size);
      await expectRefused(target, key, Object.fromEntries(forgeries));
    }));

  it('FIDO-01: JSON under another Content-Type or encoding is 415, and costs nothing', () =>
    swiftly({}, async (target) => {
      const [node] = target.nodes;
      target.expectSessionsOf(alice.id);
      const key = await enrolledKey(node);
      const session = await owing(target);
      const assertion = await key.get(session.options);
      for (const headers of [
        { 'Content-Type': 'text/plain' },
        { 'Content-Type': 'application/x-www-form-urlencoded' },
        { 'Content-Type': 'application/json; charset=utf-16' },
        { 'Content-Encoding': 'gzip' },
      ]) {
        const answer = await pay(
          node,
          { ...session, headers: { ...session.headers, ...headers } },
          assertion,
        );
        expect([headers, answer.status]).toEqual([headers, 415]);
      }
      expect((await pay(node, session, assertion)).status).toBe(204);
    }));
});

function without(object: object, name: string): object {
  return Object.fromEntries(Object.entries(object).filter(([key]) => key !== name));
}
