import { randomUUID } from 'node:crypto';
import { ConfigError } from '../errors.js';
import { ownEndpoint, stsEndpoint } from '../federation/sts-endpoint.js';
import {
  audienceHeader,
  callerIdentityBody,
  callerIdentityType,
  nonceHeader,
} from '../wire/caller-identity.js';
import { isUuid } from '../wire/ids.js';
import { Sha256 } from './sha256.js';

/** A key pair of AWS, with the token of temporary credentials. */
export interface AwsCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
}

/** Where an app signs in, and as whom. */
export interface AwsSignInOptions {
  /** The account of the app at the service: the `acct_id` of the API. */
  accountId: string;
  /** The region whose Security Token Service is asked, such as `eu-west-1`: the nearest of those that the service takes. */
  region: string;
  /** Whom the service calls itself in its `aws.audience`. `null` for one that does without, where anybody could use it. */
  audience: string | null;
  /** @default what the AWS SDK finds: environment, profile, container, instance */
  credentials?: AwsCredentials | (() => Promise<AwsCredentials>) | undefined;
  /** Where the service has been told that STS is in this region, by `aws.stsEndpoint`. @default where AWS has it */
  stsEndpoint?: string | undefined;
  /** Milliseconds since the epoch. @default Date.now */
  clock?: (() => number) | undefined;
}

/** The body of `POST session/auth` for `aws-iam`. It is good for five minutes, and for one sign-in. */
export interface AwsSignInRequest {
  method: 'aws-iam';
  acct_id: string;
  region: string;
  headers: Record<string, string>;
}

/** Signs another request; see {@link awsSignIn}. */
export type AwsSignIn = () => Promise<AwsSignInRequest>;

/**
 * Makes a function that signs requests to sign in as whoever this process is at AWS: a Lambda, a container, an instance. It
 * signs, by Signature Version 4, the question to STS who it is, for the service of this audience and nobody else; the service
 * sends it. The signer is `@smithy/signature-v4` and the credentials come from `@aws-sdk/credential-provider-node`: install
 * the first, and the second unless you hand credentials over.
 *
 * @throws ConfigError for an option that is wrong. What the returned function throws is an Error for a package that is not
 * installed, and whatever the provider of the credentials throws
 *
 * @example
 * const signIn = awsSignIn({ accountId, region: 'eu-west-1', audience: 'https://app.example' });
 * const body = JSON.stringify(await signIn());
 * await fetch('https://app.example/sys/v1/session/auth', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
 */
export function awsSignIn(options: AwsSignInOptions): AwsSignIn {
  const { accountId, region, audience, clock = Date.now } = options;
  const endpoint = endpointOf(options);
  if (!isUuid(accountId))
    throw new ConfigError('accountId', 'must be the id of an account: a UUID in lower case');
  if (audience !== null && !(typeof audience === 'string' && /^[!-~]{1,255}$/.test(audience)))
    throw new ConfigError('audience', 'must be what the service has as its aws.audience');
  const { host } = endpoint;
  const headers = {
    host,
    'content-type': callerIdentityType,
    ...(audience === null ? {} : { [audienceHeader]: audience }),
  };
  const question = { method: 'POST', protocol: endpoint.protocol, hostname: endpoint.hostname, path: '/' };
  const credentialsOf = credentialSource(options);

  return async () => {
    const { SignatureV4 } = await import('@smithy/signature-v4').catch(missing('@smithy/signature-v4'));
    const { accessKeyId, secretAccessKey, sessionToken } = await credentialsOf();
    const signer = new SignatureV4({
      ...{ service: 'sts', region, sha256: Sha256 },
      credentials: { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) },
    });
    const signed = await signer.sign(
      {
        ...question,
        query: {},
        headers: { ...headers, [nonceHeader]: randomUUID() },
        body: callerIdentityBody,
      },
      { signingDate: new Date(clock()) },
    );
    return { method: 'aws-iam', acct_id: accountId, region, headers: { ...signed.headers } };
  };
}

function endpointOf({ region, stsEndpoint: own }: AwsSignInOptions): URL {
  const known = stsEndpoint(region);
  if (known === null) throw new ConfigError('region', 'must be a region of AWS');
  const url = own === undefined ? known.url : ownEndpoint(own);
  if (url === null) throw new ConfigError('stsEndpoint', 'must be an https URL that is an origin alone');
  return new URL(url);
}

/** Where credentials come from. What the AWS SDK has found it keeps for as long as that is good. */
function credentialSource({ credentials, region }: AwsSignInOptions): () => Promise<AwsCredentials> {
  if (typeof credentials === 'function') return credentials;
  if (credentials !== undefined) return async () => credentials;
  let found: (() => Promise<AwsCredentials>) | undefined;
  return async () => {
    // A bundler lets a package be missing whose import is caught right here.
    const { defaultProvider } = await import('@aws-sdk/credential-provider-node').catch(
      missing('@aws-sdk/credential-provider-node'),
    );
    found ??= defaultProvider({ clientConfig: { region } });
    return found();
  };
}

/** Says how a package is to be had that is not installed; whatever else is wrong with it is told as it is. */
function missing(name: string): (cause: unknown) => never {
  return (cause) => {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND';
    if (!isMissing) throw cause;
    throw new Error(`passport-control/aws needs ${name}: npm install ${name}`, { cause });
  };
}
