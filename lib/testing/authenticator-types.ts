import type { SoftwareAlgorithm } from './authenticator-keys.js';

/** How a software authenticator is, unless a ceremony changes it. */
export interface SoftwareAuthenticatorOptions {
  /** The origin of the page that it is used on, such as `https://app.example.com`. */
  origin: string;
  /** @default 'ES256' */
  algorithm?: SoftwareAlgorithm;
  /** The signature counter before the first use; each use adds one. @default 0 */
  counter?: number;
  /** Whether the counter moves at all: many passkeys stay at 0. @default true */
  counts?: boolean;
  /** Whether it verifies its user. @default true */
  userVerified?: boolean;
  /** Whether its credentials may be backed up, and whether they are. @default false */
  backupEligible?: boolean;
  /** @default false */
  backedUp?: boolean;
  /** Whether it hands the user handle back, as one with discoverable credentials does. @default false */
  discoverable?: boolean;
}

/** What of the options of `navigator.credentials.create()` an authenticator looks at. */
export interface SoftwareCreationOptions {
  challenge: string;
  rp: { id?: string | undefined };
  user: { id: string };
  pubKeyCredParams?: readonly { alg: number }[] | undefined;
  excludeCredentials?: readonly { id: string }[] | undefined;
}

/** What of the options of `navigator.credentials.get()` an authenticator looks at. */
export interface SoftwareRequestOptions {
  challenge: string;
  rpId?: string | undefined;
  allowCredentials?: readonly { id: string }[] | undefined;
  extensions?: { appid?: string | undefined } | undefined;
}

/** An attestation as `PublicKeyCredential.toJSON()` makes it; a ceremony may change it into anything. */
export interface SoftwareAttestation {
  id: string;
  rawId: string;
  type: string;
  response: { clientDataJSON: string; attestationObject: string; transports: string[] };
  clientExtensionResults: object;
}

/** An assertion as `PublicKeyCredential.toJSON()` makes it; a ceremony may change it into anything. */
export interface SoftwareAssertion {
  id: string;
  rawId: string;
  type: string;
  response: { clientDataJSON: string; authenticatorData: string; signature: string; userHandle?: string };
  clientExtensionResults: object;
}
