import type { Account } from '../repositories/index.js';
import type { SessionRecord } from './record.js';

/**
 * Whether the session of a user may act in an account: it is enabled, and the session was made as its policy asks.
 * A session that came through an identity provider of another account needs a policy that it meets: without one,
 * an account is open to its own provider and to the host's local methods.
 *
 * @param home the account of the identity provider that the session came through, or `null`
 */
export function mayAct(
  { method, idpId, secondFactor }: Pick<SessionRecord, 'method' | 'idpId' | 'secondFactor'>,
  account: Account,
  home: string | null,
): boolean {
  const { enabled, signIn } = account;
  if (!enabled) return false;
  if (idpId !== null && home !== account.id && signIn === undefined) return false;
  if (signIn?.methods !== undefined && !signIn.methods.includes(method)) return false;
  if (signIn?.idpIds !== undefined && (idpId === null || !signIn.idpIds.includes(idpId))) return false;
  return signIn?.secondFactor !== 'require' || secondFactor;
}
