/** What every identity provider of the host has. */
interface IdentityProviderBase {
  id: string;
  /** The account that the provider serves. */
  accountId: string;
  name: string;
  iconUrl: string;
  /** `false` refuses sign-ins and ends the sessions that came through it. */
  enabled: boolean;
  /** The e-mail domains that are sent to this provider, in IDNA ASCII form and lower case. */
  domains: readonly string[];
  /** Whether the provider's word on an address of `domains` may select an existing user. */
  authoritative: boolean;
  /** `trust`: the provider has asked for the second factor itself; `require`: it is asked for here. */
  secondFactor: 'trust' | 'require';
}

/** A SAML identity provider. */
export interface SamlIdentityProvider extends IdentityProviderBase {
  kind: 'saml';
  entityId: string;
  /** Where AuthnRequests are posted: its single sign-on service for the HTTP-POST binding. */
  ssoUrl: string;
  /** The certificates that it signs with, in PEM or in bare base64; several while one is being replaced. */
  certificates: readonly string[];
  /** What it signs. @default 'both' */
  signed?: 'response' | 'assertion' | 'both' | undefined;
  /** The attribute that holds the e-mail address; without one the NameID is it, if that is its format. */
  emailAttribute?: string | undefined;
  /** The attribute that holds the immutable id of a person. @default the NameID, unless it is transient */
  subjectAttribute?: string | undefined;
  /** Seconds that the authentication at the provider may be old. @default any */
  maxAuthenticationAge?: number | undefined;
  /** Whether it may sign by SHA-1, which is broken. @default false */
  dangerouslyAllowSha1?: boolean | undefined;
  /** Whether responses that nobody asked for are taken: anybody's browser can be signed in by them. @default false */
  dangerouslyAllowUnsolicited?: boolean | undefined;
}

/** How a client proves itself to an authorization server. */
export type OauthClientAuthentication =
  | { method: 'client_secret_basic' | 'client_secret_post'; secret: string }
  | {
      method: 'private_key_jwt';
      /** PKCS #8 in PEM. */
      key: string;
      /** @default 'RS256' */
      algorithm?: 'RS256' | 'PS256' | 'ES256' | 'EdDSA' | undefined;
      keyId?: string | undefined;
    }
  | { method: 'none' };

/** A plain OAuth 2 server, which has no id_token: who it was is what its userinfo says. */
export interface OauthEndpoints {
  authorization: string;
  token: string;
  userinfo: string;
  /** What its userinfo calls the immutable id. @default 'sub' */
  subjectClaim?: string | undefined;
  /** @default 'email' */
  emailClaim?: string | undefined;
  /** The claim that must be exactly `true` for the address to be proven. @default 'email_verified' */
  emailVerifiedClaim?: string | undefined;
}

/** An OpenID Connect provider (with `issuer`), or a plain OAuth 2 server (with `endpoints`). */
export interface OauthIdentityProvider extends IdentityProviderBase {
  kind: 'oauth';
  clientId: string;
  clientAuthentication: OauthClientAuthentication;
  /** The page or handler that gets the code. */
  redirectUri: string;
  /** @default ['openid', 'email'], and for a plain OAuth 2 server none */
  scopes?: readonly string[] | undefined;
  /** The OpenID Connect issuer, exactly as its discovery document says it. */
  issuer?: string | undefined;
  endpoints?: OauthEndpoints | undefined;
  /** The algorithms that its id_tokens may be signed by. @default ['RS256', 'PS256', 'ES256', 'EdDSA'] */
  algorithms?: readonly string[] | undefined;
  /** What the user is to be asked, as OpenID Connect Core, section 3.1.2.1, has it. */
  authParams?:
    | {
        prompt?: readonly ('login' | 'none' | 'consent' | 'select_account')[] | undefined;
        display?: 'page' | 'popup' | 'touch' | 'wap' | undefined;
        /** Seconds. */
        max_age?: number | undefined;
      }
    | undefined;
  /**
   * Whether a code is taken that is bound to no browser: anybody's browser can be signed in by one. Then neither nonce
   * nor challenge are sent.
   * @default false
   */
  dangerouslyAllowUnboundCode?: boolean | undefined;
  /** Whether its endpoints may be http on a loopback address. @default false */
  dangerouslyAllowHttpOnLocalhost?: boolean | undefined;
}

/** How the connection to a directory is protected. */
export interface LdapTls {
  /**
   * `required`: by `ldaps:`, or by StartTLS where the URL says `ldap:`. `opportunistic`: by StartTLS if the directory
   * knows it, so whoever is on the way can switch it off. `disabled`: passwords travel in the clear.
   * @default 'required'
   */
  mode?: 'required' | 'opportunistic' | 'disabled' | undefined;
  /** The authorities that its certificate may come from, in PEM. @default those that Node knows */
  ca?: readonly string[] | undefined;
  /** The certificate and the key of this service, in PEM, where the directory asks for them. */
  certificate?: string | undefined;
  privateKey?: string | undefined;
}

/** How the entry of a user is found by the e-mail address that was typed. */
export type LdapDnResolution =
  | {
      /** The name is made, and nothing searched. */
      by: 'construct';
      /**
       * For each domain of addresses a DN, with `{user}` for what stands before the @, or `{email}` for all of it; both
       * are escaped by RFC 4514. An address of another domain is nobody's.
       */
      patterns: Readonly<Record<string, string>>;
    }
  | {
      /** The service account searches below `base`, and must find exactly one. */
      by: 'search-by-mail';
      /** @default 'mail' */
      mailAttribute?: string | undefined;
      /** @default any */
      objectClass?: string | undefined;
    }
  | {
      /** The address itself is what the directory takes for a name, as Active Directory takes a userPrincipalName. */
      by: 'upn';
      /** @default 'userPrincipalName' */
      upnAttribute?: string | undefined;
    };

/** A directory that speaks LDAP. */
export interface LdapIdentityProvider extends IdentityProviderBase {
  kind: 'ldap';
  /** `ldap:` and `ldaps:` addresses, tried in this order until one can be reached. */
  urls: readonly string[];
  tls?: LdapTls | undefined;
  dnResolution: LdapDnResolution;
  /** Where entries are searched. Required but for `construct`, and there for `validFor`. */
  base?: string | undefined;
  /** Who searches. Required for `search-by-mail` and for `validFor`. */
  serviceAccount?: { dn: string; password: string } | undefined;
  /** The attribute that never changes: in Active Directory `objectGUID`. @default 'entryUUID' */
  subjectAttribute?: string | undefined;
  /** The group that a user must be a direct member of. @default none */
  requiredGroup?: { dn: string /** @default 'member' */; memberAttribute?: string | undefined } | undefined;
  /**
   * Seconds after which the directory is asked again whether a user of a session is still there, and in the group.
   * @default for as long as the session lives
   */
  validFor?: number | undefined;
}

/** An identity provider of the host: somebody else who vouches for its users. */
export type IdentityProvider = SamlIdentityProvider | OauthIdentityProvider | LdapIdentityProvider;

/** The host's identity providers. */
export interface IdentityProviderRepository {
  findById(idpId: string): Promise<IdentityProvider | null>;
  /** All providers with this SAML entity id: one may serve several tenants. */
  listSamlByEntityId(entityId: string): Promise<readonly SamlIdentityProvider[]>;
  /** The providers that a user with this canonical e-mail address may use. */
  listForEmail(email: string): Promise<readonly IdentityProvider[]>;
  listForAccount(accountId: string): Promise<readonly IdentityProvider[]>;
}
