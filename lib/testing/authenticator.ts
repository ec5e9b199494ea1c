import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { NewMfaDevice } from '../repositories/index.js';
import { attestationObject } from './authenticator-attestation.js';
import {
  type AuthenticatorChange,
  type CreationChange,
  changed,
  sha256,
  uint16,
  uint32,
} from './authenticator-change.js';
import { coseAlgorithm, coseKeyOf, keyPairs, type SoftwareCredential } from './authenticator-keys.js';

import type {
  SoftwareAssertion,
  SoftwareAttestation,
  SoftwareAuthenticatorOptions,
  SoftwareCreationOptions,
  SoftwareRequestOptions,
} from './authenticator-types.js';
import {
  rawKeyOf,
  type SoftwareU2fAnswer,
  type U2fChange,
  u2fAnswerOf,
  u2fRegistrationOf,
} from './authenticator-u2f.js';

/** Bits of the flags byte (WebAuthn L3, section 6.1). */
const flag = { up: 0x01, uv: 0x04, be: 0x08, bs: 0x10, at: 0x40, ed: 0x80 } as const;

/**
 * A FIDO2 authenticator in software, with the page that it is used on, for specs: it makes credentials and signs
 * challenges as W3C WebAuthn L3 (sections 5 to 7) says, and each byte of that can be changed on the way. Keys never
 * leave the process, and nothing here is safe to use outside of specs.
 *
 * @example
 * const key = new SoftwareAuthenticator({ origin: 'https://app.example.com' });
 * const made = await key.create(creationOptions);
 * const answer = await key.get(requestOptions, { flags: (flags) => flags & ~0x01 });   // nobody was there
 */
export class SoftwareAuthenticator {
  /** All credentials that it holds. */
  readonly credentials: SoftwareCredential[] = [];
  private readonly options: Required<SoftwareAuthenticatorOptions>;

  constructor(options: SoftwareAuthenticatorOptions) {
    this.options = {
      ...{ algorithm: 'ES256', counter: 0, counts: true, userVerified: true },
      ...{ backupEligible: false, backedUp: false, discoverable: false },
      ...options,
    };
  }

  /**
   * Makes a credential, as `navigator.credentials.create()` does.
   *
   * @throws Error `InvalidStateError` when it holds one of `excludeCredentials` already, `NotSupportedError` when
   *   its algorithm is not asked for
   */
  async create(options: SoftwareCreationOptions, change: CreationChange = {}): Promise<SoftwareAttestation> {
    const held = options.excludeCredentials?.some(({ id }) =>
      this.credentials.some((each) => each.id === id),
    );
    if (held) throw named('InvalidStateError', 'this authenticator is enrolled already');
    const { algorithm } = this.options;
    if (options.pubKeyCredParams?.every(({ alg }) => alg !== coseAlgorithm[algorithm]))
      throw named('NotSupportedError', 'none of the algorithms is its own');
    const credential = await this.make(options, change);

    const clientDataJSON = this.clientData('webauthn.create', options.challenge, change);
    const idBytes = Buffer.from(credential.id, 'base64url');
    const attested = Buffer.concat([
      change.aaguid ?? Buffer.alloc(16),
      uint16(idBytes.length),
      idBytes,
      changed(credential.publicKey, change.publicKey),
    ]);
    const authenticatorData = this.authenticatorData(credential, { ...change, attested });
    const object = await attestationObject(authenticatorData, sha256(clientDataJSON), credential, change);
    const made = {
      id: credential.id,
      rawId: credential.id,
      type: 'public-key',
      response: {
        clientDataJSON: clientDataJSON.toString('base64url'),
        attestationObject: changed(object, change.attestationObject).toString('base64url'),
        transports: ['usb'],
      },
      clientExtensionResults: {},
    };
    return change.json ? (change.json(made) as SoftwareAttestation) : made;
  }

  /**
   * Signs a challenge, as `navigator.credentials.get()` does.
   *
   * @throws Error `NotAllowedError` when it holds none of `allowCredentials`
   */
  async get(options: SoftwareRequestOptions, change: AuthenticatorChange = {}): Promise<SoftwareAssertion> {
    const credential = change.credential ?? this.choose(options);
    if (this.options.counts) credential.counter += 1;

    const clientDataJSON = this.clientData('webauthn.get', options.challenge, change);
    const authenticatorData = this.authenticatorData(credential, change);
    const signed = changed(Buffer.concat([authenticatorData, sha256(clientDataJSON)]), change.signed);
    const digest = credential.algorithm === 'EdDSA' ? null : 'sha256';
    const signature = changed(sign(digest, signed, credential.privateKey), change.signature);
    const answer = {
      id: credential.id,
      rawId: credential.id,
      type: 'public-key',
      response: {
        clientDataJSON: clientDataJSON.toString('base64url'),
        authenticatorData: authenticatorData.toString('base64url'),
        signature: signature.toString('base64url'),
        ...(this.options.discoverable ? { userHandle: credential.userHandle } : {}),
      },
      // WebAuthn L3, section 10.1.1: what was asked for, and whether the key has signed for it.
      clientExtensionResults:
        options.extensions?.appid === undefined
          ? {}
          : { appid: credential.rpId === options.extensions.appid },
    };
    return change.json ? (change.json(answer) as SoftwareAssertion) : answer;
  }

  /** A new credential as a device repository holds it, for seeding one without a ceremony. */
  async enrolled(
    user: { id: string },
    { name, rpId, at = 0 }: { name: string; rpId: string; at?: number },
  ): Promise<NewMfaDevice> {
    const id = Buffer.from(user.id.replaceAll('-', ''), 'hex').toString('base64url');
    const credential = await this.make({ challenge: '', rp: { id: rpId }, user: { id } }, {});
    const { origin, backupEligible, backedUp } = this.options;
    return {
      ...{ name, type: 'Fido2', credentialId: credential.id, publicKey: credential.publicKey },
      ...{
        counter: credential.counter,
        transports: ['usb'],
        backupEligible,
        backedUp,
        createdAt: at,
        origin,
      },
    };
  }

  /** A credential as one that was registered through U2F for this AppID, as a device repository holds it. */
  async enrolledU2f(
    user: { id: string },
    { name, appId, at = 0 }: { name: string; appId: string; at?: number },
  ): Promise<NewMfaDevice> {
    const device = await this.enrolled(user, { name, rpId: appId, at });
    return { ...device, type: 'U2f', publicKey: rawKeyOf(this.held(device.credentialId)) };
  }

  /** Signs a challenge by U2F itself with the first of these keys that it holds. */
  signU2f(
    {
      u2f_challenge,
      u2f_keys,
      appId,
    }: { u2f_challenge: string; u2f_keys: { keyHandle: string }[]; appId: string },
    change: U2fChange = {},
  ): SoftwareU2fAnswer {
    const named = u2f_keys.map(({ keyHandle }) => keyHandle);
    const credential = this.held(this.credentials.find(({ id }) => named.includes(id))?.id);
    if (this.options.counts) credential.counter += 1;
    return u2fAnswerOf(credential, { u2f_challenge, appId, origin: this.options.origin }, change);
  }

  /** What a credential answered when it was registered through U2F, as older systems have kept it. */
  u2fRegistrationData(credentialId: string): Uint8Array {
    return u2fRegistrationOf(this.held(credentialId));
  }

  private held(credentialId: string | undefined): SoftwareCredential {
    const found = this.credentials.find(({ id }) => id === credentialId);
    if (found === undefined)
      throw named('NotAllowedError', 'this authenticator holds none of the credentials');
    return found;
  }

  private async make(
    { rp, user }: SoftwareCreationOptions,
    change: CreationChange,
  ): Promise<SoftwareCredential> {
    const algorithm = change.algorithm ?? this.options.algorithm;
    const { publicKey, privateKey } = keyPairs[algorithm](generateKeyPairSync);
    const credential: SoftwareCredential = {
      id: Buffer.from(change.credentialId ?? randomBytes(32)).toString('base64url'),
      rpId: rp.id ?? new URL(this.options.origin).hostname,
      userHandle: user.id,
      ...{ algorithm, privateKey },
      publicKey: await coseKeyOf(algorithm, publicKey),
      counter: this.options.counter,
    };
    this.credentials.push(credential);
    return credential;
  }

  private choose({ allowCredentials = [], rpId, extensions }: SoftwareRequestOptions): SoftwareCredential {
    const here = [rpId ?? new URL(this.options.origin).hostname, extensions?.appid];
    const found = this.credentials
      .filter((each) => here.includes(each.rpId))
      .find(({ id }) => allowCredentials.length === 0 || allowCredentials.some((each) => each.id === id));
    if (found === undefined)
      throw named('NotAllowedError', 'this authenticator holds none of the credentials');
    return found;
  }

  private clientData(type: string, challenge: string, change: AuthenticatorChange): Buffer {
    const data = { type, challenge, origin: this.options.origin, crossOrigin: false };
    const text = JSON.stringify(change.clientData ? change.clientData(data) : data);
    return changed(Buffer.from(text), change.clientDataJSON);
  }

  private authenticatorData(
    { rpId, counter }: SoftwareCredential,
    change: AuthenticatorChange & { attested?: Buffer },
  ): Buffer {
    const { userVerified, backupEligible, backedUp } = this.options;
    const { attested = Buffer.alloc(0), extensions = Buffer.alloc(0) } = change;
    const flags =
      flag.up |
      (userVerified ? flag.uv : 0) |
      (backupEligible ? flag.be : 0) |
      (backedUp ? flag.bs : 0) |
      (attested.length > 0 ? flag.at : 0) |
      (extensions.length > 0 ? flag.ed : 0);
    const bytes = Buffer.concat([
      change.rpIdHash ?? createHash('sha256').update(rpId).digest(),
      Buffer.from([change.flags ? change.flags(flags) : flags]),
      uint32(change.counter ?? counter),
      attested,
      extensions,
    ]);
    return changed(bytes, change.authenticatorData);
  }
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}
