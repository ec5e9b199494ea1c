/**
 * What the host tells this package about its own tables. Every lookup answers `null` for "there is none"; an
 * exception, a promise that never settles or an answer of another shape is a dependency that failed (503), and
 * never a "no such user". What is asked for on every request may also be answered at once, without a promise. Ids of users, apps and accounts are lower-case UUIDs: a host with other keys maps them.
 *
 * @module
 */

import type { Awaitable } from '../awaitable.js';
import type { IdentityProviderRepository } from './identity-providers.js';

export type * from './identity-providers.js';

/** A person, as the host's user table knows them. Further columns of the host's own are welcome. */
export interface User {
  /** Lower-case UUID; the `entity_id` of the API. */
  id: string;
  /** The e-mail address that the user signs in with, in any spelling that has the same canonical form. */
  email: string;
  /** `false` refuses sign-ins and ends the user's sessions at their next request. */
  enabled: boolean;
  /** An argon2id PHC string (see `hashPassword`), or `null` for a user without a password. */
  passwordHash: string | null;
  /** Changes with the password: every session that was made with the previous value ends. */
  credentialVersion: string | number;
  /** All accounts that the user belongs to now. */
  accountIds: readonly string[];
}

/** A secret of an app. An app may have several, so that one can be rotated without an outage. */
export interface AppSecret {
  /** Names the secret; sessions that were made with it end when it is gone. */
  id: string;
  /** Hexadecimal SHA-256 of the secret (see `hashSecret`). */
  hash: string;
  /** Milliseconds since the epoch from which the secret is no longer good. Absent: it has no end. */
  validUntil?: number;
}

/** A machine client, as the host's app table knows it. */
export interface App {
  /** Lower-case UUID; the `entity_id` of the API. */
  id: string;
  /** The account that the app belongs to. */
  accountId: string;
  /** Unique within the account. */
  name: string;
  /** `false` refuses sign-ins and ends the app's sessions at their next request. */
  enabled: boolean;
  secrets: readonly AppSecret[];
}

/** How an account wants its users to sign in. What is absent is not restricted. */
export interface SignInPolicy {
  /** The methods that may open the account, by their names on the wire (`basic` for a Basic header). */
  methods?: readonly string[];
  /** The identity providers that may open the account. */
  idpIds?: readonly string[];
  /** `require`: only sessions with a completed second factor may open the account. */
  secondFactor?: 'require';
}

/** A tenant: a group of users and apps with rules of its own. */
export interface Account {
  /** Lower-case UUID. */
  id: string;
  /** `false` closes the account: its apps cannot sign in, and nobody can select it. */
  enabled: boolean;
  signIn?: SignInPolicy;
}

/** An external identity: the provider's id and the immutable subject that it names. */
export interface FederatedIdentity {
  idpId: string;
  subject: string;
  /** The canonical e-mail address that the provider gave, if any. */
  email: string | null;
  /** The account of the identity provider: the only one that self-provisioning may use. */
  accountId: string;
  attributes: Readonly<Record<string, string | readonly string[]>>;
}

/** The host's users. */
export interface UserRepository {
  /** The user with this id. */
  findById(id: string): Awaitable<User | null>;
  /** The user with this canonical e-mail address (see `canonicalEmail`). */
  findByEmail(email: string): Promise<User | null>;
  /** The user that this subject of this identity provider is linked to. */
  findByFederatedIdentity(idpId: string, subject: string): Promise<User | null>;
  /**
   * Links a subject to a user, atomically. `false` when the subject is linked to another user, or the user to
   * another subject of the same provider. Linking what is linked already is `true`.
   */
  linkFederatedIdentity(userId: string, identity: { idpId: string; subject: string }): Promise<boolean>;
  /**
   * Makes the user of an identity that is seen for the first time; idempotent on (idpId, subject). `null` when
   * the host does not want this user. Never adopts a user who exists. Absent: nobody is provisioned.
   */
  provision?(identity: FederatedIdentity): Promise<User | null>;
  /**
   * Replaces the stored password hash if it still is `previous` (compare-and-set), so that a rehash on login
   * never overwrites a password changed meanwhile. Absent: hashes are not renewed.
   */
  savePasswordHash?(id: string, previous: string, next: string): Promise<boolean>;
}

/** An identity at AWS, as its Security Token Service vouches for it. */
export interface AwsPrincipal {
  partition: string;
  /** Twelve digits. */
  awsAccountId: string;
  /** A session of a role is the role; nobody signs in as root. */
  type: 'user' | 'role' | 'federated-user';
  /** The name, without its path. That of a federated user is chosen by whoever of the account may make one. */
  name: string;
  /** AIDA… of a user, AROA… of a role; of a federated user, who has none, account and name. */
  uniqueId: string;
  /** What whoever assumes a role calls the session: it is chosen freely, so it proves nothing. */
  sessionName: string | null;
}

/** The host's apps. */
export interface AppRepository {
  /** The app with this id. */
  findById(id: string): Awaitable<App | null>;
  /** The app of this account with exactly this name. */
  findByName(accountId: string, name: string): Promise<App | null>;
  /**
   * The app of this account that this identity of AWS signs in as. Compare the unique id too, where you know it: a role that
   * is deleted and made again has the same name and another id. Absent: no `aws-iam`.
   */
  findByAwsPrincipal?(accountId: string, principal: AwsPrincipal): Promise<App | null>;
}

/** The host's accounts. Without this repository every account is enabled and has no policy. */
export interface AccountRepository {
  /** The account with this id. */
  findById(id: string): Awaitable<Account | null>;
}

/** A second factor that a user has enrolled. */
export interface MfaDevice {
  /** Unique among the user's devices; up to 4,096 characters. */
  name: string;
  /** `U2f` for keys that were registered through U2F, else `Fido2`. */
  type: 'Fido2' | 'U2f';
  /** Base64url without padding; belongs to one user only. */
  credentialId: string;
  /** The COSE public key; for a `U2f` device the raw 65 bytes. */
  publicKey: Uint8Array;
  /** The signature counter seen last. */
  counter: number;
  transports: readonly string[];
  /** The backup eligibility that the authenticator declared when it was enrolled. */
  backupEligible: boolean;
  /** The backup state seen last. */
  backedUp: boolean;
  /** Milliseconds since the epoch. */
  createdAt: number;
  /** Milliseconds since the epoch; `null` when it was never used. */
  lastUsedAt: number | null;
  /** Where the device was enrolled. */
  origin: string | null;
}

/** A device to be added: what {@link MfaDevice} holds, without a last use. */
export type NewMfaDevice = Omit<MfaDevice, 'lastUsedAt'>;

/** The second factors of the host's users. */
export interface DeviceRepository {
  /** All devices of the user; `[]` for none. */
  listByUser(userId: string): Promise<readonly MfaDevice[]>;
  /** The device with this credential id, whoever it belongs to: an id belongs to one user. */
  findByCredentialId(credentialId: string): Promise<MfaDevice | null>;
  /** Adds a device, atomically; `false` when the user has one of this name or anybody has this credential id. */
  add(userId: string, device: NewMfaDevice): Promise<boolean>;
  /** `false` when there is no device `oldName`, or one of the name `newName` exists already. */
  rename(userId: string, oldName: string, newName: string): Promise<boolean>;
  /** `false` when there is no such device. */
  remove(userId: string, name: string): Promise<boolean>;
  /**
   * Records a use if the stored counter still is `from` (compare-and-set); `false` otherwise. `at` is in
   * milliseconds since the epoch.
   */
  recordUse(
    userId: string,
    credentialId: string,
    use: { from: number; to: number; backedUp: boolean; at: number },
  ): Promise<boolean>;
  /** Replaces all recovery codes of the user by these hashes, atomically: of parallel calls, those of one are left. */
  replaceRecoveryCodes(userId: string, hashes: readonly string[]): Promise<void>;
  hasRecoveryCode(userId: string, hash: string): Promise<boolean>;
  countRecoveryCodes(userId: string): Promise<number>;
  /** Removes one code, atomically: of any number of parallel calls exactly one is `true`. */
  consumeRecoveryCode(userId: string, hash: string): Promise<boolean>;
}

/** Everything that the host hands over. At least one of `users` and `apps` is needed. */
export interface Repositories {
  users?: UserRepository | undefined;
  apps?: AppRepository | undefined;
  accounts?: AccountRepository | undefined;
  devices?: DeviceRepository | undefined;
  identityProviders?: IdentityProviderRepository | undefined;
}
