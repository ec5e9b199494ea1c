import type { AuditEvent } from '../../lib/index.js';

/** What must stand in no attribute of a metric: ids, addresses and the hash of what was guessed at. */
export const identifying = {
  address: '192.0.2.77',
  requestId: 'request-0001',
  entityId: 'a11ce000-0000-4000-8000-000000000001',
  session: 'key-of-the-session',
  successor: 'key-of-the-successor',
  identifier: 'hash-of-an-address',
  credentialId: 'id-of-a-credential',
  accountId: 'acc00000-0000-4000-8000-00000000000a',
  idpId: 'id-of-a-provider',
};

const { address, requestId, entityId, session, successor, identifier, credentialId, accountId, idpId } =
  identifying;
const at = Date.UTC(2026, 0, 1);
const client = { at, address, requestId };
const change = { ...client, session, entityId };
const factor = { ...change, factor: 'fido2', purpose: 'sign-in' } as const;
const method = 'password';

/** An event of each type; one that is missing is a compile error. */
export const auditEvents = {
  signed_in: { type: 'signed_in', principalType: 'user', method, idpId, state: 'active', ...change },
  sign_in_failed: {
    ...{ type: 'sign_in_failed', method, reason: 'wrong_secret', idpId, identifier, entityId },
    ...client,
  },
  locked: { type: 'locked', what: 'guesses', identifier, ...client },
  unlocked: { type: 'unlocked', identifier, ...client },
  captcha_refused: { type: 'captcha_refused', reason: 'low_score', identifier, ...client },
  throttled: { type: 'throttled', scope: 'address', ...client },
  rejected_api_key: { type: 'rejected_api_key', reason: 'disabled', entityId, ...client },
  second_factor_completed: { type: 'second_factor_completed', ...factor },
  second_factor_failed: { type: 'second_factor_failed', reason: 'no_challenge', ...factor },
  second_factor_locked: { type: 'second_factor_locked', entityId, ...client },
  configuration_unlocked: { type: 'configuration_unlocked', ...change },
  configuration_unlock_failed: { type: 'configuration_unlock_failed', reason: 'wrong_secret', ...change },
  device_added: { type: 'device_added', credentialId, ...change },
  device_refused: { type: 'device_refused', reason: 'not_verified', ...change },
  device_renamed: { type: 'device_renamed', credentialId, ...change },
  device_removed: { type: 'device_removed', credentialId, ...change },
  recovery_codes_generated: { type: 'recovery_codes_generated', ...change },
  operation_approved: { type: 'operation_approved', credentialId, ...change },
  recovery_code_used: { type: 'recovery_code_used', left: 9, ...change },
  session_ended: {
    ...{ type: 'session_ended', principalType: 'user', entityId, session, cause: 'replaced', successor, at },
  },
  account_selected: { type: 'account_selected', accountId, ...change },
  password_rehashed: { type: 'password_rehashed', entityId, at },
  peer_failed: { type: 'peer_failed', peer: 'idp.example.com', kind: 'timed_out', at },
  dependency_failed: {
    ...{ type: 'dependency_failed', operation: 'users.findById', kind: 'threw', error: 'Error', at },
  },
} as const satisfies { [Type in AuditEvent['type']]: AuditEvent & { type: Type } };

/** The same as a list. */
export const listedEvents: AuditEvent[] = Object.values(auditEvents);
