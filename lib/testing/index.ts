export { accountRepositoryContract } from './account-repository-contract.js';
export { type AppSeedOfContract, appRepositoryContract } from './app-repository-contract.js';
export { SoftwareAuthenticator } from './authenticator.js';
export type { AttestedBy, AuthenticatorChange, ByteChange, CreationChange } from './authenticator-change.js';
export type { SoftwareAlgorithm, SoftwareCredential } from './authenticator-keys.js';
export type {
  SoftwareAssertion,
  SoftwareAttestation,
  SoftwareAuthenticatorOptions,
  SoftwareCreationOptions,
  SoftwareRequestOptions,
} from './authenticator-types.js';
export type { SoftwareU2fAnswer, U2fChange } from './authenticator-u2f.js';
export type { ContractCase, Fresh } from './contract-case.js';
export type { ContractTime } from './contract-time.js';
export { counterStoreContract } from './counter-store-contract.js';
export type { SharedStores } from './deployment.js';
export { deviceRepositoryContract } from './device-repository-contract.js';
export { identityProviderRepositoryContract } from './identity-provider-repository-contract.js';
export {
  type OauthMisbehaviour,
  type OauthProvider,
  type OauthProviderOptions,
  oauthProvider,
} from './oauth-provider.js';
export { oneTimeStoreContract } from './one-time-store-contract.js';
export { accountRecord, appRecord, deviceRecord, idpRecord, samlRecord, userRecord } from './records.js';
export {
  type SamlProvider,
  type SamlProviderOptions,
  type SamlResponseOptions,
  samlProvider,
} from './saml-provider.js';
export { type IndexTime, sessionIndexContract } from './session-index-contract.js';
export { sessionRaceContract } from './session-race-contract.js';
export { sessionStoreContract } from './session-store-contract.js';
export { type StsCaller, type StsDouble, stsDouble } from './sts-double.js';
export { userRepositoryContract } from './user-repository-contract.js';
