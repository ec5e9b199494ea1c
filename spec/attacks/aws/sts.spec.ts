import { describe, expect, it } from '@jest/globals';
import aws4 from 'aws4';
import type { KnownAwsPrincipal } from '../../../lib/index.js';
import { basic, bearer } from '../../support/app.js';
import {
  type AwsStage,
  audience,
  knownRole,
  onAws,
  region,
  role,
  type Signing,
  setPrincipals,
  user,
} from '../../support/aws.js';
import { acme, globex, robot } from '../../support/people.js';

const seen = ({ status, body }: { status: number; body: string }) => ({
  status,
  code: status === 200 ? JSON.parse(body).entity_id : JSON.parse(body).code,
});
const signedIn = { status: 200, code: robot.id };
const refused = { status: 401, code: 'invalid_credentials' };
const malformed = { status: 400, code: 'malformed_request' };
const without = (headers: Record<string, string>, name: string) =>
  Object.fromEntries(Object.entries(headers).filter(([each]) => each.toLowerCase() !== name));
const xml = (status: number, text: string) =>
  new Response(text, { status, headers: { 'content-type': 'text/xml' } });
const namespace = 'https://sts.amazonaws.com/doc/2011-06-15/';
const refusal = (code: string, status: number) =>
  xml(status, `<ErrorResponse xmlns="${namespace}"><Error><Code>${code}</Code></Error></ErrorResponse>`);
const identityText = (arn: string, account: string, userId: string) =>
  `<GetCallerIdentityResponse xmlns="${namespace}"><GetCallerIdentityResult><Arn>${arn}</Arn><UserId>${userId}</UserId><Account>${account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`;
const identity = (arn: string, account = '123456789012', userId = 'AROAEXAMPLEROLE00001:one') =>
  xml(200, identityText(arn, account, userId));

describe('an app that signs in by its identity at AWS', () => {
  it('AWS-15: is let in by the signature of the AWS SDK, of which nothing is told, with temporary credentials, for a session of an app', () =>
    onAws(async (stage) => {
      stage.expectSessionsOf(robot.id);
      const answer = await stage.signIn(await stage.headers());
      expect(seen(answer)).toEqual(signedIn);
      const me = await stage.nodes[0].send({
        ...{ method: 'GET', path: '/app' },
        headers: bearer(JSON.parse(answer.body).access_token),
      });
      expect(JSON.parse(me.body)).toMatchObject({
        id: robot.id,
        session: { method: 'aws-iam', accountId: acme },
      });
      const [request] = stage.sts.requests;
      expect([
        stage.sts.requests.length,
        request?.url,
        request?.init.method,
        String(request?.init.body),
      ]).toEqual([
        ...[1, 'https://sts.eu-west-1.amazonaws.com/', 'POST'],
        'Action=GetCallerIdentity&Version=2011-06-15',
      ]);
    }));

  it('is let in by another signer, too', () =>
    onAws(async (stage) => {
      stage.expectSessionsOf(robot.id);
      const { headers } = aws4.sign(
        {
          ...{ service: 'sts', region, method: 'POST', path: '/', host: `sts.${region}.amazonaws.com` },
          headers: {
            'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8',
            'X-Passport-Control-Audience': audience,
            'X-Amz-Date': new Date(stage.clock()).toISOString().replace(/[-:]|\.\d+/g, ''),
          },
          body: 'Action=GetCallerIdentity&Version=2011-06-15',
        },
        { ...role, sessionToken: role.sessionToken ?? '' },
      );
      const texts = Object.fromEntries(
        Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)]),
      );
      expect(seen(await stage.signIn(texts))).toEqual(signedIn);
    }));

  it('AWS-08: is who STS says, and nobody by a key that is changed, unknown, or of somebody else', () =>
    onAws(async (stage) => {
      const cases: Record<string, Signing> = {
        'another secret': { by: { ...role, secretAccessKey: 'another' } },
        'another token': { by: { ...role, sessionToken: 'another' } },
        'an unknown key': { by: { ...role, accessKeyId: 'ASIAEXAMPLEROLE99999' } },
        'a user who is no app': { by: user },
        'another HTTP method': { method: 'GET' },
      };
      for (const [name, how] of Object.entries(cases))
        expect([name, seen(await stage.signIn(await stage.headers(how)))]).toEqual([name, refused]);
      // Signed to do something else, with the hash of that and without it.
      const body = 'Action=AssumeRole&Version=2011-06-15&a=bcde';
      const assuming = await stage.headers({ body });
      expect(seen(await stage.signIn(assuming))).toEqual(malformed);
      const hashed = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' };
      expect(seen(await stage.signIn(await stage.headers({ headers: hashed })))).toEqual(malformed);
      const { headers } = aws4.sign(
        {
          ...{ service: 'sts', region, method: 'POST', path: '/', host: `sts.${region}.amazonaws.com`, body },
          headers: {
            'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8',
            'X-Passport-Control-Audience': audience,
            'X-Amz-Date': new Date(stage.clock()).toISOString().replace(/[-:]|\.\d+/g, ''),
          },
        },
        { ...role, sessionToken: role.sessionToken ?? '' },
      );
      const texts = Object.fromEntries(
        Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)]),
      );
      expect(seen(await stage.signIn(texts))).toEqual(refused);
      for (const name of ['content-type', 'x-passport-control-audience']) {
        const headers = await stage.headers();
        const own = Object.keys(headers).find((each) => each.toLowerCase() === name) ?? '';
        const answer = await stage.signIn({ ...headers, [own]: `${headers[own]}x` });
        expect([name, seen(answer)]).toEqual([name, refused]);
      }
      expect(stage.shared.rows.size).toBe(0);
    }));
});

describe('a session that began at AWS', () => {
  const me = async (stage: AwsStage, token: string, node: 0 | 1 = 0) =>
    (await stage.nodes[node].send({ method: 'GET', path: '/app', headers: bearer(token) })).status;
  const tokenOf = async (stage: AwsStage) => {
    stage.expectSessionsOf(robot.id);
    return String(JSON.parse((await stage.signIn(await stage.headers())).body).access_token);
  };

  it.each<[string, readonly KnownAwsPrincipal[]]>([
    ['is taken away', []],
    ['is another', [{ ...knownRole, name: 'other' }]],
    ['was made again', [{ ...knownRole, uniqueId: 'AROAEXAMPLEROLE00002' }]],
  ])('ends when the role %s, while the app lives on', async (_, awsPrincipals) =>
    onAws(async (stage) => {
      const token = await tokenOf(stage);
      expect([await me(stage, token), await me(stage, token, 1)]).toEqual([200, 200]);
      setPrincipals(stage, awsPrincipals);
      expect(await me(stage, token, 1)).toBe(401);
      expect(stage.shared.rows.size).toBe(0);
      const own = await stage.nodes[0].call('/sys/v1/session/auth', undefined, basic(robot.id, robot.secret));
      expect(own.status).toBe(200);
    }),
  );

  it('goes on in the session that reauth makes of it, and is bound as it was', () =>
    onAws(async (stage) => {
      const first = await tokenOf(stage);
      const answer = await stage.nodes[0].call('/sys/v1/session/reauth', undefined, bearer(first));
      const next = String(JSON.parse(answer.body).access_token);
      expect([await me(stage, first), await me(stage, next)]).toEqual([401, 200]);
      setPrincipals(stage, []);
      expect(await me(stage, next)).toBe(401);
    }));
});

describe('attacks on where a signed request goes (AWS-01)', () => {
  it('only to the host of a region that AWS has', () =>
    onAws(async (stage) => {
      const headers = await stage.headers();
      for (const odd of [
        ...[
          'evil.com/',
          'evil.com#',
          'evil.com?',
          'x@evil.com/',
          'us-east-1.evil.com/..',
          '127.0.0.1:9/',
          '',
        ],
        ...[
          'us-east-1\r\nHost: evil',
          'US-EAST-1',
          'us-east-1.',
          'us-east-1\u3002evil.com/',
          '%2e',
          'us-moon-1',
        ],
        ...['eu-west-99', 'us-iso-east-1', 'x'.repeat(10_000), ['eu-west-1'], { a: 1 }, null, 5, '__proto__'],
        ...['eu-west-1 ', 'eu-west-1/', 'sts', 'aws-global'],
      ])
        expect([odd, seen(await stage.signIn(headers, { region: odd }))]).toEqual([odd, malformed]);
      expect(stage.sts.requests).toEqual([]);
      for (const [at, host] of [
        ['cn-north-1', 'sts.cn-north-1.amazonaws.com.cn'],
        ['us-gov-west-1', 'sts.us-gov-west-1.amazonaws.com'],
      ] as const) {
        // Of another partition than the identity that the double knows.
        expect(seen(await stage.signIn(await stage.headers({ region: at }), { region: at }))).toEqual(
          refused,
        );
        expect(stage.sts.requests.at(-1)?.url).toBe(`https://${host}/`);
      }
    }));

  it('to the regions that are served alone, and to the endpoint that the host names', () =>
    onAws(
      async (stage) => {
        const [url] = ['https://vpce-1.sts.eu-west-1.vpce.amazonaws.com/'];
        stage.sts.misbehave((at) => (at.href === url ? identity(role.arn) : undefined));
        const other = await stage.headers({ region: 'eu-west-2' });
        expect(seen(await stage.signIn(other, { region: 'eu-west-2' }))).toEqual(malformed);
        expect(seen(await stage.signIn(await stage.headers()))).toEqual(malformed);
        stage.expectSessionsOf(robot.id);
        const host = new URL(url ?? '').host;
        expect(seen(await stage.signIn(await stage.headers({ host })))).toEqual(signedIn);
        expect(stage.sts.requests.map((each) => each.url)).toEqual([url]);
      },
      {
        aws: {
          ...{ audience, regions: ['eu-west-1'] },
          stsEndpoint: (at) => `https://vpce-1.sts.${at}.vpce.amazonaws.com/`,
        },
      },
    ));
});

describe('attacks by the headers that are handed over (AWS-02 to AWS-07)', () => {
  it('AWS-02, AWS-04: nothing travels but what is signed for and known', () =>
    onAws(async (stage) => {
      stage.expectSessionsOf(robot.id);
      const extra = {
        ...{
          'Content-Length': '5',
          'Transfer-Encoding': 'chunked',
          Connection: 'close',
          Expect: '100-continue',
        },
        ...{
          Accept: 'application/json',
          Cookie: 'a=b',
          'X-Forwarded-Host': 'evil.com',
          'Proxy-Authorization': 'x',
        },
      };
      const headers = await stage.headers();
      expect(
        seen(
          await stage.signIn({ ...headers, ...extra }, { url: 'https://evil.com', body: 'x', verb: 'GET' }),
        ),
      ).toEqual(signedIn);
      const [request] = stage.sts.requests;
      expect(Object.keys(request?.init.headers ?? {}).sort()).toEqual([
        ...['authorization', 'content-type', 'x-amz-content-sha256', 'x-amz-date', 'x-amz-security-token'],
        'x-passport-control-audience',
      ]);
      for (const host of [
        'evil.com',
        'sts.us-east-1.amazonaws.com',
        'sts.eu-west-1.amazonaws.com:444',
        'STS.eu-west-1.amazonaws.com',
      ])
        expect([host, seen(await stage.signIn({ ...headers, host }))]).toEqual([host, malformed]);
    }));

  it('AWS-03, AWS-07: what can be read in two ways, or in none, is malformed', () =>
    onAws(async (stage) => {
      const good = await stage.headers();
      const authorization = String(good.authorization);
      const change = (from: string | RegExp, to: string) => {
        const changed = authorization.replace(from, to);
        expect(changed).not.toBe(authorization);
        return { ...good, authorization: changed };
      };
      const cases: Record<string, unknown> = {
        none: {},
        'no object': 'x',
        'a list': [],
        null: null,
        'a list for a value': { ...good, host: ['a', 'b'] },
        'a number for a value': { ...good, 'content-type': 5 },
        'CRLF in a value': { ...good, 'content-type': 'a\r\nX: y' },
        'NUL in a value': { ...good, 'content-type': 'a\0' },
        'other letters in a value': { ...good, 'content-type': 'ä' },
        'white space around a value': { ...good, 'x-passport-control-audience': ` ${audience}` },
        'an empty value': { ...good, 'content-type': '' },
        '64 KB in a value': { ...good, 'content-type': 'x'.repeat(60_000) },
        'a thousand names': {
          ...good,
          ...Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`x-${n}`, 'a'])),
        },
        'a name with a space': { ...good, 'authorization ': authorization },
        'a name that is empty': { ...good, '': 'x' },
        'a name with a colon': { ...good, ':authority': 'x' },
        'one name in two cases': { ...good, Authorization: authorization },
        'no date': without(good, 'x-amz-date'),
        'a date in another header': { ...without(good, 'x-amz-date'), date: good['x-amz-date'] },
        'a date that no calendar has': { ...good, 'x-amz-date': '20260230T000000Z' },
        'the date of another day': change(/\/\d{8}\//, '/20200101/'),
        'another region': change('/eu-west-1/', '/us-east-1/'),
        'another service': change('/sts/', '/ec2/'),
        'another algorithm': change('AWS4-HMAC-SHA256', 'AWS4-ECDSA-P256-SHA256'),
        'the algorithm in lower case': change('AWS4-HMAC-SHA256', 'aws4-hmac-sha256'),
        'a signature in upper case': change(/Signature=(\w+)/, `Signature=${'A'.repeat(64)}`),
        'a signature that is short': change(/Signature=../, 'Signature='),
        'a second signature': change(/$/, `, Signature=${'a'.repeat(64)}`),
        'names in another order': change(/SignedHeaders=([a-z0-9-]+);([a-z0-9-]+)/, 'SignedHeaders=$2;$1'),
        'a name twice': change('SignedHeaders=content-type', 'SignedHeaders=content-type;content-type'),
        'no host among the names': change('host;', ''),
        'no date among the names': change('x-amz-date;', ''),
        'another length': {
          ...change('SignedHeaders=content-type', 'SignedHeaders=content-length;content-type'),
          'content-length': '5',
        },
        'a name that is not there': change('SignedHeaders=content-type', 'SignedHeaders=accept;content-type'),
      };
      for (const [name, headers] of Object.entries(cases))
        expect([name, seen(await stage.signIn(headers))]).toEqual([name, malformed]);
      for (const service of ['ec2', 's3'])
        expect(seen(await stage.signIn(await stage.headers({ service })))).toEqual(malformed);
      expect(stage.sts.requests).toEqual([]);
      const polluted = `{"__proto__":{"authorization":"x"},"constructor":{"a":"b"},${JSON.stringify(good).slice(1)}`;
      const headers = JSON.parse(polluted);
      expect(seen(await stage.signIn(headers))).toEqual(malformed);
    }));

  it('AWS-05: what was signed for somebody else, for nobody, or beside the signature is refused unasked', () =>
    onAws(async (stage) => {
      for (const whom of [null, 'https://vault.example.com', `${audience}/`, audience.toUpperCase()])
        expect([whom, seen(await stage.signIn(await stage.headers({ audience: whom })))]).toEqual([
          whom,
          refused,
        ]);
      const unsigned = {
        ...(await stage.headers({ audience: null })),
        'x-passport-control-audience': audience,
      };
      expect(seen(await stage.signIn(unsigned))).toEqual(refused);
      const vault = await stage.headers({
        audience: null,
        headers: { 'x-vault-aws-iam-server-id': 'vault' },
      });
      expect(seen(await stage.signIn(vault))).toEqual(malformed);
      expect([stage.sts.requests, new Set(stage.reasons())]).toEqual([[], new Set(['other_audience'])]);
    }));

  it('takes what was signed for nobody where the host says so', () =>
    onAws(
      async (stage) => {
        stage.expectSessionsOf(robot.id);
        expect(seen(await stage.signIn(await stage.headers({ audience: null })))).toEqual(signedIn);
      },
      { aws: { dangerouslyWithoutAudience: true } },
    ));

  it('AWS-06: a signature is good for five minutes, for one sign-in, on whichever node', () =>
    onAws(async (stage) => {
      for (const at of [stage.clock() - 301_000, stage.clock() + 301_000])
        expect(seen(await stage.signIn(await stage.headers({ at })))).toEqual(refused);
      expect([stage.sts.requests, new Set(stage.reasons())]).toEqual([[], new Set(['not_fresh'])]);
      stage.expectSessionsOf(robot.id);
      const headers = await stage.headers({ at: stage.clock() - 299_000 });
      const copies = Array.from({ length: 20 }, (_, n) => stage.signIn(headers, {}, (n % 2) as 0 | 1));
      const answers = (await Promise.all(copies)).map(seen);
      expect(answers.filter(({ status }) => status === 200)).toEqual([signedIn]);
      expect(answers.filter(({ status }) => status !== 200)).toEqual(Array(19).fill(refused));
      const respelt = { ...headers, authorization: String(headers.authorization).replaceAll(', ', ',') };
      expect(seen(await stage.signIn(respelt))).toEqual(refused);
      expect(stage.shared.rows.size).toBe(1);
    }));

  it('AWS-06: it is remembered for as long as it is fresh, however far ahead it was signed', () =>
    onAws(async (stage) => {
      stage.expectSessionsOf(robot.id);
      const headers = await stage.headers({ at: stage.clock() + 299_000 });
      expect(seen(await stage.signIn(headers))).toEqual(signedIn);
      stage.clock.advance(597);
      expect(seen(await stage.signIn(headers))).toEqual(refused);
      expect(stage.reasons()).toEqual(['replayed']);
    }));
});

describe('attacks by what STS answers (AWS-08 to AWS-13)', () => {
  const arn = (rest: string) => `arn:aws:${rest}`;
  it.each<[string, () => Response]>([
    ['another role', () => identity(arn('sts::123456789012:assumed-role/Deploy/one'))],
    ['a role of a longer name', () => identity(arn('sts::123456789012:assumed-role/deploy2/one'))],
    ['a role made again', () => identity(role.arn, undefined, 'AROAEXAMPLEROLE00002:one')],
    ['a session of another name', () => identity(role.arn, undefined, 'AROAEXAMPLEROLE00001:two')],
    ['no unique id', () => identity(role.arn, undefined, 'one')],
    [
      'a user of that name',
      () => identity(arn('iam::123456789012:user/deploy'), undefined, 'AIDAEXAMPLEUSER00001'),
    ],
    [
      'a user with the id of the role',
      () => identity(arn('iam::123456789012:user/deploy'), undefined, 'AROAEXAMPLEROLE00001'),
    ],
    [
      'a user called assumed-role',
      () => identity(arn('iam::123456789012:user/assumed-role/deploy'), undefined, 'AIDAEXAMPLEUSER00001'),
    ],
    [
      'a federated user',
      () => identity(arn('sts::123456789012:federated-user/deploy'), undefined, '123456789012:deploy'),
    ],
    ['root', () => identity(arn('iam::123456789012:root'), undefined, '123456789012')],
    ['another partition', () => identity('arn:aws-cn:sts::123456789012:assumed-role/deploy/one')],
    ['another account in the ARN', () => identity(arn('sts::210987654321:assumed-role/deploy/one'))],
    ['another account beside it', () => identity(role.arn, '210987654321')],
    [
      'a path in the name of the session',
      () => identity(arn('sts::123456789012:assumed-role/deploy/one/two')),
    ],
    ['a role without a session', () => identity(arn('sts::123456789012:assumed-role/deploy'))],
    ['white space', () => identity(`${role.arn}\n`)],
    ['a star', () => identity(arn('sts::123456789012:assumed-role/*/one'))],
    ['a group', () => identity(arn('iam::123456789012:group/deploy'))],
    ['no ARN at all', () => identity('deploy')],
    ['a refusal', () => refusal('SignatureDoesNotMatch', 403)],
    ['a refusal that is late', () => refusal('ExpiredToken', 400)],
  ])('is nobody by %s', async (_, answer) =>
    onAws(async (stage) => {
      stage.sts.misbehave(answer);
      const headers = await stage.headers();
      expect(seen(await stage.signIn(headers))).toEqual(refused);
      stage.sts.misbehave(null);
      stage.expectSessionsOf(robot.id);
      expect(seen(await stage.signIn(headers))).toEqual(signedIn);
    }),
  );

  it.each<[string, () => Response | Promise<Response>, number]>([
    ['is busy', () => new Response('', { status: 429 }), 503],
    ['fails', () => new Response('', { status: 500 }), 503],
    ['is not there', () => new Response('', { status: 503 }), 503],
    ...[
      'Throttling',
      'ThrottlingException',
      'RequestLimitExceeded',
      'ServiceUnavailable',
      'InternalFailure',
    ].map((code): [string, () => Response, number] => [`says ${code}`, () => refusal(code, 400), 503]),
    [
      'is hidden behind somebody who forbids',
      () => new Response('<html>Blocked</html>', { status: 403 }),
      502,
    ],
    ['refuses in other words', () => new Response('no', { status: 400 }), 502],
    ['refuses in another namespace', () => xml(403, '<ErrorResponse/>'), 502],
    ['answers 202', () => xml(202, identityText(role.arn, role.account, role.userId)), 502],
    ['cannot be reached', () => Promise.reject(new TypeError('fetch failed')), 503],
    ['never answers', () => new Promise(() => {}), 504],
    [
      'sends elsewhere',
      () => new Response('', { status: 302, headers: { location: 'https://evil.com/' } }),
      502,
    ],
    ['answers JSON', () => Response.json({ GetCallerIdentityResponse: {} }), 502],
    ['answers a part', () => xml(200, `<GetCallerIdentityResponse xmlns="${namespace}"/>`), 502],
    ['answers another document', () => xml(200, `<AssumeRoleResponse xmlns="${namespace}"/>`), 502],
    ['answers in another namespace', () => xml(200, '<GetCallerIdentityResponse/>'), 502],
    ['answers with a DOCTYPE', () => xml(200, '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), 502],
    [
      'answers two identities',
      () =>
        xml(
          200,
          `<GetCallerIdentityResponse xmlns="${namespace}"><GetCallerIdentityResult/><GetCallerIdentityResult/></GetCallerIdentityResponse>`,
        ),
      502,
    ],
    ['answers 10 MB', () => new Response('x'.repeat(10_000_000)), 502],
  ])(
    'AWS-12, AWS-13: one that %s is no refusal, and costs the signature nothing',
    async (_, answer, status) =>
      onAws(async (stage) => {
        stage.expectFaults();
        stage.sts.misbehave(answer);
        const headers = await stage.headers();
        expect((await stage.signIn(headers)).status).toBe(status);
        expect(stage.reasons()).toEqual([]);
        const events = () =>
          stage.nodes.flatMap(({ events }) => events.filter(({ type }) => type === 'peer_failed'));
        for (let wait = 0; wait < 100 && events().length === 0; wait += 1)
          await new Promise((resolve) => setTimeout(resolve, 10));
        const told = events();
        expect(told).toHaveLength(1);
        expect(told[0]).toMatchObject({ peer: 'sts.eu-west-1.amazonaws.com' });
        stage.sts.misbehave(null);
        stage.expectSessionsOf(robot.id);
        expect(seen(await stage.signIn(headers))).toEqual(signedIn);
      }),
  );

  it('AWS-11: an account that does not know the role, or is closed, lets nobody in', () =>
    onAws(async (stage) => {
      expect(seen(await stage.signIn(await stage.headers(), { acct_id: globex }))).toEqual(refused);
      const { accounts, apps } = stage.nodes[0].repositories;
      accounts.table.set(acme, { id: acme, enabled: false });
      const headers = await stage.headers();
      expect(seen(await stage.signIn(headers))).toEqual(refused);
      accounts.table.set(acme, { id: acme, enabled: true });
      const row = apps.table.get(robot.id);
      if (row) apps.table.set(robot.id, { ...row, enabled: false });
      expect(seen(await stage.signIn(headers))).toEqual(refused);
      if (row) apps.table.set(robot.id, row);
      stage.expectSessionsOf(robot.id);
      expect(seen(await stage.signIn(headers))).toEqual(signedIn);
      expect(stage.reasons()).toEqual(['unknown_principal', 'account_disabled', 'disabled']);
    }));

  it('AWS-13, AWS-14: a flood of sign-ins is none at STS, and who comes when too many wait is told so', () =>
    onAws(async (stage) => {
      let [under, most] = [0, 0];
      const waiting: (() => void)[] = [];
      stage.sts.misbehave(async (): Promise<undefined> => {
        under += 1;
        most = Math.max(most, under);
        await new Promise<void>((resolve) => waiting.push(resolve));
        under -= 1;
        return undefined;
      });
      const headers = await Promise.all(
        Array.from({ length: 200 }, (_, n) => stage.headers({ headers: { 'content-type': `text/${n}` } })),
      );
      let turnedAway = 0;
      const answers = headers.map(async (each) => {
        const answer = await stage.signIn(each);
        if (answer.status === 429) turnedAway += 1;
        return answer;
      });
      while (turnedAway < 40) await new Promise((resolve) => setTimeout(resolve, 10));
      expect([under, most]).toEqual([32, 32]);
      stage.expectSessionsOf(robot.id);
      const done = Promise.all(answers);
      const timer = setInterval(() => {
        for (const resolve of waiting.splice(0)) resolve();
      }, 5);
      const statuses = (await done).map(({ status }) => status);
      clearInterval(timer);
      expect(most).toBe(32);
      expect(statuses.filter((status) => status === 200).length).toBe(160);
      expect(statuses.filter((status) => status === 429).length).toBe(40);
    }));

  it('AWS-14: who fails too often with one key is slowed down, before STS is asked, and its API key is not', () =>
    onAws(
      async (stage) => {
        for (let n = 0; n < 3; n += 1)
          expect(seen(await stage.signIn(await stage.headers({ audience: 'x' })))).toEqual(refused);
        expect((await stage.signIn(await stage.headers())).status).toBe(429);
        expect(stage.sts.requests).toEqual([]);
        stage.expectSessionsOf(robot.id);
        const own = await stage.nodes[0].call(
          '/sys/v1/session/auth',
          undefined,
          basic(robot.id, robot.secret),
        );
        expect(seen(own)).toEqual(signedIn);
      },
      { throttle: { perApp: { failures: 3, window: 60 } } },
    ));
});
