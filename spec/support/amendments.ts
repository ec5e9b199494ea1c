/** An amendment of the contract's data, as its README lists it, with the reason. */
interface Amendment {
  reason: string;
  apply(document: Document): void;
}

/** The contract document, as far as it is touched here. */
export interface Document {
  paths: Record<
    string,
    Record<string, { responses: Record<string, { content?: Record<string, { schema: object }> }> }>
  >;
  components: { schemas: Record<string, Record<string, unknown>> };
}

/** What a strict validator needs to be told before it can use the contract's data. */
export const amendments: readonly Amendment[] = [
  {
    reason: 'a known transport, and creation options, match two branches',
    apply({ components: { schemas } }) {
      for (const name of ['AuthenticatorTransport', 'Fido2MfaChallengeResponse']) {
        const { oneOf, ...rest } = schemas[name] ?? {};
        schemas[name] = { ...rest, anyOf: oneOf };
      }
    },
  },
  {
    reason: 'base64url is not what the format "byte" means',
    apply({ components: { schemas } }) {
      schemas.Base64UrlSafe = { type: 'string', pattern: '^[A-Za-z0-9_-]*$' };
    },
  },
  {
    reason: 'browsers need the COSE number of an algorithm, -7 for Es256',
    apply({ components: { schemas } }) {
      schemas.COSEAlgorithmIdentifier = { type: 'integer' };
    },
  },
  {
    reason: 'entity is flattened on the wire',
    apply({ components: { schemas } }) {
      schemas.PublicKeyCredentialEntityForRp = {
        type: 'object',
        properties: { name: { type: 'string' }, id: { type: 'string', nullable: true } },
        required: ['name'],
      };
      schemas.PublicKeyCredentialEntityForUser = {
        type: 'object',
        properties: {
          name: { type: 'string' },
          id: { $ref: '#/components/schemas/Base64UrlSafe' },
          displayName: { type: 'string' },
        },
        required: ['name', 'id', 'displayName'],
      };
    },
  },
  {
    reason: 'method is optional beside a Basic header',
    apply({ components: { schemas } }) {
      const [common, method] = (schemas.AuthRequest?.allOf ?? []) as [object, object];
      schemas.AuthRequest = { anyOf: [common, { allOf: [common, method] }] };
    },
  },
  {
    reason: 'the SP metadata is XML',
    apply({ paths }) {
      const answer = paths['/saml/metadata.xml']?.get?.responses['2XX'];
      if (answer) answer.content = { 'application/samlmetadata+xml': { schema: { type: 'string' } } };
    },
  },
  {
    reason: 'a user without a password unlocks the configuration with an assertion, or by a new sign-in',
    apply({ components: { schemas } }) {
      schemas.Config2faAuthRequest = {
        anyOf: [
          schemas.Config2faAuthRequest,
          {
            type: 'object',
            properties: {
              assertion: { $ref: '#/components/schemas/PublicKeyCredentialAuthenticatorAssertionResponse' },
            },
            required: ['assertion'],
          },
          { type: 'object', maxProperties: 0 },
        ],
      };
    },
  },
];
