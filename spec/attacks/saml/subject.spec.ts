import { describe, expect, it } from '@jest/globals';
import type { SamlResponseOptions } from '../../../lib/testing/index.js';
import { alice, bob, dan } from '../../support/people.js';
import {
  expectAccepted,
  expectRefused,
  type Forgery,
  inAssertion,
  onSaml,
  type Stage,
  swap,
  tampered,
  whoIs,
} from '../../support/saml.js';
import { presentingAnswer } from '../../support/sign-in.js';

const formats = 'urn:oasis:names:tc:SAML:2.0:nameid-format:';
const emailFormat = 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress';
const unspecified = 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified';
const nameId = /<saml:NameID[\s\S]*<\/saml:NameID>/;
const named = (xml: string) => inAssertion(swap(nameId, xml));
const mail = (value: string | readonly string[]) => ({ attributes: { mail: value } });
/** Of bob, who is linked to nobody yet: whatever is taken of these would sign bob in. */
const bobs = { subject: 'bob-1', ...mail(bob.email) };
const ofBob = (forgeries: Readonly<Record<string, object>>) =>
  Object.fromEntries(Object.entries(forgeries).map(([name, each]) => [name, { ...bobs, ...each }]));

/** The subjects that users are linked to, by the provider of the specs. */
async function ownerOf({ nodes }: Stage, subject: string): Promise<string | undefined> {
  return (await nodes[0].repositories.users.findByFederatedIdentity('saml', subject))?.id;
}

describe('attacks on who a response is about (SAML-25, SAML-26)', () => {
  it('SAML-25: a comment in a NameID cuts nothing off, whenever it was put there', () =>
    onSaml({}, async (stage) => {
      stage.expectSessionsOf(alice.id);
      const truncations: Record<string, Forgery> = {
        'before it was signed': { subject: 'x', ...named('<saml:NameID>alice-1<!---->.evil</saml:NameID>') },
        'of an address': named('<saml:NameID>alice-1<!--@-->@evil.example</saml:NameID>'),
        'after it was signed': {
          subject: 'alice-1.evil',
          ...tampered(swap('alice-1.evil', 'alice-1<!---->.evil')),
        },
        'in the middle': {
          subject: 'bob-alice-1',
          ...tampered(swap('>bob-alice-1', '>bob-<!--x-->alice-1')),
        },
      };
      // Alice has her subject already, so whoever else comes with her address is refused.
      await expectAccepted(stage, { alice: {} });
      await expectRefused(stage, truncations);
      for (const subject of ['alice', 'bob-', '.evil', 'x', 'alice-1.evil', 'bob-alice-1'])
        expect([subject, await ownerOf(stage, subject)]).toEqual([subject, undefined]);
      await expectAccepted(stage, {
        'in her own, before': named('<saml:NameID>alice<!-- x -->-1</saml:NameID>'),
        'in her own, after': tampered(swap('>alice-1<', '>al<!-- x -->ice-1<')),
      });
    }));

  it('SAML-25: the subject is the whole text around a comment', () =>
    onSaml({}, async (stage) => {
      stage.expectSessionsOf(alice.id);
      await expectAccepted(stage, { joined: named('<saml:NameID>alice<!---->.evil</saml:NameID>') });
      expect(await ownerOf(stage, 'alice.evil')).toBe(alice.id);
      expect([await ownerOf(stage, 'alice'), await ownerOf(stage, '.evil')]).toEqual([undefined, undefined]);
    }));

  it('SAML-25: a comment in the address cuts nothing off', () =>
    onSaml({}, async (stage) => {
      const value = />bob@example\.com</;
      const forgeries = ofBob({
        before: inAssertion(swap(value, '>bob@example.com<!---->.evil.example<')),
        after: {
          ...mail('bob@example.com.evil.example'),
          tamper: swap('bob@example.com.evil', 'bob@example.com<!---->.evil'),
        },
        'as an element': inAssertion(swap(value, '>bob@example.com<x>.evil.example</x><')),
      });
      await expectRefused(stage, forgeries);
    }));

  it('SAML-26: whoever is not named, or not for long, is nobody', () =>
    onSaml({}, (stage) =>
      expectRefused(
        stage,
        ofBob({
          'no NameID': named(''),
          'an empty one': { subject: '' },
          'an empty element': named('<saml:NameID/>'),
          'a comment': named('<saml:NameID><!--bob-1--></saml:NameID>'),
          'white space': { subject: ' \n\t' },
          'white space around it': { subject: ' bob-1\n' },
          'no-break spaces around it': { subject: '\u00a0bob-1' },
          transient: { format: `${formats}transient` },
          'of 10 KB': { subject: 'x'.repeat(10_240) },
          'of 1,025 characters': { subject: 'x'.repeat(1025) },
          'two of them': named('<saml:NameID>bob-1</saml:NameID><saml:NameID>bob-2</saml:NameID>'),
          'of another namespace': named('<NameID xmlns="urn:x">bob-1</NameID>'),
          EncryptedID: named('<saml:EncryptedID>bob-1</saml:EncryptedID>'),
          BaseID: named('<saml:BaseID>bob-1</saml:BaseID>'),
          'in the confirmation alone': inAssertion((xml) =>
            xml
              .replace(nameId, '')
              .replace(
                '<saml:SubjectConfirmationData',
                '<saml:NameID>bob-1</saml:NameID><saml:SubjectConfirmationData',
              ),
          ),
        }),
      ),
    ));

  it('SAML-26: that somebody is named for this session only is told by its own reason', () =>
    onSaml({}, async (stage) => {
      const events = () => stage.nodes.flatMap(({ events }) => events);
      const reasons = () =>
        events().flatMap((each) =>
          each.type === 'sign_in_failed' && each.method === 'saml-response' ? [each.reason] : [],
        );
      await expectRefused(stage, { transient: { format: `${formats}transient` } });
      expect(new Set(reasons())).toEqual(new Set(['no_subject']));
    }));

  it('SAML-26: a NameID of any lasting form is a subject', () =>
    onSaml({}, async (stage) => {
      await expectAccepted(stage, {
        persistent: {},
        'without a form': named('<saml:NameID>alice-1</saml:NameID>'),
        unspecified: { format: unspecified },
        'with qualifiers': named('<saml:NameID NameQualifier="a" SPNameQualifier="b">alice-1</saml:NameID>'),
      });
      expect(await ownerOf(stage, 'alice-1')).toBe(alice.id);
    }));

  it('SAML-26: a subject of 1,024 characters, of any script, is taken as it is', () =>
    onSaml({}, async (stage) => {
      const subject = `${'x'.repeat(1000)} 名前 <&"'> Ünïcödé \u{1f600}`;
      await expectAccepted(stage, { long: { subject } });
      expect(await ownerOf(stage, subject)).toBe(alice.id);
      await expectRefused(stage, { 'in another case': { subject: subject.toUpperCase() } }, { subject });
    }));

  it('SAML-26: where the record names an attribute for it, the subject is its one value', () =>
    onSaml({ subjectAttribute: 'uid' }, async (stage) => {
      const uid = (value: string | readonly string[]) => ({ attributes: { mail: bob.email, uid: value } });
      const transient = { subject: 'for now', format: `${formats}transient` };
      const good = { ...transient, attributes: { mail: alice.email, uid: 'a-1' } };
      await expectRefused(
        stage,
        {
          'no such attribute': bobs,
          'two values': uid(['b-1', 'b-2']),
          'no value': uid([]),
          'an empty one': uid(''),
          'white space around it': uid(' b-1'),
          'in another case': { attributes: { mail: bob.email, UID: 'b-1' } },
          'the attribute twice': {
            ...uid('b-1'),
            ...inAssertion(
              swap(/<saml:Attribute Name="uid"[\s\S]*?<\/saml:Attribute>/, (found) => found + found),
            ),
          },
          'of another namespace': {
            ...uid('b-1'),
            ...inAssertion(
              swap(/<saml:Attribute Name="uid">/, '<saml:Attribute xmlns:x="urn:x" x:Name="uid">'),
            ),
          },
        },
        good,
      );
      expect(await ownerOf(stage, 'a-1')).toBe(alice.id);
      expect(await ownerOf(stage, 'for now')).toBeUndefined();
    }));
});

describe('attacks by an address (SAML-28)', () => {
  it('SAML-28: an address that is not one of the provider’s domains, or not one, selects nobody', () =>
    onSaml({}, async (stage) => {
      stage.expectSessionsOf(bob.id);
      await expectRefused(
        stage,
        ofBob({
          'another domain': mail('bob@other.example'),
          'a domain within': mail('bob@sub.example.com'),
          'a domain around': mail('bob@example.com.evil.example'),
          'a domain that ends alike': mail('bob@evil-example.com'),
          'two addresses': mail(['bob@example.com', 'sue@example.com']),
          'the same address twice': mail(['bob@example.com', 'bob@example.com']),
          'two in one': mail('bob@example.com,sue@example.com'),
          'with a name': mail('Alice <bob@example.com>'),
          'two @': mail('bob@example.com@evil.example'),
          'the other way round': mail('bob@evil.example@example.com'),
          'a line break': mail('bob@example.com\nsue@example.com'),
          'a NUL by number': inAssertion(swap('>bob@example.com<', '>bob@example.com&#0;<')),
          'white space': mail(' bob@example.com'),
          'a letter that looks alike': mail('bоb@example.com'),
          'a Kelvin sign': mail('bob@\u212axample.com'),
          empty: mail(''),
          'no address': { attributes: {} },
          'under another name': { attributes: { email: bob.email } },
          'the attribute twice': inAssertion(
            swap(/<saml:Attribute Name="mail"[\s\S]*?<\/saml:Attribute>/, (found) => found + found),
          ),
          'as the NameID, where an attribute is named': {
            ...{ subject: bob.email, format: emailFormat, attributes: {} },
          },
          'of a user who is disabled': { subject: 'dan-1', ...mail(dan.email) },
          'of nobody': { subject: 'eve-1', ...mail('eve@example.com') },
        }),
      );
      await expectBob(stage, bobs);
    }));

  it('SAML-28: where no attribute is named, only a NameID that says so is an address', () =>
    onSaml({ emailAttribute: undefined }, async (stage) => {
      const address = { subject: alice.email, format: emailFormat, attributes: {} };
      await expectRefused(
        stage,
        {
          'an attribute': bobs,
          'an address of another form': { ...address, subject: bob.email, format: unspecified },
          'of another domain': { ...address, subject: 'bob@other.example' },
        },
        address,
      );
      expect(await ownerOf(stage, alice.email)).toBe(alice.id);
    }));

  it('SAML-28: an address in another spelling is the same address', () =>
    onSaml({}, (stage) =>
      expectAccepted(stage, { 'in upper case': mail('Alice@EXAMPLE.com'), 'as it is': {} }),
    ));

  it('SAML-28: a provider that is not authoritative selects nobody by an address', () =>
    onSaml({ authoritative: false }, async (stage) => {
      const begun = await stage.begin();
      const answer = await stage.post(begun, await stage.provider.response(stage.said(begun)));
      expect([answer.status, await ownerOf(stage, 'alice-1')]).toEqual([401, undefined]);
      stage.record({});
      await expectAccepted(stage, { authoritative: {} });
      stage.record({ authoritative: false });
      await expectAccepted(stage, { 'linked by then': {}, 'with another address': mail('a@other.example') });
    }));

  it('SAML-28: the subject wins over an address that has changed', () =>
    onSaml({}, async (stage) => {
      stage.expectSessionsOf(bob.id);
      // What comes first is linked, so it comes alone.
      await expectAccepted(stage, { 'the first time': {} });
      await expectAccepted(stage, {
        'then with the address of bob': mail(bob.email),
        'and without one': { attributes: {} },
        'and with two': mail([bob.email, alice.email]),
      });
      // Bob comes with the address of alice, who is linked to a subject of her own.
      await expectRefused(stage, { 'another subject with her address': { subject: 'bob-1' } });
      await expectBob(stage, bobs);
    }));
});

/** That a response is a session of bob. */
async function expectBob(stage: Stage, change: Partial<SamlResponseOptions>): Promise<void> {
  const begun = await stage.begin();
  const answer = await stage.post(begun, await stage.provider.response(stage.said(begun, change)));
  const body = JSON.parse(answer.body);
  expect([answer.status, body.entity_id]).toEqual([200, bob.id]);
  const headers = presentingAnswer({ body, headers: answer.headers });
  expect(await whoIs(stage.nodes[0], headers)).toBe(bob.id);
}
