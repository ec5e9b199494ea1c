import type {
  IdentityProvider,
  IdentityProviderRepository,
  SamlIdentityProvider,
} from '../repositories/index.js';
import { isUuid } from '../wire/ids.js';
import type { Dependency } from './dependency.js';

/** The host's identity providers behind the guard. */
export type GuardedIdentityProviders = IdentityProviderRepository;

/** Puts the repository of identity providers behind `dependency`: deadlines, and a look at every answer. */
export function guardIdentityProviders(
  repository: IdentityProviderRepository,
  dependency: Dependency,
): GuardedIdentityProviders {
  return {
    async findById(id) {
      // No table has an id with a NUL in it, and some databases reject the question.
      if (id.includes('\0')) return null;
      return dependency(
        'identityProviders.findById',
        () => repository.findById(id),
        (answer) =>
          answer === null || (isIdentityProvider(answer) && answer.id === id) ? answer : undefined,
      );
    },
    listSamlByEntityId: (entityId) =>
      dependency(
        'identityProviders.listSamlByEntityId',
        () => repository.listSamlByEntityId(entityId),
        list((idp): idp is SamlIdentityProvider => idp.kind === 'saml' && idp.entityId === entityId),
      ),
    listForEmail: (email) =>
      dependency(
        'identityProviders.listForEmail',
        () => repository.listForEmail(email),
        list((idp): idp is IdentityProvider => true),
      ),
    listForAccount: (accountId) =>
      dependency(
        'identityProviders.listForAccount',
        () => repository.listForAccount(accountId),
        list((idp): idp is IdentityProvider => idp.accountId === accountId),
      ),
  };
}

function list<T extends IdentityProvider>(is: (idp: IdentityProvider) => idp is T) {
  return (answer: unknown): readonly T[] | undefined =>
    Array.isArray(answer) && answer.every((each) => isIdentityProvider(each) && is(each))
      ? answer
      : undefined;
}

function isIdentityProvider(value: unknown): value is IdentityProvider {
  if (typeof value !== 'object' || value === null) return false;
  const idp: Record<string, unknown> = { ...value };
  return (
    typeof idp.id === 'string' &&
    isUuid(idp.accountId) &&
    typeof idp.name === 'string' &&
    typeof idp.iconUrl === 'string' &&
    typeof idp.enabled === 'boolean' &&
    isStrings(idp.domains) &&
    typeof idp.authoritative === 'boolean' &&
    (idp.secondFactor === 'trust' || idp.secondFactor === 'require') &&
    isOfItsKind(idp)
  );
}

function isOfItsKind(idp: Record<string, unknown>): boolean {
  const isText = (name: string) => typeof idp[name] === 'string';
  const isObject = (name: string) => typeof idp[name] === 'object' && idp[name] !== null;
  switch (idp.kind) {
    case 'saml':
      return isText('entityId') && isText('ssoUrl') && isStrings(idp.certificates);
    case 'oauth':
      return (
        isText('clientId') &&
        isText('redirectUri') &&
        isClientAuthentication(idp.clientAuthentication) &&
        isText('issuer') !== isObject('endpoints')
      );
    case 'ldap':
      return isStrings(idp.urls) && isObject('dnResolution') && isResolution(idp);
    default:
      return false;
  }
}

/** What each way to find an entry needs. */
function isResolution({ dnResolution, base, serviceAccount, validFor }: Record<string, unknown>): boolean {
  const by: unknown = Reflect.get(dnResolution as object, 'by');
  const patterns: unknown = Reflect.get(dnResolution as object, 'patterns');
  const isBased = typeof base === 'string';
  const isServed =
    typeof serviceAccount === 'object' &&
    serviceAccount !== null &&
    ['dn', 'password'].every((name) => isFilled(Reflect.get(serviceAccount, name)));
  if (validFor !== undefined && !(isBased && isServed && Number(validFor) > 0)) return false;
  switch (by) {
    case 'construct':
      return typeof patterns === 'object' && patterns !== null && Object.values(patterns).every(isPattern);
    case 'search-by-mail':
      return isBased && isServed;
    default:
      return by === 'upn' && isBased;
  }
}

/** A pattern of no address would be the same entry for all of them. */
function isPattern(value: unknown): boolean {
  return typeof value === 'string' && /\{(?:user|email)\}/.test(value);
}

/** An empty name or password is no failed bind: it is an anonymous one, which succeeds. */
function isFilled(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isClientAuthentication(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('method' in value)) return false;
  const has = (name: string) => typeof Reflect.get(value, name) === 'string';
  switch (value.method) {
    case 'client_secret_basic':
    case 'client_secret_post':
      return has('secret');
    case 'private_key_jwt':
      return has('key');
    default:
      return value.method === 'none';
  }
}

function isStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}
