import { ConfigError } from '../errors.js';
import type { AwsSettings } from '../federation/sts-client.js';
import {
  stsEndpoint as awsEndpoint,
  ownEndpoint,
  type StsEndpoint,
  stsRegions,
} from '../federation/sts-endpoint.js';
import type { AwsOptions } from './public.js';

/**
 * Completes the settings of `aws`.
 *
 * @throws ConfigError for what is missing, and for an endpoint that is none
 */
export function awsOf({
  audience,
  dangerouslyWithoutAudience,
  regions,
  stsEndpoint,
}: AwsOptions): AwsSettings {
  if (audience === undefined && dangerouslyWithoutAudience !== true) {
    throw new ConfigError(
      'aws.audience',
      'is required: without it, whoever gets to see a signature that was made for somebody else can come here with it',
    );
  }
  return {
    audience: audience ?? null,
    dangerouslyWithoutAudience: dangerouslyWithoutAudience === true,
    endpoints: new Map((regions ?? stsRegions()).map((region) => [region, endpointOf(region, stsEndpoint)])),
  };
}

/** Where STS is in a region. A host is asked now and not at a sign-in, so that what is wrong shows at the start. */
function endpointOf(region: string, own: AwsOptions['stsEndpoint']): StsEndpoint {
  const known = awsEndpoint(region);
  if (known === null) throw new ConfigError('aws.regions', 'must be regions of AWS');
  if (own === undefined) return known;
  let url: string | null = null;
  try {
    url = ownEndpoint(own(region));
  } catch {
    // As if it had named none.
  }
  if (url !== null) return { ...known, url };
  throw new ConfigError(
    'aws.stsEndpoint',
    `must answer for ${region} with an https URL that is an origin alone; name in aws.regions those that are served`,
  );
}
