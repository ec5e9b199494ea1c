import { randomBytes } from 'node:crypto';
import { SAML } from '@node-saml/node-saml';
import { keyAndCertificate } from '../../support/keys.js';
import { idp, samlPerson, serviceProvider } from '../bursts/saml-parties.js';
import { measuring, perSecond } from './measuring.js';

// How many responses are validated in a second by the library alone, with the settings of ours and its clock: one and the same.
const keys = keyAndCertificate('idp');
const person = samlPerson(0);
const day = 86_400;
// An id is as long as those of ours, so that the document is.
const SAMLResponse = await idp(keys)(person, `_${randomBytes(38).toString('base64url')}`, day);
const saml = new SAML({
  callbackUrl: serviceProvider.acsUrl,
  issuer: serviceProvider.entityId,
  audience: serviceProvider.entityId,
  idpCert: [keys.certificate],
  wantAuthnResponseSigned: true,
  wantAssertionsSigned: true,
  identifierFormat: null,
});
measuring((seconds) =>
  perSecond(seconds, async () => {
    const { profile } = await saml.validatePostResponseAsync({ SAMLResponse });
    if (profile?.nameID !== person.subject) throw new Error('a good response names somebody else');
  }),
);
