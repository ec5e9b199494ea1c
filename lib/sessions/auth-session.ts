import { endOf, type SessionRecord, type SessionState } from './record.js';

/** What a host's handler may know of the session that it serves: `req.authSession`. It holds no secret. */
export interface AuthSession {
  /** Names the session for `control.sessions`; it is no token. `null` for an API key, which has no session. */
  readonly id: string | null;
  readonly principalType: 'user' | 'app';
  /** The id of the principal. */
  readonly entityId: string;
  /** The method that it signed in by. */
  readonly method: string;
  readonly state: SessionState;
  /** The account that the session acts in, if it has one. */
  readonly accountId: string | null;
  /** The identity provider that vouched for the user, if one did. */
  readonly idpId: string | null;
  /** Whether a second factor was completed. */
  readonly secondFactor: boolean;
  /** When the principal proved itself, in milliseconds since the epoch. */
  readonly createdAt: number;
  /** When the session ends unless it is used, in milliseconds since the epoch; `null` for an API key. */
  readonly expiresAt: number | null;
}

/** The public view of a session. */
export function authSessionOf(key: string, record: SessionRecord): AuthSession {
  const { principalType, entityId, method, state, accountId, idpId, secondFactor, createdAt } = record;
  return {
    id: key,
    principalType,
    entityId,
    method,
    state,
    accountId,
    idpId,
    secondFactor,
    createdAt,
    expiresAt: endOf(record),
  };
}
