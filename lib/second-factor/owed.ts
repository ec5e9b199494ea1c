import type { GuardedRepositories } from '../defence/guarded-repositories.js';
import type { MfaDevice } from '../repositories/index.js';
import type { SessionState } from '../sessions/record.js';
import type { Proof } from '../strategies/strategy.js';

/** What decides whether a session owes a second factor. */
export interface FirstFactor {
  principalType: 'user' | 'app';
  /** The identity provider that vouched, or `null`. */
  identityProvider: { secondFactor: 'trust' | 'require' | null } | null;
  /** Whether the account that the session belongs to asks for a second factor. */
  accountRequires: boolean;
  /** How many devices the user has enrolled, whatever their state. */
  devices: number;
}

/**
 * The state in which a session starts after its first factor. Apps owe nothing. Whoever has enrolled a device owes
 * it after every first factor but that of an identity provider which is trusted to have asked for its own. Where a
 * factor is demanded and none is enrolled, the session may only enrol one.
 */
export function stateAfter({
  principalType,
  identityProvider,
  accountRequires,
  devices,
}: FirstFactor): SessionState {
  if (principalType === 'app') return 'active';
  if (accountRequires || identityProvider?.secondFactor === 'require')
    return devices > 0 ? 'pending' : 'enrolling';
  if (identityProvider?.secondFactor === 'trust') return 'active';
  return devices > 0 ? 'pending' : 'active';
}

/** What a session owes after its first factor, and the devices by which it may be paid. */
export interface Owed {
  state: SessionState;
  devices: readonly MfaDevice[];
}

/** Looks up what {@link stateAfter} needs. A lookup that fails is a failure, and never "no second factor owed". */
export async function owedAfter(
  { devices, accounts }: Pick<GuardedRepositories, 'devices' | 'accounts'>,
  { principalType, principal, identityProvider }: Proof,
): Promise<Owed> {
  if (principalType === 'app') return { state: 'active', devices: [] };
  const enrolled = devices === null ? [] : await devices.listByUser(principal.id);
  const account = identityProvider === null ? null : await accounts?.findById(identityProvider.accountId);
  const accountRequires = account?.signIn?.secondFactor === 'require';
  const given = { principalType, identityProvider, accountRequires, devices: enrolled.length };
  return { state: stateAfter(given), devices: enrolled };
}
