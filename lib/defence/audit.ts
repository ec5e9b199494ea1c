/** Why a first factor was refused. It is told to the audit log, never to the client. */
export type FailureReason =
  | 'unknown_principal'
  | 'disabled'
  | 'account_disabled'
  | 'no_secret'
  | 'wrong_secret'
  | 'unusable_hash'
  | 'no_credential'
  | 'no_session'
  | 'unknown_identity_provider'
  | 'refused_by_provider'
  | 'not_verified'
  /** What was verified names nobody for longer than a session, such as a transient NameID. */
  | 'no_subject'
  | 'not_begun_here'
  | 'not_a_member'
  | 'account_policy'
  | 'replayed'
  | 'email_not_proven'
  | 'linked_elsewhere'
  | 'password_expired'
  | 'locked_by_provider'
  | 'not_in_group'
  /** Signed too long ago, or in the future. */
  | 'not_fresh'
  /** Signed for somebody else, or for nobody. */
  | 'other_audience'
  /** Too many have failed before; the password was not looked at. */
  | 'locked'
  | 'refused_by_strategy'
  | 'error_in_strategy';

/** Why a captcha opens no lock. It is told to the audit log, never to the client. */
export type CaptchaRefusal =
  /** The provider does not know the response, or not any more. */
  | 'not_solved'
  /** Solved on the page of another service, or for something else. */
  | 'other_hostname'
  | 'other_action'
  | 'low_score'
  | 'replayed';

/** Why a second factor, or a device to be enrolled, was refused. It is told to the audit log, never to the client. */
export type FactorFailure =
  /** There is no live challenge of this purpose. */
  | 'no_challenge'
  /** The credential is none of those that the challenge named. */
  | 'credential_not_offered'
  /** The device was removed after the challenge was given. */
  | 'credential_gone'
  | 'other_user_handle'
  /** Client data, authenticator data or signature are not as they should be. */
  | 'not_verified'
  | 'backup_eligibility_changed'
  /** The signature is good and the counter is not: there may be a second copy of the key. */
  | 'counter_regressed'
  /** No code of the user's, or one that was used. */
  | 'unknown_recovery_code'
  /** A certificate or a format that nobody asked for. */
  | 'attestation_not_asked'
  /** No certificate, or one that leads to none which the host trusts. */
  | 'attestation_not_trusted'
  /** The challenge was answered already, before this or at the same time. */
  | 'raced'
  /** Too many have failed before; the answer was not looked at. */
  | 'locked';

/** Why a session ended. */
export type EndCause =
  | 'terminated'
  | 'expired'
  | 'replaced'
  | 'evicted'
  | 'ended_by_host'
  | 'undelivered'
  | 'second_factor_failed'
  /** Somebody has changed the second factors of the user in another session. */
  | 'second_factor_changed'
  | 'principal_gone'
  | 'credential_changed'
  | 'identity_provider_gone'
  | 'membership_gone'
  /** The account that the session acts in asks for another way of signing in now. */
  | 'account_policy';

/** Who sends a request. */
export interface Client {
  /** As the host's `trust proxy` setting lets it be known. */
  address: string;
  /**
   * The `id` that a middleware of the host has given the request; `null` where none has, and for what is not 1 to 128 printable
   * ASCII characters.
   */
  requestId: string | null;
}

/** Who an event is about, as far as it is known. */
export interface AuditSubject {
  principalType: 'user' | 'app';
  entityId: string;
}

/** Which session of which user tried which second factor, for what, and from where. */
export interface FactorAttempt extends Client {
  session: string;
  entityId: string;
  factor: 'fido2' | 'u2f' | 'recovery_code';
  /** Completing a sign-in, unlocking the configuration of second factors, or approving an operation of the host. */
  purpose: 'sign-in' | 'configuration' | 'approval';
}

/** Which session of which user changed the configuration of the second factor, from where. */
export interface ConfigurationChange extends Client {
  session: string;
  entityId: string;
}

/**
 * What happened, for the host's audit log. No event holds a secret, a token or an address that somebody typed:
 * `identifier` is a keyed hash of what was guessed at, stable as long as the secret of the control is.
 */
export type AuditEvent = { /** Milliseconds since the epoch. */ at: number } & (
  | ({
      type: 'signed_in';
      method: string;
      /** The identity provider that vouched for the user. */
      idpId: string | null;
      state: string;
      session: string;
    } & AuditSubject &
      Client)
  | ({
      type: 'sign_in_failed';
      method: string;
      reason: FailureReason;
      /** The identity provider, where there is one of the id that was sent. */
      idpId: string | null;
      identifier: string | null;
      entityId: string | null;
    } & Client)
  /** An address takes no more guesses, or none by a captcha either. */
  | ({ type: 'locked'; what: 'guesses' | 'captcha'; identifier: string } & Client)
  /** The password and a captcha have opened the lock. */
  | ({ type: 'unlocked'; identifier: string } & Client)
  | ({ type: 'captcha_refused'; reason: CaptchaRefusal; identifier: string } & Client)
  | ({ type: 'throttled'; scope: 'address' | 'app' | 'overall' } & Client)
  | ({
      type: 'rejected_api_key';
      reason: FailureReason;
      entityId: string | null;
    } & Client)
  | ({ type: 'second_factor_completed' } & FactorAttempt)
  | ({ type: 'second_factor_failed'; reason: FactorFailure } & FactorAttempt)
  | ({ type: 'second_factor_locked'; entityId: string } & Client)
  | ({ type: 'configuration_unlocked' } & ConfigurationChange)
  | ({ type: 'configuration_unlock_failed'; reason: FailureReason } & ConfigurationChange)
  | ({ type: 'device_added'; credentialId: string } & ConfigurationChange)
  | ({ type: 'device_refused'; reason: FactorFailure } & ConfigurationChange)
  | ({ type: 'device_renamed' | 'device_removed'; credentialId: string } & ConfigurationChange)
  | ({ type: 'recovery_codes_generated' } & ConfigurationChange)
  /** A device has approved an operation of the host. */
  | ({ type: 'operation_approved'; credentialId: string } & ConfigurationChange)
  /** `left`: how many the user has still; `null` where that could not be told. */
  | ({ type: 'recovery_code_used'; left: number | null } & ConfigurationChange)
  | ({
      type: 'session_ended';
      session: string;
      cause: EndCause;
      /** The session that took its place, where one was `replaced`. */
      successor: string | null;
    } & AuditSubject)
  | ({
      type: 'account_selected';
      session: string;
      entityId: string;
      accountId: string;
    } & Client)
  | { type: 'password_rehashed'; entityId: string }
  | {
      type: 'peer_failed';
      /** The host and port of the peer. */
      peer: string;
      /** `client_refused`: it does not take this service for its client; the credentials of the record are wrong. */
      kind: 'unreachable' | 'timed_out' | 'nonsense' | 'client_refused';
    }
  | {
      type: 'dependency_failed';
      /** The call that failed, such as `users.findByEmail` or `session.store.get`. */
      operation: string;
      kind: DependencyFailure;
      /** The name and code of what was thrown; its message is left out, since drivers quote parameters there. */
      error: string | null;
    }
);

/** How a dependency failed; `circuit_open`: it was not asked, since nothing was answered of late. */
export type DependencyFailure = 'threw' | 'timed_out' | 'impossible_answer' | 'circuit_open';

/** Distributes over the union, so that each event keeps its own fields. */
type WithoutTime<Event> = Event extends unknown ? Omit<Event, 'at'> : never;

/** Tells the host what happened; see {@link auditLog}. */
export type Audit = (event: WithoutTime<AuditEvent>) => void;

/**
 * Makes the sender of audit events. The host's listener runs after the current work, on its own: it can neither
 * throw into a sign-in nor slow it by more than the time that it computes. It runs in the asynchronous context of the work, so what
 * an AsyncLocalStorage of the host knows of the request is known there.
 */
export function auditLog(listener: ((event: AuditEvent) => unknown) | undefined, clock: () => number): Audit {
  if (listener === undefined) return () => {};
  return (event) => {
    const told = { ...event, at: clock() } as AuditEvent;
    setImmediate(async () => {
      try {
        await listener(told);
      } catch {
        // The listener is the host's; there is nobody left to tell.
      }
    });
  };
}
