import type {
  Account,
  App,
  NewMfaDevice,
  OauthIdentityProvider,
  SamlIdentityProvider,
  User,
} from '../repositories/index.js';

/**
 * A user for a contract case; `n` tells them apart.
 *
 * @example userRecord(1).email // 'user1@example.com'
 */
export function userRecord(n: number, change: Partial<User> = {}): User {
  return {
    id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
    email: `user${n}@example.com`,
    enabled: true,
    passwordHash: `hash ${n}`,
    credentialVersion: 1,
    accountIds: [accountRecord(1).id],
    ...change,
  };
}

/**
 * An app for a contract case, in the first account.
 *
 * @example appRecord(1).name // 'app 1'
 */
export function appRecord(n: number, change: Partial<App> = {}): App {
  return {
    id: `00000000-0000-4000-9000-${String(n).padStart(12, '0')}`,
    accountId: accountRecord(1).id,
    name: `app ${n}`,
    enabled: true,
    secrets: [{ id: 'first', hash: String(n).padStart(64, '0') }],
    ...change,
  };
}

/**
 * An account for a contract case.
 *
 * @example accountRecord(1, { enabled: false })
 */
export function accountRecord(n: number, change: Partial<Account> = {}): Account {
  return { id: `00000000-0000-4000-a000-${String(n).padStart(12, '0')}`, enabled: true, ...change };
}

/**
 * A device for a contract case.
 *
 * @example deviceRecord(1).name // 'key 1'
 */
export function deviceRecord(n: number, change: Partial<NewMfaDevice> = {}): NewMfaDevice {
  return {
    name: `key ${n}`,
    type: 'Fido2',
    credentialId: Buffer.from(`credential ${n}`).toString('base64url'),
    publicKey: new Uint8Array([1, 2, 3, n]),
    counter: 0,
    transports: ['usb'],
    backupEligible: false,
    backedUp: false,
    createdAt: 1_767_225_600_000,
    origin: 'https://example.com',
    ...change,
  };
}

/**
 * An identity provider for a contract case.
 *
 * @example idpRecord(1).name // 'Provider 1'
 */
export function idpRecord(n: number, change: Partial<OauthIdentityProvider> = {}): OauthIdentityProvider {
  return { ...baseOf(n), ...oauth, ...change };
}

const oauth = {
  kind: 'oauth',
  clientId: 'client',
  clientAuthentication: { method: 'none' },
  redirectUri: 'https://example.com/callback',
  issuer: 'https://idp.example',
} as const satisfies Partial<OauthIdentityProvider>;

function baseOf(n: number) {
  return {
    id: `00000000-0000-4000-b000-${String(n).padStart(12, '0')}`,
    accountId: accountRecord(n).id,
    name: `Provider ${n}`,
    iconUrl: 'https://example.com/icon.svg',
    enabled: true,
    domains: [`tenant${n}.example`],
    authoritative: true,
    secondFactor: 'trust',
  } as const;
}

/**
 * A SAML identity provider for a contract case.
 *
 * @example samlRecord(2, 'https://idp.example/metadata')
 */
export function samlRecord(n: number, entityId: string): SamlIdentityProvider {
  return { ...baseOf(n), kind: 'saml', entityId, ssoUrl: 'https://idp.example/sso', certificates: [] };
}
