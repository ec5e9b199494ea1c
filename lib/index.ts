import './express.js';

export { type PassportControl, passportControl } from './control.js';
export { hashSecret } from './defence/app-credential.js';
export type {
  AuditEvent,
  AuditSubject,
  CaptchaRefusal,
  ConfigurationChange,
  EndCause,
  FactorAttempt,
  FactorFailure,
  FailureReason,
} from './defence/audit.js';
export type { Captcha } from './defence/captcha.js';
export {
  type Count,
  type CounterStore,
  memoryCounterStore,
} from './defence/counters.js';
export {
  type MemoryStoreOptions,
  memoryOneTimeStore,
  type OneTimeStore,
} from './defence/one-time.js';
export { hashPassword } from './defence/password-hashing.js';
export {
  AuthError,
  type AuthErrorOptions,
  ConfigError,
  type FieldError,
  type ProblemCode,
  problems,
} from './errors.js';
export { type SamlMetadata, samlProviderFromMetadata } from './federation/saml-metadata.js';
export type {
  AwsOptions,
  CaptchaOptions,
  MethodOptions,
  PassportControlOptions,
  PerPrincipal,
  RateOptions,
  RelyingPartyOptions,
  SecondFactorOptions,
  ServiceProviderOptions,
  SessionOptions,
  ThrottleOptions,
} from './options/public.js';
export { type CodeVerifierStore, codeVerifierStore } from './plugged/code-verifier-store.js';
export type {
  PluggedAssertion,
  PluggedLdapProvider,
  PluggedOauthProvider,
  PluggedProfile,
  PluggedProvider,
  PluggedSamlProvider,
} from './plugged/provider.js';
export type * from './repositories/index.js';
export {
  type AppSeed,
  type KnownAwsPrincipal,
  type MemoryRepositories,
  type MemorySeed,
  memoryRepositories,
  type UserSeed,
} from './repositories/memory.js';
export type { ReturnOptions } from './routes/browser-return.js';
export type { ApprovalOptions, DeviceApprovals } from './routes/device-approvals.js';
export { problemHandler } from './routes/handler.js';
export type {
  Authenticate,
  Authenticated,
  SessionRequirement,
} from './routes/require-session.js';
export type { ApprovalChallenge, DeviceName } from './second-factor/approvals.js';
export { deviceFromU2fRegistration, type U2fDeviceDetails } from './second-factor/u2f-registration.js';
export type {
  EntityReference,
  SessionAdministration,
  SessionSelection,
} from './sessions/administration.js';
export type { AuthSession } from './sessions/auth-session.js';
export {
  memorySessionIndex,
  type SessionIndex,
} from './sessions/entity-index.js';
export {
  type MemorySessionStoreOptions,
  memorySessionStore,
} from './sessions/memory-store.js';
export type { Principal, SessionState } from './sessions/record.js';
export type { SessionStore } from './sessions/rows.js';
export {
  AppNameStrategy,
  type AppNameStrategyOptions,
} from './strategies/auth-by-app-name.js';
export {
  BasicStrategy,
  type BasicStrategyOptions,
} from './strategies/basic.js';
export type { MethodName } from './strategies/index.js';
export {
  PasswordStrategy,
  type PasswordStrategyOptions,
} from './strategies/password.js';
export type { PluggedIdentity, PluggedStrategy } from './strategies/plugged.js';
export { SessionTokenStrategy } from './strategies/session-token.js';
export { type Outcome, type Proof, Strategy } from './strategies/strategy.js';
export { canonicalEmail } from './wire/email.js';
export type { Problem } from './wire/problem.js';
export type { AuthMethod, AuthResponse, TokenType } from './wire/schemas.js';
