import type { TokenType } from '../wire/schemas.js';
import type { Challenge, SessionRecord } from './record.js';

/** Lifetimes and limits of sessions. Durations are in seconds. */
export interface SessionSettings {
  idleTimeout: Record<'user' | 'app', number>;
  absoluteTimeout: Record<'user' | 'app', number>;
  pendingTimeout: number;
  maxPerEntity: Record<'user' | 'app', number>;
}

/** What a new session is made of; the rest follows from the settings. */
export type NewSession = Pick<
  SessionRecord,
  'principalType' | 'entityId' | 'method' | 'idpId' | 'accountId' | 'state' | 'secondFactor' | 'credentialId'
> & {
  carrier: TokenType;
  /** @default null */
  challenge?: Challenge | null;
  /** An end that the session may not outlive, in milliseconds since the epoch. @default none */
  notAfter?: number | null;
  /** When the principal proved itself, in milliseconds since the epoch. @default now */
  createdAt?: number;
};

/** A session with the key of its row. */
export interface StoredSession {
  key: string;
  record: SessionRecord;
}

/** A session that was just made, with the token that opens it. */
export interface StartedSession extends StoredSession {
  token: string;
}
