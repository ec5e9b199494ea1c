import type { SamlClient } from '../federation/saml-client.js';
import type { Work } from './handler.js';

/** `GET saml/metadata.xml`: this service as SAML metadata describes it, with all its keys. */
export function samlMetadata(saml: SamlClient): Work {
  return async (_request, response) => {
    response
      .status(200)
      .type('application/samlmetadata+xml')
      .send(await saml.metadata());
  };
}
