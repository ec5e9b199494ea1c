import { describe, expect, it } from '@jest/globals';
import { type Encryption, encryptedAssertion } from '../../support/encrypted-assertion.js';
import { serviceProvider } from '../../support/federation.js';
import { keyAndCertificate } from '../../support/keys.js';
import { bob } from '../../support/people.js';
import {
  type Begun,
  base64,
  expectAccepted,
  expectAlice,
  expectRefused,
  type Forgery,
  genuineXml,
  inLanes,
  onSaml,
  refusal,
  type Stage,
} from '../../support/saml.js';

type Signed = 'both' | 'response' | 'assertion';

const ours = keyAndCertificate('sp');
const next = keyAndCertificate('sp-next');
const strangers = keyAndCertificate('stranger');
const withKeys = { serviceProvider: { ...serviceProvider, keys: [ours, next] } };
const plain = /<saml:Assertion [\s\S]*<\/saml:Assertion>/;
const oaep = 'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p';
const bobs = { subject: 'bob-1', attributes: { mail: bob.email } };

/** A response whose assertion is encrypted after it was signed and before the response is. */
const sealed =
  (change: Partial<Encryption> = {}, sign: Signed = 'both', said: object = {}): Forgery =>
  ({ provider, said: says }, begun) =>
    provider.xml(says(begun, { sign, ...said, ...sealing(change) }));
const sealing = (change: Partial<Encryption>) => ({
  editSigned: (xml: string) => encryptedAssertion(xml, { certificate: ours.certificate, ...change }),
});
/** The same, of a response that is not signed: encrypted by somebody on the way. */
const resealed =
  (change: Partial<Encryption>, sign: Signed = 'assertion', said: object = {}) =>
  async (stage: Stage, begun: Begun): Promise<string> => {
    const xml = await genuineXml(stage, begun, { sign, ...said });
    return xml.replace(plain, (found) =>
      encryptedAssertion(found, { certificate: ours.certificate, ...change }),
    );
  };

/** A signed response in which something else was encrypted. */
const containing =
  (text: (xml: string) => string): Forgery =>
  ({ provider, said }, begun) =>
    provider.xml(said(begun, { editSigned: (xml) => sealing({}).editSigned(text(xml)) }));

describe('encrypted assertions (SAML-30)', () => {
  it('signs in by an assertion that is encrypted for any of our keys, by OAEP and GCM', () =>
    onSaml(
      {},
      (stage) =>
        expectAccepted(stage, {
          'AES-256': sealed(),
          'AES-128': sealed({ content: 'aes128-gcm' }),
          'OAEP with SHA-256': sealed({ transport: 'oaep-sha256' }),
          'for the next key': sealed({ certificate: next.certificate }),
          'not encrypted': {},
        }),
      withKeys,
    ));

  it('signs in where the response alone is signed, or the assertion alone', async () => {
    const each: Signed[] = ['response', 'assertion'];
    for (const sign of each)
      await onSaml(
        { signed: sign },
        (stage) => expectAccepted(stage, { [sign]: sealed({}, sign) }),
        withKeys,
      );
  });

  it('SAML-30: without a key of ours an encrypted assertion is refused like any other', () =>
    onSaml({}, (stage) =>
      expectRefused(stage, { encrypted: sealed(), 'by CBC': sealed({ content: 'aes256-cbc' }) }),
    ));

  it('SAML-30: key transport by PKCS #1 v1.5 and weak ciphers are refused', async () => {
    for (const sign of ['both', 'response', 'assertion'] as const)
      await onSaml(
        { signed: sign },
        (stage) =>
          expectRefused(
            stage,
            {
              'RSA 1.5': sealed({ transport: 'rsa1_5' }, sign),
              'RSA 1.5 and CBC': sealed({ transport: 'rsa1_5', content: 'aes128-cbc' }, sign),
              '3DES': sealed({ content: 'tripledes-cbc' }, sign),
              'an unknown transport': sealed({ edit: (xml) => xml.replace('rsa-oaep-mgf1p', 'rsa-x') }, sign),
              'an unknown cipher': sealed({ edit: (xml) => xml.replace('aes256-gcm', 'aes257-gcm') }, sign),
              'no method': sealed(
                { edit: (xml) => xml.replace(/<xenc:EncryptionMethod Alg[^>]*\/>/, '') },
                sign,
              ),
              'no key': sealed({ edit: (xml) => xml.replace(/<KeyInfo[\s\S]*<\/KeyInfo>/, '') }, sign),
              'a second method, of RSA 1.5': sealed(
                {
                  transport: 'rsa1_5',
                  edit: (xml) =>
                    xml.replace(
                      '<xenc:EncryptedKey>',
                      `<xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="${oaep}"/>`,
                    ),
                },
                sign,
              ),
            },
            { sign },
          ),
        withKeys,
      );
  });

  it('SAML-30: CBC is good only where the ciphertext is signed', async () => {
    for (const sign of ['both', 'response'] as const)
      await onSaml(
        { signed: sign },
        (stage) =>
          expectAccepted(stage, {
            'AES-256': sealed({ content: 'aes256-cbc' }, sign),
            'AES-128': sealed({ content: 'aes128-cbc' }, sign),
          }),
        withKeys,
      );
    await onSaml(
      { signed: 'assertion' },
      (stage) =>
        expectRefused(
          stage,
          {
            'AES-256': sealed({ content: 'aes256-cbc' }, 'assertion'),
            'AES-128': sealed({ content: 'aes128-cbc' }, 'assertion'),
          },
          { sign: 'assertion' },
        ),
      withKeys,
    );
  });

  it('SAML-30: encrypting what is not signed, or for somebody else, opens nothing', () =>
    onSaml(
      {},
      (stage) =>
        expectRefused(stage, {
          'not signed, in a signed response': sealed({}, 'response'),
          'signed, in a response that is not': sealed({}, 'assertion'),
          'nothing signed': resealed({}, 'both', { sign: 'none', ...bobs }),
          'encrypted after the response was signed': resealed({}, 'both'),
          'for a stranger': sealed({ certificate: strangers.certificate }),
          'two of them': sealed({ edit: (xml) => xml + xml }),
          'one beside a plain one': ({ provider, said }, begun) =>
            provider.xml(said(begun, { editSigned: (xml) => xml + sealing({}).editSigned(xml) })),
          'no assertion within': containing(() => '<x/>'),
          'two assertions within': containing((xml) => xml + xml),
          'no XML within': containing(() => 'alice-1'),
          'nothing within': containing(() => ''),
          'a response within': containing((xml) => `<samlp:Response xmlns:samlp="x">${xml}</samlp:Response>`),
          'changed before it was encrypted': containing((xml) => xml.replace('>alice-1<', '>bob-1<')),
        }),
      withKeys,
    ));

  it('SAML-30: where the assertion alone is signed, what was encrypted unsigned is refused', () =>
    onSaml(
      { signed: 'assertion' },
      (stage) =>
        expectRefused(
          stage,
          {
            'not signed': resealed({}, 'both', { sign: 'none', ...bobs }),
            'changed before it was encrypted': async (stage, begun) => {
              const xml = await genuineXml(stage, begun, { sign: 'assertion' });
              return xml.replace(plain, (found) =>
                encryptedAssertion(found.replace('>alice-1<', '>bob-1<'), { certificate: ours.certificate }),
              );
            },
            'a forged one around the genuine one': async (stage, begun) => {
              const xml = await genuineXml(stage, begun, { sign: 'assertion' });
              const [genuine = ''] = plain.exec(xml) ?? [];
              const forged = genuine
                .replace(/<Signature xmlns[\s\S]*?<\/Signature>/, '')
                .replace('>alice-1<', '>bob-1<')
                .replace(/ ID="[^"]*"/, ' ID="_forged"')
                .replace('</saml:Assertion>', `<saml:Advice>${genuine}</saml:Advice></saml:Assertion>`);
              return xml.replace(plain, () => encryptedAssertion(forged, { certificate: ours.certificate }));
            },
          },
          { sign: 'assertion' },
        ),
      withKeys,
    ));

  it('SAML-30: 256 changes of a ciphertext cannot be told apart by what is answered', () =>
    onSaml(
      { signed: 'assertion' },
      async (stage) => {
        const begun = await stage.begin();
        const usual = await refusal(stage.nodes[0]);
        const { headers } = await stage.post(begun, base64('<x/>'));
        const kinds: Partial<Encryption>[] = [
          {},
          { content: 'aes128-gcm' },
          { content: 'aes128-cbc' },
          { transport: 'rsa1_5', content: 'aes128-cbc' },
        ];
        const flip = (at: number) => (bytes: Buffer) => {
          const index = at % bytes.length;
          bytes[index] = (bytes[index] ?? 0) ^ (1 << (at % 8));
          return bytes;
        };
        const took: number[][] = kinds.map(() => []);
        await inLanes([...Array(256).keys()], async (at) => {
          const where = at % 8 < 4 ? { mutate: flip(at * 7) } : { mutateKey: flip(at) };
          const kind = at % kinds.length;
          const forged = await resealed({ ...kinds[kind], ...where })(stage, begun);
          const since = performance.now();
          const answer = await stage.post(begun, base64(forged));
          took[kind]?.push(performance.now() - since);
          expect([at, answer.status, answer.body]).toEqual([at, 401, usual]);
          expect(Object.keys(answer.headers)).toEqual(Object.keys(headers));
        });
        expect(took.map(({ length }) => length)).toEqual([64, 64, 64, 64]);
        const genuine = await resealed({})(stage, begun);
        stage.expectSessionsOf('a11ce000-0000-4000-8000-000000000001');
        await expectAlice(stage, 'genuine', await stage.post(begun, base64(genuine)));
      },
      withKeys,
    ));
});
