import { z } from 'zod';
import { AuthError, type FieldError } from '../errors.js';
import { canonicalEmail } from './email.js';
import { isUuid } from './ids.js';
import { decodeUtf8 } from './utf8.js';
import { assertion, attestation, mfaMethod, requestOptions, u2fChallenge } from './webauthn.js';

/** An id of a user, an app or an account. */
export const uuid = z.string().refine(isUuid, 'must be a UUID in lower case');

/** An e-mail address, read into its canonical form. */
export const email = z.string().transform((address, context) => {
  const canonical = canonicalEmail(address);
  if (canonical !== null) return canonical;
  context.addIssue({ code: 'custom', message: 'must be an e-mail address' });
  return z.NEVER;
});

/** A password or a secret: 1 to 1,024 bytes of UTF-8, taken exactly as they are. */
export const secret = z
  .string()
  .refine(
    (text) => text.isWellFormed() && text.length > 0 && Buffer.byteLength(text) <= 1024,
    'must be 1 to 1,024 bytes of UTF-8',
  );

/** A name that a person gave: not blank, one line. Looked at without a pattern, whose cost would grow with its square. */
export const name = z
  .string()
  .refine((text) => text.length <= 4096, { error: 'must be at most 4,096 characters', abort: true })
  .refine((text) => !text.includes('\n') && text.trim() !== '', 'must be one line and not blank')
  .refine((text) => text.isWellFormed(), 'must be valid Unicode');

/** How a session travels: in the Authorization header, or in a cookie. */
export const tokenType = z.enum(['Bearer', 'Cookie']);

/** How a session travels; see {@link tokenType}. */
export type TokenType = z.output<typeof tokenType>;

/** What every body of `POST session/auth` may hold, whatever its method. */
export const authRequest = z.object({
  method: z.string().optional(),
  token_type: tokenType.default('Bearer'),
});

/** Body of `method: password`. */
export const passwordRequest = z.object({
  email,
  password: secret,
  recaptcha_response: z.string().max(8192, 'must be at most 8,192 characters').nullish(),
});

/** Body of `method: auth-by-app-name`. */
export const appNameRequest = z.object({
  acct_id: uuid,
  name,
  password: secret,
});

/** An id of an identity provider: standard base64 of its UTF-8. */
export const idpId = z.string().transform((text, context) => {
  const bytes = Buffer.from(text, 'base64');
  const id = bytes.toString('base64') === text ? decodeUtf8(bytes) : null;
  if (id !== null && id !== '' && id.length <= 1024) return id;
  context.addIssue({ code: 'custom', message: 'must be standard base64 of an id in UTF-8' });
  return z.NEVER;
});

/** An address that is only a hint: none at all is none. */
const emailHint = z.union([z.literal('').transform(() => null), email]);

/** Body of `method: oauth-auth-code`. */
export const oauthRequest = z.object({
  idp_id: idpId,
  code: z
    .string()
    .min(1, 'must not be empty')
    .max(4096, 'must be at most 4,096 characters')
    // RFC 6749, appendix A.11.
    .regex(/^[\x20-\x7e]+$/, 'must be printable ASCII'),
  email: emailHint,
  state: z.string().max(4096, 'must be at most 4,096 characters').nullish(),
  /** The issuer that the browser came back with (RFC 9207); `null` says that it came with none. */
  iss: z.string().max(2048, 'must be at most 2,048 characters').nullable().optional(),
});

/** Body of `method: saml-response`. */
export const samlRequest = z.object({
  id: z
    .string()
    .max(512, 'must be at most 512 characters')
    .nullish()
    .transform((id) => id ?? null),
  response: z.string().min(1, 'must not be empty'),
});

/** Body of `method: ldap-basic-auth`. */
export const ldapRequest = z.object({
  idp_id: idpId,
  email,
  // A directory that is written in C reads a password up to its first NUL, and nothing before it as no password.
  password: secret.refine((text) => !text.includes('\0'), 'must not contain NUL'),
  /** Asks for an account of one's own in this account, which must be the provider's. */
  acct_id: uuid.nullish(),
});

/** Body of `POST session/auth/discover`. */
export const discoverRequest = z.object({ user_email: email.nullish() });

/** Query of `POST session/auth/discover`. */
export const discoverQuery = z.object({ acct_id: uuid.optional() });

/** Body of `POST session/select_account`. */
export const selectAccountRequest = z.object({ acct_id: uuid });

/** Answer of `POST session/auth` and `POST session/reauth`. */
export const authResponse = z.object({
  token_type: tokenType,
  expires_in: z.int().min(0).max(4294967295),
  entity_id: uuid,
  access_token: z.string().optional(),
  /** `[]` when nothing is owed. */
  allowed_mfa_methods: z.array(mfaMethod).optional(),
  fido2_assertion_options: requestOptions.optional(),
  /** Where the user has keys that were registered through U2F. */
  challenge: u2fChallenge.optional(),
});

/** Answer of `POST session/auth` and `POST session/reauth`. */
export type AuthResponse = z.output<typeof authResponse>;

/** A name that is kept. Some databases have no NUL in a text. */
const keptName = name.refine((text) => !text.includes('\0'), 'must not contain NUL');

/** Body of `POST session/config_2fa/devices`. */
export const addDeviceRequest = z.object({ name: keptName, attestationResult: attestation });

/** Body of `PATCH session/config_2fa/devices`. */
export const renameDeviceRequest = z.object({ old_name: keptName, new_name: keptName });

/** Body of `DELETE session/config_2fa/devices`. */
export const removeDeviceRequest = z.object({ name: keptName });

/** A recovery code as somebody has typed it. */
const recoveryCode = z.string().max(1024, 'must be at most 1,024 characters');

/** Body of `POST session/auth/2fa/recovery_code`. */
export const recoveryCodeRequest = z.object({ recovery_code: recoveryCode });

/** Answer of `POST users/generate_recovery_codes`. */
export const recoveryCodesResponse = z.object({ recovery_codes: z.array(z.string()) });

/** Answer of `POST users/generate_recovery_codes`; see {@link recoveryCodesResponse}. */
export type RecoveryCodesResponse = z.output<typeof recoveryCodesResponse>;

/** Query of `POST session/config_2fa/new_challenge`: registration through U2F is not offered. */
export const newChallengeQuery = z.object({
  protocol: z.literal('fido2', 'must be fido2: U2F keys are not enrolled here'),
});

/**
 * Body of `POST session/config_2fa/auth`: the password; of a user who has none an assertion or a recovery code; nothing where
 * there is none of these.
 */
export const configurationRequest = z
  .object({
    password: secret.optional(),
    assertion: assertion.optional(),
    recovery_code: recoveryCode.optional(),
  })
  .refine((proofs) => Object.values(proofs).filter((each) => each !== undefined).length <= 1, {
    error: 'must be one of password, assertion and recovery_code',
  });

const offered = { name: z.string(), icon_url: z.string(), idp_id: z.string() };

/** A way to sign in, as `POST session/auth/discover` answers it. */
export const authMethod = z.discriminatedUnion('method', [
  z.object({ method: z.literal('password') }),
  z.object({
    method: z.literal('saml-post'),
    ...offered,
    /** The id of the AuthnRequest. */
    id: z.string(),
    /** Where the form is to be posted, with the request as `SAMLRequest`. */
    binding_url: z.string(),
    /** Standard base64. */
    authn_request: z.string(),
  }),
  z.object({
    method: z.literal('oauth-auth-code-grant'),
    ...offered,
    /** Where the browser is to be sent; complete. The fields beside it repeat its values. */
    authorization_url: z.string(),
    client_id: z.string(),
    redirect_uri: z.string(),
    state: z.string(),
    auth_params: z.object({
      prompt: z.array(z.enum(['login', 'none', 'consent', 'select_account'])).optional(),
      display: z.enum(['page', 'popup', 'touch', 'wap']).optional(),
      max_age: z.int().optional(),
    }),
  }),
  z.object({ method: z.literal('ldap-password'), ...offered }),
]);

/** A way to sign in; see {@link authMethod}. */
export type AuthMethod = z.output<typeof authMethod>;

/** Answer of `POST session/select_account`: the token stays, so there is no new cookie. */
export const selectAccountResponse = z.object({ cookie: z.null() });

/** Answer of `POST session/select_account`. */
export type SelectAccountResponse = z.output<typeof selectAccountResponse>;

/**
 * Reads a body by a schema. Unknown fields are dropped.
 *
 * @throws AuthError `malformed_request` with the path of each wrong field, never with its value
 */
export function parseBody<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw new AuthError('malformed_request', {
    fields: result.error.issues.map(fieldError),
  });
}

/** Our own words for each kind of issue: those of the library may quote the input. */
function fieldError({ path, code, message }: z.core.$ZodIssue): FieldError {
  return { path: path.join('.'), detail: detailOf(code, message) };
}

function detailOf(code: z.core.$ZodIssue['code'], message: string): string {
  if (code === 'custom' || code === 'too_big' || code === 'invalid_format') return message;
  if (code === 'invalid_value') return 'is not one of the allowed values';
  return message.endsWith('received undefined') ? 'is required' : 'has the wrong type';
}
