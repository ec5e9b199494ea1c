/**
 * Every problem this API can answer with: the stable `code` that clients compare, and the HTTP status and
 * title that go with it. The table is the whole vocabulary of {@link AuthError}.
 */
export const problems = {
  malformed_request: { status: 400, title: 'The request is malformed.' },
  unknown_method: {
    status: 400,
    title: 'There is no such authentication method.',
  },
  method_not_configured: {
    status: 400,
    title: 'This authentication method is not in use here.',
  },
  ambiguous_credentials: {
    status: 400,
    title: 'Send one credential, not two.',
  },
  credentials_required: { status: 401, title: 'No credential was sent.' },
  invalid_credentials: { status: 401, title: 'The credentials are not valid.' },
  session_required: { status: 401, title: 'No session was presented.' },
  invalid_session: { status: 401, title: 'The session is not valid.' },
  second_factor_required: {
    status: 401,
    title: 'The second factor of this session is still owed.',
  },
  enrolment_required: {
    status: 401,
    title: 'A second factor must be enrolled first.',
  },
  fresh_sign_in_required: {
    status: 401,
    title: 'The sign-in is too long ago for this: sign in again.',
  },
  wrong_principal: {
    status: 403,
    title: 'This route is not for this kind of principal.',
  },
  wrong_session_state: {
    status: 403,
    title: 'The session is not in the state that this route serves.',
  },
  account_required: {
    status: 403,
    title: 'The session has not selected this account.',
  },
  account_forbidden: {
    status: 403,
    title: 'The account is not open to this session.',
  },
  configuration_locked: {
    status: 403,
    title: 'The configuration of the second factor is locked.',
  },
  cross_site_request: {
    status: 403,
    title: 'The request comes from another site.',
  },
  device_not_found: { status: 404, title: 'There is no device of this name.' },
  method_not_allowed: {
    status: 405,
    title: 'This HTTP method is not served here.',
  },
  name_taken: { status: 409, title: 'There is a device of this name already.' },
  credential_taken: { status: 409, title: 'This credential is enrolled already.' },
  no_device: { status: 409, title: 'The user has no device that could prove this.' },
  too_many_devices: { status: 409, title: 'No more devices can be enrolled.' },
  payload_too_large: { status: 413, title: 'The body is too large.' },
  unsupported_media_type: {
    status: 415,
    title: 'The body must be JSON in UTF-8, not encoded.',
  },
  locked: { status: 423, title: 'Locked after too many failed attempts.' },
  too_many_requests: { status: 429, title: 'Too many requests.' },
  bad_gateway: {
    status: 502,
    title: 'A peer gave an answer that makes no sense.',
  },
  unavailable: { status: 503, title: 'A part that this needs is unavailable.' },
  gateway_timeout: { status: 504, title: 'A peer did not answer in time.' },
} as const satisfies Record<string, { status: number; title: string }>;

/** The stable codes of {@link problems}, as they stand in the `code` member of an error body. */
export type ProblemCode = keyof typeof problems;

/** One wrong field of a malformed request: its path, dots between the steps, and what is wrong with it. */
export interface FieldError {
  path: string;
  detail: string;
}

/** What an {@link AuthError} may carry beside its code. */
export interface AuthErrorOptions {
  /** A public sentence for this occurrence. It never echoes input and never quotes a library. */
  detail?: string;
  /** The wrong fields of a malformed request. */
  fields?: readonly FieldError[];
  /** Seconds after which trying again makes sense; sent as `Retry-After`. */
  retryAfter?: number;
  /** Seconds since the sign-in within which the request would be good; sent as `max_age` (RFC 9470). */
  maxAge?: number;
  /** Header lines that belong to this answer, such as `Allow` beside a 405. */
  headers?: Readonly<Record<string, string>>;
}

/**
 * A request that is answered with a problem (RFC 9457). Compare {@link AuthError.code}, never the class or
 * the message. It holds only what may be shown to the client: no secret, no input and no library's words.
 */
export class AuthError extends Error {
  override readonly name = 'AuthError';
  readonly code: ProblemCode;
  /** The HTTP status, so that an error handler of the host finds it where Express looks for it. */
  readonly status: number;
  readonly title: string;
  readonly detail: string | undefined;
  readonly fields: readonly FieldError[] | undefined;
  readonly retryAfter: number | undefined;
  readonly maxAge: number | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ProblemCode, options: AuthErrorOptions = {}) {
    // An answer, and no fault of anybody's code: where it was made tells nothing, and costs a refusal more than all else.
    const { stackTraceLimit } = Error;
    Reflect.set(Error, 'stackTraceLimit', 0); // It says false, and throws nothing, where Error is frozen.
    super(options.detail ?? problems[code].title);
    Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
    this.code = code;
    this.status = problems[code].status;
    this.title = problems[code].title;
    this.detail = options.detail;
    this.fields = options.fields;
    this.retryAfter = options.retryAfter;
    this.maxAge = options.maxAge;
    this.headers = options.headers ?? {};
  }
}

/**
 * A mistake in the options, thrown by `passportControl()` at start: `path` is the option at fault
 * (`session.cookie.name`) and the message says what is wrong and how to mend it.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly path: string;

  constructor(path: string, message: string) {
    super(`passport-control: ${path}: ${message}`);
    this.path = path;
  }
}
