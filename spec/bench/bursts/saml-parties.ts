import { type SamlResponseOptions, samlProvider } from 'passport-control/testing';
import type { KeyAndCertificate } from '../../support/keys.js';

/** The service, as the provider knows it. */
export const serviceProvider = {
  entityId: 'https://example.com/saml',
  acsUrl: 'https://app.example.com/acs',
};

export const idpEntityId = 'https://idp.example/metadata';

/** A user, and who that is at the provider. */
export interface SamlPerson {
  id: string;
  email: string;
  subject: string;
}

/** The certificate of the provider, and the users that it knows. */
export interface SamlSeed {
  certificate: string;
  people: readonly SamlPerson[];
}

/** The user of this number. */
export function samlPerson(n: number): SamlPerson {
  const id = `a11ce000-0000-4000-8000-${String(n).padStart(12, '0')}`;
  return { id, email: `user${n}@example.com`, subject: `subject-${id}` };
}

/** The provider: its response to a request says who somebody is, and both it and the assertion are signed. */
export function idp(keys: KeyAndCertificate) {
  const provider = samlProvider({ entityId: idpEntityId, ...keys });
  return ({ subject, email }: SamlPerson, inResponseTo: string, lifetime = 300): Promise<string> => {
    const said: SamlResponseOptions = {
      ...{ subject, inResponseTo, lifetime, attributes: { mail: email } },
      ...{ audience: serviceProvider.entityId, acsUrl: serviceProvider.acsUrl },
    };
    return provider.response(said);
  };
}
