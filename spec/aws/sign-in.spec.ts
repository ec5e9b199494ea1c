import { describe, expect, it } from '@jest/globals';
import { type AwsSignInOptions, awsSignIn } from '../../lib/aws/index.js';
import { onAws, region, role, user } from '../support/aws.js';
import { acme, robot } from '../support/people.js';

const audience = 'https://app.example.com';
const auth = '/sys/v1/session/auth';

describe('a request that is signed by the helper', () => {
  it('signs an app in, by keys that are handed over or fetched', () =>
    onAws(async ({ nodes, clock, expectSessionsOf }) => {
      expectSessionsOf(robot.id);
      const fetched = [role, { ...role }];
      const options = { accountId: acme, region, audience, clock };
      const byKeys = awsSignIn({ ...options, credentials: role });
      const bySource = awsSignIn({ ...options, credentials: async () => fetched.pop() ?? user });
      for (const signIn of [byKeys, bySource]) {
        const body = await signIn();
        expect(Object.keys(body.headers).sort()).toEqual([
          ...['authorization', 'content-type', 'host', 'x-amz-content-sha256', 'x-amz-date'],
          ...['x-amz-security-token', 'x-passport-control-audience', 'x-passport-control-nonce'],
        ]);
        expect((await nodes[0].call(auth, body)).status).toBe(200);
      }
      // The keys are asked for each time, so that those which ended are not used again.
      expect((await nodes[0].call(auth, await bySource())).status).toBe(200);
      expect((await nodes[0].call(auth, await bySource())).status).toBe(401);
    }));

  it('is another one at every call, in the same second too, and good once', () =>
    onAws(async ({ nodes, clock, expectSessionsOf }) => {
      expectSessionsOf(robot.id);
      const signIn = awsSignIn({ accountId: acme, region, audience, clock, credentials: role });
      const first = await signIn();
      const second = await signIn();
      for (const [body, status] of [
        [first, 200],
        [second, 200],
        [first, 401],
      ] as const)
        expect((await nodes[0].call(auth, body)).status).toBe(status);
    }));

  it('is for another endpoint of STS, or for nobody in particular, where the service wants that', () =>
    onAws(
      async ({ nodes, clock, expectSessionsOf, sts }) => {
        expectSessionsOf(robot.id);
        const stsEndpoint = 'https://sts.us-east-2.amazonaws.com';
        const options = { accountId: acme, region: 'us-east-2', audience: null, clock, credentials: role };
        expect((await nodes[0].call(auth, await awsSignIn({ ...options, stsEndpoint })())).status).toBe(200);
        expect(sts.requests.map(({ url }) => url)).toEqual([`${stsEndpoint}/`]);
        const elsewhere = awsSignIn({ ...options, stsEndpoint: 'http://127.0.0.1:4000/' });
        const { headers } = await elsewhere();
        expect(headers.host).toBe('127.0.0.1:4000');
      },
      { aws: { dangerouslyWithoutAudience: true } },
    ));

  it.each<[string, Partial<Record<keyof AwsSignInOptions, unknown>>, RegExp]>([
    ['no region', { region: undefined }, /: region: must be a region of AWS/],
    ['an unknown region', { region: 'us-moon-1' }, /: region: must be a region of AWS/],
    ['no audience', { audience: undefined }, /: audience: must be what the service has/],
    ['an audience with a space', { audience: 'a b' }, /: audience: must be what the service has/],
    ['an account in upper case', { accountId: acme.toUpperCase() }, /: accountId: must be the id/],
    ['no account', { accountId: undefined }, /: accountId: must be the id/],
    [
      'an endpoint without TLS',
      { stsEndpoint: 'http://sts.example.com/' },
      /: stsEndpoint: must be an https/,
    ],
  ])('refuses %s at once, in words that help', (_, wrong, words) => {
    const options = { accountId: acme, region, audience, credentials: role, ...wrong } as AwsSignInOptions;
    expect(() => awsSignIn(options)).toThrow(
      expect.objectContaining({ name: 'ConfigError', message: expect.stringMatching(words) }),
    );
  });
});
