import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { deviceFromU2fRegistration, type NewMfaDevice } from '../../lib/index.js';
import { origin, type TestApp, testApp } from '../support/app.js';
import { startChromium } from '../support/chromium.js';
import { alice } from '../support/people.js';
import { rpId } from '../support/second-factor.js';
import { presentingAnswer } from '../support/sign-in.js';

// Keys of U2F that others have written: one that speaks U2F itself, and that of Chromium, which speaks it for a page.

const folder = mkdtempSync(join(tmpdir(), 'u2f-'));
const at = (file: string) => join(folder, file);
const appId = origin;
const relyingParty = { id: rpId, name: 'Example', origins: [origin], appId };
const u2f = '/sys/v1/session/auth/2fa/u2f';
const details = { name: 'old key', createdAt: 1_500_000_000_000 };

beforeAll(() => {
  const name = new URL(origin).hostname;
  const openssl = (...given: string[]) => execFileSync('openssl', given, { stdio: 'ignore' });
  openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', at('key'));
  const own = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`, '-days', '2'];
  openssl('req', '-x509', '-key', at('key'), ...own, '-out', at('certificate'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a key that speaks U2F, by Authen::U2F::Tester', () => {
  let key: ChildProcess;
  let answers: AsyncIterator<string>;

  beforeAll(() => {
    const script = join(import.meta.dirname, '../support/u2f-key.pl');
    key = spawn('perl', [script, at('key'), at('certificate')], { stdio: ['pipe', 'pipe', 'pipe'] });
    if (key.stdout === null) throw new Error('it has no output');
    answers = createInterface(key.stdout)[Symbol.asyncIterator]();
  });
  afterAll(() => void key.kill());

  async function ask(...command: string[]): Promise<Record<string, string>> {
    key.stdin?.write(`${JSON.stringify(command)}\n`);
    const { value, done } = await answers.next();
    if (done)
      throw new Error("These specs ask a U2F key in Perl: install Debian's libauthen-u2f-tester-perl.");
    return JSON.parse(value);
  }
  const registered = async () => {
    const { registrationData = '' } = await ask('register', appId, randomBytes(32).toString('base64url'));
    return deviceFromU2fRegistration(registrationData, details);
  };
  const withDevice = async (device: NewMfaDevice) => {
    const app = await testApp({ relyingParty, secondFactor: { legacyU2f: true } });
    expect(await app.repositories.devices.add(alice.id, device)).toBe(true);
    return app;
  };
  const owed = async (app: TestApp) => {
    const answer = await app.post('/sys/v1/session/auth', { method: 'password', ...alice });
    return { ...answer.body.challenge, headers: presentingAnswer(answer) };
  };

  it('is brought along by its registration, and signs in by what it signs, once and counted', async () => {
    const app = await withDevice(await registered());
    for (const counter of [1, 2]) {
      const { u2f_challenge: challenge, u2f_keys: keys, headers } = await owed(app);
      const answer = await ask('sign', appId, challenge, keys[0].keyHandle);
      expect((await app.post(u2f, answer, headers)).status).toBe(204);
      expect((await app.get('/me', headers)).body.session).toMatchObject({ secondFactor: true });
      expect((await app.post(u2f, answer, headers)).status).toBe(403);
      const [device] = await app.repositories.devices.listByUser(alice.id);
      expect(device).toMatchObject({ ...details, type: 'U2f', counter });
    }
  });

  it('is refused for another challenge, another AppID, and for the key of somebody else', async () => {
    const app = await withDevice(await registered());
    const { u2f_challenge: challenge, u2f_keys: keys, headers } = await owed(app);
    const { keyHandle } = keys[0];
    const other = await registered();
    const wrong = [
      await ask('sign', appId, randomBytes(32).toString('base64url'), keyHandle),
      await ask('sign', 'https://example.com', challenge, keyHandle),
      { ...(await ask('sign', appId, challenge, other.credentialId)), keyHandle },
    ];
    for (const answer of wrong) {
      const refused = await app.post(u2f, answer, headers);
      expect([refused.status, refused.body.code]).toEqual([401, 'invalid_credentials']);
    }
    expect((await app.post(u2f, await ask('sign', appId, challenge, keyHandle), headers)).status).toBe(204);
  });
});

describe("a key of U2F in Chromium, through WebAuthn's appid extension", () => {
  let browser: Browser;

  beforeAll(async () => {
    const { hostname } = new URL(origin);
    app = await testApp({ relyingParty });
    app.app.get('/page', (_request, response) => {
      response.type('html').send('<!doctype html><title>Sign in</title>');
    });
    server = https.createServer(
      { key: readFileSync(at('key')), cert: readFileSync(at('certificate')) },
      app.app,
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    browser = await startChromium([`--host-resolver-rules=MAP ${hostname}:443 127.0.0.1:${port}`]);
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });
  let app: TestApp;
  let server: https.Server;

  /** Puts a key into the browser that was registered for an AppID. */
  async function pageWithKey(registeredFor: string) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    const cdp = await context.newCDPSession(page);
    await cdp.send('WebAuthn.enable');
    const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: { protocol: 'u2f', transport: 'usb', automaticPresenceSimulation: true },
    });
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const credentialId = randomBytes(32);
    await cdp.send('WebAuthn.addCredential', {
      authenticatorId,
      credential: {
        credentialId: credentialId.toString('base64'),
        isResidentCredential: false,
        rpId: registeredFor,
        privateKey: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
        signCount: 41,
      },
    });
    await page.goto(`${origin}/page`);
    return { page, device: deviceOf(publicKey, credentialId) };
  }

  /** Signs alice in on a page by its scripts alone; what the page was answered last, and what the key said. */
  const signIn = (page: Awaited<ReturnType<typeof pageWithKey>>['page']) =>
    page.evaluate(
      async ({ email, password }) => {
        const send = (path: string, body: object, token?: string) =>
          fetch(`/sys/v1/session/auth${path}`, {
            method: 'POST',
            headers: {
              'Content-Type': 'application/json',
              ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
            },
            body: JSON.stringify(body),
          });
        const answer = await (await send('', { method: 'password', email, password })).json();
        const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(answer.fido2_assertion_options);
        try {
          const credential = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential;
          const json = credential.toJSON();
          const { status } = await send('/2fa/fido2', json, answer.access_token);
          return { status, results: json.clientExtensionResults, asked: publicKey.extensions?.appid };
        } catch (error) {
          return { status: null, error: (error as Error).name };
        }
      },
      { email: alice.email, password: alice.password },
    );

  it('signs in for the AppID, and its counter goes on', async () => {
    const { page, device } = await pageWithKey(appId);
    expect(await app.repositories.devices.add(alice.id, device)).toBe(true);
    expect(await signIn(page)).toEqual({ status: 204, results: { appid: true }, asked: appId });
    const { counter = 0 } = (await app.repositories.devices.findByCredentialId(device.credentialId)) ?? {};
    expect(counter).toBeGreaterThan(41);
    expect((await signIn(page)).status).toBe(204);
    await app.repositories.devices.remove(alice.id, device.name);
  });

  it('does not answer where it was registered for something else', async () => {
    const { page, device } = await pageWithKey('https://other.example.com');
    expect(await app.repositories.devices.add(alice.id, device)).toBe(true);
    expect(await signIn(page)).toEqual({ status: null, error: 'NotAllowedError' });
    await app.repositories.devices.remove(alice.id, device.name);
  });
});

/** The row of a key that was registered through U2F, as a host has kept it. */
function deviceOf(publicKey: KeyObject, credentialId: Buffer): NewMfaDevice {
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  return {
    ...{ ...details, type: 'U2f', credentialId: credentialId.toString('base64url'), publicKey: point },
    ...{ counter: 41, transports: ['usb'], backupEligible: false, backedUp: false, origin },
  };
}
