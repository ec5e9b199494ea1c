import type { Request } from 'express';
import { closedApp } from '../defence/app-credential.js';
import type { GuardedRepositories } from '../defence/guarded-repositories.js';
import type { ClaimOnce } from '../defence/once.js';
import { AuthError } from '../errors.js';
import { awsPrincipal, textOfPrincipal } from '../federation/aws-principal.js';
import type { AwsSettings, StsClient } from '../federation/sts-client.js';
import type { StsEndpoint } from '../federation/sts-endpoint.js';
import { awsRequest, type SignedRequest } from '../wire/aws-request.js';
import { audienceHeader } from '../wire/caller-identity.js';
import { parseBody } from '../wire/schemas.js';
import type { Method } from './method.js';
import { appProven, fail, type Outcome, Strategy } from './strategy.js';

/** What {@link AwsIamStrategy} is made from. */
export interface AwsIamStrategyOptions {
  repositories: Pick<GuardedRepositories, 'apps' | 'accounts'>;
  settings: AwsSettings;
  client: StsClient;
  claimOnce: ClaimOnce;
  /** Milliseconds since the epoch. */
  clock: () => number;
}

/** Milliseconds by which a signature may be old, or ahead. */
const tolerance = 300_000;
/** Seconds for which a signature is remembered: longer than STS takes it, whatever its clock says. */
const remembered = 1800;

/**
 * An app by its identity at AWS, in the JSON body `{ acct_id, region, headers }`: the headers of a request to STS that the app
 * has signed and not sent. It is sent from here, to a host that is made here, and who has signed it is what STS says.
 */
export class AwsIamStrategy extends Strategy {
  override readonly name = 'aws-iam';

  constructor(private readonly options: AwsIamStrategyOptions) {
    super();
  }

  override async attempt(request: Request): Promise<Outcome> {
    const { repositories, client, claimOnce } = this.options;
    const { accountId, region, signed } = parseBody(awsRequest, request.body);
    const { partition, url } = this.endpointOf(region, signed);
    const { apps, accounts } = repositories;
    if (apps?.findByAwsPrincipal === undefined) return fail('unknown_principal');
    if (!this.isFresh(signed)) return fail('not_fresh');
    if (!this.isForUs(signed)) return fail('other_audience');

    const caller = await client.whoSigned(url, signed.headers);
    if ('reason' in caller) return fail(caller.reason);
    const principal = awsPrincipal(caller, partition);
    if (principal === null) return fail('not_verified');
    // One sign-in for a signature, whatever the header that it came in looks like.
    const giveBack = await claimOnce([{ key: `aws:${signed.signature}`, seconds: remembered }]);
    if (giveBack === null) return fail('replayed');
    try {
      const app = await apps.findByAwsPrincipal(accountId, principal);
      const refused = app === null ? 'unknown_principal' : await closedApp(accounts, app);
      if (app !== null && refused === null) return appProven(app, textOfPrincipal(principal), giveBack);
      await giveBack();
      return fail(refused ?? 'unknown_principal', app?.id ?? null);
    } catch (error) {
      await giveBack();
      throw error;
    }
  }

  /** Where the request is sent, which is what it must be signed for. */
  private endpointOf(region: string, { host }: SignedRequest): StsEndpoint {
    const endpoint = this.options.settings.endpoints.get(region);
    if (endpoint === undefined) throw malformed('region', 'must be a region that is served here');
    if (host !== null && host !== new URL(endpoint.url).host)
      throw malformed('headers.host', 'must be that of sts in this region');
    return endpoint;
  }

  private isFresh({ signedAt }: SignedRequest): boolean {
    return Math.abs(this.options.clock() - signedAt) <= tolerance;
  }

  /** A signature for somebody else is good there too: whoever gets to see it could come here with it. */
  private isForUs({ signedHeaders, headers }: SignedRequest): boolean {
    const { audience, dangerouslyWithoutAudience } = this.options.settings;
    const said = headers[audienceHeader];
    if (said === undefined) return dangerouslyWithoutAudience;
    return said === audience && signedHeaders.includes(audienceHeader);
  }
}

function malformed(path: string, detail: string): AuthError {
  return new AuthError('malformed_request', { fields: [{ path, detail }] });
}

/** `aws-iam` as a method of the API. */
export const awsIam: Method = {
  name: 'aws-iam',
  // What was guessed at is a key of AWS, and only STS can say whose that is.
  pluggable: false,
  bodyLimit: 65_536,
  isPossible: ({ repositories: { apps }, aws }) => apps?.findByAwsPrincipal !== undefined && aws !== null,
  guess(request) {
    const { accountId, signed } = parseBody(awsRequest, request.body);
    return { app: `${accountId}/aws/${signed.accessKeyId}` };
  },
  fields: (request) => {
    parseBody(awsRequest, request.body);
    const { acct_id, region, headers } = request.body;
    return { acct_id, region, headers };
  },
  strategy({ repositories, aws, sts, claimOnce, clock }) {
    if (aws === null) throw new TypeError('aws-iam needs its settings');
    return new AwsIamStrategy({ repositories, settings: aws, client: sts, claimOnce, clock });
  },
};
