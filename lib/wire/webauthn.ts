import { z } from 'zod';
import { anyBytes, bytes } from './base64url.js';

/** What authenticators call each other's ways in; those that nobody knows yet are kept as they are. */
const transports = z
  .array(z.string().max(32, 'must be at most 32 characters'))
  .max(16, 'must be at most 16 transports')
  .nullish();

/** What extensions answered. All that is asked is whether a key that was registered through U2F has signed for its AppID. */
const extensionResults = z.record(z.string(), z.unknown()).nullish();

const credential = {
  /** The credential id; WebAuthn L3, section 5.1, allows 1,023 bytes. */
  id: bytes(1023),
  rawId: bytes(1023).optional(),
  type: z.literal('public-key', 'must be public-key').default('public-key'),
  /** As browsers say it, and as the contract does. */
  clientExtensionResults: extensionResults,
  get_client_extension_results: extensionResults,
};

/** Two spellings of one id that differ are two ids, and nobody knows which is meant. */
function isOneId({ id, rawId }: { id: string; rawId?: string | undefined }): boolean {
  return rawId === undefined || rawId === id;
}
const oneId = { error: 'must be the same as id', path: ['rawId'] };

/** Body of `POST session/auth/2fa/fido2`: an assertion, as `PublicKeyCredential.toJSON()` makes it. */
export const assertion = z
  .object({
    ...credential,
    response: z.object({
      clientDataJSON: bytes(8192),
      authenticatorData: bytes(4096),
      signature: bytes(1024),
      /** Of any length: whose handle it is, is not a question of form. */
      userHandle: z.string().nullish(),
    }),
  })
  .refine(isOneId, oneId);

/** An assertion: the answer of an authenticator to a challenge. Bytes are in canonical base64url. */
export type Assertion = z.output<typeof assertion>;

/** An assertion that approves something, with the name of the challenge that it answers. */
export const approval = assertion.and(z.object({ challenge_token: z.string() }));

/** Whether the client says that the key has signed for the AppID and not for the relying party (WebAuthn L3, section 10.1.1). */
export function isForAppId(assertion: Assertion): boolean {
  const { clientExtensionResults: results, get_client_extension_results: own } = assertion;
  return results?.appid === true || own?.appid === true;
}

/** Body of `POST session/auth/2fa/u2f`: what U2F's JavaScript API calls a sign response. */
export const u2fAnswer = z.object({
  keyHandle: anyBytes(1023),
  signatureData: anyBytes(1024),
  clientData: anyBytes(8192),
});

/** The answer of a key by U2F itself. Bytes are in canonical base64url. */
export type U2fAnswer = z.output<typeof u2fAnswer>;

/** An attestation: the answer of an authenticator that has made a credential. */
export const attestation = z
  .object({
    ...credential,
    response: z.object({
      clientDataJSON: bytes(8192),
      attestationObject: bytes(8192),
      /** As browsers say it, and as the contract does. */
      transports,
      getTransports: transports,
    }),
  })
  .refine(isOneId, oneId);

/** An attestation: the answer of an authenticator that has made a credential. Bytes are in canonical base64url. */
export type Attestation = z.output<typeof attestation>;

/** Whether an authenticator is to verify its user, by PIN or fingerprint. */
export const userVerification = z.enum(['required', 'preferred', 'discouraged']);

/** Whether an authenticator is to verify its user; see {@link userVerification}. */
export type UserVerification = z.output<typeof userVerification>;

const base64url = z.string();
const descriptor = z.object({
  type: z.literal('public-key'),
  id: base64url,
  transports: z.array(z.string()).optional(),
});

/** What `navigator.credentials.get()` is to be asked (WebAuthn L3, section 5.5), in the JSON of section 5.1.10. */
export const requestOptions = z.object({
  challenge: base64url,
  /** Milliseconds. */
  timeout: z.int(),
  rpId: z.string(),
  allowCredentials: z.array(descriptor),
  userVerification,
  extensions: z.object({ appid: z.string() }).optional(),
});

/** What `navigator.credentials.get()` is to be asked; see {@link requestOptions}. */
export type RequestOptions = z.output<typeof requestOptions>;

/** What `navigator.credentials.create()` is to be asked (WebAuthn L3, section 5.4), in JSON. */
export const creationOptions = z.object({
  rp: z.object({ id: z.string(), name: z.string() }),
  user: z.object({ id: base64url, name: z.string(), displayName: z.string() }),
  challenge: base64url,
  pubKeyCredParams: z.array(z.object({ type: z.literal('public-key'), alg: z.int() })),
  /** Milliseconds. */
  timeout: z.int(),
  excludeCredentials: z.array(descriptor),
  authenticatorSelection: z.object({
    residentKey: z.enum(['discouraged', 'preferred', 'required']),
    requireResidentKey: z.boolean(),
    userVerification,
  }),
  attestation: z.enum(['none', 'indirect', 'direct', 'enterprise']),
  extensions: z.object({ appidExclude: z.string() }).optional(),
});

/** What `navigator.credentials.create()` is to be asked; see {@link creationOptions}. */
export type CreationOptions = z.output<typeof creationOptions>;

/** A device as a sign-in names it. */
export const mfaDevice = z.object({
  name: z.string(),
  type: z.enum(['U2f', 'Fido2']),
  origin: z.string().nullable(),
});

/** A device in the list of its owner. Times are in RFC 3339. */
export const listedDevice = mfaDevice.extend({
  created_at: z.string(),
  last_used_at: z.string().nullable(),
});

/** A device in the list of its owner; see {@link listedDevice}. */
export type ListedDevice = z.output<typeof listedDevice>;

/** Answer of `GET session/config_2fa/devices`. */
export const deviceList = z.object({
  mfa_devices: z.array(listedDevice),
  recovery_codes_left: z.int(),
});

/** Answer of `GET session/config_2fa/devices`. */
export type DeviceList = z.output<typeof deviceList>;

/** The challenge for keys that were registered through U2F, as its JavaScript API wants it. */
export const u2fChallenge = z.object({
  u2f_challenge: base64url,
  u2f_keys: z.array(z.object({ keyHandle: base64url, version: z.literal('U2F_V2') })),
});

/** The challenge for keys that were registered through U2F; see {@link u2fChallenge}. */
export type U2fChallenge = z.output<typeof u2fChallenge>;

/** The second factor that a pending session owes: the challenge, its name, and the devices that may answer. */
export const mfaMethod = z.object({
  Fido2: z.object({
    challenge: requestOptions,
    /** Standard base64. It names the challenge, and opens nothing. */
    challenge_token: z.string(),
    mfa_devices: z.array(mfaDevice),
  }),
});
