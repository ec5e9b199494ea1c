import { describe, expect, it } from '@jest/globals';
import { samlProviderFromMetadata } from '../../lib/index.js';
import { appWithSaml, auth, browser, serviceProvider } from '../support/federation.js';
import { keyAndCertificate } from '../support/keys.js';
import { alice } from '../support/people.js';

const said = { subject: 'alice-1', audience: serviceProvider.entityId, acsUrl: serviceProvider.acsUrl };
const attributes = { mail: alice.email };

describe('saml-response', () => {
  it.each([
    ['its id in the body', (id: string) => id],
    ['no id in the body, as the contract allows', () => null],
  ])('signs a user in who was sent to the provider from here: %s', async (_, idOf) => {
    const app = await appWithSaml();
    const own = browser(app);
    const offer = await own.offer('saml-post');
    const id = String(offer.id);
    expect(offer.binding_url).toBe('https://idp.example/sso');
    expect(app.provider.requestId(String(offer.authn_request))).toBe(id);

    const response = await app.provider.response({ ...said, inResponseTo: id, attributes });
    const answer = await app.post(auth, { method: 'saml-response', id: idOf(id), response }, own.headers);
    expect([answer.status, answer.body.entity_id]).toEqual([200, alice.id]);
    const me = await app.get('/me', { Authorization: `Bearer ${answer.body.access_token}` });
    expect(me.body.session).toMatchObject({ method: 'saml-response', idpId: 'saml', secondFactor: false });
  });

  it('is not offered, and not in use, without a service provider', async () => {
    const app = await appWithSaml({}, { serviceProvider: undefined });
    await expect(browser(app).offer('saml-post')).rejects.toThrow('is not offered');
    const answer = await app.post(auth, { method: 'saml-response', id: null, response: 'AAAA' });
    expect([answer.status, answer.body.code]).toEqual([400, 'method_not_configured']);
  });

  it.each([{}, { response: '' }, { response: 5 }, { response: 'AAAA', id: 5 }])(
    'finds %j malformed',
    async (fields) => {
      const app = await appWithSaml();
      const answer = await app.post(auth, { method: 'saml-response', ...fields });
      expect([answer.status, answer.body.code]).toEqual([400, 'malformed_request']);
    },
  );
});

describe('the metadata of this service', () => {
  it('names the service, its endpoint and all its keys, and asks for no session', async () => {
    const keys = [keyAndCertificate('one'), keyAndCertificate('two')];
    const app = await appWithSaml({}, { serviceProvider: { ...serviceProvider, keys } });
    const answer = await app.get('/sys/v1/saml/metadata.xml').buffer(true).parse(text);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^application\/samlmetadata\+xml/);
    expect(answer.body).toContain(`entityID="${serviceProvider.entityId}"`);
    expect(answer.body).toContain(`Location="${serviceProvider.acsUrl}"`);
    for (const { certificate } of keys)
      expect(answer.body.replace(/\s/g, '')).toContain(certificate.replace(/-----.*-----|\s/g, ''));
  });
});

function text(response: unknown, done: (error: Error | null, body: string) => void): void {
  let body = '';
  (response as NodeJS.ReadableStream)
    .on('data', (chunk) => (body += chunk))
    .on('end', () => done(null, body));
}

describe('samlProviderFromMetadata', () => {
  const { certificate } = keyAndCertificate('idp');
  const bare = certificate.replace(/-----.*-----|\s/g, '');
  const metadata = (inner: string, entity = ' entityID="https://idp.example/metadata"') =>
    `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#"${entity}>
      <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">${inner}</md:IDPSSODescriptor>
    </md:EntityDescriptor>`;
  const key = (text: string, use = ' use="signing"') =>
    `<md:KeyDescriptor${use}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>${text}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`;
  const service = (binding: string, location: string) =>
    `<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:${binding}" Location="${location}"/>`;
  const post = service('HTTP-POST', 'https://idp.example/post');

  it('makes the parts of a record that metadata knows', async () => {
    const redirect = service('HTTP-Redirect', 'https://idp.example/redirect');
    const xml = metadata(
      `${key(bare)}${key(bare, '')}${key('other', ' use="encryption"')}${redirect}${post}`,
    );
    const record = await samlProviderFromMetadata(xml);
    expect(record).toEqual({
      entityId: 'https://idp.example/metadata',
      ssoUrl: 'https://idp.example/post',
      certificates: [certificate, certificate],
    });
  });

  it.each<[string, string, RegExp]>([
    ['no XML', 'nothing', /no EntityDescriptor/],
    ['another document', '<a/>', /no EntityDescriptor/],
    ['a DOCTYPE', `<!DOCTYPE a>${metadata(key(bare) + post)}`, /no EntityDescriptor/],
    ['no entity id', metadata(key(bare) + post, ''), /no entityID/],
    ['no provider', metadata('').replaceAll('IDPSSO', 'SPSSO'), /must describe one identity provider/],
    ['no endpoint for posts', metadata(key(bare)), /no SingleSignOnService/],
    ['no certificate', metadata(post), /no certificate/],
    ['a certificate that is none', metadata(key('AAAA') + post), /none, or too weak/],
    [
      'a weak key',
      metadata(key(keyAndCertificate('weak', 1024).certificate.replace(/-----.*-----|\s/g, '')) + post),
      /too weak/,
    ],
  ])('refuses %s', async (_, xml, mend) => {
    await expect(samlProviderFromMetadata(xml)).rejects.toMatchObject({
      name: 'ConfigError',
      path: 'metadata',
    });
    await expect(samlProviderFromMetadata(xml)).rejects.toThrow(mend);
  });
});
