import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import ldap from 'ldapjs';
import { oauthProvider, SoftwareAuthenticator, samlProvider, stsDouble } from '../../../lib/testing/index.js';
import { basic, bearer, origin } from '../../support/app.js';
import { audience, region, role, signed } from '../../support/aws.js';
import { oidcRecord, samlRecordOf, serviceProvider } from '../../support/federation.js';
import { keyAndCertificate } from '../../support/keys.js';
import { ldapRecord, service } from '../../support/ldap-attack.js';
import type { MarkedOptions } from '../../support/marked-host.js';
import { acme } from '../../support/people.js';
import { rpId } from '../../support/second-factor.js';

const mark = (name: string) => `MARKER-${name}-${randomBytes(6).toString('hex')}`;
const auth = '/sys/v1/session/auth';
const user = {
  id: 'a11ce000-0000-4000-8000-000000000001',
  email: 'alice@example.com',
  password: mark('password'),
};
const app = {
  id: 'a4400000-0000-4000-8000-000000000005',
  accountId: acme,
  name: 'robot',
  secret: mark('app'),
};
const clientSecret = mark('client-secret');
const directory = { dn: service.dn, password: mark('service-account') };
const [captchaKey, fault, captcha] = [mark('captcha-key'), mark('parameters'), mark('captcha')];
const secret = mark('secret-of-the-control-of-thirty-two-bytes');

/** All that nobody may be told. */
const secrets = new Set([
  user.password,
  app.secret,
  clientSecret,
  directory.password,
  captchaKey,
  captcha,
  fault,
  secret,
]);

/** What rows hold, and nothing else. */
const challenges = new Set<string>();

let child: ChildProcess;
let output = '';
let base: string;
const closing: (() => void)[] = [];

const idp = keyAndCertificate('idp');
const oauth = oauthProvider({ clientId: 'host' });
const saml = samlProvider({ entityId: 'https://idp.example/metadata', ...idp, clock: Date.now });
const sts = stsDouble([role]);
const key = new SoftwareAuthenticator({ origin });
/** Whether the peers answer at all. */
let peersAreUp = true;

/** Takes the requests of the host to its peers. */
async function peers(): Promise<string> {
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = String(request.headers['x-peer']);
    const { host: _host, 'x-peer': _peer, connection: _connection, ...headers } = request.headers;
    const body = chunks.length === 0 ? null : Buffer.concat(chunks).toString();
    const init = { method: request.method ?? 'GET', headers: headers as Record<string, string>, body };
    const ask = async () => {
      if (!peersAreUp) return new Response(mark('what-a-broken-peer-says'), { status: 500 });
      if (url.startsWith(oauth.issuer)) return oauth.fetch(url, init);
      if (url.includes('amazonaws')) return sts.fetch(url, init);
      return Response.json({ success: body?.includes(captcha) === true, hostname: new URL(origin).hostname });
    };
    const answer = await ask();
    const text = await answer.text();
    for (const [, token = ''] of text.matchAll(/"(?:access_token|id_token)":"([^"]+)"/g)) secrets.add(token);
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** A directory in which alice has the same password. */
async function ldapPort(): Promise<number> {
  const server = ldap.createServer({ strictDN: false } as never);
  const names = [directory.dn, 'uid=alice,dc=example,dc=com'].map((dn) => ldap.parseDN(dn).toString());
  server.bind(
    '',
    (
      request: { dn: unknown; credentials: string },
      response: { end(): void },
      next: (error: unknown) => void,
    ) => {
      const known =
        names.includes(String(request.dn)) &&
        [directory.password, user.password].includes(request.credentials);
      if (known) response.end();
      else next(new ldap.InvalidCredentialsError(`no ${request.credentials}`));
    },
  );
  server.search(
    '',
    (
      request: { filter: { matches(a: object): boolean } },
      response: { send(e: object): void; end(): void },
    ) => {
      const attributes = { objectClass: 'person', entryUUID: 'alice-1', mail: user.email };
      if (request.filter.matches(attributes))
        response.send({ dn: 'uid=alice,dc=example,dc=com', attributes });
      response.end();
    },
  );
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.close(() => {}));
  return (Reflect.get(server, 'server').address() as AddressInfo).port;
}

beforeAll(async () => {
  const device = await key.enrolled(user, { name: 'key', rpId, at: Date.now() });
  const options: MarkedOptions = {
    ...{ secret, user, app, captchaKey, audience, fault },
    device: { ...device, publicKey: Buffer.from(device.publicKey).toString('base64') },
    identityProviders: [
      oidcRecord({ clientAuthentication: { method: 'client_secret_basic', secret: clientSecret } }),
      samlRecordOf(idp),
      ldapRecord(await ldapPort(), { serviceAccount: directory }),
    ],
    peers: await peers(),
  };
  const script = fileURLToPath(new URL('../../support/marked-host.ts', import.meta.url));
  child = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(options)], {
    env: { ...process.env, DEBUG: '*', NODE_DEBUG: '*' },
  });
  const port = await new Promise<string>((resolve, reject) => {
    child.stderr?.on('data', (chunk) => {
      output += chunk;
    });
    child.stdout?.on('data', (chunk) => {
      output += chunk;
      const found = /listening on (\d+)/.exec(String(chunk))?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${output.slice(-3000)}`)));
  });
  base = `http://127.0.0.1:${port}`;
}, 60_000);
afterAll(() => {
  child?.kill();
  for (const close of closing) close();
});

interface Answer {
  status: number;
  body: Record<string, never> & {
    access_token?: string;
    fido2_assertion_options?: never;
    recovery_codes?: string[];
  };
  cookie: Record<string, string>;
}

/** Posts something; what the answer is worth is a secret from then on. */
async function post(path: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> {
  const answer = await fetch(base + path, {
    ...{ method: 'POST', headers: { ...headers, ...(body && { 'Content-Type': 'application/json' }) } },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const read = text === '' ? {} : JSON.parse(text);
  const cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? '';
  for (const each of [read.access_token, cookie.split('=')[1]])
    if (typeof each === 'string') secrets.add(each);
  const challenge: unknown = read.fido2_assertion_options?.challenge;
  if (typeof challenge === 'string') challenges.add(challenge);
  return { status: answer.status, body: read, cookie: cookie === '' ? {} : { Cookie: cookie } };
}

const statuses: Record<string, number> = {};
const drive = async (name: string, sent: Promise<Answer>): Promise<Answer> => {
  const answer = await sent;
  statuses[name] = answer.status;
  return answer;
};
const wrong = () => {
  const text = mark('wrong');
  secrets.add(text);
  return text;
};
const byPassword = (password: string, more: object = {}) => ({
  method: 'password',
  email: user.email,
  password,
  ...more,
});
const discover = async (method: string) => {
  const { body, cookie } = await post(`${auth}/discover`, { user_email: user.email });
  const offers = body as unknown as Record<string, string>[];
  const offer = offers.find((each) => each.method === method);
  if (offer === undefined) throw new Error(`${method} is not offered`);
  return { offer, cookie };
};

/** A signature of which the last digit is another. */
const bent = (text = '') => text.replace(/.$/, (last) => (last === '0' ? '1' : '0'));

/** Which of them end how: a way that ends otherwise has not been looked at. */
const expected: Record<string, string[]> = {
  200: [
    ...['password', 'password as a cookie', 'basic', 'app', 'app by name', 'ldap', 'oauth', 'saml', 'aws'],
    ...['pending', 'unlocking', 'codes', 'users.findByEmail throws for an app', 'apps.findById throws'],
    ...['devices.listByUser throws for an app', 'users.findById throws', 'users.findById throws for an app'],
    'locked and a captcha',
  ],
  204: [
    ...['key', 'code', 'users.findByEmail throws behind the gate', 'apps.findById throws behind the gate'],
    ...['devices.listByUser throws behind the gate', 'terminated'],
  ],
  400: ['malformed', 'not JSON'],
  401: [
    ...['wrong password', 'wrong basic', 'a password for an address', 'a password for a user name'],
    ...[
      'wrong app',
      'wrong app by name',
      'wrong ldap',
      'wrong oauth',
      'wrong saml',
      'aws again',
      'wrong aws',
    ],
    ...['wrong key', 'wrong code', 'wrong unlocking', 'garbage of saml'],
  ],
  423: ['locked', 'locked and a wrong captcha'],
  503: [
    ...['users.findByEmail throws', 'apps.findById throws for an app', 'devices.listByUser throws'],
    ...['users.findById throws behind the gate', 'aws is down'],
  ],
};
const namesBy = (all: Record<string, number>) => {
  const grouped: Record<string, string[]> = {};
  for (const [name, status] of Object.entries(all)) grouped[status] = [...(grouped[status] ?? []), name];
  return grouped;
};

/** Every way in, and every way to be refused. */
async function driveEverything(): Promise<void> {
  await drive('password', post(auth, byPassword(user.password)));
  await drive('password as a cookie', post(auth, byPassword(user.password, { token_type: 'Cookie' })));
  await drive('wrong password', post(auth, byPassword(wrong())));
  await drive('basic', post(auth, undefined, basic(user.email, user.password)));
  await drive('wrong basic', post(auth, undefined, basic(user.email, wrong())));
  await drive(
    'a password for an address',
    post(auth, { ...byPassword('x'), email: `${wrong()}@example.com` }),
  );
  await drive('a password for a user name', post(auth, undefined, basic(wrong(), 'x')));
  await drive('app', post(auth, undefined, basic(app.id, app.secret)));
  await drive('wrong app', post(auth, undefined, basic(app.id, wrong())));
  const byName = { method: 'auth-by-app-name', acct_id: acme, name: app.name };
  await drive('app by name', post(auth, { ...byName, password: app.secret }));
  await drive('wrong app by name', post(auth, { ...byName, password: wrong() }));
  const byLdap = { method: 'ldap-basic-auth', idp_id: 'bGRhcA==', email: user.email };
  await drive('ldap', post(auth, { ...byLdap, password: user.password }));
  await drive('wrong ldap', post(auth, { ...byLdap, password: wrong() }));
  await drive('malformed', post(auth, byPassword(user.password, { token_type: wrong() })));
  await drive('not JSON', fetchRaw(`{"password":"${user.password}`));

  const claims = { sub: 'alice-1', email: user.email, email_verified: true };
  for (const name of ['oauth', 'wrong oauth']) {
    const { offer, cookie } = await discover('oauth-auth-code-grant');
    const code = oauth.authorize(String(offer.authorization_url), claims);
    for (const each of [code, String(offer.state)]) secrets.add(each);
    const body = { method: 'oauth-auth-code', idp_id: offer.idp_id, email: '', state: offer.state };
    await drive(name, post(auth, { ...body, code: name === 'oauth' ? code : wrong() }, cookie));
  }
  for (const name of ['saml', 'wrong saml']) {
    const { offer, cookie } = await discover('saml-post');
    const { entityId, acsUrl } = serviceProvider;
    const said = { subject: 'alice-1', audience: entityId, acsUrl, inResponseTo: String(offer.id) };
    const sign = name === 'saml' ? 'both' : 'none';
    const response = await saml.response({
      ...said,
      sign,
      attributes: { mail: user.email, phrase: wrong() },
    });
    secrets.add(response);
    await drive(name, post(auth, { method: 'saml-response', id: offer.id, response }, cookie));
  }
  const headers = await signed(Date.now());
  for (const name of ['authorization', 'x-amz-security-token']) secrets.add(String(headers[name]));
  const byAws = { method: 'aws-iam', acct_id: acme, region, headers };
  await drive('aws', post(auth, byAws));
  await drive('aws again', post(auth, byAws));
  await drive(
    'wrong aws',
    post(auth, { ...byAws, headers: { ...headers, authorization: bent(headers.authorization) } }),
  );

  await fetch(`${base}/devices`, { method: 'POST' });
  const pending = await drive('pending', post(auth, byPassword(user.password)));
  const own = bearer(pending.body.access_token ?? '');
  const factor = async (change: object) => {
    const assertion = await key.get(pending.body.fido2_assertion_options ?? ({} as never), change);
    secrets.add(assertion.response.signature);
    return assertion;
  };
  await drive('wrong key', post(`${auth}/2fa/fido2`, await factor({ signed: () => Buffer.from('x') }), own));
  await drive('wrong code', post(`${auth}/2fa/recovery_code`, { recovery_code: wrong() }, own));
  await drive('key', post(`${auth}/2fa/fido2`, await factor({}), own));
  await drive('wrong unlocking', post('/sys/v1/session/config_2fa/auth', { password: wrong() }, own));
  await drive('unlocking', post('/sys/v1/session/config_2fa/auth', { password: user.password }, own));
  const codes = await drive('codes', post('/sys/v1/users/generate_recovery_codes', undefined, own));
  for (const code of codes.body.recovery_codes ?? []) secrets.add(code);
  const again = await post(auth, byPassword(user.password));
  const owed = bearer(again.body.access_token ?? '');
  await drive(
    'code',
    post(`${auth}/2fa/recovery_code`, { recovery_code: codes.body.recovery_codes?.[0] }, owed),
  );

  for (const operation of ['users.findByEmail', 'apps.findById', 'devices.listByUser', 'users.findById']) {
    await post(`/fault?in=${operation}`);
    await drive(`${operation} throws`, post(auth, byPassword(user.password)));
    await drive(`${operation} throws for an app`, post(auth, undefined, basic(app.id, app.secret)));
    await drive(`${operation} throws behind the gate`, post('/sys/v1/session/refresh', undefined, owed));
  }
  await post('/fault?in=');
  peersAreUp = false;
  const fresh = { method: 'aws-iam', acct_id: acme, region, headers: await signed(Date.now() + 1000) };
  await drive('aws is down', post(auth, fresh));
  const { offer, cookie } = await discover('saml-post');
  await drive(
    'garbage of saml',
    post(auth, { method: 'saml-response', id: offer.id, response: wrong() }, cookie),
  );
  peersAreUp = true;

  for (let n = 0; n < 6; n += 1) await post(auth, byPassword(wrong()));
  await drive('locked', post(auth, byPassword(user.password)));
  await drive(
    'locked and a wrong captcha',
    post(auth, byPassword(user.password, { recaptcha_response: wrong() })),
  );
  await drive('locked and a captcha', post(auth, byPassword(user.password, { recaptcha_response: captcha })));
  await drive('terminated', post('/sys/v1/session/terminate', undefined, owed));
}

async function fetchRaw(body: string): Promise<Answer> {
  const answer = await fetch(base + auth, {
    method: 'POST',
    body,
    headers: { 'Content-Type': 'application/json' },
  });
  return { status: answer.status, body: await answer.json(), cookie: {} } as Answer;
}

describe('attacks by reading what is told', () => {
  it('LOG-01, LOG-02, LOG-04: no secret of any way in, whether it is let in or not, is in a log, an event, an error or a row', async () => {
    await driveEverything();
    const told = await (await fetch(`${base}/told`)).text();
    expect(namesBy(statuses)).toEqual(expected);
    await new Promise((resolve) => setTimeout(resolve, 200));

    expect(output.length).toBeGreaterThan(10_000);
    const { events, unforeseen } = JSON.parse(told);
    expect([events.length > 30, unforeseen, challenges.size]).toEqual([true, [], expect.any(Number)]);
    // An address that somebody typed is spelt in small letters from then on.
    const isIn = (text: string) => (each: string) => text.toLowerCase().includes(each.toLowerCase());
    const heard = JSON.stringify(events);
    const found = [
      ...[...secrets].filter(isIn(told)).map((each) => `told: ${each}`),
      ...[...challenges].filter(isIn(heard)).map((each) => `told: ${each}`),
      ...[...secrets, ...challenges].filter(isIn(output)).map((each) => `logged: ${each}`),
    ];
    expect(found).toEqual([]);
  }, 120_000);
});
