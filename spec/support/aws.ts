import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import type { KnownAwsPrincipal } from '../../lib/index.js';
import { type StsCaller, type StsDouble, stsDouble } from '../../lib/testing/index.js';
import { attack, type Target, type WireAnswer } from './attack.js';
import { auth } from './federation.js';
import { acme, robot } from './people.js';

export const audience = 'https://app.example.com';
export const region = 'eu-west-1';
const account = '123456789012';

/** An instance of the role that robot is, by temporary credentials. */
export const role: StsCaller = {
  ...{
    accessKeyId: 'ASIAEXAMPLEROLE00001',
    secretAccessKey: 'secret of the role',
    sessionToken: 'token/of+the=role',
  },
  ...{ account, userId: 'AROAEXAMPLEROLE00001:one', arn: `arn:aws:sts::${account}:assumed-role/deploy/one` },
};
/** The role as the host knows it. */
export const knownRole: KnownAwsPrincipal = {
  ...{ partition: 'aws', awsAccountId: account, type: 'role', name: 'deploy' },
  uniqueId: 'AROAEXAMPLEROLE00001',
};
/** A user, who is no app here. */
export const user: StsCaller = {
  ...{ accessKeyId: 'AKIAEXAMPLEUSER00001', secretAccessKey: 'secret of the user' },
  ...{ account, userId: 'AIDAEXAMPLEUSER00001', arn: `arn:aws:iam::${account}:user/ops/deploy` },
};

/** How a request is signed. */
export interface Signing {
  by?: StsCaller;
  region?: string;
  /** More headers that are signed. */
  headers?: Record<string, string>;
  audience?: string | null;
  host?: string;
  service?: string;
  at?: number;
  body?: string;
  method?: string;
}

/** The headers of a request to STS, signed by the signer of the AWS SDK. */
export async function signed(now: number, how: Signing = {}): Promise<Record<string, string>> {
  const { by = role, region: at = region, audience: whom = audience } = how;
  const host = how.host ?? `sts.${at}.amazonaws.com${at.startsWith('cn-') ? '.cn' : ''}`;
  const { accessKeyId, secretAccessKey, sessionToken } = by;
  const signer = new SignatureV4({
    ...{ service: how.service ?? 'sts', region: at, sha256: Sha256 },
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
  });
  const request = await signer.sign(
    {
      ...{ method: how.method ?? 'POST', protocol: 'https:', hostname: host, path: '/', query: {} },
      headers: {
        host,
        'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
        ...(whom === null ? {} : { 'X-Passport-Control-Audience': whom }),
        ...how.headers,
      },
      body: how.body ?? 'Action=GetCallerIdentity&Version=2011-06-15',
    },
    { signingDate: new Date(how.at ?? now) },
  );
  return { ...request.headers };
}

/** What a case with STS works with. */
export interface AwsStage extends Target {
  sts: StsDouble;
  headers(how?: Signing): Promise<Record<string, string>>;
  signIn(headers: unknown, more?: object, node?: 0 | 1): Promise<WireAnswer>;
  reasons(): string[];
}

/** Has robot be known as these identities at AWS, and no others. */
export function setPrincipals({ nodes }: Target, awsPrincipals: readonly KnownAwsPrincipal[]): void {
  const { table } = nodes[0].repositories.apps;
  const row = table.get(robot.id);
  if (row === undefined) throw new Error('there is no robot');
  table.set(robot.id, { ...row, awsPrincipals });
}

/** Runs an attack on a service in which robot is a role of AWS. */
export function onAws(
  drive: (stage: AwsStage) => Promise<void>,
  options: Parameters<typeof attack>[0] = {},
  callers: readonly StsCaller[] = [role, user],
): Promise<void> {
  let sts: StsDouble | undefined;
  const fetch: StsDouble['fetch'] = (url, init) => {
    if (sts === undefined) throw new TypeError('there is no double yet');
    return sts.fetch(url, init);
  };
  return attack({ aws: { audience }, fetch, ...options }, async (target) => {
    const { nodes, clock } = target;
    const double = stsDouble(callers, { clock });
    sts = double;
    setPrincipals(target, [knownRole]);
    await drive({
      ...target,
      sts: double,
      headers: async (how) => {
        const headers = await signed(clock(), how);
        // AWS-15: neither the signature nor what was signed is told of.
        for (const name of ['authorization', 'x-amz-date']) target.secret(String(headers[name]));
        return headers;
      },
      signIn: (headers, more = {}, node = 1) =>
        nodes[node].call(auth, { method: 'aws-iam', acct_id: acme, region, headers, ...more }),
      reasons: () =>
        nodes.flatMap(({ events }) =>
          events.flatMap((each) =>
            each.type === 'sign_in_failed' && each.method === 'aws-iam' ? [each.reason] : [],
          ),
        ),
    });
    for (const { secretAccessKey, sessionToken } of callers) {
      target.secret(secretAccessKey);
      if (sessionToken !== undefined) target.secret(sessionToken);
    }
  });
}
