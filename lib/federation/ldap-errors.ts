import type { FailureReason } from '../defence/audit.js';
import { PeerError } from '../defence/outbound.js';

/** Result codes of RFC 4511, appendix A, by which a bind is refused for the user's credential, and not for ours. */
const refusals = new Map<number, FailureReason>([
  [19, 'locked_by_provider'], // constraintViolation: what some directories say of a locked account
  [32, 'unknown_principal'], // noSuchObject
  [34, 'unknown_principal'], // invalidDNSyntax
  [48, 'no_credential'], // inappropriateAuthentication
  [49, 'wrong_secret'], // invalidCredentials
  [50, 'refused_by_provider'], // insufficientAccessRights
  [53, 'refused_by_provider'], // unwillingToPerform
]);

/** What Active Directory means, by the number that it puts into its message. */
const subCodes: Readonly<Record<string, FailureReason>> = {
  525: 'unknown_principal',
  '52e': 'wrong_secret',
  530: 'refused_by_provider',
  531: 'refused_by_provider',
  532: 'password_expired',
  533: 'disabled',
  701: 'disabled',
  773: 'password_expired',
  775: 'locked_by_provider',
};

/** Codes by which a directory says that it cannot serve now: busy, unavailable, and limits of time and work. */
const overload = new Set([3, 11, 51, 52]);

/** Why a user's bind was refused; `null` for an error that says nothing of the user. */
export function refusalOf(error: unknown): FailureReason | null {
  const code = codeOf(error);
  if (code === null) return null;
  const [, subCode = ''] = /\bdata ([0-9a-f]{3,4})\b/i.exec((error as Error).message) ?? [];
  const isKnown = Object.hasOwn(subCodes, subCode.toLowerCase());
  return (code === 49 && isKnown ? subCodes[subCode.toLowerCase()] : refusals.get(code)) ?? null;
}

/** An error of an operation that is ours: the directory is down, busy, or does not take our own credentials. */
export function failureOf(error: unknown): PeerError {
  if (error instanceof PeerError) return error;
  const code = codeOf(error);
  if (code === null) return new PeerError(isTimeout(error) ? 'timed_out' : 'unreachable');
  if (overload.has(code)) return new PeerError('unreachable');
  return new PeerError(code === 49 || code === 50 || code === 48 ? 'client_refused' : 'nonsense');
}

/** Whether a directory has answered that it cannot serve now. */
export function isOverload(error: unknown): boolean {
  return overload.has(codeOf(error) ?? 0);
}

/** Whether a directory has answered, if only to refuse. */
export function isAnswer(error: unknown): boolean {
  return codeOf(error) !== null;
}

/** The result code of an answer; `null` where there was none. */
export function codeOf(error: unknown): number | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : null;
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message.endsWith('Operation timed out');
}
