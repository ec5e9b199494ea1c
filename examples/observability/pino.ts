import type { AuditEvent } from 'passport-control';
import type { Logger } from 'pino';

type Level = 'info' | 'warn' | 'error';

/** How loud each type of event is; a new type is a compile error here. */
const levels: Record<AuditEvent['type'], Level> = {
  signed_in: 'info',
  sign_in_failed: 'warn',
  locked: 'warn',
  unlocked: 'info',
  captcha_refused: 'warn',
  throttled: 'warn',
  rejected_api_key: 'warn',
  second_factor_completed: 'info',
  second_factor_failed: 'warn',
  second_factor_locked: 'warn',
  configuration_unlocked: 'info',
  configuration_unlock_failed: 'warn',
  device_added: 'info',
  device_refused: 'warn',
  device_renamed: 'info',
  device_removed: 'info',
  recovery_codes_generated: 'info',
  operation_approved: 'info',
  recovery_code_used: 'info',
  session_ended: 'info',
  account_selected: 'info',
  password_rehashed: 'info',
  peer_failed: 'error',
  dependency_failed: 'error',
};

/**
 * Makes an `onEvent` listener that writes one line of JSON for each event: the event as it is under `audit`, its type as
 * the message. What was refused is a warning; what is broken, and a key of which there may be a second copy, is an error.
 *
 * @example
 * passportControl({ …, onEvent: pinoAuditLog(pino()) })
 */
export function pinoAuditLog(logger: Pick<Logger, Level>): (event: AuditEvent) => void {
  return (event) => logger[levelOf(event)]({ audit: event }, event.type);
}

function levelOf(event: AuditEvent): Level {
  const mayBeCopied = 'reason' in event && event.reason === 'counter_regressed';
  return mayBeCopied ? 'error' : levels[event.type];
}
