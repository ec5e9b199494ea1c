import { describe, expect, it } from '@jest/globals';
import { stsEndpoint, stsRegions } from '../../../lib/federation/sts-endpoint.js';
import type { KnownAwsPrincipal } from '../../../lib/index.js';
import type { StsCaller } from '../../../lib/testing/index.js';
import { bearer } from '../../support/app.js';
import { type AwsStage, knownRole, onAws, role, setPrincipals, signed } from '../../support/aws.js';
import { robot } from '../../support/people.js';
import { alices, makeSession, presenting } from '../../support/session-maker.js';

const account = '123456789012';
const status = async (answer: Promise<{ status: number }>) => (await answer).status;
const me = (stage: AwsStage, headers: Record<string, string>) =>
  status(stage.nodes[1].send({ method: 'GET', path: '/app', headers }));
const tokenOf = (body: string) => bearer(JSON.parse(body).access_token);

/** A caller that STS knows, by what it says of it. */
const caller = (n: number, arn: string, userId: string, more: Partial<StsCaller> = {}): StsCaller => ({
  ...{ accessKeyId: `AKIAEXAMPLEUSER0000${n}`, secretAccessKey: `secret ${n}` },
  ...{ account, arn, userId },
  ...more,
});
const long = 'x'.repeat(64);
const sso = 'AWSReservedSSO_Admin_0123456789abcdef';

/** Everybody who signs in as an app here: what STS says, and what the host knows. */
const identities: [string, StsCaller, KnownAwsPrincipal][] = [
  [
    'a user',
    caller(1, `arn:aws:iam::${account}:user/Bob.Deploy+1=a,b@c_d-e`, 'AIDAEXAMPLEUSER00001'),
    { ...knownRole, type: 'user', name: 'Bob.Deploy+1=a,b@c_d-e', uniqueId: 'AIDAEXAMPLEUSER00001' },
  ],
  [
    'a user below a path',
    caller(2, `arn:aws:iam::${account}:user/ops/team~1/deploy`, 'AIDAEXAMPLEUSER00002'),
    { ...knownRole, type: 'user', name: 'deploy', uniqueId: 'AIDAEXAMPLEUSER00002' },
  ],
  [
    'a federated user',
    caller(3, `arn:aws:sts::${account}:federated-user/deploy`, `${account}:deploy`),
    { ...knownRole, type: 'federated-user', name: 'deploy', uniqueId: `${account}:deploy` },
  ],
  [
    'a role of single sign-on',
    caller(
      4,
      `arn:aws:sts::${account}:assumed-role/${sso}/alice@example.com`,
      'AROAEXAMPLEROLE00004:alice@example.com',
    ),
    { ...knownRole, name: sso, uniqueId: 'AROAEXAMPLEROLE00004' },
  ],
  [
    'a role in a session of 64 letters, with a token of 3,000',
    caller(5, `arn:aws:sts::${account}:assumed-role/deploy/${long}`, `AROAEXAMPLEROLE00005:${long}`, {
      sessionToken: `${'token/+='.repeat(375)}x`,
    }),
    { ...knownRole, uniqueId: 'AROAEXAMPLEROLE00005' },
  ],
  [
    'a user whose key id is long',
    caller(6, `arn:aws:iam::${account}:user/deploy`, 'AIDAEXAMPLEUSER00006', {
      accessKeyId: `AKIA${'A'.repeat(100)}`,
    }),
    { ...knownRole, type: 'user', uniqueId: 'AIDAEXAMPLEUSER00006' },
  ],
];
const callers = identities.map(([, who]) => who);

describe('who signs in as an app (AWS-10)', () => {
  it.each(identities)('AWS-10: is %s, while the host knows that', (_, by, known) =>
    onAws(
      async (stage) => {
        stage.expectSessionsOf(robot.id);
        const others = identities.map(([, , each]) => each).filter((each) => each !== known);
        setPrincipals(stage, others);
        expect(await status(stage.signIn(await stage.headers({ by })))).toBe(401);
        setPrincipals(stage, [known]);
        const answer = await stage.signIn(await stage.headers({ by, headers: { 'content-type': 'text/x' } }));
        expect(answer.status).toBe(200);
        const headers = tokenOf(answer.body);
        expect(await me(stage, headers)).toBe(200);
        setPrincipals(stage, others);
        expect(await me(stage, headers)).toBe(401);
      },
      {},
      callers,
    ),
  );

  it.each<[string, string, string]>([
    ['a federated user of another name', `arn:aws:sts::${account}:federated-user/deploy`, `${account}:other`],
    ['a user below a path that is none', `arn:aws:iam::${account}:user//deploy`, 'AIDAEXAMPLEUSER00001'],
    ['a user below a path with a space', `arn:aws:iam::${account}:user/a b/deploy`, 'AIDAEXAMPLEUSER00001'],
    ['assumed root', `arn:aws:sts::${account}:assumed-root`, account],
    ['an instance', `arn:aws:sts::${account}:assumed-role/aws:ec2-instance/i-1`, 'AROAEXAMPLEROLE00001:i-1'],
  ])('is not %s', (_, arn, userId) =>
    onAws(
      async (stage) => {
        const [by] = [caller(1, arn, userId)];
        const name = arn.slice(arn.lastIndexOf('/') + 1);
        setPrincipals(stage, [
          { ...knownRole, type: 'user', name, uniqueId: userId },
          { ...knownRole, type: 'federated-user', name, uniqueId: userId },
        ]);
        expect(await status(stage.signIn(await stage.headers({ by })))).toBe(401);
        expect(stage.reasons()).toEqual(['not_verified']);
      },
      {},
      [caller(1, arn, userId)],
    ),
  );
});

describe('a signature that came to nothing', () => {
  it.each([
    ['the app cannot be looked up', 'apps', 'findByAwsPrincipal'],
    ['the account cannot be looked up', 'accounts', 'findById'],
    ['the session cannot be saved', 'store', 'set'],
  ] as const)('is good again when %s', (_, name, operation) =>
    onAws(async (stage) => {
      stage.expectFaults();
      const headers = await stage.headers();
      const [, node] = stage.nodes;
      const faults = { ...node.faults, ...stage.shared.faults }[name];
      faults.break(operation, 'reject');
      expect(await status(stage.signIn(headers))).toBe(503);
      faults.heal();
      stage.expectSessionsOf(robot.id);
      expect(await status(stage.signIn(headers))).toBe(200);
      expect(await status(stage.signIn(headers))).toBe(401);
    }),
  );
});

describe('the session of an app at AWS', () => {
  it('is not vouched for by another role of the app, however long what was read is believed', () =>
    onAws(
      async (stage) => {
        stage.expectSessionsOf(robot.id);
        const [[, first, firstKnown], [, second, secondKnown]] = identities as [
          (typeof identities)[number],
          (typeof identities)[number],
        ];
        setPrincipals(stage, [firstKnown, secondKnown]);
        const [one, other] = [
          tokenOf((await stage.signIn(await stage.headers({ by: first }))).body),
          tokenOf((await stage.signIn(await stage.headers({ by: second }))).body),
        ];
        expect(await me(stage, one)).toBe(200);
        setPrincipals(stage, [firstKnown]);
        // What is believed of the first is nothing of the second.
        expect(await me(stage, other)).toBe(401);
        expect(await me(stage, one)).toBe(200);
      },
      { session: { revalidateAfter: 60 } },
      callers,
    ));

  it.each([null, '', 'robot/deploy', '{}', 'null', '[]', '{"partition":"aws"}'])(
    'is over where its row says that it is bound to %j',
    (credentialId) =>
      onAws(async (stage) => {
        const session = {
          ...alices,
          principalType: 'app' as const,
          entityId: robot.id,
          accountId: robot.accountId,
        };
        const [node] = stage.nodes;
        const started = await makeSession(node, { ...session, method: 'aws-iam', credentialId });
        expect(await me(stage, presenting(started))).toBe(401);
      }),
  );
});

describe('signatures of the SDKs, and for others', () => {
  it('may have signed what the clients of the SDKs sign beside that', () =>
    onAws(async (stage) => {
      stage.expectSessionsOf(robot.id);
      const headers = await stage.headers({
        headers: {
          'amz-sdk-invocation-id': '5f2f9ca8-51d4-4a3e-9b0b-6a0d8f1f8a2c',
          'amz-sdk-request': 'attempt=1; max=3',
          'x-amz-user-agent': 'aws-sdk-js/3.0',
          'content-length': '43',
        },
      });
      // And whatever else travels along unsigned means nothing.
      const along = { x_forwarded: 'a', Accept: '', 'User-Agent': 'ä', 'X-Tab': 'a\tb', accept: 'again' };
      expect(await status(stage.signIn({ ...headers, ...along }))).toBe(200);
      expect(Object.keys(stage.sts.requests[0]?.init.headers ?? {})).not.toContain('accept');
    }));

  it('are refused that were made for another service, with the flag for those that name none too', () =>
    onAws(
      async (stage) => {
        const named = await stage.headers({ audience: 'https://other.example' });
        expect(await status(stage.signIn(named))).toBe(401);
        const unsigned = {
          ...(await stage.headers({ audience: null })),
          'X-Passport-Control-Audience': 'https://app.example.com',
        };
        expect(await status(stage.signIn(unsigned))).toBe(401);
        expect(stage.reasons()).toEqual(['other_audience', 'other_audience']);
        stage.expectSessionsOf(robot.id);
        expect(await status(stage.signIn(await stage.headers()))).toBe(200);
        expect(await status(stage.signIn(await stage.headers({ audience: null })))).toBe(200);
      },
      { aws: { audience: 'https://app.example.com', dangerouslyWithoutAudience: true } },
    ));
});

describe('the regions of AWS', () => {
  it('are those that the SDK knows, each in its partition and at its host', async () => {
    const path =
      '../../../node_modules/@aws-sdk/core/dist-es/submodules/client/util-endpoints/lib/aws/partitions.js';
    const { partitionsInfo } = await import(path);
    const served = new Set(['aws', 'aws-cn', 'aws-us-gov', 'aws-eusc']);
    type Partition = { id: string; outputs: { dnsSuffix: string }; regions: object };
    const known = (partitionsInfo.partitions as Partition[])
      .filter(({ id }) => served.has(id))
      .flatMap(({ id, outputs, regions }) =>
        Object.keys(regions)
          .filter((region) => !region.endsWith('global'))
          .map((region) => [region, { partition: id, url: `https://sts.${region}.${outputs.dnsSuffix}/` }]),
      );
    expect(Object.fromEntries(stsRegions().map((region) => [region, stsEndpoint(region)]))).toEqual(
      Object.fromEntries(known),
    );
  });

  it('that are slow keep nobody waiting who comes through another', () =>
    onAws(async (stage) => {
      stage.expectFaults();
      stage.sts.misbehave((url) =>
        url.hostname.includes('.cn-north-1.') ? new Promise(() => {}) : undefined,
      );
      const slow = await Promise.all(
        Array.from({ length: 170 }, (_, n) =>
          signed(stage.clock(), { region: 'cn-north-1', headers: { 'content-type': `text/${n}` } }),
        ),
      );
      const flood = slow.map((headers) => stage.signIn(headers, { region: 'cn-north-1' }));
      await new Promise((resolve) => setTimeout(resolve, 500));
      const asked = Date.now();
      stage.expectSessionsOf(robot.id);
      expect(await status(stage.signIn(await stage.headers({ by: role })))).toBe(200);
      expect(Date.now() - asked).toBeLessThan(1500);
      // Those that waited longer than anybody listens are not sent any more.
      const statuses = (await Promise.all(flood)).map((answer) => answer.status);
      expect(new Set(statuses)).toEqual(new Set([429, 504]));
      const sent = stage.sts.requests.filter(({ url }) => url.includes('.cn-north-1.')).length;
      expect(sent).toBeLessThanOrEqual(64);
    }));
});
