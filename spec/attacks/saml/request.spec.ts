import { describe, expect, it } from '@jest/globals';
import { auth } from '../../support/federation.js';
import { acme, alice } from '../../support/people.js';
import {
  base64,
  begin,
  expectAccepted,
  expectAlice,
  expectRefused,
  inAssertion,
  inResponse,
  onSaml,
  refusal,
  swap,
} from '../../support/saml.js';

const confirmation = /<saml:SubjectConfirmation [\s\S]*<\/saml:SubjectConfirmation>/;
const bearer = 'urn:oasis:names:tc:SAML:2.0:cm:bearer';
const status = (xml: string) => inResponse(swap(/<samlp:Status>[\s\S]*<\/samlp:Status>/, xml));
const code = (value: string, inner = '') =>
  status(`<samlp:Status><samlp:StatusCode Value="${value}">${inner}</samlp:StatusCode></samlp:Status>`);
const states = 'urn:oasis:names:tc:SAML:2.0:status:';
const one = (name: string) => `<samlp:StatusCode Value="${states}${name}"/>`;

describe('attacks with a response to another request (SAML-18)', () => {
  it('SAML-18: what one browser has begun is finished in no other', () =>
    onSaml({}, async (stage) => {
      stage.expectSessionsOf(alice.id);
      const usual = await refusal(stage.nodes[0]);
      const [attackers, victims] = [await stage.begin(), await stage.begin()];
      const response = await stage.provider.response(stage.said(attackers));
      const forged = attackers.headers.Cookie?.replace('__Host-session-flow', '__Host-session') ?? '';
      const browsers = {
        'of the victim': victims.headers,
        'without a cookie': {},
        'with an empty one': { Cookie: '__Host-session-flow=' },
        'with garbage': { Cookie: '__Host-session-flow=AAAA' },
        'with zeros': { Cookie: `__Host-session-flow=${Buffer.alloc(54).toString('base64url')}` },
        'with another name': { Cookie: forged },
        'with a part of it': { Cookie: attackers.headers.Cookie?.slice(0, -1) ?? '' },
        'with more than it': { Cookie: `${attackers.headers.Cookie}A` },
      };
      for (const [name, headers] of Object.entries(browsers)) {
        for (const id of [attackers.id, victims.id, null, undefined]) {
          const { status, body } = await stage.post({ id: '', headers }, response, { id });
          expect([name, id, status, body]).toEqual([name, id, 401, usual]);
        }
      }
      await expectAlice(stage, 'its own', await stage.post(attackers, response));
    }));

  it('SAML-18: an id in the body and InResponseTo must be one, and ours', () =>
    onSaml({}, async (stage) => {
      stage.expectSessionsOf(alice.id);
      const usual = await refusal(stage.nodes[0]);
      const [one, other] = [await stage.begin(), await stage.begin()];
      const response = await stage.provider.response(stage.said(one));
      const ids = [
        ...[other.id, one.id.slice(1), `_${one.id}`, one.id.toUpperCase(), `${one.id} `, `${one.id}\0`],
        ...['', '_', '__proto__', 'null', one.id.slice(0, -1), `${one.id}A`, `${one.id}=`],
      ];
      for (const id of ids) {
        const { status, body } = await stage.post(one, response, { id });
        expect([id, status, body]).toEqual([id, 401, usual]);
      }
      for (const id of ['_forged', 'x', '__proto__', '']) {
        const forged = await stage.provider.response(stage.said({ id }));
        for (const sent of [id, null, one.id]) {
          const { status, body } = await stage.post(one, forged, { id: sent });
          expect([id, sent, status, body]).toEqual([id, sent, 401, usual]);
        }
      }
      await expectAlice(stage, 'the genuine', await stage.post(one, response, { id: undefined }));
    }));

  it('SAML-18: two requests of one browser are each answered once, and each by its own', () =>
    onSaml({}, async (stage) => {
      stage.expectSessionsOf(alice.id);
      const first = await stage.begin();
      const offers = await stage.nodes[0].call(
        `${auth}/discover`,
        { user_email: alice.email },
        first.headers,
      );
      const id: string = JSON.parse(offers.body).find(
        ({ method }: { method: string }) => method === 'saml-post',
      ).id;
      const [cookie = ''] = offers.headers['set-cookie'] ?? [];
      const second = { id, headers: { Cookie: cookie.split(';')[0] ?? '' } };
      expect(second.id).not.toBe(first.id);
      const [one, two] = [first, second].map((each) => stage.provider.response(stage.said(each)));
      // The browser has one cookie, the later one, and its first request is alive all the same.
      const late = { ...first, headers: second.headers };
      expect((await stage.post(late, (await two) ?? '')).status).toBe(401);
      await expectAlice(stage, 'the first', await stage.post(late, (await one) ?? ''));
      await expectAlice(stage, 'the second', await stage.post(second, (await two) ?? ''));
    }));

  it('SAML-18: a request is alive for ten minutes', () =>
    onSaml({}, async (stage) => {
      stage.expectSessionsOf(alice.id);
      const [one, other] = [await stage.begin(), await stage.begin()];
      stage.clock.advance(599.999);
      await expectAlice(
        stage,
        'in time',
        await stage.post(one, await stage.provider.response(stage.said(one))),
      );
      stage.clock.advance(0.001);
      const late = await stage.provider.response(stage.said(other));
      expect((await stage.post(other, late)).status).toBe(401);
    }));

  it('SAML-18: what nobody asked for is refused, unless the record of that provider says otherwise', () =>
    onSaml({}, async (stage) => {
      stage.expectSessionsOf(alice.id);
      const usual = await refusal(stage.nodes[0]);
      const begun = await stage.begin();
      const unasked = () => stage.provider.response(stage.said(begun, { inResponseTo: null }));
      const ids = [null, undefined, begun.id];
      for (const id of ids) {
        const { status, body } = await stage.post(begun, await unasked(), { id });
        expect([id, status, body]).toEqual([id, 401, usual]);
      }
      stage.record({ dangerouslyAllowUnsolicited: true });
      const asked = await stage.post(begun, await unasked());
      expect([asked.status, asked.body]).toEqual([401, usual]);
      await expectAlice(
        stage,
        'allowed',
        await stage.post({ id: '', headers: {} }, await unasked(), { id: null }),
      );
      await expectRefused(stage, {
        'only the response answers': { edit: (xml) => (xml.startsWith('<saml:A') ? none(xml) : xml) },
        'only the assertion answers': inResponse((xml) => xml.replace(/ InResponseTo="[^"]*"/, '')),
        'an empty InResponseTo': { edit: swap(/ InResponseTo="[^"]*"/, ' InResponseTo=""') },
      });
      const stranger = await stage.provider.response(stage.said({ id: '_stranger' }));
      const answer = await stage.post({ id: '', headers: {} }, stranger, { id: null });
      expect([answer.status, answer.body]).toEqual([401, usual]);
    }));

  it('SAML-18: where several records could be meant by what nobody asked for, none is', () =>
    onSaml({ dangerouslyAllowUnsolicited: true }, async (stage) => {
      stage.expectSessionsOf(alice.id);
      const nobody = { id: '', headers: {} };
      const unasked = () => stage.provider.response(stage.said(nobody, { inResponseTo: null }));
      stage.record({ id: 'twin', dangerouslyAllowUnsolicited: true, domains: [] });
      const answer = await stage.post(nobody, await unasked(), { id: null });
      expect([answer.status, answer.body]).toEqual([401, await refusal(stage.nodes[0])]);
      stage.record({ id: 'twin', domains: [] });
      await expectAlice(stage, 'the one', await stage.post(nobody, await unasked(), { id: null }));
    }));

  it('SAML-18: a request to one provider is none to another that the same browser began', () =>
    onSaml({}, async (stage) => {
      stage.expectSessionsOf(alice.id);
      stage.record({ id: 'twin' });
      const [ours, twins] = [await stage.begin(), await begin(stage.nodes[0], alice.email, 'twin')];
      const response = await stage.provider.response(stage.said(twins));
      const crossed = await stage.post({ id: twins.id, headers: ours.headers }, response);
      expect([crossed.status, crossed.body]).toEqual([401, await refusal(stage.nodes[0])]);
      // Each subject belongs to the record that the request was made for: to the twin alice-1 is new.
      stage.record({ id: 'twin', authoritative: false });
      expect((await stage.post(twins, response)).status).toBe(401);
      await expectAlice(
        stage,
        'ours',
        await stage.post(ours, await stage.provider.response(stage.said(ours))),
      );
    }));
});

describe('attacks on the form of a response (SAML-21, SAML-22, SAML-35)', () => {
  it('SAML-21: without the status of success nobody is signed in', () =>
    onSaml({}, (stage) =>
      expectRefused(stage, {
        AuthnFailed: code(`${states}AuthnFailed`),
        Responder: code(`${states}Responder`),
        Requester: code(`${states}Requester`),
        'NoPassive within Responder': code(
          `${states}Responder`,
          `<samlp:StatusCode Value="${states}NoPassive"/>`,
        ),
        'success within a failure': code(
          `${states}Responder`,
          `<samlp:StatusCode Value="${states}Success"/>`,
        ),
        'in upper case': code(`${states}SUCCESS`),
        'with white space': code(` ${states}Success`),
        empty: code(''),
        'of another namespace': status(
          `<Status xmlns="urn:x"><StatusCode Value="${states}Success"/></Status>`,
        ),
        none: status(''),
        'without a code': status('<samlp:Status/>'),
        'two codes': status(`<samlp:Status>${['Success', 'Responder'].map(one).join('')}</samlp:Status>`),
        'two statuses': inResponse(
          swap(
            /<samlp:Status>[\s\S]*<\/samlp:Status>/,
            (found) => found + found.replace('Success', 'Responder'),
          ),
        ),
      }),
    ));

  const method = (uri: string) => inAssertion(swap(`Method="${bearer}"`, `Method="${uri}"`));
  it('SAML-22: without a bearer confirmation nobody is signed in', () =>
    onSaml({}, (stage) =>
      expectRefused(stage, {
        none: inAssertion(swap(confirmation, '')),
        'holder of key': method('urn:oasis:names:tc:SAML:2.0:cm:holder-of-key'),
        'sender vouches': method('urn:oasis:names:tc:SAML:2.0:cm:sender-vouches'),
        unknown: method('urn:x'),
        'in upper case': method(bearer.toUpperCase()),
        'no method': inAssertion(swap(` Method="${bearer}"`, '')),
        'no data': inAssertion(swap(/<saml:SubjectConfirmationData [^>]*>/, '')),
        'of another namespace': inAssertion(
          swap(confirmation, (found) => found.replaceAll('saml:', '').replace(' ', ' xmlns="urn:x" ')),
        ),
        'data of another namespace': inAssertion(
          swap('<saml:SubjectConfirmationData ', '<SubjectConfirmationData xmlns="urn:x" '),
        ),
        'two data': inAssertion(swap(/<saml:SubjectConfirmationData [^>]*>/, (found) => found + found)),
        'a bearer for another, and another method for us': inAssertion(
          swap(confirmation, (found) => found.replace('/acs"', '/other"') + found.replace(bearer, 'urn:x')),
        ),
        'the answer to nothing': inAssertion((xml) => xml.replace(/ InResponseTo="[^"]*"/, '')),
        'the answer to another request': inAssertion(swap(/ InResponseTo="[^"]*"/, ' InResponseTo="_other"')),
        'no subject': inAssertion(swap(/<saml:Subject>[\s\S]*<\/saml:Subject>/, '')),
        'two subjects': inAssertion(swap(/<saml:Subject>[\s\S]*<\/saml:Subject>/, (found) => found + found)),
      }),
    ));

  it('SAML-22: one good confirmation among several is enough', () =>
    onSaml({}, (stage) => {
      const beside = (make: (found: string) => string) => inAssertion(swap(confirmation, make));
      const other = (found: string) => found.replace('/acs"', '/other"');
      const key = (found: string) => found.replace(bearer, 'urn:oasis:names:tc:SAML:2.0:cm:holder-of-key');
      return expectAccepted(stage, {
        'before one for another': beside((found) => found + other(found)),
        'after one for another': beside((found) => other(found) + found),
        'after a holder of key': beside((found) => key(found) + found),
      });
    }));

  const attribute = (name: string, value: string | null) =>
    swap(new RegExp(` ${name}="[^"]*"`), value === null ? '' : ` ${name}="${value}"`);
  it('SAML-35: another version, and parts that are missing, are refused', () =>
    onSaml({}, (stage) =>
      expectRefused(stage, {
        'version 1.1 of the response': inResponse(attribute('Version', '1.1')),
        'version 1.1 of the assertion': inAssertion(attribute('Version', '1.1')),
        'version 2.1': { edit: attribute('Version', '2.1') },
        'no version of the response': inResponse(attribute('Version', null)),
        'no version of the assertion': inAssertion(attribute('Version', null)),
        'no IssueInstant of the assertion': inAssertion(attribute('IssueInstant', null)),
        'an assertion alone': async ({ provider, said }, begun) =>
          /<saml:Assertion [\s\S]*<\/saml:Assertion>/.exec(await provider.xml(said(begun)))?.[0] ?? '',
        'a request': () => '<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_x"/>',
        'an answer to a logout': async ({ provider, said }, begun) =>
          (await provider.xml(said(begun))).replaceAll('samlp:Response', 'samlp:LogoutResponse'),
      }),
    ));

  it.each(['response', 'assertion'] as const)('SAML-35: a %s without an id is refused', (signed) =>
    onSaml({ signed: signed === 'response' ? 'assertion' : 'response' }, (stage) => {
      const sign = signed === 'response' ? 'assertion' : 'response';
      const inside = signed === 'response' ? inResponse : inAssertion;
      return expectRefused(
        stage,
        { none: { sign, ...inside(attribute('ID', null)) }, empty: { sign, ...inside(attribute('ID', '')) } },
        { sign },
      );
    }),
  );

  it('SAML-35: two assertions, and none, are refused', () =>
    onSaml({ signed: 'response' }, (stage) => {
      const assertion = /<saml:Assertion [\s\S]*<\/saml:Assertion>/;
      const sign = 'response' as const;
      return expectRefused(
        stage,
        {
          none: { sign, ...inResponse(swap(assertion, '')) },
          two: {
            sign,
            ...inResponse(swap(assertion, (found) => found + found.replace(/ ID="_/, ' ID="_2'))),
          },
          'with an encrypted one': {
            sign,
            ...inResponse(swap(assertion, (found) => `${found}${encrypted}`)),
          },
        },
        { sign },
      );
    }));

  it('SAML-18, SAML-35: the body says nothing of who it is', () =>
    onSaml({}, async (stage) => {
      stage.expectSessionsOf(alice.id);
      const begun = await stage.begin();
      const response = base64(await stage.provider.xml(stage.said(begun)));
      const extra = { subject: 'bob-1', email: 'bob@example.com', entity_id: acme, idp_id: 'x', issuer: 'x' };
      await expectAlice(stage, 'ignored', await stage.post(begun, response, extra));
    }));
});

const none = (xml: string) => xml.replace(/ InResponseTo="[^"]*"/, '');
const encrypted = '<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"/>';
