import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { access } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Browser, type CDPSession, chromium, type Page } from 'playwright-core';
import { startConsole, stopAll } from '../support/example.js';

const executablePath = '/usr/bin/chromium';
const quiet = ['gpu', 'quic', 'background-networking', 'component-update', 'sync'];
const alice = { name: 'alice', email: 'alice@example.com', password: 'correct horse battery staple' };

let browser: Browser;
let origin: string;
let page: Page;
let cdp: CDPSession;
/** What the page did that a page must not do. */
let complaints: string[];

beforeAll(async () => {
  await access(executablePath).catch(() => {
    throw new Error("These specs drive the console's page in a browser: install Debian's chromium.");
  });
  const args = ['--no-sandbox', '--no-first-run', ...quiet.map((name) => `--disable-${name}`)];
  browser = await chromium.launch({ executablePath, args });
});

// Each spec has a console of its own, since a key that was enrolled stays, and a browser that forgot everything.
beforeEach(async () => {
  ({ origin } = await startConsole());
  const context = await browser.newContext({ reducedMotion: 'reduce' });
  page = await context.newPage();
  page.setDefaultTimeout(10_000);
  complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  cdp = await context.newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  await page.goto(origin);
  await alive();
});

afterEach(async () => {
  await page?.context().close();
  await stopAll();
});

afterAll(() => browser?.close());

/** Kinds of security keys: those that verify their user, those that do not, and those of before FIDO2. */
const kinds = {
  'that verifies its user': { protocol: 'ctap2', hasUserVerification: true, isUserVerified: true },
  'that verifies nobody': { protocol: 'ctap2' },
  'of U2F': { protocol: 'u2f' },
} as const;

/** Plugs in a key, which is touched whenever it asks for it. */
async function plugIn(kind: keyof typeof kinds = 'that verifies nobody'): Promise<string> {
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: { ...kinds[kind], transport: 'usb', automaticPresenceSimulation: true },
  });
  return authenticatorId;
}

const unplug = (authenticatorId: string) =>
  cdp.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId });
/** What a key holds that was enrolled once, its private key included. */
async function secretOf(authenticatorId: string) {
  const { credentials } = await cdp.send('WebAuthn.getCredentials', { authenticatorId });
  const [credential] = credentials;
  if (credential === undefined) throw new Error('the key was not enrolled');
  return credential;
}

/** Another private key of the same kind, as a virtual key holds it. */
function anotherLike(privateKey: string): string {
  const key = Buffer.from(privateKey, 'base64');
  const { asymmetricKeyType } = createPrivateKey({ key, type: 'pkcs8', format: 'der' });
  const made =
    asymmetricKeyType === 'ed25519'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  expect(made.privateKey.asymmetricKeyType).toBe(asymmetricKeyType);
  return made.privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64');
}

const button = (name: string) => page.getByRole('button', { name, exact: true });
const panel = (name: string) => page.getByRole('region', { name, exact: true });
const inList = (name: string) => panel('Security keys').getByRole('listitem').filter({ hasText: name });
/** The page is alive when it offers whom to fill in. */
const alive = () => button(alice.name).waitFor();
const told = (text: string) => page.getByRole('status').filter({ hasText: text }).waitFor();

/** Waits until a field says that what was typed there is refused. */
const refusedAt = (id: string) => page.locator(`#${id}[aria-invalid="true"]`).waitFor();

/** The states that are lit, which is what the eye tells from all others. */
const litStates = `(() => {
  const nodes = [...document.querySelectorAll('#machine .node')];
  const fill = (node) => getComputedStyle(node.querySelector('rect')).fill;
  const isAlone = (node) => nodes.every((each) => each === node || fill(each) !== fill(node));
  return nodes.filter(isAlone).map((node) => node.textContent.trim());
})()`;

/** Waits until a state is reached, and sees that it is the one that is lit. */
async function lit(state: string): Promise<void> {
  await page.getByRole('img', { name: `The session's state: ${state}` }).waitFor();
  // Until its styles are there, a page has nothing that is lit.
  for (let wait = 0; wait < 100; wait += 1) {
    const states = await page.evaluate<string[]>(litStates);
    if (states.length > 0) return expect(states).toEqual([state]);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('no state is lit');
}

/** Waits for a step of the log: the newest of its title. */
const logged = (title: string) => page.locator('.step', { hasText: title }).first().waitFor();

/** Signs in with what the form offers, which is alice's password; the answer as it went over the wire. */
async function signIn(): Promise<Record<string, string>> {
  const answer = page.waitForResponse(`${origin}/sys/v1/session/auth`);
  await button('Sign in').click();
  return (await answer).json();
}

async function signOut(): Promise<void> {
  await button('Sign out').click();
  await lit('none');
}

async function unlock(): Promise<void> {
  await panel('Security keys').getByLabel('password').fill(alice.password);
  await button('Unlock').click();
  await button('Lock').waitFor();
}

async function enrol(name: string): Promise<void> {
  await unlock();
  await panel('Security keys').getByRole('textbox', { name: 'name', exact: true }).fill(name);
  await button('Add a security key').click();
  await inList(name).waitFor();
}

/** Signs in, enrols a key, and signs in again up to where the key is owed; what the second sign-in answered. */
async function oweKey(): Promise<Record<string, string>> {
  await signIn();
  await lit('active');
  await enrol('blue');
  await signOut();
  const answer = await signIn();
  await lit('pending');
  return answer;
}

/** Uses the key that is plugged in, and waits until the page has read what came of it. */
async function useKey(): Promise<void> {
  await button('Use security key').click();
  await lit('active');
  await logged('Read the new end');
}

/** Where the focus is: the name of it, what is wrong there, and whether an outline shows it. */
const focus = `(() => {
  const { activeElement: at } = document;
  const { outlineStyle, outlineWidth } = getComputedStyle(at.type === 'radio' ? at.nextElementSibling : at);
  const name = (at.labels?.[0] ?? at).textContent.trim();
  const error = document.getElementById(at.getAttribute('aria-describedby'))?.textContent ?? '';
  return { name, error, isSeen: at === document.body || (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2) };
})()`;

/** Presses Tab until the focus is on what has this name; at every stop on the way it can be seen. */
async function tabTo(name: string): Promise<void> {
  for (let presses = 0; presses < 40; presses += 1) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate<{ name: string; isSeen: boolean }>(focus);
    if (!at.isSeen) throw new Error(`nothing shows that the focus is on "${at.name}"`);
    if (at.name === name) return;
  }
  throw new Error(`Tab does not come to "${name}"`);
}

/** Goes to a field, and types over what is in it. */
async function typeInto(name: string, text: string): Promise<void> {
  await tabTo(name);
  await page.keyboard.type(text);
}

/** What reaches out of the card or the log that it is in, or makes the page scroll sideways. */
const strays = `[document.documentElement, ...document.querySelectorAll('.card *, .log *')]
  .filter((each) => {
    const room = each.closest('.card, .log')?.getBoundingClientRect().right ?? innerWidth;
    return Math.max(each.getBoundingClientRect().right, each.parentElement === null ? each.scrollWidth : 0) > room;
  })
  .map((each) => each.outerHTML.slice(0, 80))`;

/** What a route answers to somebody who shows this, beside the page: its status and its code. */
async function call(path: string, headers: Record<string, string>, method = 'GET'): Promise<string> {
  const answer = await fetch(`${origin}${path}`, { method, headers: { ...headers, Origin: origin } });
  if (answer.status < 400) return String(answer.status);
  const { code } = (await answer.json()) as { code: string };
  return `${answer.status} ${code}`;
}

describe("the console's page", () => {
  it('enrols a key, owes it at the next sign-in, and opens with it', async () => {
    await plugIn();
    await signIn();
    await lit('active');
    expect(await panel('Security keys').getByRole('listitem').count()).toBe(0);
    await enrol('blue');
    await signOut();
    expect(await panel('Security keys').isVisible()).toBe(false);

    const headers = { Authorization: `Bearer ${(await signIn()).access_token}` };
    await lit('pending');
    expect(await panel('Second factor').getByRole('listitem').allTextContents()).toEqual(['blue']);
    expect(await call('/api/whoami', headers)).toBe('401 second_factor_required');
    await page.getByRole('button', { name: 'GET /api/whoami' }).click();
    await told('401 second_factor_required');
    await lit('pending');

    await useKey();
    expect(await call('/api/whoami', headers)).toBe('200');
    await inList('last used').waitFor();
    expect(await panel('Second factor').isVisible()).toBe(false);
  });

  it.each(Object.keys(kinds) as (keyof typeof kinds)[])(
    'goes through the life of a key %s: enrolled, used, renamed, lost, and removed',
    async (kind) => {
      const authenticator = await plugIn(kind);
      const keys = panel('Security keys');
      await oweKey();
      await useKey();
      await unlock();
      await button('Rename blue').click();
      await page.getByLabel('New name of blue').fill('on my ring');
      await button('Save').click();
      await inList('on my ring').waitFor();
      await button('Make new recovery codes').click();
      const codes = page.locator('#code-list li');
      await codes.first().waitFor();
      const [code = '', ...more] = await codes.allTextContents();
      expect([more.length, code]).toEqual([9, expect.stringMatching(/^[\w-]{30}$/)]);
      await keys.getByText('10 left.').waitFor();
      await button('Lock').click();
      await button('Unlock').waitFor();
      expect(await codes.count()).toBe(0);
      await signOut();

      // The key is lost, and the code stands in for it.
      await unplug(authenticator);
      await signIn();
      await lit('pending');
      expect(await panel('Second factor').getByRole('listitem').allTextContents()).toEqual(['on my ring']);
      await page.getByRole('textbox', { name: 'recovery code' }).fill('no such code');
      await button('Use code').click();
      await told('401 invalid_credentials');
      await refusedAt('recovery-code');
      await page.getByRole('textbox', { name: 'recovery code' }).fill(code.toLowerCase());
      await button('Use code').click();
      await lit('active');
      await keys.getByText('9 left.').waitFor();

      await unlock();
      await button('Remove on my ring').click();
      await button('Really remove on my ring').click();
      await keys.getByText('No key is enrolled yet.').waitFor();
      await signOut();
      await signIn();
      await lit('active');
      expect(complaints.filter((each) => !each.includes('status of 401'))).toEqual([]);
    },
  );

  it('has whoever must have a second factor enrol one first, and prove it at once', async () => {
    await plugIn();
    await goThrough('Acme by SAML, and a key', 'alice@example.com');
    await lit('enrolling');
    await told('Signed in by saml-response.');
    await button('Enrol a security key').click();
    await refusedAt('first-key-name');
    await page.getByRole('button', { name: 'GET /api/whoami' }).click();
    await told('401 enrolment_required');
    await page.getByLabel('name of the key').fill('first');
    await button('Enrol a security key').click();
    await lit('pending');
    await useKey();
    await inList('first').waitFor();
    await signOut();
    await signIn();
    await lit('pending');
    expect(complaints.filter((each) => !each.includes('status of 401'))).toEqual([]);
  });

  /** Goes to one of the providers that the console brings along, says who it is there, and comes back. */
  const goThrough = async (provider: string, who: string) => {
    await page.getByRole('radio', { name: 'SSO' }).check();
    await button('Find ways to sign in').click();
    await page.getByRole('button', { name: new RegExp(`^Continue with ${provider} [a-z]`) }).click();
    await page.getByRole('heading', { name: provider, exact: true }).waitFor();
    await page.getByRole('button', { name: who }).click();
    await page.getByRole('heading', { name: 'Session' }).waitFor();
  };

  it.each([
    ['Acme by SAML', 'saml-response'],
    ['Acme by OpenID Connect', 'oauth-auth-code'],
  ])('signs a user in through %s, and nobody who is a stranger or gives up', async (provider, method) => {
    await goThrough(provider, 'alice@example.com');
    await lit('active');
    await told(`Signed in by ${method}.`);
    await logged('Read the new end');
    const [held, ...more] = (await page.context().cookies()).filter(({ name }) => name === 'session');
    expect(more).toEqual([]);
    const answer = await fetch(`${origin}/api/whoami`, { headers: { Cookie: `session=${held?.value}` } });
    expect(await answer.json()).toMatchObject({ name: alice.email, session: { method } });
    expect(page.url()).toBe(`${origin}/`);

    await page.reload();
    await lit('active');
    await signOut();
    await goThrough(provider, 'carol@example.com');
    await told('The identity provider’s word was not enough');
    await lit('none');
    await goThrough(provider, 'Cancel');
    await lit('none');
    expect(complaints.filter((each) => !each.includes('status of 401'))).toEqual([]);
  });

  it('needs no mouse to go to a provider either', async () => {
    await page.getByRole('radio', { name: 'Password' }).focus();
    for (let presses = 0; presses < 4; presses += 1) await page.keyboard.press('ArrowRight');
    await tabTo('Find ways to sign in');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: /Acme by SAML saml/ }).waitFor();
    expect(await page.evaluate(focus)).toMatchObject({ name: 'Ways to sign in', isSeen: true });
    await tabTo('Continue with Acme by SAML saml-post');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Acme by SAML', exact: true }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await lit('active');
  });

  it('takes no session from a link that somebody else has made', async () => {
    const answer = await fetch(`${origin}/sys/v1/session/auth`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        ...{ method: 'password', email: 'bob@example.com' },
        password: 'bob belongs to two accounts',
      }),
    });
    const theirs = Buffer.from(await answer.text()).toString('base64url');
    for (const fragment of [`session=${theirs}`, 'session=%%%', 'session=aGk', 'error=x']) {
      await page.goto('about:blank');
      await page.goto(`${origin}/#${fragment}`);
      await alive();
      await lit('none');
      expect(page.url()).toBe(`${origin}/`);
    }
    expect(complaints).toEqual([]);
  });

  it('signs a user in by the directory, and nobody by the password that is good here', async () => {
    await page.getByRole('radio', { name: 'SSO' }).check();
    await button('Find ways to sign in').click();
    await page.getByRole('button', { name: 'Continue with Acme’s directory' }).click();
    await panel('Session').getByRole('textbox', { name: 'password' }).fill(alice.password);
    await button('Sign in by the directory').click();
    await told('401 invalid_credentials');
    await button('alice').click();
    await button('Sign in by the directory').click();
    await lit('active');
    await logged('Sign in by ldap-basic-auth');
    await page.getByRole('button', { name: 'GET /api/whoami' }).click();
    await logged('Call with the session');
    await signOut();
    expect(complaints.filter((each) => !each.includes('status of 401'))).toEqual([]);
  });

  it('signs an app in by a key pair of AWS, and neither a stranger there nor a pair that is wrong', async () => {
    await page.getByRole('radio', { name: 'AWS' }).check();
    await page.getByRole('radio', { name: 'Cookie' }).check();
    await button('a stranger').click();
    await button('Sign in').click();
    await told('401 invalid_credentials');
    await button('robot').click();
    const secret = panel('Session').getByRole('textbox', { name: 'secret access key' });
    await secret.fill('');
    await button('Sign in').click();
    await told('400');
    await refusedAt('secretAccessKey');
    await secret.fill('another');
    await button('Sign in').click();
    await told('401 invalid_credentials');
    await lit('none');
    await button('robot').click();
    await button('Sign in').click();
    await lit('active');
    await logged('Sign for AWS');
    await logged('Sign in by aws-iam');
    await page.getByRole('button', { name: 'GET /api/robots-only' }).first().click();
    await logged('Call with the session');
    await signOut();
    expect(complaints.filter((each) => !/status of 40[01]/.test(each))).toEqual([]);
  });

  it('goes on with the password when that is chosen, and says what is wrong with an address', async () => {
    await page.getByRole('radio', { name: 'SSO' }).check();
    await page.getByLabel('email').fill('nobody');
    await button('Find ways to sign in').click();
    await told('400 malformed_request');
    expect(await page.getByLabel('email').getAttribute('aria-invalid')).toBe('true');
    await button('alice').click();
    await button('Find ways to sign in').click();
    await button('Password password').click();
    await signIn();
    await lit('active');
  });

  it('gives a cookie session another cookie with the second factor, and the old one is good for nothing', async () => {
    const cookie = async () => {
      const [held, ...more] = await page.context().cookies();
      expect(more).toEqual([]);
      return { Cookie: `${held?.name}=${held?.value}` };
    };
    await plugIn();
    await page.getByRole('radio', { name: 'Cookie' }).check();
    await oweKey();
    const pending = await cookie();
    expect(await call('/api/whoami', pending)).toBe('401 second_factor_required');

    await useKey();
    const active = await cookie();
    expect(active).not.toEqual(pending);
    expect(await call('/api/whoami', active)).toBe('200');
    expect(await call('/api/whoami', pending)).toBe('401 invalid_session');
    expect(await page.getByText('took a new session cookie').count()).toBe(1);
  });

  it('stays pending with a wrong key, and opens the same session with the right one', async () => {
    const genuine = await plugIn();
    const headers = { Authorization: `Bearer ${(await oweKey()).access_token}` };
    const credential = await secretOf(genuine);
    await unplug(genuine);

    const wrong = await plugIn();
    await cdp.send('WebAuthn.addCredential', {
      authenticatorId: wrong,
      credential: { ...credential, privateKey: anotherLike(credential.privateKey) },
    });
    await button('Use security key').click();
    await told('401 invalid_credentials');
    await lit('pending');
    expect(await call('/api/whoami', headers)).toBe('401 second_factor_required');
    expect(await call('/sys/v1/session/config_2fa/devices', headers)).toBe('401 second_factor_required');
    expect(await call('/sys/v1/session/refresh', headers, 'POST')).toBe('401 second_factor_required');
    await unplug(wrong);

    const again = await plugIn();
    await cdp.send('WebAuthn.addCredential', { authenticatorId: again, credential });
    await useKey();
    expect(await call('/api/whoami', headers)).toBe('200');
  });

  it('says in a sentence that no key came, and goes on', async () => {
    const key = await plugIn();
    await oweKey();
    const credential = await secretOf(key);
    await unplug(key);

    // Nothing is plugged in: the browser waits, until somebody gives up.
    await button('Use security key').click();
    await told('Insert your key');
    await button('Stop waiting').click();
    await told('The page no longer waits for a key.');

    // A key is plugged in, and it is none that was enrolled.
    const empty = await plugIn();
    await button('Use security key').click();
    await told('No key answered');
    await lit('pending');
    await cdp.send('WebAuthn.addCredential', { authenticatorId: empty, credential });
    await useKey();

    // The same when a key is to be enrolled, and signing out does not wait for it.
    await unplug(empty);
    await unlock();
    await panel('Security keys').getByRole('textbox', { name: 'name', exact: true }).fill('green');
    await button('Add a security key').click();
    await told('Insert your key');
    await button('Stop waiting').click();
    await told('The page no longer waits for a key.');
    await button('Add a security key').click();
    await told('Insert your key');
    await signOut();
    expect(complaints.filter((each) => !each.includes('status of 401'))).toEqual([]);
  });

  it('needs no mouse', async () => {
    await plugIn();
    const signInByKeyboard = async () => {
      await typeInto('email', alice.email);
      await typeInto('password', alice.password);
      await page.keyboard.press('Enter');
    };
    await signInByKeyboard();
    await lit('active');
    await logged('List the security keys');
    await typeInto('password', alice.password);
    await page.keyboard.press('Enter');
    await button('Lock').waitFor();
    // The field of the password is gone, and the next one has the focus.
    expect(await page.evaluate(focus)).toEqual({ name: 'name', error: '', isSeen: true });
    await page.keyboard.type('blue');
    await page.keyboard.press('Enter');
    await inList('blue').waitFor();
    await tabTo('Sign out');
    await page.keyboard.press('Enter');
    await lit('none');
    expect(await page.evaluate(focus)).toEqual({ name: 'Session', error: '', isSeen: true });

    await signInByKeyboard();
    await lit('pending');
    await tabTo('Use security key');
    await page.keyboard.press('Enter');
    await lit('active');
  });

  it('fits windows of 390 and of 1280 px, in light and in dark, and breaks no rule of its own', async () => {
    const paper = 'getComputedStyle(document.body).backgroundColor';
    const look = async () => {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        const parts = [...(await page.evaluate<string>(paper)).matchAll(/\d+/g)].map(Number);
        expect(Math.min(...parts) > 127 ? 'light' : 'dark').toBe(colorScheme);
        for (const width of [390, 1280]) {
          await page.setViewportSize({ width, height: 800 });
          expect({ width, colorScheme, strays: await page.evaluate(strays) }).toEqual({
            width,
            colorScheme,
            strays: [],
          });
        }
      }
    };
    await plugIn();
    await look();
    await page.getByRole('radio', { name: 'SSO' }).check();
    await button('Find ways to sign in').click();
    await page.getByRole('button', { name: /Acme by SAML saml/ }).waitFor();
    await look();
    await page.getByRole('radio', { name: 'Password' }).check();
    await signIn();
    await lit('active');
    await look();
    await enrol('W'.repeat(64));
    await look();
    await signOut();
    await signIn();
    await lit('pending');
    await look();
    await useKey();
    await look();
    expect(complaints).toEqual([]);
  });

  it('shows what is refused where it was typed, and the session lives on', async () => {
    const first = await plugIn();
    await signIn();
    await lit('active');
    const keys = panel('Security keys');
    await keys.getByLabel('password').fill('not hers');
    await button('Unlock').click();
    await told('401 invalid_credentials');
    expect(await page.evaluate(focus)).toMatchObject({
      name: 'password',
      error: 'This is not the password.',
    });
    await lit('active');
    await enrol('blue');

    // The same key again, and then another one by the same name.
    await keys.getByRole('textbox', { name: 'name', exact: true }).fill('green');
    await button('Add a security key').click();
    await told('This key is enrolled already.');
    await unplug(first);
    await plugIn();
    await keys.getByRole('textbox', { name: 'name', exact: true }).fill('blue');
    await button('Add a security key').click();
    await told('409 name_taken');
    expect(await page.evaluate(focus)).toMatchObject({ name: 'name', error: expect.stringMatching(/name/) });
    expect(await keys.getByRole('listitem').count()).toBe(1);
    await keys.getByRole('textbox', { name: 'name', exact: true }).fill('green');
    await button('Add a security key').click();
    await inList('green').waitFor();

    await button('Lock').click();
    await button('Unlock').waitFor();
    expect(await keys.getByText('locked', { exact: true }).isVisible()).toBe(true);
    await lit('active');
  });

  it('tells after a reload that the challenge is gone, and in an old browser that it knows no keys', async () => {
    await plugIn();
    await page.getByRole('radio', { name: 'Cookie' }).check();
    await oweKey();
    await page.reload();
    await lit('pending');
    await panel('Second factor').getByText('a reload forgot it').waitFor();
    expect(await button('Use security key').isDisabled()).toBe(true);

    await page.addInitScript('delete window.PublicKeyCredential');
    await page.reload();
    await lit('pending');
    await panel('Second factor').getByText('This browser offers no WebAuthn').waitFor();
    expect(await button('Use security key').isDisabled()).toBe(true);
    await signOut();
  });

  it('does all of it in a browser that knows keys and not their JSON', async () => {
    const forms = ['parseRequestOptionsFromJSON', 'parseCreationOptionsFromJSON', 'prototype.toJSON'];
    await page.addInitScript(forms.map((form) => `delete PublicKeyCredential.${form}`).join(';'));
    await page.reload();
    await alive();
    expect(await page.evaluate(`[${forms.map((form) => `PublicKeyCredential.${form}`)}].join()`)).toBe(',,');
    await plugIn();
    await oweKey();
    await useKey();
  });
});
