import { describe, expect, it } from '@jest/globals';
import { samlProvider } from '../../../lib/testing/index.js';
import { acme, bob, globex } from '../../support/people.js';
import {
  base64,
  begin,
  entityId,
  expectAccepted,
  expectAlice,
  expectRefused,
  type Forgery,
  idpKeys,
  inAssertion,
  inResponse,
  onSaml,
  refusal,
  swap,
  tampered,
} from '../../support/saml.js';

const issuer = /(<saml:Issuer[^>]*>)[^<]*/;
const issuedBy = (name: string) => swap(issuer, (found) => found.replace(/>[\s\S]*$/, `>${name}`));
const audiences = /<saml:AudienceRestriction>[\s\S]*<\/saml:AudienceRestriction>/;
const us = '<saml:Audience>https://example.com/saml</saml:Audience>';
const them = '<saml:Audience>https://other.example/saml</saml:Audience>';
const meantFor = (...restrictions: string[]) =>
  inAssertion(
    swap(
      audiences,
      restrictions.map((each) => `<saml:AudienceRestriction>${each}</saml:AudienceRestriction>`).join(''),
    ),
  );
const recipient = (to: string) => inAssertion(swap(/ Recipient="[^"]*"/, to));
const destination = (to: string) => inResponse(swap(/ Destination="[^"]*"/, to));
const assertion = { sign: 'assertion' } as const;

describe('attacks with a response of somebody else (SAML-09)', () => {
  const other = 'https://other.example/metadata';

  it('SAML-09: an issuer that shares the key of another record speaks for its own record alone', () =>
    onSaml({}, async (stage) => {
      stage.record({ id: 'twin', entityId: other, accountId: globex, domains: ['twin.example'] });
      const both: Forgery = (stage, begun) =>
        samlProvider({ entityId: other, ...idpKeys, clock: stage.clock }).xml(
          stage.said(begun, { subject: 'bob-1', attributes: { mail: bob.email } }),
        );
      await expectRefused(stage, {
        'both issuers the other': both,
        'the response': inResponse(issuedBy(other)),
        'the assertion': inAssertion(issuedBy(other)),
        'the response, not signed': tampered(issuedBy(other)),
        nobody: inAssertion(issuedBy('')),
        'an issuer of another namespace': inAssertion(
          swap(/<saml:Issuer>([^<]*)<\/saml:Issuer>/, `<Issuer xmlns="urn:x">${entityId}</Issuer>`),
        ),
        'two issuers of the assertion': inAssertion(
          swap(/<saml:Issuer>[^<]*<\/saml:Issuer>/, (found) => found.replace(entityId, other) + found),
        ),
        'two issuers of the response': inResponse(
          swap(/<saml:Issuer[^>]*>[^<]*<\/saml:Issuer>/, (found) => found.replace(entityId, other) + found),
        ),
        'with a slash at the end': inAssertion(issuedBy(`${entityId}/`)),
        'in upper case': inAssertion(issuedBy(entityId.toUpperCase())),
        'with white space': inAssertion(issuedBy(` ${entityId}\n`)),
      });
    }));

  it('SAML-09: an assertion without an issuer is nobody’s', () =>
    onSaml({ signed: 'response' }, (stage) =>
      expectRefused(
        stage,
        {
          none: { sign: 'response', ...inAssertion(swap(/<saml:Issuer>[^<]*<\/saml:Issuer>/, '')) },
          'none at all': { sign: 'none', edit: swap(/<saml:Issuer[^>]*>[^<]*<\/saml:Issuer>/, '') },
        },
        { sign: 'response' },
      ),
    ));

  it('SAML-09: a response without an issuer of its own is its assertion’s issuer’s', () =>
    onSaml({ signed: 'assertion' }, (stage) =>
      expectAccepted(stage, {
        'no issuer': {
          ...assertion,
          ...inResponse(swap(/<saml:Issuer xmlns[^>]*>[^<]*<\/saml:Issuer>/, '')),
        },
      }),
    ));

  it('TEN-03: a request to one tenant is not answered by the provider of another', () =>
    onSaml({}, async (stage) => {
      const [node] = stage.nodes;
      stage.record({ id: 'twin', accountId: globex, domains: ['twin.example'], authoritative: false });
      stage.record({ id: 'other', entityId: other, accountId: globex, domains: ['other.example'] });
      const usual = await refusal(node);
      const ours = await stage.begin();
      const twins = await begin(node, 'x@twin.example', 'twin');
      const others = await begin(node, 'x@other.example', 'other');
      const theirs = samlProvider({ entityId: other, ...idpKeys, clock: stage.clock });
      const responses = {
        'the same issuer, the id of the other tenant': [
          ours,
          await stage.provider.response(stage.said(twins)),
        ],
        'the same issuer, in the browser of the other': [
          twins,
          await stage.provider.response(stage.said(ours)),
        ],
        'another issuer, our id': [ours, await theirs.response(stage.said(ours))],
        'our issuer, the id of another': [others, await stage.provider.response(stage.said(others))],
      } as const;
      for (const [name, [begun, response]] of Object.entries(responses)) {
        for (const id of [begun.id, ours.id, twins.id, others.id, null, undefined]) {
          const { status, body } = await stage.post(begun, response, { id });
          expect([name, id, status, body]).toEqual([name, id, 401, usual]);
        }
      }
      stage.expectSessionsOf('a11ce000-0000-4000-8000-000000000001');
      const genuine = await stage.provider.response(stage.said(ours));
      const answer = await stage.post(ours, genuine, { id: null });
      await expectAlice(stage, 'genuine', answer);
      const { session } = JSON.parse((await meOf(stage, answer.body)).body);
      expect([session.idpId ?? 'saml', session.accountId]).toEqual(['saml', acme]);
    }));
});

describe('attacks with a response for somebody else (SAML-10, SAML-11, SAML-12)', () => {
  it('SAML-10: a confirmation for another service, or for none, is refused', () =>
    onSaml({}, (stage) =>
      expectRefused(stage, {
        'another service': recipient(' Recipient="https://evil.example/acs"'),
        none: recipient(''),
        empty: recipient(' Recipient=""'),
        'with a slash at the end': recipient(' Recipient="https://app.example.com/acs/"'),
        'in upper case': recipient(' Recipient="https://APP.example.com/acs"'),
        'with a port': recipient(' Recipient="https://app.example.com:443/acs"'),
        'with a query': recipient(' Recipient="https://app.example.com/acs?x"'),
        'by http': recipient(' Recipient="http://app.example.com/acs"'),
        'that only begins alike': recipient(' Recipient="https://app.example.com/acs.evil.example"'),
        'two of them': recipient(' Recipient="https://evil.example/acs https://app.example.com/acs"'),
        'in another namespace': recipient(' xmlns:x="urn:x" x:Recipient="https://app.example.com/acs"'),
        'our entity id': recipient(' Recipient="https://example.com/saml"'),
      }),
    ));

  it('SAML-11: a response to another endpoint is refused', () =>
    onSaml({}, (stage) =>
      expectRefused(stage, {
        'another service': destination(' Destination="https://evil.example/acs"'),
        empty: destination(' Destination=""'),
        'with a slash at the end': destination(' Destination="https://app.example.com/acs/"'),
        'in upper case': destination(' Destination="https://app.example.com/ACS"'),
        'with a port': destination(' Destination="https://app.example.com:443/acs"'),
        'by http': destination(' Destination="http://app.example.com/acs"'),
      }),
    ));

  it('SAML-11: where a response names no endpoint the confirmation decides', () =>
    onSaml({}, async (stage) => {
      const none = (xml: string) => xml.replace(/ Destination="[^"]*"/, '');
      await expectAccepted(stage, { none: { edit: none } });
      await expectRefused(stage, {
        'none, and another recipient': {
          edit: (xml) => none(xml).replace(/ Recipient="[^"]*"/, ' Recipient="https://evil.example/acs"'),
        },
      });
    }));

  it('SAML-12: an assertion for another audience, or for none, is refused', () =>
    onSaml({}, (stage) =>
      expectRefused(stage, {
        another: meantFor(them),
        'an empty one': meantFor('<saml:Audience/>'),
        'no audience': meantFor(''),
        'no restriction': meantFor(),
        'no conditions': inAssertion(swap(/<saml:Conditions [\s\S]*<\/saml:Conditions>/, '')),
        'empty conditions': inAssertion(
          swap(/<saml:Conditions [\s\S]*<\/saml:Conditions>/, '<saml:Conditions/>'),
        ),
        'conditions twice': inAssertion(
          swap(/<saml:Conditions [\s\S]*<\/saml:Conditions>/, (found) => found + found),
        ),
        'two restrictions, of which one is for another': meantFor(us, them),
        'two restrictions, of which the first is for another': meantFor(them, us),
        'a part of it': meantFor('<saml:Audience>https://example.com</saml:Audience>'),
        'more than it': meantFor('<saml:Audience>https://example.com/saml/</saml:Audience>'),
        'in upper case': meantFor('<saml:Audience>https://EXAMPLE.com/saml</saml:Audience>'),
        'our endpoint': meantFor('<saml:Audience>https://app.example.com/acs</saml:Audience>'),
        'of another namespace': meantFor('<Audience xmlns="urn:x">https://example.com/saml</Audience>'),
        'a condition that nobody knows': inAssertion(
          swap('</saml:Conditions>', '<saml:Condition xmlns:x="urn:x" x:only="once"/></saml:Conditions>'),
        ),
        'a condition of another namespace': inAssertion(
          swap('</saml:Conditions>', '<OneTimeUse xmlns="urn:x"/></saml:Conditions>'),
        ),
      }),
    ));

  it('SAML-12: this service among the audiences of each restriction is enough', () =>
    onSaml({}, (stage) =>
      expectAccepted(stage, {
        'two audiences': meantFor(them + us),
        'two restrictions': meantFor(us, us + them),
        'good once': inAssertion(swap('</saml:Conditions>', '<saml:OneTimeUse/></saml:Conditions>')),
        'not to be passed on': inAssertion(
          swap('</saml:Conditions>', '<saml:ProxyRestriction Count="0"/></saml:Conditions>'),
        ),
      }),
    ));
});

describe('attacks on the envelope and on the lookup (SAML-36, SAML-37)', () => {
  it('SAML-36: what stands around a signed assertion is not believed', () =>
    onSaml({ signed: 'assertion' }, async (stage) => {
      const late = await stage.begin();
      const stolen = await stage.provider.xml(stage.said(late, { ...assertion }));
      const [{ id }, usual] = [await stage.begin(), await refusal(stage.nodes[0])];
      await expectRefused(
        stage,
        {
          'a forged InResponseTo': {
            ...assertion,
            ...tampered(swap(/ InResponseTo="[^"]*"/, ' InResponseTo="_forged"')),
          },
          'another issuer': { ...assertion, ...tampered(issuedBy('https://other.example/metadata')) },
          'another destination': {
            ...assertion,
            ...tampered(swap(/ Destination="[^"]*"/, ' Destination="https://evil.example"')),
          },
          'the assertion for another request': (_, begun) =>
            stolen.replace(/ InResponseTo="[^"]*"/, ` InResponseTo="${begun.id}"`),
        },
        assertion,
      );
      const unasked = base64(stolen.replace(/ InResponseTo="[^"]*"/, ''));
      for (const sent of [null, late.id, id]) {
        const answer = await stage.post(late, unasked, { id: sent });
        expect([sent, answer.status, answer.body]).toEqual([sent, 401, usual]);
      }
      await expectAlice(stage, 'untouched', await stage.post(late, base64(stolen)));
    }));

  it('SAML-37: an issuer is looked up exactly as it is written, and only so', () =>
    onSaml({}, async (stage) => {
      const names = [
        ...['__proto__', 'constructor', 'toString', 'null', 'undefined', '', ' '],
        ...[
          `${entityId}/`,
          entityId.toUpperCase(),
          ` ${entityId}`,
          `${entityId}&#10;`,
          `${entityId}&#x200b;`,
        ],
        ...['https://idp.ехample/metadata', 'https://idp.example/metadata'.replace('a', 'á')],
        ...["' or '1'='1", '%', '*', `${entityId}#x`, 'x'.repeat(1025), 'x'.repeat(200_000)],
      ];
      const forged = names.map((name): [string, Forgery] => [
        `${name.slice(0, 40)} of ${name.length}`,
        (stage, begun) =>
          samlProvider({ entityId, ...idpKeys, clock: stage.clock }).xml(
            stage.said(begun, name.length > 100_000 ? inResponse(issuedBy(name)) : { edit: issuedBy(name) }),
          ),
      ]);
      await expectRefused(stage, Object.fromEntries(forged));
      expect(Reflect.get({}, 'entityId')).toBeUndefined();
    }));

  it('SAML-37: an issuer of a megabyte is too large before it is looked at', () =>
    onSaml({}, async (stage) => {
      const begun = await stage.begin();
      const xml = await stage.provider.xml(stage.said(begun));
      const answer = await stage.post(begun, base64(issuedBy('x'.repeat(1_000_000))(xml)));
      expect(answer.status).toBe(413);
      expect(stage.nodes[1].faults.identityProviders.calls.get('listSamlByEntityId')).toBeUndefined();
    }));
});

function meOf({ nodes }: Parameters<Parameters<typeof onSaml>[1]>[0], body: string) {
  const headers = { Authorization: `Bearer ${JSON.parse(body).access_token}` };
  return nodes[0].send({ method: 'GET', path: '/me', headers });
}
