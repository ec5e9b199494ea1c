import { describe, expect, it } from '@jest/globals';
import { bob } from '../../support/people.js';
import {
  expectNobodyElse,
  expectRefused,
  type Forgery,
  genuineXml,
  onSaml,
  swap,
} from '../../support/saml.js';
import { furtherWrappings, type Naming, signatureWrappings } from '../../support/signature-wrapping.js';

type Signed = 'both' | 'response' | 'assertion';

/** Each way of wrapping a genuine response of alice, so that it says bob somewhere. */
function wrappings(builders: typeof signatureWrappings, sign: Signed): Record<string, Forgery> {
  const named = Object.entries(builders).flatMap(([name, build]) =>
    (['same id', 'other id'] as Naming[]).map((naming): [string, Forgery] => [
      `${name}, ${naming}`,
      async (stage, begun) => {
        const genuine = await genuineXml(stage, begun, { sign });
        const evil = swap('alice@example.com', bob.email)(swap('>alice-1<', '>bob-1<')(genuine));
        const wrapped = build({ genuine, evil }, naming);
        expect([name, wrapped.includes('bob-1') || name.includes('around')]).toEqual([name, true]);
        return wrapped;
      },
    ]),
  );
  return Object.fromEntries(named);
}

describe('attacks by wrapping what is signed (SAML-03)', () => {
  const modes: Signed[] = ['both', 'response', 'assertion'];
  describe.each(modes)('of a provider that signs %s', (sign) => {
    it('SAML-03: XSW1 to XSW8 sign nobody in', () =>
      onSaml({ signed: sign }, async (stage) => {
        const {
          'XSW7, same id': same,
          'XSW7, other id': other,
          ...refused
        } = wrappings(signatureWrappings, sign);
        await expectRefused(stage, refused, { sign });
        if (sign !== 'assertion')
          await expectRefused(stage, { same: same ?? {}, other: other ?? {} }, { sign });
        else await expectNobodyElse(stage, { same: same ?? {}, other: other ?? {} }, { sign });
      }));

    it('SAML-03: wherever else the forged assertion or the genuine one is put, nobody is signed in', () =>
      onSaml({ signed: sign }, (stage) => expectRefused(stage, wrappings(furtherWrappings, sign), { sign })));
  });
});
