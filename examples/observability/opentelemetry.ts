import {
  type Attributes,
  type Meter,
  type Span,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { AuditEvent } from 'passport-control';

/** Where {@link openTelemetryAuditLog} tells what happened. */
export interface OpenTelemetryAuditLogOptions {
  meter: Meter;
  /**
   * Makes a span of its own for an event whose request has no open span. Events come after the current work, and HTTP
   * instrumentation that closes the span with the answer has mostly done so by then.
   *
   * @default trace.getTracer('passport-control')
   */
  tracer?: Tracer | undefined;
}

/** The counters, by what stands after `passport_control.` in their names. */
const descriptions = {
  sign_ins: 'First factors, by method, outcome, and state or reason',
  rejected_api_keys: 'API keys refused on routes of the host, by reason',
  second_factors: 'Second factors, by factor, purpose, outcome and reason',
  locks: 'Locks that closed, by factor',
  unlocks: 'Locks that a captcha and the password opened',
  refused_captchas: 'Captchas that opened no lock, by reason',
  throttles: 'Requests that were slowed down, by scope',
  configuration_unlocks: 'Attempts to unlock the configuration of second factors, by outcome and reason',
  enrolments: 'Devices to be enrolled, by outcome and reason',
  configuration_changes: 'Other changes of second factors, by change',
  approved_operations: 'Operations of the host that a device approved',
  used_recovery_codes: 'Recovery codes that were used up',
  ended_sessions: 'Sessions that ended, by cause and principal',
  selected_accounts: 'Accounts that sessions went on to act in',
  rehashed_passwords: 'Password hashes that were renewed',
  peer_failures: 'Failures of services that were asked, by peer and kind',
  dependency_failures: 'Failures of repositories, stores and strategies of the host, by operation and kind',
} as const;

type CounterName = keyof typeof descriptions;

/**
 * Makes an `onEvent` listener for OpenTelemetry. Each event adds one to one counter, whose attributes take few values:
 * no id, no address, nothing that a client chose. And it becomes an event of the request's span, or of a span below that,
 * with its other fields, ids among them.
 *
 * @example
 * passportControl({ …, onEvent: openTelemetryAuditLog({ meter: metrics.getMeter('app') }) })
 */
export function openTelemetryAuditLog({
  meter,
  tracer = trace.getTracer('passport-control'),
}: OpenTelemetryAuditLogOptions): (event: AuditEvent) => void {
  const names = Object.keys(descriptions) as CounterName[];
  const counters = new Map(
    names.map((name) => [
      name,
      meter.createCounter(`passport_control.${name}`, { description: descriptions[name], unit: '{event}' }),
    ]),
  );
  return (event) => {
    const [name, attributes] = countOf(event);
    counters.get(name)?.add(1, attributes);

    const active = trace.getActiveSpan();
    if (active?.isRecording()) {
      tell(active, event);
      return;
    }
    const span = tracer.startSpan(`passport_control.${event.type}`, { startTime: event.at });
    tell(span, event);
    span.end(event.at);
  };
}

/** What stays with the audit log: where a client is, and at whom was guessed. */
const withheld = ['address', 'identifier'];

function tell(span: Span, { at, type, ...fields }: AuditEvent): void {
  const attributes = Object.entries(fields).flatMap(([name, value]) =>
    value === null || withheld.includes(name) ? [] : [[name, value] as const],
  );
  span.addEvent(`passport_control.${type}`, Object.fromEntries(attributes), at);
  if (type === 'dependency_failed' || type === 'peer_failed')
    span.setStatus({ code: SpanStatusCode.ERROR, message: type });
}

/** The counter that an event adds to, and the attributes of few values that it does so with. */
function countOf(event: AuditEvent): [CounterName, Attributes] {
  switch (event.type) {
    case 'signed_in':
      return ['sign_ins', { method: event.method, outcome: 'success', state: event.state }];
    case 'sign_in_failed':
      return ['sign_ins', { method: event.method, outcome: 'failure', reason: event.reason }];
    case 'rejected_api_key':
      return ['rejected_api_keys', { reason: event.reason }];
    case 'second_factor_completed':
      return ['second_factors', { factor: event.factor, purpose: event.purpose, outcome: 'success' }];
    case 'second_factor_failed': {
      const { factor, purpose, reason } = event;
      return ['second_factors', { factor, purpose, outcome: 'failure', reason }];
    }
    case 'locked':
      return ['locks', { factor: 'first', what: event.what }];
    case 'second_factor_locked':
      return ['locks', { factor: 'second' }];
    case 'unlocked':
      return ['unlocks', {}];
    case 'captcha_refused':
      return ['refused_captchas', { reason: event.reason }];
    case 'throttled':
      return ['throttles', { scope: event.scope }];
    case 'configuration_unlocked':
      return ['configuration_unlocks', { outcome: 'success' }];
    case 'configuration_unlock_failed':
      return ['configuration_unlocks', { outcome: 'failure', reason: event.reason }];
    case 'device_added':
      return ['enrolments', { outcome: 'success' }];
    case 'device_refused':
      return ['enrolments', { outcome: 'failure', reason: event.reason }];
    case 'device_renamed':
    case 'device_removed':
    case 'recovery_codes_generated':
      return ['configuration_changes', { change: event.type }];
    case 'operation_approved':
      return ['approved_operations', {}];
    case 'recovery_code_used':
      return ['used_recovery_codes', {}];
    case 'session_ended':
      return ['ended_sessions', { cause: event.cause, principal: event.principalType }];
    case 'account_selected':
      return ['selected_accounts', {}];
    case 'password_rehashed':
      return ['rehashed_passwords', {}];
    case 'peer_failed':
      return ['peer_failures', { peer: event.peer, kind: event.kind }];
    case 'dependency_failed':
      return ['dependency_failures', { operation: event.operation, kind: event.kind }];
    default:
      // A type that has no case above does not compile here.
      return event satisfies never;
  }
}
