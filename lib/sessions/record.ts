import type { App, User } from '../repositories/index.js';
import type { TokenType } from '../wire/schemas.js';
import type { UserVerification } from '../wire/webauthn.js';

/**
 * Where a session stands: `pending` owes its second factor, `enrolling` must enrol one first, `active` is good for
 * what it is asked for.
 */
export type SessionState = 'pending' | 'enrolling' | 'active';

/** What a challenge is for; one that was given for one thing is no good for another. */
export type ChallengePurpose = 'sign-in' | 'configuration' | 'enrolment' | 'approval';

/** The challenge that a session has out. There is one at a time: the next takes its place. */
export interface Challenge {
  /** 32 random bytes in base64url. */
  value: string;
  purpose: ChallengePurpose;
  /** What is approved by the answer, as a hash. Absent: whatever its host says. */
  operation?: string;
  /** The credentials that may answer it, as they were when it was given. */
  credentialIds: readonly string[];
  /** What was asked of the authenticator, so that no client can ask for less. */
  userVerification: UserVerification;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

/** What a session is, as its row in the store says. Times are in milliseconds since the epoch. */
export interface SessionRecord {
  /** The form of this record. */
  v: 1;
  /** Counts the state changes, so that a late write of an older state is recognised. */
  version: number;
  /** Names the write that made this version, so that of two writes of one version only one is believed. */
  writer: string;
  carrier: TokenType;
  principalType: 'user' | 'app';
  entityId: string;
  /** The method that the first factor was proven by. */
  method: string;
  /** The identity provider that vouched for the user. */
  idpId: string | null;
  /** An app's own account, the identity provider's, or the one that was selected. */
  accountId: string | null;
  state: SessionState;
  /** Whether a second factor was completed in this session. */
  secondFactor: boolean;
  /** What the session is bound to; see `Proof.credentialId`. */
  credentialId: string | null;
  challenge: Challenge | null;
  /** Until when the configuration of the second factor may be changed; `null` when it is locked. */
  unlockedUntil: number | null;
  /** When the principal proved itself. */
  createdAt: number;
  /** An end that was set from outside, which the session may not outlive whatever becomes of it. */
  notAfter: number | null;
  /** When the session ends unless it is used. */
  idleAt: number;
  /** When the session ends in any case. */
  absoluteAt: number;
}

/** The principal of a session, as the host's repositories know it now. */
export type Principal = User | App;

/** Who a session belongs to: the key under which the entity index files it. */
export function entityOf({
  principalType,
  entityId,
}: Pick<SessionRecord, 'principalType' | 'entityId'>): string {
  return `${principalType}:${entityId}`;
}

/**
 * Where the entity index files a session. Those whose second factor is owed are filed apart: whoever knows a password
 * alone evicts no session.
 */
export function indexed(record: SessionRecord): string {
  return record.state === 'active' ? entityOf(record) : unproven(entityOf(record));
}

/** Where the sessions of an entity are filed whose second factor is owed. */
export function unproven(entity: string): string {
  return `${entity}:unproven`;
}

/** When a session ends if it is not used again. */
export function endOf({ idleAt, absoluteAt }: SessionRecord): number {
  return Math.min(idleAt, absoluteAt);
}

/** Whether the principal has proven itself in the last seconds. A session from the future has not: clocks may differ by minutes. */
export function isFresh(
  { createdAt }: Pick<SessionRecord, 'createdAt'>,
  seconds: number,
  now: number,
): boolean {
  return Math.abs(now - createdAt) <= seconds * 1000;
}

/** Reads a row of the session store; `undefined` for anything that is not a record of this form. */
export function readRecord(row: unknown): SessionRecord | undefined {
  if (typeof row !== 'object' || row === null) return undefined;
  const record: Partial<Record<keyof SessionRecord, unknown>> = row;
  return isRecord(record) ? record : undefined;
}

function isRecord(record: Partial<Record<keyof SessionRecord, unknown>>): record is SessionRecord {
  return (
    record.v === 1 &&
    Number.isSafeInteger(record.version) &&
    typeof record.writer === 'string' &&
    (record.carrier === 'Bearer' || record.carrier === 'Cookie') &&
    (record.principalType === 'user' || record.principalType === 'app') &&
    typeof record.entityId === 'string' &&
    typeof record.method === 'string' &&
    isStringOrNull(record.idpId) &&
    isStringOrNull(record.accountId) &&
    (record.state === 'pending' || record.state === 'enrolling' || record.state === 'active') &&
    typeof record.secondFactor === 'boolean' &&
    isStringOrNull(record.credentialId) &&
    (record.challenge === null || isChallenge(record.challenge)) &&
    (record.unlockedUntil === null || Number.isFinite(record.unlockedUntil)) &&
    Number.isFinite(record.createdAt) &&
    (record.notAfter === null || Number.isFinite(record.notAfter)) &&
    Number.isFinite(record.idleAt) &&
    Number.isFinite(record.absoluteAt)
  );
}

function isChallenge(value: unknown): value is Challenge {
  if (typeof value !== 'object' || value === null) return false;
  const challenge: Partial<Record<keyof Challenge, unknown>> = value;
  const { purpose, operation, credentialIds, userVerification } = challenge;
  return (
    typeof challenge.value === 'string' &&
    ['sign-in', 'configuration', 'enrolment', 'approval'].includes(String(purpose)) &&
    (operation === undefined || typeof operation === 'string') &&
    Array.isArray(credentialIds) &&
    credentialIds.every((id) => typeof id === 'string') &&
    (userVerification === 'required' ||
      userVerification === 'preferred' ||
      userVerification === 'discouraged') &&
    Number.isFinite(challenge.expiresAt)
  );
}

function isStringOrNull(value: unknown): boolean {
  return value === null || typeof value === 'string';
}
