import { describe, expect, it } from '@jest/globals';
import {
  base64,
  expectAccepted,
  expectAlice,
  expectRefused,
  type Forgery,
  inAssertion,
  onSaml,
  type Stage,
  swap,
} from '../../support/saml.js';

/** Writes a time, some seconds from now, into an attribute of the element. */
const at =
  (element: string, attribute: string, seconds: number): Forgery =>
  ({ clock, provider, said }, begun) =>
    provider.xml(said(begun, set(element, attribute, instant(clock() + seconds * 1000))));
const set = (element: string, attribute: string, value: string) =>
  inAssertion(
    swap(new RegExp(`<saml:${element} [^>]*>`), (found) => {
      const bare = found.replace(new RegExp(` ${attribute}="[^"]*"`), '');
      return bare.replace(`<saml:${element}`, `<saml:${element} ${attribute}="${value}"`);
    }),
  );
const without = (element: string, attribute: string) =>
  inAssertion(
    swap(new RegExp(`<saml:${element} [^>]*>`), (found) =>
      found.replace(new RegExp(` ${attribute}="[^"]*"`), ''),
    ),
  );
const instant = (milliseconds: number) => new Date(milliseconds).toISOString();

const data = 'SubjectConfirmationData';

describe('attacks by time (SAML-13, SAML-14, SAML-15)', () => {
  it('SAML-13: a confirmation that is over, or not yet good, is refused while the conditions hold', () =>
    onSaml({}, (stage) =>
      expectRefused(stage, {
        'an hour over': at(data, 'NotOnOrAfter', -3600),
        'over by the skew': at(data, 'NotOnOrAfter', -60),
        'over by a day': at(data, 'NotOnOrAfter', -86_400),
        'without end': without(data, 'NotOnOrAfter'),
        'an empty end': set(data, 'NotOnOrAfter', ''),
        'in an hour': at(data, 'NotBefore', 3600),
        'in just more than the skew': at(data, 'NotBefore', 60.001),
      }),
    ));

  it('SAML-14: an assertion without an end, or that is older than five minutes, is refused', () =>
    onSaml({}, (stage) =>
      expectRefused(stage, {
        'without end': without('Conditions', 'NotOnOrAfter'),
        'without bounds': inAssertion(swap(/<saml:Conditions [^>]*>/, '<saml:Conditions>')),
        'until the year 9999, issued an hour ago': old('9999-12-31T23:59:59Z', 3600),
        'until the year 9999, issued six minutes ago': old('9999-12-31T23:59:59Z', 360.001),
        'issued in the future': at('Assertion', 'IssueInstant', 60.001),
        'issued in an hour': at('Assertion', 'IssueInstant', 3600),
      }),
    ));

  it('SAML-15: at the edges of the skew of 60 seconds the last moment is good and the next is not', () =>
    onSaml({}, async (stage) => {
      await expectAccepted(stage, {
        'NotBefore of the conditions': at('Conditions', 'NotBefore', 60),
        'NotBefore of the confirmation': at(data, 'NotBefore', 60),
        'NotOnOrAfter of the conditions': at('Conditions', 'NotOnOrAfter', -59.999),
        'NotOnOrAfter of the confirmation': at(data, 'NotOnOrAfter', -59.999),
        'issued ahead of us': at('Assertion', 'IssueInstant', 60),
        'issued as long ago as it may be': at('Assertion', 'IssueInstant', -360),
        'AuthnInstant ahead of us': at('AuthnStatement', 'AuthnInstant', 60),
      });
      await expectRefused(stage, {
        'NotBefore of the conditions': at('Conditions', 'NotBefore', 60.001),
        'NotBefore of the confirmation': at(data, 'NotBefore', 60.001),
        'NotOnOrAfter of the conditions': at('Conditions', 'NotOnOrAfter', -60),
        'NotOnOrAfter of the confirmation': at(data, 'NotOnOrAfter', -60),
        'issued ahead of us': at('Assertion', 'IssueInstant', 60.001),
        'issued too long ago': at('Assertion', 'IssueInstant', -360.001),
        'AuthnInstant ahead of us': at('AuthnStatement', 'AuthnInstant', 60.001),
      });
    }));

  it('SAML-15: a genuine response is good until it is five minutes and the skew old, and no longer', () =>
    onSaml({}, async (stage) => {
      const [one, other] = [await stage.begin(), await stage.begin()];
      const make = (begun: typeof one) => stage.provider.xml(stage.said(begun, { lifetime: 3600 }));
      const [good, late] = [base64(await make(one)), base64(await make(other))];
      stage.clock.advance(360);
      await expectAlice(stage, 'in time', await stage.post(one, good));
      stage.clock.advance(0.001);
      expect((await stage.post(other, late)).status).toBe(401);
      stage.expectSessionsOf('a11ce000-0000-4000-8000-000000000001');
    }));

  /** What a lax reader of dates takes for some time around now. */
  const noTimes = (time: string) => ({
    'the 30th of February': '2026-02-30T00:00:00Z',
    'without a zone': time.replace('Z', ''),
    'as mail has it': new Date(time).toUTCString(),
    empty: '',
    'month 13': '2026-13-01T00:00:00Z',
    'hour 25': '2026-01-01T25:00:00Z',
    'second 61': '2026-01-01T00:00:61Z',
    'with an offset': time.replace('Z', '+00:00'),
    'in lower case': time.toLowerCase(),
    'with a space for the T': time.replace('T', ' '),
    'a date': time.slice(0, 10),
    seconds: String(Date.parse(time) / 1000),
    'a small number': '1',
    'the year alone': '2026',
    'a year of six digits': `+00${time}`,
    'white space around it': ` ${time} `,
    words: 'tomorrow',
    infinity: 'INF',
  });
  const writing = (stage: Stage, element: string, attribute: string) => {
    const time = instant(stage.clock() + (attribute.endsWith('OnOrAfter') ? 30_000 : 0));
    return Object.entries(noTimes(time)).map(([name, form]) => [name, set(element, attribute, form)]);
  };

  it('SAML-15: what is no xsd:dateTime in UTC is no time', () =>
    onSaml({}, (stage) =>
      expectRefused(stage, Object.fromEntries(writing(stage, 'Conditions', 'NotOnOrAfter'))),
    ));

  it('SAML-15: nor is it one in any other attribute', () =>
    onSaml({}, (stage) => {
      const attributes = {
        Assertion: ['IssueInstant'],
        Conditions: ['NotBefore'],
        [data]: ['NotBefore', 'NotOnOrAfter'],
        AuthnStatement: ['AuthnInstant', 'SessionNotOnOrAfter'],
      };
      const forged = Object.entries(attributes).flatMap(([element, names]) =>
        names.flatMap((name) =>
          writing(stage, element, name)
            .slice(0, 4)
            .map(([form, forgery]) => [`${form} in ${element}/@${name}`, forgery]),
        ),
      );
      return expectRefused(stage, Object.fromEntries(forged));
    }));

  it('SAML-15: fractions of a second are good', () =>
    onSaml({}, (stage) => {
      const second = instant(stage.clock()).slice(0, 19);
      return expectAccepted(stage, {
        none: set('Assertion', 'IssueInstant', `${second}Z`),
        one: set('Assertion', 'IssueInstant', `${second}.0Z`),
        nine: set('Assertion', 'IssueInstant', `${second}.000000001Z`),
      });
    }));
});

describe('attacks on the authentication that a response tells of (SAML-29)', () => {
  const statement = /<saml:AuthnStatement [\s\S]*<\/saml:AuthnStatement>/;

  it('SAML-29: without an authentication, or when the session there is over, nobody is signed in', () =>
    onSaml({}, (stage) =>
      expectRefused(stage, {
        'no statement': inAssertion(swap(statement, '')),
        'no AuthnInstant': without('AuthnStatement', 'AuthnInstant'),
        'of another namespace': inAssertion(
          swap(statement, (found) => found.replaceAll('saml:', '').replace(' ', ' xmlns="urn:x" ')),
        ),
        'a session that is over': at('AuthnStatement', 'SessionNotOnOrAfter', -1),
        'a session that ends now': at('AuthnStatement', 'SessionNotOnOrAfter', 0),
        'a second statement whose session is over': async ({ clock, provider, said }, begun) =>
          provider.xml(
            said(
              begun,
              inAssertion(
                swap(
                  statement,
                  (found) =>
                    found +
                    found.replace(
                      ' AuthnInstant',
                      ` SessionNotOnOrAfter="${instant(clock() - 1)}" AuthnInstant`,
                    ),
                ),
              ),
            ),
          ),
      }),
    ));

  it('SAML-29: how old the authentication may be is what the record says', () =>
    onSaml({}, async (stage) => {
      const days = at('AuthnStatement', 'AuthnInstant', -30 * 86_400);
      await expectAccepted(stage, { 'any age': days });
      stage.record({ maxAuthenticationAge: 600 });
      await expectRefused(stage, {
        'thirty days': days,
        'just too old': at('AuthnStatement', 'AuthnInstant', -660.001),
      });
      await expectAccepted(stage, { 'at the edge': at('AuthnStatement', 'AuthnInstant', -660) });
    }));

  it('SAML-29: a session ends when that at the provider does, whatever is done to it', () =>
    onSaml({}, async (stage) => {
      const begun = await stage.begin();
      const sessionEndsAt = stage.clock() + 1_800_000;
      const response = await stage.provider.response(stage.said(begun, { sessionEndsAt }));
      const answer = await stage.post(begun, response);
      await expectAlice(stage, 'in time', answer);
      const { access_token: token, expires_in } = JSON.parse(answer.body);
      expect(expires_in).toBeLessThanOrEqual(1800);
      const headers = { Authorization: `Bearer ${token}` };
      stage.clock.advance(1799);
      expect((await stage.nodes[0].call('/sys/v1/session/refresh', undefined, headers)).status).toBe(204);
      expect(await reach(stage, headers)).toBe(200);
      stage.clock.advance(1);
      expect(await reach(stage, headers)).toBe(401);
      expect(stage.shared.rows.size).toBe(0);
    }));

  it('SAML-29: of several statements the session that ends first is the bound', () =>
    onSaml({}, async (stage) => {
      stage.expectSessionsOf('a11ce000-0000-4000-8000-000000000001');
      const begun = await stage.begin();
      const ends = (seconds: number) => ` SessionNotOnOrAfter="${instant(stage.clock() + seconds * 1000)}"`;
      const response = await stage.provider.response(
        stage.said(
          begun,
          inAssertion(
            swap(statement, (found) =>
              [900, 600, 1200]
                .map((seconds) => found.replace(' AuthnInstant', `${ends(seconds)} AuthnInstant`))
                .join(''),
            ),
          ),
        ),
      );
      const answer = await stage.post(begun, response);
      await expectAlice(stage, 'three', answer);
      expect(JSON.parse(answer.body).expires_in).toBe(600);
    }));
});

/** An assertion that was issued some seconds ago and is good until `end`. */
function old(end: string, seconds: number): Forgery {
  return ({ clock, provider, said }, begun) => {
    const issued = instant(clock() - seconds * 1000);
    return provider.xml(
      said(
        begun,
        inAssertion((xml) =>
          xml
            .replace(/ IssueInstant="[^"]*"/, ` IssueInstant="${issued}"`)
            .replace(/NotOnOrAfter="[^"]*"/g, `NotOnOrAfter="${end}"`),
        ),
      ),
    );
  };
}

async function reach({ nodes }: Stage, headers: Record<string, string>): Promise<number> {
  return (await nodes[1].send({ method: 'GET', path: '/me', headers })).status;
}
